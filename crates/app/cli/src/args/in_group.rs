//! The resource group that a resource is in.

use clap::Args;

/// A resource group, where a command can do without one.
#[derive(Debug, Clone, Args)]
pub struct InGroup {
    /// Resource group; found by the resource's name when left out
    #[arg(short = 'g', long)]
    pub resource_group: Option<String>,
}
