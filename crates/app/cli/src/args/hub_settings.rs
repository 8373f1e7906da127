//! What `roadstead iot hub create` and `roadstead iot hub update` say of how a hub behaves.

use super::in_group::InGroup;
use super::value::{Changes, ThrottleLike, tag, three_state};
use clap::builder::RangedI64ValueParser;
use clap::{Args, value_parser};

/// Deliveries of one thing before it is dead. Source: azure-cli 2.77, as all bounds here
fn deliveries() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(1..=100)
}

/// Hours for which something waits.
fn hours() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(1..=48)
}

/// Seconds for which something is locked.
fn lock_seconds() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(5..=300)
}

/// What a hub does with messages and files, as `az` has it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Messages and files")]
pub struct Behaviour {
    /// Hours for which a cloud-to-device message waits: 1 to 48; 1 in a new hub
    #[arg(long, alias = "ct", value_parser = hours())]
    pub c2d_ttl: Option<u32>,
    /// Deliveries of a cloud-to-device message before it is dead: 1 to 100; 10 in a new hub
    #[arg(long, alias = "cdd", value_parser = deliveries())]
    pub c2d_max_delivery_count: Option<u32>,
    /// Hours for which feedback waits: 1 to 48; 1 in a new hub
    #[arg(long, alias = "ft", value_parser = hours())]
    pub feedback_ttl: Option<u32>,
    /// Seconds for which feedback is locked: 5 to 300; 5 in a new hub
    #[arg(long, alias = "fld", value_parser = lock_seconds())]
    pub feedback_lock_duration: Option<u32>,
    /// Deliveries of feedback before it is dead: 1 to 100; 10 in a new hub
    #[arg(long, alias = "fd", value_parser = deliveries())]
    pub feedback_max_delivery_count: Option<u32>,
    /// Whether an uploaded file leaves a notification; not in a new hub
    #[arg(long, alias = "fn", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub fileupload_notifications: Option<bool>,
    /// Hours for which a notification waits: 1 to 48; 1 in a new hub
    #[arg(long, alias = "fnt", value_parser = hours())]
    pub fileupload_notification_ttl: Option<u32>,
    /// Deliveries of a notification before it is dead: 1 to 100; 10 in a new hub
    #[arg(long, alias = "fnd", value_parser = deliveries())]
    pub fileupload_notification_max_delivery_count: Option<u32>,
    /// Seconds for which a notification is locked: 5 to 300; 5 in a new hub
    #[arg(long, alias = "fnld", value_parser = lock_seconds())]
    pub fileupload_notification_lock_duration: Option<u32>,
    /// Hours that a device may take for an upload: 1 to 24; 1 in a new hub
    #[arg(long, alias = "fst", value_parser = value_parser!(u32).range(1..=24))]
    pub fileupload_sas_ttl: Option<u32>,
}

/// What Azure's hubs have elsewhere, or not at all.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Roadstead's own")]
pub struct OwnBehaviour {
    /// Whether changes of twins are events of the hub
    #[arg(long, num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub twin_change_events: Option<bool>,
    /// Whether devices and modules made and deleted are events of the hub
    #[arg(long, num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub device_lifecycle_events: Option<bool>,
    /// Whether devices that connect and leave are events of the hub
    #[arg(long, num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub connection_state_events: Option<bool>,
    /// Refuse too many requests as a hub of this tier would, or never
    #[arg(long, value_enum, ignore_case = true)]
    pub throttle: Option<ThrottleLike>,
    /// Whether messages may ask for faults, for tests of clients
    #[arg(long, num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub fault_injection: Option<bool>,
    /// Messages that may wait for one device: 1 to 1000
    #[arg(long, value_parser = value_parser!(u32).range(1..=1000))]
    pub message_queue_depth: Option<u32>,
}

#[derive(Debug, Args)]
pub struct HubUpdate {
    /// Name of the hub
    #[arg(short = 'n', long)]
    pub name: String,
    #[command(flatten)]
    pub within: InGroup,
    /// Pricing tier
    #[arg(long)]
    pub sku: Option<String>,
    /// Units of the tier
    #[arg(long)]
    pub unit: Option<u32>,
    /// Days for which events are kept
    #[arg(long, alias = "rd", value_parser = value_parser!(u32).range(1..=7))]
    pub retention_day: Option<u32>,
    /// Tags in place of those there are, separated by blanks; none when nothing follows
    #[arg(long, num_args(0..), value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Option<Vec<(String, String)>>,
    #[command(flatten)]
    pub behaviour: Behaviour,
    #[command(flatten)]
    pub own: OwnBehaviour,
    #[command(flatten)]
    pub changes: Changes,
}
