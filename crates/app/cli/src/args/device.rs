//! `roadstead iot hub device-identity`

use super::hub::HubTarget;
use super::value::{AuthMethod, KeyType, Status, Top, three_state, top};
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
    /// At most so many; -1 for all
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
    /// Why it may not
    #[arg(long, alias = "star")]
    pub status_reason: Option<String>,
    /// Whether it is an edge device
    #[arg(long, alias = "ee", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub edge_enabled: Option<bool>,
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
    /// Why it may not
    #[arg(long, alias = "star")]
    pub status_reason: Option<String>,
    /// Whether it is an edge device
    #[arg(long, alias = "ee", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub edge_enabled: Option<bool>,
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
