//! `roadstead metrics`

use clap::Args;

use super::in_group::InGroup;

/// In the words of `az monitor metrics list`, without the resource's id.
#[derive(Debug, Args)]
pub struct ShowMetrics {
    /// Name of the hub
    #[arg(short = 'n', long, required_unless_present = "dps_name", conflicts_with = "dps_name")]
    pub hub_name: Option<String>,
    /// Name of the DPS
    #[arg(long)]
    pub dps_name: Option<String>,
    #[command(flatten)]
    pub within: InGroup,
    /// Which; of a hub connectedDeviceCount, totalDeviceCount, d2c.telemetry.ingress.allProtocol and .success, of a DPS
    /// AttestationAttempts, RegistrationAttempts and DeviceAssignments; of both roadstead.refusals
    #[arg(long, num_args(1..), value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// From when to when, the last hour when left out: `2026-11-22T17:00:00Z/2026-11-22T18:00:00Z`
    #[arg(long)]
    pub timespan: Option<String>,
    /// In steps of how long: PT1M, PT5M, PT15M, PT30M, PT1H, PT6H, PT12H or P1D
    #[arg(long)]
    pub interval: Option<String>,
    /// Average, Minimum, Maximum, Total or Count of each step; what suits the metric when left out
    #[arg(long, num_args(1..))]
    pub aggregation: Vec<String>,
}
