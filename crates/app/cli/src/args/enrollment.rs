//! `roadstead iot dps enrollment` and `roadstead iot dps enrollment-group`

use super::in_group::InGroup;
use super::value::{AllocationPolicy, AttestationType, ReprovisionPolicy, Status, Top, json_object, three_state, top};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum EnrollmentCommand {
    /// Enroll a device
    Create(EnrollmentCreate),
    /// List enrollments
    List(EnrollmentList),
    /// Show an enrollment
    Show(EnrollmentShow<Id>),
    /// Change an enrollment
    Update(EnrollmentUpdate),
    /// Delete an enrollment
    Delete(EnrollmentDelete<Id>),
    /// What became of an enrolled device
    #[command(subcommand)]
    Registration(RegistrationCommand),
}

#[derive(Debug, Subcommand)]
pub enum EnrollmentGroupCommand {
    /// Enroll every device that a CA or a key vouches for
    Create(GroupCreate),
    /// List enrollment groups
    List(EnrollmentList),
    /// Show an enrollment group
    Show(EnrollmentShow<GroupId>),
    /// Change an enrollment group
    Update(GroupUpdate),
    /// Delete an enrollment group
    Delete(EnrollmentDelete<GroupId>),
    /// Derive a device's key from the group's
    ComputeDeviceKey(ComputeDeviceKey),
    /// Devices that came through an enrollment group
    #[command(subcommand)]
    Registration(GroupRegistrationCommand),
}

/// A DPS by name, or by a connection string that makes names needless.
#[derive(Debug, Clone, Args)]
pub struct DpsTarget {
    /// Name or host name of the DPS
    #[arg(short = 'n', long, required_unless_present = "login")]
    pub dps_name: Option<String>,
    /// Connection string of the DPS, in place of its name
    #[arg(short = 'l', long, value_name = "CONNECTION_STRING")]
    pub login: Option<String>,
    #[command(flatten)]
    pub within: InGroup,
}

#[derive(Debug, Clone, Args)]
pub struct Id {
    /// Enrollment id, which is the device's registration id
    #[arg(long, alias = "eid")]
    pub enrollment_id: String,
}

#[derive(Debug, Clone, Args)]
pub struct GroupId {
    /// Enrollment group id
    #[arg(long, alias = "eid", visible_alias = "group-id", alias = "gid")]
    pub enrollment_id: String,
}

#[derive(Debug, Args)]
pub struct EnrollmentList {
    #[command(flatten)]
    pub dps: DpsTarget,
    /// List at most so many; -1 for all
    #[arg(long, default_value = "-1", value_parser = top, allow_negative_numbers = true)]
    pub top: Top,
}

#[derive(Debug, Args)]
pub struct EnrollmentShow<I: Args> {
    #[command(flatten)]
    pub dps: DpsTarget,
    #[command(flatten)]
    pub id: I,
    /// Show its keys too
    #[arg(long, visible_alias = "keys", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub show_keys: Option<bool>,
}

