//! `roadstead iot hub consumer-group`

use super::hub_target::HubTarget;
use super::in_group::InGroup;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum ConsumerGroupCommand {
    /// Make a consumer group: readers in it and those in others each read all events
    Create(ConsumerGroup),
    /// List consumer groups
    List(OfEvents),
    /// Show a consumer group
    Show(ConsumerGroup),
    /// Delete a consumer group
    Delete(ConsumerGroup),
    /// Show who reads, and how many events each group has not been given yet
    #[command(
        after_help = "What a group's readers were given is known since the server started; before anybody reads, there is no lag.\nExample: roadstead iot hub consumer-group lag -n plant -o table"
    )]
    Lag(HubTarget),
}

#[derive(Debug, Args)]
pub struct OfEvents {
    /// Name of the hub
    #[arg(long)]
    pub hub_name: String,
    /// Which endpoint's; there is one
    #[arg(short = 'e', long, value_parser = ["events"], default_value = "events", hide = true)]
    pub event_hub_name: String,
    #[command(flatten)]
    pub within: InGroup,
}

#[derive(Debug, Args)]
pub struct ConsumerGroup {
    /// Name of the consumer group
    #[arg(short = 'n', long)]
    pub name: String,
    #[command(flatten)]
    pub of: OfEvents,
}
