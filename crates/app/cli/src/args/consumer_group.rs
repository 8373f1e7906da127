//! `roadstead iot hub consumer-group`

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
