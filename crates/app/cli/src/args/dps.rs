//! `roadstead iot dps`

use super::certificate::DpsCertificateCommand;
use super::enrollment::{EnrollmentCommand, EnrollmentGroupCommand};
use super::in_group::InGroup;
use super::policy::DpsPolicyCommand;
use super::value::{Changes, KeyType, tag, three_state};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum DpsCommand {
    /// Create a DPS
    Create(DpsCreate),
    /// List DPS
    List(InGroup),
    /// Show a DPS
    Show(DpsName),
    /// Change a DPS: its tags, or any member
    #[command(after_help = "Example: roadstead iot dps update -n dev-dps --set properties.allocationPolicy=GeoLatency")]
    Update(DpsUpdate),
    /// Delete a DPS with all its enrollments
    Delete(DpsDelete),
    /// A DPS' connection strings
    #[command(subcommand)]
    ConnectionString(DpsConnectionStringCommand),
    /// Shared access policies of a DPS: keys, and what each allows
    #[command(subcommand)]
    Policy(DpsPolicyCommand),
    /// Hubs that a DPS assigns devices to
    #[command(subcommand)]
    LinkedHub(LinkedHubCommand),
    /// Enrollments of single devices
    #[command(subcommand)]
    Enrollment(Box<EnrollmentCommand>),
    /// Enrollments of many devices at once
    #[command(subcommand)]
    EnrollmentGroup(Box<EnrollmentGroupCommand>),
    /// CA certificates of a DPS
    #[command(subcommand)]
    Certificate(DpsCertificateCommand),
}

#[derive(Debug, Args)]
pub struct DpsName {
    /// Name of the DPS
    #[arg(short = 'n', long)]
    pub name: String,
    #[command(flatten)]
    pub within: InGroup,
    /// Accepted, without effect: deleting takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct DpsDelete {
    #[command(flatten)]
    pub dps: DpsName,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct DpsCreate {
    /// Name of the DPS
    #[arg(short = 'n', long)]
    pub name: String,
    /// Resource group
    #[arg(short = 'g', long)]
    pub resource_group: String,
    /// Location; the resource group's when left out
    #[arg(short = 'l', long)]
    pub location: Option<String>,
    /// Pricing tier
    #[arg(long, default_value = "S1")]
    pub sku: String,
    /// Units of the tier
    #[arg(long, default_value_t = 1)]
    pub unit: u32,
    /// Tags, separated by blanks
    #[arg(long, num_args(0..), value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub struct DpsUpdate {
    /// Name of the DPS
    #[arg(short = 'n', long)]
    pub name: String,
    #[command(flatten)]
    pub within: InGroup,
    /// Tags in place of those there are, separated by blanks; none when nothing follows
    #[arg(long, num_args(0..), value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Option<Vec<(String, String)>>,
    #[command(flatten)]
    pub changes: Changes,
}

#[derive(Debug, Subcommand)]
pub enum DpsConnectionStringCommand {
    /// Show a DPS' connection string
    #[command(
        after_help = "Example: roadstead iot dps connection-string show -n dev-dps --query connectionString -o tsv"
    )]
    Show(ShowDpsConnectionString),
}

/// Which policy's connection string of which DPS.
#[derive(Debug, Args)]
pub struct ShowDpsConnectionString {
    /// Name of the DPS; every DPS' when left out
    #[arg(short = 'n', long)]
    pub dps_name: Option<String>,
    #[command(flatten)]
    pub within: InGroup,
    /// Shared access policy
    #[arg(long, alias = "pn", default_value = "provisioningserviceowner")]
    pub policy_name: String,
    /// Which key
    #[arg(long, alias = "kt", value_enum, ignore_case = true, default_value = "primary")]
    pub key_type: KeyType,
    /// Show those of all policies
    #[arg(long, visible_alias = "all")]
    pub show_all: bool,
}

#[derive(Debug, Subcommand)]
pub enum LinkedHubCommand {
    /// Link a hub
    Create(LinkedHubCreate),
    /// List linked hubs
    List(LinkedHubList),
    /// Show a linked hub
    Show(LinkedHubShow),
    /// Change how a DPS allocates devices to a linked hub
    #[command(
        after_help = "Example: roadstead iot dps linked-hub update --dps-name dev-dps --linked-hub dev --allocation-weight 10"
    )]
    Update(LinkedHubUpdate),
    /// Unlink a hub
    Delete(LinkedHubDelete),
}

#[derive(Debug, Args)]
pub struct LinkedHubList {
    /// Name of the DPS
    #[arg(long)]
    pub dps_name: String,
    #[command(flatten)]
    pub within: InGroup,
}

#[derive(Debug, Args)]
pub struct LinkedHubCreate {
    #[command(flatten)]
    pub dps: LinkedHubList,
    /// Connection string of the hub
    #[arg(long, alias = "cs", required_unless_present = "hub_name")]
    pub connection_string: Option<String>,
    /// Name of the hub, in place of its connection string
    #[arg(long, alias = "hn")]
    pub hub_name: Option<String>,
    /// Resource group of the hub
    #[arg(long, alias = "hrg")]
    pub hub_resource_group: Option<String>,
    /// Location; the hub's when left out
    #[arg(short = 'l', long)]
    pub location: Option<String>,
    /// Whether allocation may pick this hub
    #[arg(long, num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub apply_allocation_policy: Option<bool>,
    /// The hub's share under weighted allocation
    #[arg(long)]
    pub allocation_weight: Option<u32>,
    /// Accepted, without effect: linking takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct LinkedHubShow {
    #[command(flatten)]
    pub dps: LinkedHubList,
    /// Name or host name of the hub
    #[arg(long)]
    pub linked_hub: String,
}

#[derive(Debug, Args)]
pub struct LinkedHubUpdate {
    #[command(flatten)]
    pub linked: LinkedHubShow,
    /// Whether allocation may pick this hub
    #[arg(long, num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub apply_allocation_policy: Option<bool>,
    /// The hub's share under weighted allocation
    #[arg(long)]
    pub allocation_weight: Option<u32>,
    /// Accepted, without effect: it takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct LinkedHubDelete {
    #[command(flatten)]
    pub linked: LinkedHubShow,
    /// Accepted, without effect: unlinking takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}
