//! A file with the machine's own roots and our CA, for clients that can be given only one file.

use roadstead_config::private_file;
use std::io;
use std::path::{Path, PathBuf};

const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Writes `bundle.pem` beside the CA file: with it, a shell that trusts Roadstead trusts everyone it trusted before.
pub fn write(ca_file: &Path) -> io::Result<PathBuf> {
    let mut bundle = std::fs::read(ca_file)?;
    if let Some(roots) = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read(path).ok()) {
        bundle.push(b'\n');
        bundle.extend_from_slice(&roots);
    }
    let path = ca_file.with_file_name("bundle.pem");
    private_file::replace_public(&path, &bundle)?;
    Ok(path)
}
