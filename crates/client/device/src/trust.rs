//! Whose servers are believed.

use crate::tls;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The CAs whose server certificates are believed. Cheap to clone: a fleet shares one.
#[derive(Clone)]
pub struct Trust {
    verifier: Arc<WebPkiServerVerifier>,
    source: Arc<str>,
}

/// Why CAs could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot use the CA certificates of {origin}: {cause}; `Trust::file` and `SSL_CERT_FILE` take a PEM file of them"
)]
pub struct TrustError {
    /// The file, or `the given text`.
    pub origin: String,
    /// Why, in a few words.
    pub cause: String,
}

/// Where systems keep the CAs they trust: Debian and Alpine, Fedora, openSUSE, macOS and BSD.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

impl Trust {
    /// The CAs in a PEM file: the one that `roadstead dev` prints.
    ///
    /// Errors: [`TrustError`].
    pub fn file(path: impl AsRef<Path>) -> Result<Self, TrustError> {
        let origin = path.as_ref().display().to_string();
        match std::fs::read(path) {
            Ok(pem) => Self::read(&pem, &origin),
            Err(error) => Err(TrustError { origin, cause: error.to_string() }),
        }
    }

    /// The CAs in a PEM text.
    ///
    /// Errors: [`TrustError`].
    pub fn pem(text: &str) -> Result<Self, TrustError> {
        Self::read(text.as_bytes(), "the given text")
    }

    /// The CAs of the file that `SSL_CERT_FILE` names, else those that this system trusts: what is used unless told otherwise.
    ///
    /// Errors: [`TrustError`].
    pub fn system() -> Result<Self, TrustError> {
        if let Some(file) = std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()) {
            return Self::file(PathBuf::from(file));
        }
        match SYSTEM_FILES.iter().find(|file| Path::new(file).exists()) {
            Some(file) => Self::file(file),
            None => {
                Err(TrustError { origin: "this system".to_owned(), cause: "it keeps none where others do".to_owned() })
            }
        }
    }

    pub(crate) fn verifier(&self) -> Arc<WebPkiServerVerifier> {
        Arc::clone(&self.verifier)
    }

    fn read(pem: &[u8], origin: &str) -> Result<Self, TrustError> {
        let fault = |cause: String| TrustError { origin: origin.to_owned(), cause };
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| fault(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(fault("there is no certificate in it".to_owned()));
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), tls::provider());
        let verifier = builder.build().map_err(|error| fault(error.to_string()))?;
        Ok(Self { verifier, source: origin.into() })
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust({})", self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_pki::{Authority, KeyKind, Validity};

    #[test]
    fn files_and_texts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let refused = |error: TrustError| error.to_string();
        assert!(Trust::file(&path).map_err(refused).unwrap_err().contains("No such file"));
        for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Trust::pem(text).map_err(refused).unwrap_err().contains("no certificate in it"), "{text}");
        }
        let validity = Validity { now_s: 1_800_000_000, lifetime_s: 3600 };
        let ca = Authority::root("ca", KeyKind::P256, validity).unwrap();
        std::fs::write(&path, ca.certificate().to_pem()).unwrap();
        assert_eq!(format!("{:?}", Trust::file(&path).unwrap()), format!("Trust({})", path.display()));
    }
}
