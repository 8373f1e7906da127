//! `roadstead iot hub module-identity`

use super::device::{DeviceProof, DeviceShow};
use super::value::{AuthMethod, Changes, KeyType, RenewedKey, Top, top};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum ModuleCommand {
    /// Create a module on a device
    #[command(after_help = "Example: roadstead iot hub module-identity create -n dev -d thermo-7 -m filter")]
    Create(ModuleCreate),
    /// List a device's modules
    #[command(after_help = "Example: roadstead iot hub module-identity list -n dev -d thermo-7 -o table")]
    List(ModuleList),
    /// Show a module
    #[command(after_help = "Example: roadstead iot hub module-identity show -n dev -d thermo-7 -m filter")]
    Show(ModuleShow),
    /// Change a module
    #[command(
        after_help = "Example: roadstead iot hub module-identity update -n dev -d thermo-7 -m filter --set authentication.symmetricKey.primaryKey= authentication.symmetricKey.secondaryKey="
    )]
    Update(ModuleUpdate),
    /// Delete a module and its twin
    #[command(after_help = "Example: roadstead iot hub module-identity delete -n dev -d thermo-7 -m filter")]
    Delete(ModuleDelete),
    /// Make new keys for modules, or swap a module's two
    #[command(
        after_help = "Example: roadstead iot hub module-identity renew-key -n dev -d thermo-7 -m filter --kt primary"
    )]
    RenewKey(ModuleRenewKey),
    /// A module's connection string
    #[command(subcommand)]
    ConnectionString(ModuleConnectionStringCommand),
}

#[derive(Debug, Args)]
pub struct ModuleShow {
    #[command(flatten)]
    pub device: DeviceShow,
    /// Module id
    #[arg(short = 'm', long)]
    pub module_id: String,
}

#[derive(Debug, Args)]
pub struct ModuleCreate {
    #[command(flatten)]
    pub module: ModuleShow,
    /// How the module proves itself
    #[arg(long, alias = "am", value_enum, ignore_case = true, default_value = "shared_private_key")]
    pub auth_method: AuthMethod,
    #[command(flatten)]
    pub proof: DeviceProof,
}

#[derive(Debug, Args)]
pub struct ModuleList {
    #[command(flatten)]
    pub device: DeviceShow,
    /// List at most so many; -1 for all
    #[arg(long, default_value = "1000", value_parser = top, allow_negative_numbers = true)]
    pub top: Top,
}

#[derive(Debug, Args)]
pub struct ModuleUpdate {
    #[command(flatten)]
    pub module: ModuleShow,
    #[command(flatten)]
    pub changes: Changes,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

#[derive(Debug, Args)]
pub struct ModuleDelete {
    #[command(flatten)]
    pub module: ModuleShow,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

#[derive(Debug, Args)]
pub struct ModuleRenewKey {
    #[command(flatten)]
    pub device: DeviceShow,
    /// Module ids, separated by blanks; `*` for all of the device
    #[arg(short = 'm', long, required = true, num_args(1..))]
    pub module_id: Vec<String>,
    /// Which keys to make anew
    #[arg(long = "key-type", alias = "kt", value_enum, ignore_case = true)]
    pub key: RenewedKey,
    /// Only if its etag still is this one; when swapping
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
    /// Accepted, without effect
    #[arg(long, hide = true)]
    pub no_progress: bool,
}

#[derive(Debug, Subcommand)]
pub enum ModuleConnectionStringCommand {
    /// Show a module's connection string
    #[command(
        after_help = "Example: roadstead iot hub module-identity connection-string show -n dev -d thermo-7 -m filter -o tsv"
    )]
    Show(ModuleConnectionString),
}

#[derive(Debug, Args)]
pub struct ModuleConnectionString {
    #[command(flatten)]
    pub module: ModuleShow,
    /// Which key
    #[arg(long, alias = "kt", value_enum, ignore_case = true, default_value = "primary")]
    pub key_type: KeyType,
}
