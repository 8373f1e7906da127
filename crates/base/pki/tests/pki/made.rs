//! Certificates with any extension set at will.

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use roadstead_pki::{Certificate, Registered};
use std::sync::{Arc, OnceLock};
use x509_parser::time::ASN1Time;

/// The instant of every test that asks for none: 2026-11-21.
pub const NOW_S: i64 = 1_795_219_200;
pub const DAY_S: i64 = 86_400;

/// A certificate with its key.
pub struct Made {
    params: CertificateParams,
    key: Arc<KeyPair>,
    pub der: Vec<u8>,
}

pub fn key() -> Arc<KeyPair> {
    Arc::new(KeyPair::generate().unwrap())
}

pub fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// A device's parameters: a name, a year around [`NOW_S`], no extension.
pub fn device(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(common_name);
    dated(params, -DAY_S, 365 * DAY_S)
}

/// A CA's parameters: as [`device`], with `CA:TRUE`.
pub fn ca(common_name: &str) -> CertificateParams {
    let mut params = device(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// The same with other dates, in seconds from [`NOW_S`].
pub fn dated(mut params: CertificateParams, from_s: i64, to_s: i64) -> CertificateParams {
    params.not_before = ASN1Time::from_timestamp(NOW_S + from_s).unwrap().to_datetime();
    params.not_after = ASN1Time::from_timestamp(NOW_S + to_s).unwrap().to_datetime();
    params
}

pub fn with(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    change(&mut params);
    params
}

impl Made {
    pub fn root(params: CertificateParams) -> Self {
        Self::root_with(params, key())
    }

    pub fn root_with(params: CertificateParams, key: Arc<KeyPair>) -> Self {
        let der = params.self_signed(&*key).unwrap().der().to_vec();
        Self { params, key, der }
    }

    pub fn sign(&self, params: CertificateParams) -> Self {
        self.sign_with(params, key())
    }

    /// Signs without asking whether it may.
    pub fn sign_with(&self, params: CertificateParams, key: Arc<KeyPair>) -> Self {
        let issuer = Issuer::from_params(&self.params, &*self.key);
        let der = params.signed_by(&*key, &issuer).unwrap().der().to_vec();
        Self { params, key, der }
    }

    pub fn key(&self) -> Arc<KeyPair> {
        Arc::clone(&self.key)
    }

    pub fn certificate(&self) -> Arc<Certificate> {
        Arc::new(Certificate::from_der(&self.der).unwrap())
    }
}

pub fn ders(made: &[&Made]) -> Vec<Vec<u8>> {
    made.iter().map(|made| made.der.clone()).collect()
}

/// Registered certificates: verified CAs, group signing certificates, unverified CAs.
pub fn registered(anchors: &[&Made], signers: &[&Made], unverified: &[&Made]) -> Registered {
    let all = |made: &[&Made]| made.iter().map(|made| made.certificate()).collect::<Vec<_>>();
    Registered::new(all(anchors), all(signers), all(unverified))
}

pub fn names(path: &roadstead_pki::Path) -> Vec<String> {
    path.certificates().iter().map(|certificate| certificate.shown_name()).collect()
}

/// An RSA key for the tests that only need to have one.
pub fn rsa_key() -> Arc<KeyPair> {
    static KEY: OnceLock<Arc<KeyPair>> = OnceLock::new();
    KEY.get_or_init(|| Arc::new(KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap())).clone()
}
