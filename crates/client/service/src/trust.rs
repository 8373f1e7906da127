//! Whose certificates are accepted.

use crate::error::ServiceError;
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whose certificates are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// No certificate at all: nobody is reached over TLS.
    Nobody,
    /// Those that lead to a CA in this file, PEM, and no others.
    File(PathBuf),
    /// Those that this machine trusts, and those in these files, PEM.
    Machine {
        /// Often empty.
        also: Vec<PathBuf>,
    },
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("no CA"),
            Self::File(path) => write!(f, "the CA in {}", path.display()),
            Self::Machine { also } => {
                f.write_str("the CAs of this machine")?;
                also.iter().try_for_each(|path| write!(f, " and those in {}", path.display()))
            }
        }
    }
}

impl Trust {
    /// Errors: [`ServiceError::CaFile`], [`ServiceError::NoTrust`].
    pub(crate) fn client_config(&self) -> Result<ClientConfig, ServiceError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| ServiceError::NoTrust { cause: error.to_string() })?;
        Ok(match self {
            Self::Nobody => builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
            Self::File(path) => {
                let mut roots = rustls::RootCertStore::empty();
                let (known, _) = roots.add_parsable_certificates(read(path)?);
                if known == 0 {
                    return Err(no_certificate(path));
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
            Self::Machine { also } => {
                let mut more = Vec::new();
                for path in also {
                    more.extend(read(path)?);
                }
                let verifier = Arc::new(machine(more, provider)?);
                builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
            }
        })
    }
}

fn machine(
    more: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<rustls_platform_verifier::Verifier, ServiceError> {
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(more, provider);
    verifier.map_err(|error| ServiceError::NoTrust { cause: error.to_string() })
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServiceError> {
    let fault = |cause: String| ServiceError::CaFile { path: path.to_owned(), cause };
    let pem = std::fs::read(path).map_err(|error| fault(crate::transport::io_cause(&error)))?;
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| fault(error.to_string()))?;
    if certificates.is_empty() { Err(no_certificate(path)) } else { Ok(certificates) }
}

fn no_certificate(path: &Path) -> ServiceError {
    ServiceError::CaFile { path: path.to_owned(), cause: "it has no certificate".to_owned() }
}

/// What rustls said, if it was rustls.
pub(crate) fn shown_tls(error: &rustls::Error) -> String {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "another CA issued it".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForNameContext { .. } | CertificateError::NotValidForName,
        ) => "it is for another name".to_owned(),
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "it has expired".to_owned()
        }
        Error::InvalidMessage(_) => "whoever answers does not speak TLS".to_owned(),
        other => other.to_string(),
    }
}

/// An error of connecting to `origin`, as rustls or the system had it.
pub(crate) fn connect_fault(origin: &str, error: &io::Error, trust: &Trust) -> ServiceError {
    let origin = origin.to_owned();
    match crate::transport::tls_cause(error) {
        Some(cause) => ServiceError::Untrusted { origin, cause, trust: trust.clone() },
        None => ServiceError::Unreachable { origin, cause: crate::transport::io_cause(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_no_trust() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        for trust in [Trust::File(path.clone()), Trust::Machine { also: vec![path.clone()] }] {
            let cause = || match trust.client_config() {
                Err(ServiceError::CaFile { cause, .. }) => cause,
                other => panic!("{other:?}"),
            };
            let _ = std::fs::remove_file(&path);
            assert_eq!(cause(), "there is no such file");
            std::fs::write(&path, "no certificate").unwrap();
            assert_eq!(cause(), "it has no certificate");
        }
    }
}
