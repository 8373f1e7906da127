//! What can be typed: `az iot`'s nouns, verbs and flags, and Roadstead's own.
//!
//! Source of every flag and default of `group`, `role` and `iot`: azure-cli 2.77 and its `azure-iot` extension 0.25.0.

pub mod access;
pub mod ca;
pub mod certificate;
pub mod consumer_group;
pub mod device;
pub mod dps;
pub mod enrollment;
pub mod group;
pub mod hub;
pub mod hub_settings;
pub mod hub_target;
pub mod in_group;
pub mod messaging;
pub mod method;
pub mod metrics;
pub mod module;
pub mod policy;
pub mod run;
pub mod shell;
pub mod transfer;
pub mod twin;
pub mod upload;
pub mod value;

use crate::output::Format;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// IoT Hub and Device Provisioning Service on your own machines
#[derive(Debug, Parser)]
#[command(name = "roadstead", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// How results are printed; json when left out, but for commands that say it in words
    #[arg(short = 'o', long, global = true, value_enum, ignore_case = true)]
    pub output: Option<Format>,
    /// Print only what this JMESPath expression finds in the result
    #[arg(long, global = true, value_name = "JMESPATH")]
    pub query: Option<String>,
    /// Print no notes and warnings on stderr
    #[arg(long, global = true)]
    pub only_show_errors: bool,
    /// Print on stderr what is sent and how it is answered
    #[arg(long, global = true)]
    pub debug: bool,
    /// Which server: the directory that holds its `context.toml` [env: ROADSTEAD_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl Global {
    /// How results are printed.
    pub fn format(&self) -> Format {
        self.output.unwrap_or(Format::Json)
    }

    /// What a command takes that speaks to the server of a directory.
    pub fn of_data_dir(data_dir: &std::path::Path) -> Self {
        Self { output: None, query: None, only_show_errors: true, debug: false, data_dir: Some(data_dir.to_owned()) }
    }
}

/// One variant per noun.
#[derive(Debug, Subcommand)]
pub enum Command {
    Dev(run::Dev),
    Serve(run::Serve),
    Init(run::Init),
    /// Print shell exports that lead SDKs to the running server
    Env,
    /// Print the lines that lead the Azure CLI to the running server
    AzSetup,
    Simulate(run::Simulate),
    Hosts(run::Hosts),
    Doctor(run::Doctor),
    /// Resource groups
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// People who may log in
    #[command(subcommand)]
    User(access::UserCommand),
    /// Programs that may log in
    #[command(subcommand)]
    ServicePrincipal(access::ServiceCommand),
    /// Who may do what
    #[command(subcommand)]
    Role(access::RoleCommand),
    /// List what was changed, by whom and from where, the newest first
    Audit(access::Audit),
    /// Show what happened in a hub or a DPS, minute by minute, in the last day
    Metrics(metrics::ShowMetrics),
    Why(run::Why),
    /// Hubs, devices and provisioning, in the words of `az iot`
    #[command(subcommand)]
    Iot(IotCommand),
    /// Take over a hub or a DPS from Azure, or from another server
    #[command(subcommand)]
    Import(transfer::ImportCommand),
    /// Write a hub or a DPS to a file that `import`, and `az`, can read
    #[command(subcommand)]
    Export(transfer::ExportCommand),
    /// Certificates for devices, and the CAs that issue them
    #[command(subcommand)]
    Ca(ca::CaCommand),
    Completions(shell::Completions),
    Man(shell::Man),
}

/// Below `roadstead iot`.
#[derive(Debug, Subcommand)]
pub enum IotCommand {
    /// IoT hubs
    #[command(subcommand)]
    Hub(hub::HubCommand),
    /// Device Provisioning Services
    #[command(subcommand)]
    Dps(dps::DpsCommand),
    /// Messages to and from devices
    #[command(subcommand)]
    Device(messaging::MessagingCommand),
}

#[cfg(test)]
mod tests;
