//! Which hub a command is about.

use super::in_group::InGroup;
use clap::Args;

/// A hub by name, or by a connection string that makes names needless.
#[derive(Debug, Clone, Args)]
pub struct HubTarget {
    /// Name or host name of the hub
    #[arg(short = 'n', long, required_unless_present = "login")]
    pub hub_name: Option<String>,
    /// Connection string of the hub, in place of its name
    #[arg(short = 'l', long, value_name = "CONNECTION_STRING")]
    pub login: Option<String>,
    #[command(flatten)]
    pub within: InGroup,
}
