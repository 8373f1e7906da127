//! `roadstead iot hub device-identity`

use super::hub_target::HubTarget;
use super::value::{AuthMethod, Changes, KeyType, RenewedKey, Status, Top, three_state, top};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Create a device
    Create(DeviceCreate),
    /// List devices
    List(DeviceList),
    /// Show a device
    Show(DeviceShow),
    /// Change a device
    Update(DeviceUpdate),
    /// Delete a device and its twin
    Delete(DeviceDelete),
    /// A device's connection string
    #[command(subcommand)]
    ConnectionString(DeviceConnectionStringCommand),
    /// Make new keys for devices, or swap a device's two
    #[command(after_help = "Example: roadstead iot hub device-identity renew-key -n dev -d thermo-7 --kt primary")]
    RenewKey(DeviceRenewKey),
    /// The edge device that a device is behind
    #[command(subcommand)]
    Parent(ParentCommand),
    /// The devices behind an edge device
    #[command(subcommand)]
    Children(ChildrenCommand),
}

#[derive(Debug, Args)]
pub struct DeviceRenewKey {
    #[command(flatten)]
    pub hub: HubTarget,
    /// Device ids, separated by blanks; `*` for all
    #[arg(short = 'd', long, required = true, num_args(1..))]
    pub device_id: Vec<String>,
    /// Which keys to make anew
    #[arg(long = "key-type", alias = "kt", value_enum, ignore_case = true)]
    pub key: RenewedKey,
    /// New keys for the devices' modules, too
    #[arg(long, alias = "im", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub include_modules: Option<bool>,
    /// Only if its etag still is this one; when swapping
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
    /// Accepted, without effect
    #[arg(long, hide = true)]
    pub no_progress: bool,
}

#[derive(Debug, Subcommand)]
pub enum ParentCommand {
    /// Show a device's parent
    #[command(after_help = "Example: roadstead iot hub device-identity parent show -n dev -d thermo-7")]
    Show(DeviceShow),
    /// Put a device behind an edge device
    #[command(after_help = "Example: roadstead iot hub device-identity parent set -n dev -d thermo-7 --pd gateway-1")]
    Set(ParentSet),
}

#[derive(Debug, Args)]
pub struct ParentSet {
    #[command(flatten)]
    pub device: DeviceShow,
    /// The edge device
    #[arg(long, alias = "pd")]
    pub parent_device_id: String,
    /// Even if it has another parent, which it then leaves
    #[arg(short = 'f', long)]
    pub force: bool,
}

#[derive(Debug, Subcommand)]
pub enum ChildrenCommand {
    /// Put devices behind an edge device
    #[command(
        after_help = "Example: roadstead iot hub device-identity children add -n dev -d gateway-1 --cl thermo-7 thermo-8"
    )]
    Add(ChildrenAdd),
    /// List the ids of the devices behind an edge device
    #[command(after_help = "Example: roadstead iot hub device-identity children list -n dev -d gateway-1")]
    List(DeviceShow),
    /// Take devices from behind an edge device
    #[command(
        after_help = "Example: roadstead iot hub device-identity children remove -n dev -d gateway-1 --remove-all"
    )]
    Remove(ChildrenRemove),
}

#[derive(Debug, Args)]
pub struct ChildrenAdd {
    #[command(flatten)]
    pub device: DeviceShow,
    /// Devices, separated by blanks
    #[arg(long, alias = "cl", required = true, num_args(1..))]
    pub child_list: Vec<String>,
    /// Even if they have other parents, which they then leave
    #[arg(short = 'f', long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct ChildrenRemove {
    #[command(flatten)]
    pub device: DeviceShow,
    /// Devices, separated by blanks
    #[arg(long, alias = "cl", num_args(1..), required_unless_present = "remove_all")]
    pub child_list: Vec<String>,
    /// Remove all of them
    #[arg(short = 'a', long)]
    pub remove_all: bool,
}

#[derive(Debug, Args)]
pub struct DeviceShow {
    #[command(flatten)]
    pub hub: HubTarget,
    /// Device id
    #[arg(short = 'd', long)]
    pub device_id: String,
}

#[derive(Debug, Args)]
pub struct DeviceList {
    #[command(flatten)]
    pub hub: HubTarget,
    /// Only edge devices
    #[arg(long, alias = "ee", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub edge_enabled: Option<bool>,
    /// List at most so many; -1 for all
    #[arg(long, default_value = "1000", value_parser = top, allow_negative_numbers = true)]
    pub top: Top,
}

#[derive(Debug, Args)]
pub struct DeviceDelete {
    #[command(flatten)]
    pub device: DeviceShow,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

#[derive(Debug, Args)]
pub struct DeviceCreate {
    #[command(flatten)]
    pub device: DeviceShow,
    /// How the device proves itself
    #[arg(long, alias = "am", value_enum, ignore_case = true, default_value = "shared_private_key")]
    pub auth_method: AuthMethod,
    #[command(flatten)]
    pub proof: DeviceProof,
    /// Whether the device may connect
    #[arg(long, alias = "sta", value_enum, ignore_case = true, default_value = "enabled")]
    pub status: Status,
    /// Why it may not, for people to read
    #[arg(long, alias = "star")]
    pub status_reason: Option<String>,
    /// Whether it is an edge device
    #[arg(long, alias = "ee", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub edge_enabled: Option<bool>,
    /// Scope of the edge device that it is behind
    #[arg(long)]
    pub device_scope: Option<String>,
}

#[derive(Debug, Args)]
pub struct DeviceUpdate {
    #[command(flatten)]
    pub device: DeviceShow,
    /// How the device proves itself
    #[arg(long, alias = "am", value_enum, ignore_case = true)]
    pub auth_method: Option<AuthMethod>,
    #[command(flatten)]
    pub proof: DeviceProof,
    /// Whether the device may connect
    #[arg(long, alias = "sta", value_enum, ignore_case = true)]
    pub status: Option<Status>,
    /// Why it may not, for people to read
    #[arg(long, alias = "star")]
    pub status_reason: Option<String>,
    /// Whether it is an edge device
    #[arg(long, alias = "ee", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub edge_enabled: Option<bool>,
    #[command(flatten)]
    pub changes: Changes,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

/// Keys or thumbprints.
#[derive(Debug, Clone, Args)]
pub struct DeviceProof {
    /// Primary key, base64
    #[arg(long, alias = "pk")]
    pub primary_key: Option<String>,
    /// Secondary key, base64
    #[arg(long, alias = "sk")]
    pub secondary_key: Option<String>,
    /// Primary certificate's thumbprint, SHA-1 or SHA-256 in hex
    #[arg(long, alias = "ptp")]
    pub primary_thumbprint: Option<String>,
    /// Secondary certificate's thumbprint
    #[arg(long, alias = "stp")]
    pub secondary_thumbprint: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum DeviceConnectionStringCommand {
    /// Show a device's connection string
    Show(DeviceConnectionString),
}

#[derive(Debug, Args)]
pub struct DeviceConnectionString {
    #[command(flatten)]
    pub device: DeviceShow,
    /// Which key
    #[arg(long, alias = "kt", value_enum, ignore_case = true, default_value = "primary")]
    pub key_type: KeyType,
}
