//! The certificate files that an administrator gave, read and examined.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use roadstead_front_transport::certified_key;
use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

/// A chain, leaf first, with the leaf's key. Both files are PEM.
///
/// Errors: a file that cannot be read or holds something else, a key of another certificate.
pub(crate) fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| format!("cannot read certificates from {}", certificate.display()))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read a private key from {}", key.display()))?;
    certified_key(chain, private)
        .with_context(|| format!("{} is not the key of {}", key.display(), certificate.display()))
}

/// Those of `names` (host names and addresses) that the certificate does not hold for.
///
/// Errors: files that a server could not start with.
pub fn find_uncovered<'a>(
    certificate: &Path,
    key: &Path,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<&'a str>> {
    let read = read(certificate, key)?;
    let leaf = read.end_entity_cert().with_context(|| format!("{} holds no certificate", certificate.display()))?;
    let leaf = ParsedCertificate::try_from(leaf)
        .with_context(|| format!("{} cannot be used for TLS", certificate.display()))?;
    let holds = |name: &str| ServerName::try_from(name).is_ok_and(|name| verify_server_name(&leaf, &name).is_ok());
    Ok(names.into_iter().filter(|name| !holds(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_pki::{Authority, KeyKind, Validity};
    use std::fs;

    /// Certificate and key, PEM.
    fn issue(names: &[String]) -> (String, String) {
        let validity = Validity { now_s: 1_795_291_370, lifetime_s: 86_400 };
        let authority = Authority::root("A CA", KeyKind::P256, validity).unwrap();
        let issued = authority.server(names, KeyKind::P256, validity).unwrap();
        (issued.certificate.to_pem(), issued.key_pem.to_string())
    }

    #[test]
    fn names_that_a_certificate_lacks_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key, other] = ["a.pem", "a.key", "other.key"].map(|name| folder.path().join(name));
        let names = ["plant.example".to_owned(), "*.plant.example".to_owned(), "192.0.2.7".to_owned()];
        let (certificate_pem, key_pem) = issue(&names);
        fs::write(&certificate, certificate_pem).unwrap();
        fs::write(&key, key_pem).unwrap();
        fs::write(&other, issue(&names).1).unwrap();
        let asked = ["plant.example", "hub.plant.example", "192.0.2.7", "example", "192.0.2.8", "a.b.plant.example"];
        let uncovered = find_uncovered(&certificate, &key, asked).unwrap();
        assert_eq!(uncovered, ["example", "192.0.2.8", "a.b.plant.example"]);
        for (certificate, key, fault) in [
            (&certificate, &other, "is not the key of"),
            (&certificate, &certificate, "cannot read a private key"),
            (&folder.path().join("absent"), &key, "cannot read certificates"),
        ] {
            let error = find_uncovered(certificate, key, asked).unwrap_err();
            assert!(format!("{error:#}").contains(fault), "{error:#}");
        }
    }
}
