//! `roadstead iot hub certificate` and `roadstead iot dps certificate`

use super::in_group::InGroup;
use super::value::three_state;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum HubCertificateCommand {
    /// Upload a CA certificate
    Create(Upload<OfHub>),
    /// Put another CA certificate in place of one, or trust it
    Update(Renewal<OfHub>),
    /// List CA certificates
    List(OfHub),
    /// Show a CA certificate
    Show(Named<OfHub>),
    /// Delete a CA certificate
    Delete(Marked<OfHub>),
    /// Make a new code for proving possession of a CA
    GenerateVerificationCode(Marked<OfHub>),
    /// Prove possession of a CA
    Verify(Proof<OfHub>),
}

#[derive(Debug, Subcommand)]
pub enum DpsCertificateCommand {
    /// Upload a CA certificate
    Create(Upload<OfDps>),
    /// Put another CA certificate in place of one, or trust it
    Update(Renewal<OfDps>),
    /// List CA certificates
    List(OfDps),
    /// Show a CA certificate
    Show(Named<OfDps>),
    /// Delete a CA certificate
    Delete(Marked<OfDps>),
    /// Make a new code for proving possession of a CA
    GenerateVerificationCode(Marked<OfDps>),
    /// Prove possession of a CA
    Verify(Proof<OfDps>),
    /// Make a CA whose key the server keeps
    CreateCa(NewCa),
    /// Issue a device's certificate from a CA that the server keeps
    Issue(Issue),
    /// List certificates that were issued
    Issued(Issued),
}

#[derive(Debug, Clone, Args)]
pub struct OfHub {
    /// Name of the hub
    #[arg(long)]
    pub hub_name: String,
    #[command(flatten)]
    pub within: InGroup,
}

#[derive(Debug, Clone, Args)]
pub struct OfDps {
    /// Name of the DPS
    #[arg(long)]
    pub dps_name: String,
    #[command(flatten)]
    pub within: InGroup,
}

#[derive(Debug, Args)]
pub struct Named<Of: Args> {
    #[command(flatten)]
    pub of: Of,
    /// Name of the certificate
    #[arg(short = 'n', long = "certificate-name", visible_alias = "name")]
    pub certificate_name: String,
}

#[derive(Debug, Args)]
pub struct Marked<Of: Args> {
    #[command(flatten)]
    pub named: Named<Of>,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

#[derive(Debug, Args)]
pub struct Upload<Of: Args> {
    #[command(flatten)]
    pub named: Named<Of>,
    /// File of the certificate, PEM or DER
    #[arg(short = 'p', long)]
    pub path: PathBuf,
    /// Trust it at once, without proof of possession
    #[arg(short = 'v', long, num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub verified: Option<bool>,
}

#[derive(Debug, Args)]
pub struct NewCa {
    #[command(flatten)]
    pub named: Named<OfDps>,
    /// Common name of the CA; the certificate's name when left out
    #[arg(long)]
    pub common_name: Option<String>,
    /// Days for which it is valid
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: Option<u32>,
}

#[derive(Debug, Args)]
#[group(skip)]
pub struct Issue {
    #[command(flatten)]
    pub named: Named<OfDps>,
    /// Registration id of the device, which becomes the common name: the server makes the key, and keeps it not
    #[arg(long, required_unless_present = "request", conflicts_with = "request")]
    pub id: Option<String>,
    /// Certificate request (PKCS#10) of a device that keeps its key
    #[arg(long, value_name = "CSR")]
    pub request: Option<PathBuf>,
    /// Days for which it is valid
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: Option<u32>,
    /// Folder for `ID.key`, `ID.pem` and `ID.chain.pem`
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Issued {
    #[command(flatten)]
    pub of: OfDps,
    /// Name of the CA's certificate: lists by id. All of the DPS by their end, when left out
    #[arg(short = 'n', long = "certificate-name", visible_alias = "name")]
    pub certificate_name: Option<String>,
    /// Only ids that begin so
    #[arg(long, requires = "certificate_name", default_value = "")]
    pub id_prefix: String,
    /// Only what ends at this time or later: 2026-11-22T00:00:00Z
    #[arg(long, conflicts_with = "certificate_name")]
    pub ends_after: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 1000)]
    pub top: usize,
}

#[derive(Debug, Args)]
pub struct Renewal<Of: Args> {
    #[command(flatten)]
    pub upload: Upload<Of>,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

#[derive(Debug, Args)]
pub struct Proof<Of: Args> {
    #[command(flatten)]
    pub marked: Marked<Of>,
    /// File of the verification certificate
    #[arg(short = 'p', long)]
    pub path: PathBuf,
}