#[derive(Debug, Args)]
pub struct EnrollmentDelete<I: Args> {
    #[command(flatten)]
    pub dps: DpsTarget,
    #[command(flatten)]
    pub id: I,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

/// Keys and certificates.
#[derive(Debug, Clone, Default, Args)]
pub struct Evidence {
    /// Primary key, base64; made by the server when left out
    #[arg(long, alias = "pk")]
    pub primary_key: Option<String>,
    /// Secondary key, base64
    #[arg(long, alias = "sk")]
    pub secondary_key: Option<String>,
    /// File of the primary certificate, PEM or DER
    #[arg(long, alias = "cp")]
    pub certificate_path: Option<PathBuf>,
    /// File of the secondary certificate
    #[arg(long, alias = "scp")]
    pub secondary_certificate_path: Option<PathBuf>,
}

/// Public keys of a TPM.
#[derive(Debug, Clone, Default, Args)]
pub struct TpmKeys {
    /// Endorsement key of the TPM, base64; for `--attestation-type tpm`
    #[arg(long, alias = "ek")]
    pub endorsement_key: Option<String>,
    /// Storage root key of the TPM, base64; the one that the device brings when left out
    #[arg(long, alias = "srk")]
    pub storage_root_key: Option<String>,
}

/// What makes an enrollment different from the next.
#[derive(Debug, Clone, Default, Args)]
pub struct Terms {
    /// Whether its devices may provision themselves
    #[arg(long, alias = "ps", value_enum, ignore_case = true)]
    pub provisioning_status: Option<Status>,
    /// What becomes of a device's data when it provisions itself again
    #[arg(long, alias = "rp", value_enum, ignore_case = true)]
    pub reprovision_policy: Option<ReprovisionPolicy>,
    /// How the hub is picked; the DPS' own way when left out
    #[arg(long, alias = "ap", value_enum, ignore_case = true)]
    pub allocation_policy: Option<AllocationPolicy>,
    /// Host names of the hubs to pick from, separated by blanks
    #[arg(long, alias = "ih", num_args(1..))]
    pub iot_hubs: Vec<String>,
    /// Host name of the only hub
    #[arg(long, alias = "hn", conflicts_with = "allocation_policy")]
    pub iot_hub_host_name: Option<String>,
    /// URL that custom allocation asks
    #[arg(long, alias = "wh")]
    pub webhook_url: Option<String>,
    /// API version with which custom allocation asks
    #[arg(long, alias = "av")]
    pub api_version: Option<String>,
    /// Tags of the twin that a device begins with: a JSON object, or `@FILE`
    #[arg(long, alias = "tags", value_parser = json_object, value_name = "JSON")]
    pub initial_twin_tags: Option<Map<String, Value>>,
    /// Desired properties of that twin: a JSON object, or `@FILE`
    #[arg(long, alias = "props", value_parser = json_object, value_name = "JSON")]
    pub initial_twin_properties: Option<Map<String, Value>>,
    /// Whether its devices are edge devices
    #[arg(long, alias = "ee", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub edge_enabled: Option<bool>,
}

/// What an individual enrollment has beyond a group's.
#[derive(Debug, Clone, Default, Args)]
pub struct DeviceTerms {
    /// Device id at the hub; the enrollment's when left out
    #[arg(short = 'd', long)]
    pub device_id: Option<String>,
    /// Anything worth knowing of the device: a JSON object, or `@FILE`
    #[arg(long, alias = "info", value_parser = json_object, value_name = "JSON")]
    pub device_information: Option<Map<String, Value>>,
}

/// Which certificates to take away.
#[derive(Debug, Clone, Default, Args)]
pub struct Removal {
    /// Take away the primary certificate
    #[arg(long, alias = "rc", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub remove_certificate: Option<bool>,
    /// Take away the secondary certificate
    #[arg(long, alias = "rsc", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub remove_secondary_certificate: Option<bool>,
}

/// CAs of the DPS by name.
#[derive(Debug, Clone, Default, Args)]
pub struct RootNames {
    /// Name of a verified CA certificate of the DPS
    #[arg(long, visible_aliases = ["ca-name", "certificate-name"], alias = "cn")]
    pub root_ca_name: Option<String>,
    /// Name of a second one
    #[arg(long, visible_alias = "secondary-ca-name", alias = "scn")]
    pub secondary_root_ca_name: Option<String>,
}

#[derive(Debug, Args)]
pub struct EnrollmentCreate {
    #[command(flatten)]
    pub dps: DpsTarget,
    #[command(flatten)]
    pub id: Id,
    /// How the device proves itself
    #[arg(long, alias = "at", value_enum, ignore_case = true)]
    pub attestation_type: AttestationType,
    #[command(flatten)]
    pub evidence: Evidence,
    #[command(flatten)]
    pub tpm: TpmKeys,
    #[command(flatten)]
    pub device: DeviceTerms,
    #[command(flatten)]
    pub terms: Terms,
}

#[derive(Debug, Args)]
pub struct EnrollmentUpdate {
    #[command(flatten)]
    pub dps: DpsTarget,
    #[command(flatten)]
    pub id: Id,
    #[command(flatten)]
    pub evidence: Evidence,
    #[command(flatten)]
    pub tpm: TpmKeys,
    #[command(flatten)]
    pub removal: Removal,
    #[command(flatten)]
    pub device: DeviceTerms,
    #[command(flatten)]
    pub terms: Terms,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

#[derive(Debug, Args)]
pub struct GroupCreate {
    #[command(flatten)]
    pub dps: DpsTarget,
    #[command(flatten)]
    pub id: GroupId,
    /// How its devices prove themselves; seen from the other flags when left out
    #[arg(long, alias = "at", value_enum, ignore_case = true)]
    pub attestation_type: Option<AttestationType>,
    #[command(flatten)]
    pub evidence: Evidence,
    #[command(flatten)]
    pub roots: RootNames,
    #[command(flatten)]
    pub terms: Terms,
}

#[derive(Debug, Args)]
pub struct GroupUpdate {
    #[command(flatten)]
    pub dps: DpsTarget,
    #[command(flatten)]
    pub id: GroupId,
    #[command(flatten)]
    pub evidence: Evidence,
    #[command(flatten)]
    pub roots: RootNames,
    #[command(flatten)]
    pub removal: Removal,
    #[command(flatten)]
    pub terms: Terms,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

#[derive(Debug, Args)]
pub struct ComputeDeviceKey {
    /// Name or host name of the DPS
    #[arg(short = 'n', long)]
    pub dps_name: Option<String>,
    /// Connection string of the DPS, in place of its name
    #[arg(short = 'l', long, value_name = "CONNECTION_STRING")]
    pub login: Option<String>,
    #[command(flatten)]
    pub within: InGroup,
    /// Enrollment group id
    #[arg(long, alias = "eid", visible_alias = "group-id", alias = "gid")]
    pub enrollment_id: Option<String>,
    /// Registration id of the device
    #[arg(long, alias = "rid")]
    pub registration_id: String,
    /// The group's key, in place of asking the DPS for it
    #[arg(long, visible_alias = "key")]
    pub symmetric_key: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum RegistrationCommand {
    /// Show where a device was assigned
    Show(OneRegistration<Id>),
    /// Forget where a device was assigned; what the hub has of it stays
    Delete(RegistrationDelete<Id>),
}

#[derive(Debug, Subcommand)]
pub enum GroupRegistrationCommand {
    /// List devices that came through a group
    List(RegistrationList),
    /// Show where a device was assigned
    Show(OneRegistration<RegistrationId>),
    /// Forget where a device was assigned; what the hub has of it stays
    Delete(RegistrationDelete<RegistrationId>),
}

#[derive(Debug, Clone, Args)]
pub struct RegistrationId {
    /// Registration id of the device
    #[arg(long, alias = "rid")]
    pub registration_id: String,
}

#[derive(Debug, Args)]
pub struct OneRegistration<I: Args> {
    #[command(flatten)]
    pub dps: DpsTarget,
    #[command(flatten)]
    pub id: I,
}

#[derive(Debug, Args)]
pub struct RegistrationDelete<I: Args> {
    #[command(flatten)]
    pub one: OneRegistration<I>,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

#[derive(Debug, Args)]
pub struct RegistrationList {
    #[command(flatten)]
    pub list: EnrollmentList,
    #[command(flatten)]
    pub id: GroupId,
}
