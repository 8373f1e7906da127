//! What TLS demands of a client certificate: nothing but its key.

use std::fmt;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use webpki::RawPublicKeyEntity;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::limits::{CLIENT_CERTIFICATES_BYTES_MAX, CLIENT_CERTIFICATES_MAX};

/// Asks for a certificate, lets clients in without one, and checks of one only that the client holds its key.
///
/// The key is taken out of the certificate here and not by webpki, which refuses X.509 version 1: `openssl x509 -req`
/// makes such certificates, and devices have them. Measured: `reference/dependencies.md` 1
pub struct ClientCertificates {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertificates {
    /// A verifier for keys of these kinds.
    pub fn new(algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { algorithms }
    }
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificates")
    }
}

impl ClientCertVerifier for ClientCertificates {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Empty: JSSE, SChannel and .NET send only certificates of issuers named here.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let bytes = end_entity.len() + intermediates.iter().map(|certificate| certificate.len()).sum::<usize>();
        if intermediates.len() >= CLIENT_CERTIFICATES_MAX || bytes > CLIENT_CERTIFICATES_BYTES_MAX {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = public_key(certificate)?;
        let key = RawPublicKeyEntity::try_from(&spki).map_err(|_| CertificateError::BadEncoding)?;
        let candidates = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        // A TLS 1.2 scheme leaves the curve open, so there may be several algorithms to try.
        let (_, candidates) = candidates.ok_or(CertificateError::BadSignature)?;
        let valid =
            candidates.iter().any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok());
        if valid { Ok(HandshakeSignatureValid::assertion()) } else { Err(CertificateError::BadSignature.into()) }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn public_key<'a>(certificate: &'a CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'a>, Error> {
    match X509Certificate::from_der(certificate) {
        Ok(([], certificate)) => Ok(SubjectPublicKeyInfoDer::from(certificate.tbs_certificate.subject_pki.raw)),
        _ => Err(CertificateError::BadEncoding.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(count: usize, bytes: usize) -> Result<ClientCertVerified, Error> {
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        let certificates = vec![CertificateDer::from(vec![0; bytes]); count];
        let (leaf, others) = certificates.split_first().unwrap();
        ClientCertificates::new(algorithms).verify_client_cert(
            leaf,
            others,
            UnixTime::since_unix_epoch(std::time::Duration::ZERO),
        )
    }

    #[test]
    fn what_is_sent_is_bounded() {
        assert!(verify(1, 10).is_ok());
        assert!(verify(CLIENT_CERTIFICATES_MAX, 2048).is_ok());
        for (count, bytes) in [
            (CLIENT_CERTIFICATES_MAX + 1, 10),
            (1, CLIENT_CERTIFICATES_BYTES_MAX + 1),
            (2, CLIENT_CERTIFICATES_BYTES_MAX / 2 + 1),
        ] {
            let refused: Error = CertificateError::ApplicationVerificationFailure.into();
            assert_eq!(verify(count, bytes).err(), Some(refused), "{count} of {bytes}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_key() {
        let bad: Error = CertificateError::BadEncoding.into();
        for der in [&b""[..], b"\x30", b"\x30\x00", b"text"] {
            assert_eq!(public_key(&CertificateDer::from(der)).err(), Some(bad.clone()), "{der:?}");
        }
    }
}
