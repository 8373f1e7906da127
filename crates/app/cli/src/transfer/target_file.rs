//! The file that an export writes: readable by its owner alone, as it holds keys, and there only when it is whole.

use crate::failure::Failure;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file on its way.
#[derive(Debug)]
pub struct TargetFile {
    draft: PathBuf,
    path: PathBuf,
    out: BufWriter<File>,
}

impl TargetFile {
    /// Begins `path`; what is there stays until [`Self::finish`].
    pub fn begin(path: &Path) -> Result<Self, Failure> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&draft).map_err(|error| fault(&draft, &error))?;
        Ok(Self { out: BufWriter::new(file), path: path.to_owned(), draft })
    }

    pub fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).map_err(|error| fault(&self.draft, &error))
    }

    /// Puts it in its place.
    pub fn finish(self) -> Result<(), Failure> {
        let Self { draft, path, out } = self;
        let written = out.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        written.and_then(|()| std::fs::rename(&draft, &path)).map_err(|error| fault(&path, &error))
    }
}

fn fault(path: &Path, error: &std::io::Error) -> Failure {
    Failure::error(format!("cannot write {}: {error}", path.display()))
}
