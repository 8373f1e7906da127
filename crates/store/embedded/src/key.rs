//! The key under which secrets are sealed, in a file beside the database: back it up apart from it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use roadstead_model::Random;
use roadstead_store::SealKey;
use zeroize::Zeroizing;

use crate::{
    directory::{DataDirectory, private_options},
    error::OpenError,
    records,
};

const FILE: &str = "secrets.key";

impl DataDirectory {
    /// The key in the directory's `secrets.key`, made (mode 0600) when there is neither a key nor a database.
    /// Errors: `KeyMissing` when there is a database that needs one; `KeyMalformed`; `Io`.
    pub fn seal_key(&self, random: &dyn Random) -> Result<SealKey, OpenError> {
        let path = self.path().join(FILE);
        match fs::read(&path).map(Zeroizing::new) {
            Ok(content) => SealKey::parse(&content).ok_or(OpenError::KeyMalformed { key: path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let database = self.path().join(records::FILE);
                if fs::metadata(&database).is_ok_and(|found| found.len() > 0) {
                    return Err(OpenError::KeyMissing { key: path, database });
                }
                let key = SealKey::fresh(random);
                write_durably(&path, key.to_text().expose()).map_err(|source| OpenError::Io { path, source })?;
                Ok(key)
            }
            Err(source) => Err(OpenError::Io { path, source }),
        }
    }
}

/// Under its name there is never a part of the key, whenever the power goes.
fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("key.new");
    let mut file = private_options().write(true).create(true).truncate(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_store::suite::samples::Pattern;

    #[test]
    fn made_once_then_read_and_never_replaced() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(temporary.path()).unwrap();
        let path = directory.path().join(FILE);
        let key = directory.seal_key(&Pattern).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), key.to_text().expose());
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).unwrap()) & 0o777, 0o600);

        fs::write(&path, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        assert_ne!(directory.seal_key(&Pattern).unwrap(), key);

        fs::write(&path, "short").unwrap();
        assert!(matches!(directory.seal_key(&Pattern), Err(OpenError::KeyMalformed { .. })));
        fs::remove_file(&path).unwrap();
        fs::write(directory.path().join(records::FILE), "data").unwrap();
        assert!(matches!(directory.seal_key(&Pattern), Err(OpenError::KeyMissing { .. })));
    }
}
