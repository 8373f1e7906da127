//! `roadstead ca`

use clap::{Args, Subcommand, ValueEnum};
use roadstead_pki::KeyKind;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Make a root CA
    Root(Root),
    /// Make an intermediate CA, signed by a root
    Intermediate(Intermediate),
    /// Make a device's key and certificate
    Device(Device),
    /// Prove possession of a CA with a verification code
    Verify(Verify),
}

/// Kind of a new key
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyType {
    /// NIST P-256
    P256,
    /// RSA, 2048 bits
    Rsa2048,
}

impl From<KeyType> for KeyKind {
    fn from(key: KeyType) -> Self {
        match key {
            KeyType::P256 => Self::P256,
            KeyType::Rsa2048 => Self::Rsa2048,
        }
    }
}

#[derive(Debug, Args)]
pub struct Root {
    /// Common name of the CA
    #[arg(long)]
    pub name: String,
    /// Folder for `root.pem` and `root.key`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// Days for which it is valid
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: u32,
    /// Kind of key
    #[arg(long, value_enum, ignore_case = true, default_value = "p256")]
    pub key_type: KeyType,
}

#[derive(Debug, Args)]
pub struct Intermediate {
    /// Certificate of the CA that signs
    #[arg(long, value_name = "PEM")]
    pub root: PathBuf,
    /// Key of that CA; beside its certificate, ending in `.key`, when left out
    #[arg(long, value_name = "KEY")]
    pub root_key: Option<PathBuf>,
    /// Common name of the CA
    #[arg(long)]
    pub name: String,
    /// Folder for `intermediate.pem`, `.key` and `.chain.pem`; the root's when left out
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Days for which it is valid
    #[arg(long, default_value_t = 1825, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: u32,
    /// Kind of key
    #[arg(long, value_enum, ignore_case = true, default_value = "p256")]
    pub key_type: KeyType,
}

#[derive(Debug, Args)]
pub struct Device {
    /// Certificate of the CA that signs
    #[arg(long, value_name = "PEM")]
    pub issuer: PathBuf,
    /// Key of that CA; beside its certificate, ending in `.key`, when left out
    #[arg(long, value_name = "KEY")]
    pub issuer_key: Option<PathBuf>,
    /// Device or registration id, which becomes the common name
    #[arg(long)]
    pub id: String,
    /// Write `ID.chain.pem` too: the certificate and all CAs above it
    #[arg(long)]
    pub with_chain: bool,
    /// Folder for `ID.pem` and `ID.key`; the issuer's when left out
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Days for which it is valid
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: u32,
    /// Kind of key
    #[arg(long, value_enum, ignore_case = true, default_value = "p256")]
    pub key_type: KeyType,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Certificate of the CA
    #[arg(long, value_name = "PEM")]
    pub ca: PathBuf,
    /// Key of the CA; beside its certificate, ending in `.key`, when left out
    #[arg(long, value_name = "KEY")]
    pub ca_key: Option<PathBuf>,
    /// Verification code, as `certificate create` or `generate-verification-code` prints it
    #[arg(long)]
    pub code: String,
    /// File for the proof
    #[arg(long, value_name = "PEM", default_value = "verification.pem")]
    pub out: PathBuf,
}
