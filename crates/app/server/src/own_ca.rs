//! Roadstead's own CA: made once for a data directory, it signs the server's certificates when no files are given.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use roadstead_config::private_file;
use roadstead_model::UnixMillis;
use roadstead_pki::{Authority, KeyKind, Validity};
use rustls::{
    crypto::aws_lc_rs::sign::any_supported_type, pki_types::PrivateKeyDer, pki_types::pem::PemObject,
    sign::CertifiedKey,
};

const DAY_S: i64 = 24 * 60 * 60;
/// Ten years: devices in the field trust it, and changing it means touching each of them.
const CA_LIFETIME_S: i64 = 3650 * DAY_S;
/// What browsers and Apple's TLS accept at most. The server makes new ones at every start and every [`RENEWAL_S`].
const SERVER_LIFETIME_S: i64 = 397 * DAY_S;
/// How often a running server issues its certificates anew.
pub const RENEWAL_S: i64 = 30 * DAY_S;

/// The CA of one data directory.
#[derive(Debug)]
pub struct OwnCa {
    authority: Authority,
    pem_file: PathBuf,
}

impl OwnCa {
    /// Reads `ca.pem` and `ca.key` in `dir`, or makes the directory with both.
    pub fn open(dir: PathBuf, now: UnixMillis) -> Result<Self> {
        if !dir.exists() {
            create(&dir, now).with_context(|| format!("cannot make the CA in {}", dir.display()))?;
        }
        let (pem_file, key_file) = (dir.join("ca.pem"), dir.join("ca.key"));
        let authority = match (std::fs::read_to_string(&pem_file), std::fs::read_to_string(&key_file)) {
            (Ok(pem), Ok(key)) => Authority::from_pem(&pem, &key).with_context(|| {
                format!("{} and {} are not a CA and its key", pem_file.display(), key_file.display())
            })?,
            (pem, key) => {
                let error = pem.err().or(key.err()).unwrap_or_else(|| io::ErrorKind::Other.into());
                return Err(error).with_context(|| {
                    format!("the CA in {} is not whole: both ca.pem and ca.key must be readable", dir.display())
                });
            }
        };
        Ok(Self { authority, pem_file })
    }

    /// Where clients find the certificate to trust.
    pub fn pem_file(&self) -> &PathBuf {
        &self.pem_file
    }

    /// A fresh key and certificate for these names and addresses.
    pub fn server_key(&self, names: &[String], now: UnixMillis) -> Result<Arc<CertifiedKey>> {
        let validity = Validity { now_s: now.seconds().0, lifetime_s: SERVER_LIFETIME_S };
        let issued = self.authority.server(names, KeyKind::P256, validity)?;
        let key = any_supported_type(&PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes())?)?;
        let chain =
            [&issued.certificate, &**self.authority.certificate()].map(|certificate| certificate.der().to_vec().into());
        Ok(Arc::new(CertifiedKey::new(chain.into(), key)))
    }
}

/// The directory appears whole or not at all, whenever the process is killed: a key without its certificate would be a CA
/// that nobody can trust.
fn create(dir: &Path, now: UnixMillis) -> Result<()> {
    let draft = dir.with_extension("new");
    match std::fs::remove_dir_all(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => private_file::create_dir(&draft)?,
    }
    let validity = Validity { now_s: now.seconds().0, lifetime_s: CA_LIFETIME_S };
    let authority = Authority::root(&format!("Roadstead CA {:08x}", now.seconds().0), KeyKind::P256, validity)?;
    private_file::replace(&draft.join("ca.key"), authority.key_pem().as_bytes())?;
    private_file::replace_public(&draft.join("ca.pem"), authority.certificate().to_pem().as_bytes())?;
    Ok(std::fs::rename(&draft, dir)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_291_370_516);

    #[test]
    fn the_same_directory_keeps_its_ca() {
        let dir = tempfile::tempdir().unwrap();
        let first = OwnCa::open(dir.path().join("tls"), NOW).unwrap();
        let again = OwnCa::open(dir.path().join("tls"), NOW).unwrap();
        assert_eq!(first.authority.certificate().der(), again.authority.certificate().der());
        let names = ["plant.localhost".to_owned(), "127.0.0.1".to_owned()];
        assert_eq!(again.server_key(&names, NOW).unwrap().cert.len(), 2);
    }

    #[test]
    fn a_start_that_was_killed_leaves_nothing_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("tls.new")).unwrap();
        std::fs::write(dir.path().join("tls.new/ca.key"), "half").unwrap();
        OwnCa::open(dir.path().join("tls"), NOW).unwrap();
        assert!(!dir.path().join("tls.new").exists());
    }

    #[test]
    fn a_ca_without_its_key_is_refused_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        OwnCa::open(dir.path().join("tls"), NOW).unwrap();
        std::fs::remove_file(dir.path().join("tls/ca.key")).unwrap();
        let error = OwnCa::open(dir.path().join("tls"), NOW).unwrap_err();
        assert!(format!("{error:#}").contains("both ca.pem and ca.key"), "{error:#}");
    }
}
