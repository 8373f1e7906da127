//! `roadstead iot hub`

use super::certificate::HubCertificateCommand;
use super::consumer_group::ConsumerGroupCommand;
use super::device::{DeviceCommand, DeviceShow};
use super::hub_settings::{Behaviour, HubUpdate};
use super::hub_target::HubTarget;
use super::in_group::InGroup;
use super::method::InvokeMethod;
use super::module::{ModuleCommand, ModuleShow};
use super::policy::HubPolicyCommand;
use super::twin::{DeviceTwinCommand, ModuleTwinCommand};
use super::upload::DeviceUploadCommand;
use super::value::{EventProperties, EventTransport, KeyType, Top, tag, top};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum HubCommand {
    /// Create a hub
    Create(Box<HubCreate>),
    /// List hubs
    List(InGroup),
    /// Show a hub
    Show(HubName),
    /// Change a hub: how it deals with messages, files and events
    #[command(
        after_help = "Example: roadstead iot hub update -n dev --c2d-ttl 24 --fileupload-notifications true --throttle azure-s1"
    )]
    Update(Box<HubUpdate>),
    /// Delete a hub with all its devices and events
    Delete(HubDelete),
    /// Show a hub's connection string
    ShowConnectionString(ShowConnectionString),
    /// A hub's connection strings
    #[command(subcommand)]
    ConnectionString(ConnectionStringCommand),
    /// Shared access policies of a hub: keys, and what each allows
    #[command(subcommand)]
    Policy(HubPolicyCommand),
    /// Consumer groups of a hub's events
    #[command(subcommand)]
    ConsumerGroup(ConsumerGroupCommand),
    /// Make a token that proves a device, or a policy of a hub
    GenerateSasToken(GenerateSasToken),
    /// Devices of a hub
    #[command(subcommand)]
    DeviceIdentity(Box<DeviceCommand>),
    /// Twins of devices
    #[command(subcommand)]
    DeviceTwin(Box<DeviceTwinCommand>),
    /// Files that devices uploaded
    #[command(subcommand)]
    DeviceUpload(Box<DeviceUploadCommand>),
    /// Modules of devices
    #[command(subcommand)]
    ModuleIdentity(Box<ModuleCommand>),
    /// Twins of modules
    #[command(subcommand)]
    ModuleTwin(Box<ModuleTwinCommand>),
    /// Call a direct method of a device
    #[command(
        after_help = r#"Example: roadstead iot hub invoke-device-method -n dev -d thermo-7 --method-name reboot --method-payload '{"delay":3}'"#
    )]
    InvokeDeviceMethod(Box<InvokeMethod<DeviceShow>>),
    /// Call a direct method of a module
    #[command(
        after_help = "Example: roadstead iot hub invoke-module-method -n dev -d thermo-7 -m filter --method-name reset"
    )]
    InvokeModuleMethod(Box<InvokeMethod<ModuleShow>>),
    /// Ask for devices, modules and jobs in the IoT Hub query language
    #[command(
        after_help = r#"Example: roadstead iot hub query -n dev -q "select deviceId, tags.site from devices where tags.site = 'a'""#
    )]
    Query(HubQuery),
    /// CA certificates of a hub
    #[command(subcommand)]
    Certificate(HubCertificateCommand),
    /// A hub's devices, modules and twins in a file, as `az iot hub state` writes and reads it
    #[command(subcommand)]
    State(StateCommand),
    /// Watch a hub's events as they arrive
    #[command(
        after_help = "Examples: roadstead iot hub monitor-events -n dev -d thermo-7 --properties all\n          \
                      roadstead iot hub monitor-events --login \"$EVENTHUB_CONNECTION_STRING\"\n\n\
                      `--login` takes the connection string of any hub, one of Azure too, or that of its built-in endpoint."
    )]
    MonitorEvents(MonitorEvents),
    /// Watch what becomes of messages to devices
    #[command(after_help = "Example: roadstead iot hub monitor-feedback -n dev -d thermo-7")]
    MonitorFeedback(MonitorFeedback),
}

#[derive(Debug, Args)]
pub struct HubQuery {
    #[command(flatten)]
    pub hub: HubTarget,
    /// The query
    #[arg(short = 'q', long)]
    pub query_command: String,
    /// At most so many rows; all when left out or -1
    #[arg(long, value_parser = top, allow_negative_numbers = true)]
    pub top: Option<Top>,
}

