//! The simulator's own CA, kept between runs so that one enrollment group serves them all.

use crate::clock::unix_now_s;
use crate::limits::CA_LIFETIME_S;
use roadstead_pki::{Authority, IssueError, KeyKind, Validity};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// File of the CA's certificate.
pub const CERTIFICATE_FILE: &str = "simulator-ca.pem";

/// File of the CA's key, readable by its owner only.
pub const KEY_FILE: &str = "simulator-ca.key.pem";

/// Why there is no CA to sign with.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `read`, `write` or `create`
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The files are there and are no CA.
    #[error("{} and {KEY_FILE} beside it are no CA ({source}); delete both to have a new one made", path.display())]
    NoCa {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        source: IssueError,
    },
    /// It has expired.
    #[error("the simulator's CA in {} has expired; delete it and {KEY_FILE} beside it to have a new one made", path.display())]
    Expired {
        /// The certificate's file.
        path: PathBuf,
    },
    /// A new CA could not be made.
    #[error("cannot make a CA for the simulator: {0}")]
    Issue(#[from] IssueError),
}

/// The simulator's CA in `folder`: read, or made (P-256, ten years) when neither file is there. Its certificate
/// (`authority.certificate().to_pem()`) is what an enrollment group must know.
///
/// Errors: [`AuthorityError`].
pub fn open_authority(folder: &Path) -> Result<Authority, AuthorityError> {
    let (path, key_path) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
    match (read(&path)?, read(&key_path)?) {
        (Some(certificate), Some(key)) => {
            let authority = Authority::from_pem(&certificate, &key)
                .map_err(|source| AuthorityError::NoCa { path: path.clone(), source })?;
            let is_expired = authority.certificate().not_after_s() <= unix_now_s();
            if is_expired { Err(AuthorityError::Expired { path }) } else { Ok(authority) }
        }
        (Some(_), None) => Err(fault("read", &key_path)(ErrorKind::NotFound.into())),
        // A key alone was written and its certificate not: nobody knows it yet.
        (None, _) => {
            let validity = Validity { now_s: unix_now_s(), lifetime_s: CA_LIFETIME_S };
            let authority = Authority::root("Roadstead simulator CA", KeyKind::P256, validity)?;
            std::fs::create_dir_all(folder).map_err(fault("create", folder))?;
            write(&key_path, authority.key_pem().as_bytes())?;
            write(&path, authority.certificate().to_pem().as_bytes())?;
            Ok(authority)
        }
    }
}

fn read(path: &Path) -> Result<Option<String>, AuthorityError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault("read", path)(error)),
    }
}

fn write(path: &Path, text: &[u8]) -> Result<(), AuthorityError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text));
    written.map_err(fault("write", path))
}

fn fault(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> AuthorityError {
    let path = path.to_owned();
    move |source| AuthorityError::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let made = open_authority(&folder).unwrap();
        let read = open_authority(&folder).unwrap();
        assert_eq!(made.certificate().der(), read.certificate().der());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.join(KEY_FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::remove_file(folder.join(CERTIFICATE_FILE)).unwrap();
        let again = open_authority(&folder).unwrap();
        assert_ne!(made.certificate().der(), again.certificate().der());
    }

    #[test]
    fn refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let refused = || open_authority(folder).unwrap_err().to_string();
        std::fs::write(folder.join(CERTIFICATE_FILE), "no certificate").unwrap();
        assert!(refused().contains(KEY_FILE), "{}", refused());
        std::fs::write(folder.join(KEY_FILE), "no key").unwrap();
        assert!(refused().contains("delete both"), "{}", refused());
        let long_ago = Validity { now_s: 1_000_000_000, lifetime_s: 3600 };
        let old = Authority::root("old", KeyKind::P256, long_ago).unwrap();
        std::fs::write(folder.join(CERTIFICATE_FILE), old.certificate().to_pem()).unwrap();
        std::fs::write(folder.join(KEY_FILE), old.key_pem().as_bytes()).unwrap();
        assert!(refused().contains("expired"), "{}", refused());
        std::fs::remove_file(folder.join(KEY_FILE)).unwrap();
        std::fs::create_dir(folder.join(KEY_FILE)).unwrap();
        assert!(refused().starts_with("cannot read"), "{}", refused());
    }
}
