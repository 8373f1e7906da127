//! What a device proves itself with.

use roadstead_pki::Certificate;
use roadstead_sas::{KeyError, SasKey, derive_device_key};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::tls;

/// What a device proves itself with, to DPS and to its hub alike. `Debug` shows no key.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// The device's own symmetric key; tokens are signed with it. Made with [`Credentials::symmetric_key`] or, from the key
    /// of an enrollment group, with [`Credentials::group_key`].
    SymmetricKey(SasKey),
    /// A certificate and its private key. Made with [`Credentials::x509_pem`] or [`Credentials::x509_files`].
    X509(Identity),
}

/// A certificate chain and its private key, read and known to belong together. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    key: Arc<CertifiedKey>,
}

/// Why texts or files are no credentials. Never carries a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Not a symmetric key as Azure prints it.
    #[error(
        "{0}; a symmetric key is the base64 text that the enrollment or the device shows as primary or secondary key"
    )]
    SymmetricKey(#[from] KeyError),
    /// No certificate where one must be.
    #[error("there is no PEM certificate in the chain; it begins with the device's own certificate")]
    NoCertificate,
    /// No private key that can be used.
    #[error("the private key cannot be used: {cause}; it must be an unencrypted PEM key (PKCS#8, EC or RSA)")]
    PrivateKey {
        /// Why, in a few words.
        cause: String,
    },
    /// The key is another certificate's.
    #[error(
        "the private key does not belong to the certificate `{certificate}`; the device's own certificate must come first in the chain"
    )]
    Mismatch {
        /// Common name of the chain's first certificate: `thermo-7`
        certificate: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why, in a few words.
        cause: String,
    },
}

impl Credentials {
    /// The device's own key, in base64.
    ///
    /// Errors: [`CredentialsError::SymmetricKey`].
    pub fn symmetric_key(base64: &str) -> Result<Self, CredentialsError> {
        Ok(Self::SymmetricKey(SasKey::from_base64(base64)?))
    }

    /// The device's own key, derived from the key of its enrollment group (base64) and its registration id. Better derive it
    /// once where the group's key is kept, and give a device nothing but its own.
    ///
    /// Errors: [`CredentialsError::SymmetricKey`]. Source: `reference/dps.md` 2.2
    pub fn group_key(base64: &str, registration_id: &str) -> Result<Self, CredentialsError> {
        Ok(Self::SymmetricKey(derive_device_key(&SasKey::from_base64(base64)?, registration_id)))
    }

    /// A certificate chain, the device's own certificate first, and its private key, all in PEM.
    ///
    /// Errors: [`CredentialsError`].
    pub fn x509_pem(chain: &str, key: &str) -> Result<Self, CredentialsError> {
        Identity::read(chain.as_bytes(), key.as_bytes()).map(Self::X509)
    }

    /// As [`Credentials::x509_pem`], from files.
    ///
    /// Errors: [`CredentialsError`].
    pub fn x509_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let read = |path: &Path| {
            let fault =
                |error: std::io::Error| CredentialsError::File { path: path.to_owned(), cause: error.to_string() };
            std::fs::read(path).map_err(fault)
        };
        Identity::read(&read(chain.as_ref())?, &read(key.as_ref())?).map(Self::X509)
    }
}

impl Identity {
    pub(crate) fn certified_key(&self) -> CertifiedKey {
        self.key.as_ref().clone()
    }

    fn read(chain: &[u8], key: &[u8]) -> Result<Self, CredentialsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| CredentialsError::NoCertificate)?;
        let leaf = chain.first().ok_or(CredentialsError::NoCertificate)?;
        let fault = |cause: String| CredentialsError::PrivateKey { cause };
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| fault(error.to_string()))?;
        let key = tls::provider().key_provider.load_private_key(key).map_err(|error| fault(error.to_string()))?;
        // A certificate too odd for our reader is the server's to judge.
        if let (Ok(certificate), Some(public)) = (Certificate::from_der(leaf), key.public_key())
            && certificate.key_info_der() != public.as_ref()
        {
            return Err(CredentialsError::Mismatch { certificate: certificate.shown_name() });
        }
        Ok(Self { key: Arc::new(CertifiedKey::new(chain, key)) })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaf = self.key.cert.first().and_then(|leaf| Certificate::from_der(leaf).ok());
        write!(f, "Identity({})", leaf.map_or_else(|| "?".to_owned(), |leaf| leaf.shown_name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_pki::{Authority, Credential, KeyKind, Validity};

    fn device(authority: &Authority, name: &str) -> Credential {
        authority.device(name, KeyKind::P256, Validity { now_s: 1_800_000_000, lifetime_s: 60 }).unwrap()
    }

    #[test]
    fn keys_as_azure_prints_them() {
        let group = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
        let Credentials::SymmetricKey(key) = Credentials::group_key(group, "dev-01").unwrap() else { panic!() };
        assert_eq!(*key.to_base64(), "UwwVfsD5lA+qU/1oNyCqDCDeShqtT/bvsaUt7i0bKJE=");
        for (text, error) in [("?", KeyError::NotBase64), ("AAAA", KeyError::Length { bytes: 3 })] {
            assert_eq!(Credentials::symmetric_key(text).unwrap_err(), error.into());
        }
        let credentials = Credentials::symmetric_key(group).unwrap();
        assert_eq!(format!("{credentials:?}"), "SymmetricKey(SasKey(64 bytes))");
    }

    #[test]
    fn certificates_and_their_keys() {
        let validity = Validity { now_s: 1_800_000_000, lifetime_s: 3600 };
        let ca = Authority::root("ca", KeyKind::P256, validity).unwrap();
        let (one, two) = (device(&ca, "one"), device(&ca, "two"));
        let pem = one.certificate.to_pem();
        let chain = format!("{pem}{}", ca.certificate().to_pem());
        let credentials = Credentials::x509_pem(&chain, &one.key_pem).unwrap();
        assert_eq!(format!("{credentials:?}"), "X509(Identity(one))");
        let refused = |chain: &str, key: &str| Credentials::x509_pem(chain, key).unwrap_err();
        assert_eq!(refused(&pem, &two.key_pem), CredentialsError::Mismatch { certificate: "one".to_owned() });
        assert_eq!(refused("", &one.key_pem), CredentialsError::NoCertificate);
        assert_eq!(refused(&one.key_pem, &one.key_pem), CredentialsError::NoCertificate);
        for key in ["", &pem, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert!(matches!(refused(&pem, key), CredentialsError::PrivateKey { .. }), "{key}");
        }
        assert!(matches!(Credentials::x509_files("/no/such", "/no/such"), Err(CredentialsError::File { .. })));
    }
}
