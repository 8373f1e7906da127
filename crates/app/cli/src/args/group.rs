//! `roadstead group`

use super::value::tag;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Create a resource group, or change its tags
    Create(GroupCreate),
    /// List resource groups
    List,
    /// Show a resource group
    Show(GroupName),
    /// Say whether there is such a resource group: `true` or `false`
    Exists(GroupName),
    /// Delete a resource group with all that is in it
    Delete(GroupDelete),
}

#[derive(Debug, Args)]
pub struct GroupName {
    /// Name of the resource group
    #[arg(short = 'n', long, visible_short_alias = 'g', visible_alias = "resource-group")]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct GroupCreate {
    #[command(flatten)]
    pub group: GroupName,
    /// Location: any word, such as `westeurope`
    #[arg(short = 'l', long)]
    pub location: String,
    /// Tags, separated by blanks
    #[arg(long, num_args(0..), value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub struct GroupDelete {
    #[command(flatten)]
    pub group: GroupName,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Accepted, without effect: deleting takes no time
    #[arg(long, hide = true)]
    pub no_wait: bool,
}