#[derive(Debug, Args)]
pub struct MonitorFeedback {
    #[command(flatten)]
    pub hub: HubTarget,
    /// Show only what concerns this device
    #[arg(short = 'd', long)]
    pub device_id: Option<String>,
    /// End with the outcome of this message
    #[arg(short = 'w', long, value_name = "MESSAGE_ID")]
    pub wait_on_msg: Option<String>,
    /// Accepted, without effect: there is nothing to install
    #[arg(short = 'y', long, hide = true)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct HubName {
    /// Name of the hub
    #[arg(short = 'n', long)]
    pub name: String,
    #[command(flatten)]
    pub within: InGroup,
    /// Accepted, without effect: deleting takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct HubDelete {
    #[command(flatten)]
    pub hub: HubName,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct HubCreate {
    /// Name of the hub
    #[arg(short = 'n', long)]
    pub name: String,
    /// Resource group
    #[arg(short = 'g', long)]
    pub resource_group: String,
    /// Location; the resource group's when left out
    #[arg(short = 'l', long)]
    pub location: Option<String>,
    /// Pricing tier, which says what the hub can do
    #[arg(long, default_value = "S1")]
    pub sku: String,
    /// Units of the tier
    #[arg(long, default_value_t = 1)]
    pub unit: u32,
    /// Partitions of the hub's events
    #[arg(long, default_value_t = 4)]
    pub partition_count: u32,
    /// Days for which events are kept
    #[arg(long, alias = "rd", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=7))]
    pub retention_day: u32,
    /// Tags, separated by blanks
    #[arg(long, num_args(0..), value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    #[command(flatten)]
    pub behaviour: Behaviour,
    /// Accepted, without effect: it takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}

/// Which policy's connection string of which hub.
#[derive(Debug, Args)]
pub struct ShowConnectionString {
    /// Name of the hub; every hub's when left out
    #[arg(short = 'n', long, visible_alias = "name")]
    pub hub_name: Option<String>,
    #[command(flatten)]
    pub within: InGroup,
    /// Shared access policy
    #[arg(long, alias = "pn", default_value = "iothubowner")]
    pub policy_name: String,
    /// Which key
    #[arg(
        long = "key",
        visible_alias = "key-type",
        alias = "kt",
        value_enum,
        ignore_case = true,
        default_value = "primary"
    )]
    pub key: KeyType,
    /// Show those of all policies
    #[arg(long = "all", visible_alias = "show-all")]
    pub all: bool,
    /// The connection string of the Event Hubs-compatible endpoint
    #[arg(long, alias = "eh", num_args(0..=1), default_missing_value = "true", value_parser = super::value::three_state)]
    pub default_eventhub: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub enum ConnectionStringCommand {
    /// Show a hub's connection string
    Show(ShowConnectionString),
}

#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Write a hub's devices, modules and twins, keys included; as `roadstead export hub` does
    #[command(after_help = "Example: roadstead iot hub state export -n dev -f plant.json")]
    Export(StateExport),
    /// Make devices, modules and twins be as the file says, and delete none; as `roadstead import hub` does
    #[command(after_help = "Example: roadstead iot hub state import -n dev -f plant.json")]
    Import(StateFile),
}

#[derive(Debug, Args)]
pub struct StateFile {
    /// The file
    #[arg(short = 'f', long = "state-file", value_name = "FILE")]
    pub path: PathBuf,
    #[command(flatten)]
    pub hub: HubTarget,
    /// What of the hub: its devices, with their modules and twins
    #[arg(long, num_args(1..), value_parser = ["devices"], default_value = "devices")]
    pub aspects: Vec<String>,
}

#[derive(Debug, Args)]
pub struct StateExport {
    #[command(flatten)]
    pub file: StateFile,
    /// Write over a file that is there already
    #[arg(short = 'r', long)]
    pub replace: bool,
}

/// The policy that a hub is made with and that may do everything.
pub const OWNER_POLICY: &str = "iothubowner";

/// For whom a token is made, and who signs it.
#[derive(Debug, Args)]
pub struct GenerateSasToken {
    /// Name or host name of the hub
    #[arg(short = 'n', long, required_unless_present_any = ["login", "connection_string"])]
    pub hub_name: Option<String>,
    /// Device whose own key signs; a policy of the hub signs when left out
    #[arg(short = 'd', long)]
    pub device_id: Option<String>,
    /// Module of the device whose own key signs
    #[arg(short = 'm', long, requires = "device_id")]
    pub module_id: Option<String>,
    /// Shared access policy that signs, or that reads the device's key
    #[arg(long, alias = "pn", default_value = OWNER_POLICY)]
    pub policy_name: String,
    /// Which key signs
    #[arg(long, alias = "kt", value_enum, ignore_case = true, default_value = "primary")]
    pub key_type: KeyType,
    /// Seconds for which the token is valid
    #[arg(long, alias = "du", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    pub duration: u32,
    /// Connection string of the hub, in place of its name
    #[arg(short = 'l', long, value_name = "CONNECTION_STRING")]
    pub login: Option<String>,
    /// Connection string whose owner signs, of a device, a module or a policy; no server is asked
    #[arg(long, alias = "cs", conflicts_with_all = ["hub_name", "device_id", "module_id", "login"])]
    pub connection_string: Option<String>,
    #[command(flatten)]
    pub within: InGroup,
}

#[derive(Debug, Args)]
pub struct MonitorEvents {
    #[command(flatten)]
    pub hub: HubTarget,
    /// Only events of this device; `*` and `?` stand for any characters and for one
    #[arg(short = 'd', long)]
    pub device_id: Option<String>,
    /// Only events of this module; `*` and `?` as above
    #[arg(short = 'm', long)]
    pub module_id: Option<String>,
    /// Only events of this interface
    #[arg(short = 'i', long)]
    pub interface: Option<String>,
    /// Begin with events enqueued after this time, in milliseconds since 1970; now when left out
    #[arg(short = 'e', long, alias = "et", allow_negative_numbers = true)]
    pub enqueued_time: Option<i64>,
    /// Show properties too
    #[arg(short = 'p', long, alias = "props", num_args(0..), value_enum, ignore_case = true)]
    pub properties: Vec<EventProperties>,
    /// End after so many seconds without an event; 0 for never
    #[arg(short = 't', long, alias = "to", default_value_t = 300)]
    pub timeout: u64,
    /// Read every body as this content type, such as `application/json`
    #[arg(long, alias = "ct")]
    pub content_type: Option<String>,
    /// Consumer group
    #[arg(short = 'c', long, alias = "cg", default_value = "$Default")]
    pub consumer_group: String,
    /// How events are read; over AMQP with `--login`, else over HTTPS, when left out
    #[arg(long, value_enum, ignore_case = true)]
    pub transport: Option<EventTransport>,
    /// End after so many events
    #[arg(long, alias = "mc", value_parser = clap::value_parser!(u64).range(1..))]
    pub message_count: Option<u64>,
    /// Accepted, without effect: there is nothing to install
    #[arg(short = 'y', long, hide = true)]
    pub yes: bool,
}
