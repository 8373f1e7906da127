//! `roadstead iot hub policy` and `roadstead iot dps policy`

use super::certificate::OfHub;
use super::in_group::InGroup;
use super::value::{DpsRight, HubRight, PolicyKey};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum HubPolicyCommand {
    /// Create a policy, with keys of its own
    #[command(
        after_help = "Example: roadstead iot hub policy create --hub-name dev -n reader --permissions RegistryRead ServiceConnect"
    )]
    Create(HubPolicyCreate),
    /// List policies with their keys
    List(OfHub),
    /// Show a policy with its keys
    Show(HubPolicy),
    /// Make a new key for a policy, or swap its two: what rests on the old key ends
    #[command(after_help = "Example: roadstead iot hub policy renew-key --hub-name dev -n reader --renew-key primary")]
    RenewKey(HubPolicyRenewKey),
    /// Delete a policy: what rests on its keys ends
    Delete(HubPolicy),
}

#[derive(Debug, Args)]
pub struct HubPolicy {
    /// Name of the policy
    #[arg(short = 'n', long)]
    pub name: String,
    #[command(flatten)]
    pub of: OfHub,
}

#[derive(Debug, Args)]
pub struct HubPolicyCreate {
    #[command(flatten)]
    pub policy: HubPolicy,
    /// What its keys allow, separated by blanks
    #[arg(long, required = true, num_args(1..), value_enum, ignore_case = true)]
    pub permissions: Vec<HubRight>,
}

#[derive(Debug, Args)]
pub struct HubPolicyRenewKey {
    #[command(flatten)]
    pub policy: HubPolicy,
    /// Which key
    #[arg(long, alias = "rk", value_enum, ignore_case = true)]
    pub renew_key: PolicyKey,
    /// Accepted, without effect: it takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}

#[derive(Debug, Subcommand)]
pub enum DpsPolicyCommand {
    /// Create a policy, with keys of its own
    #[command(
        after_help = "Example: roadstead iot dps policy create --dps-name dev-dps --policy-name reader --rights EnrollmentRead"
    )]
    Create(DpsPolicyCreate),
    /// List policies with their keys
    List(DpsPolicies),
    /// Show a policy with its keys
    Show(DpsPolicy),
    /// Change what a policy allows, or its keys
    #[command(
        after_help = "Example: roadstead iot dps policy update --dps-name dev-dps --policy-name reader --primary-key \"\""
    )]
    Update(DpsPolicyUpdate),
    /// Delete a policy
    Delete(DpsPolicyDelete),
}

#[derive(Debug, Args)]
pub struct DpsPolicies {
    /// Name of the DPS
    #[arg(short = 'n', long)]
    pub dps_name: String,
    #[command(flatten)]
    pub within: InGroup,
}

#[derive(Debug, Args)]
pub struct DpsPolicy {
    /// Name of the policy
    #[arg(long, alias = "pn")]
    pub policy_name: String,
    #[command(flatten)]
    pub of: DpsPolicies,
}

#[derive(Debug, Args)]
pub struct DpsPolicyCreate {
    #[command(flatten)]
    pub policy: DpsPolicy,
    /// What its keys allow, separated by blanks
    #[arg(short = 'r', long, required = true, num_args(1..), value_enum, ignore_case = true)]
    pub rights: Vec<DpsRight>,
    /// Primary key, base64; made by the server when left out
    #[arg(long)]
    pub primary_key: Option<String>,
    /// Secondary key, likewise
    #[arg(long)]
    pub secondary_key: Option<String>,
    /// Accepted, without effect: it takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct DpsPolicyUpdate {
    #[command(flatten)]
    pub policy: DpsPolicy,
    /// What its keys allow, in place of what they do, separated by blanks
    #[arg(short = 'r', long, num_args(1..), value_enum, ignore_case = true)]
    pub rights: Vec<DpsRight>,
    /// Primary key, base64; an empty text has the server make a new one
    #[arg(long)]
    pub primary_key: Option<String>,
    /// Secondary key, likewise
    #[arg(long)]
    pub secondary_key: Option<String>,
    /// Accepted, without effect: it takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct DpsPolicyDelete {
    #[command(flatten)]
    pub policy: DpsPolicy,
    /// Accepted, without effect: it takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}
