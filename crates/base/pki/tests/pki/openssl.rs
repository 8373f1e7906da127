//! The `openssl` command in a directory that is thrown away.

use roadstead_pki::Certificate;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

pub struct Bench {
    dir: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    /// Runs a shell script, which must succeed.
    pub fn run(&self, script: &str) -> &Self {
        let output = Command::new("sh").args(["-e", "-c", script]).current_dir(self.dir.path()).output().unwrap();
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        self
    }

    pub fn write(&self, file: &str, text: &str) -> &Self {
        std::fs::write(self.dir.path().join(file), text).unwrap();
        self
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(file)).unwrap()
    }

    pub fn certificate(&self, file: &str) -> Arc<Certificate> {
        Arc::new(Certificate::from_text(&self.read(file)).unwrap())
    }

    pub fn der(&self, file: &str) -> Vec<u8> {
        self.certificate(file).der().to_vec()
    }
}

/// A second within the first day of a certificate that openssl just made.
pub fn soon(certificate: &Certificate) -> i64 {
    certificate.not_before_s() + 60
}
