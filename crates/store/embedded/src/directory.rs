//! The data directory: one process at a time, nobody else's eyes.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::error::OpenError;

/// A data directory that this process holds, until the last clone of the `Arc` is dropped or the process ends, however it
/// ends.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    lock: File,
}

impl DataDirectory {
    /// Takes `path` for this process, making it (mode 0700) when it is not there.
    /// Errors: `Locked` when another process, or another part of this one, holds it; `Io`.
    pub fn open(path: &Path) -> Result<Arc<Self>, OpenError> {
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        private_builder().create(path).map_err(io)?;
        let path = fs::canonicalize(path).map_err(io)?;
        let lock = lock(&path)?;
        Ok(Arc::new(Self { path, lock }))
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the database, what was written to it last included.
    pub fn database_bytes(&self) -> u64 {
        let bytes = |ending: &str| {
            let path = self.path.join(format!("{}{ending}", crate::records::FILE));
            fs::metadata(path).map_or(0, |found| found.len())
        };
        ["", "-wal", "-shm"].into_iter().map(bytes).sum()
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        // Closing alone would leave the lock to a child process that is just being started.
        let _ = self.lock.unlock();
    }
}

/// The lock is the kernel's, on the file `lock`; the process id inside is for the other's error message only.
fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join("lock");
    let io = |source| OpenError::Io { path: path.clone(), source };
    let mut file = private_options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(io)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Whoever cannot read the process id does without it.
            let _ = file.take(16).read_to_string(&mut pid);
            Err(OpenError::Locked { path: directory.to_owned(), pid: pid.trim().parse().ok() })
        }
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// How to make a directory, and those above it, that only its owner may enter.
pub(crate) fn private_builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// How to open a file that, if it is made, only its owner may read.
pub(crate) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_directory_is_refused_until_let_go() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("deep/data");
        let held = DataDirectory::open(&path).unwrap();
        let error = DataDirectory::open(&path).unwrap_err().to_string();
        assert_eq!(error, format!("{} is in use by process {}", held.path().display(), std::process::id()));
        drop(held);
        DataDirectory::open(&path).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look() {
        use std::os::unix::fs::PermissionsExt;
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("data");
        let held = DataDirectory::open(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(held.path()), mode(&held.path().join("lock"))), (0o700, 0o600));
    }
}
