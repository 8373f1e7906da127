//! What moves a hub's devices, or the enrollments of a DPS, from one place to another.

use super::enrollment::DpsTarget;
use super::hub_target::HubTarget;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Below `roadstead import`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Take devices, modules and twins from what `az iot hub state export` or an export job wrote
    Hub(ImportHub),
    /// Take enrollments and groups from what `az iot dps enrollment` or `enrollment-group` printed: `list` or `show`
    Dps(ImportDps),
}

/// Below `roadstead export`.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Write a hub's devices, modules and twins, keys included
    Hub(ExportHub),
    /// Write the enrollments and groups of a DPS, keys and certificates included
    Dps(ExportDps),
}

/// A file and a hub that it becomes true of.
#[derive(Debug, Args)]
pub struct ImportHub {
    /// A file of `az iot hub state export`, or `devices.txt` of an export job
    pub file: PathBuf,
    #[command(flatten)]
    pub hub: HubTarget,
    /// Change nothing, and say what would be changed
    #[arg(long)]
    pub dry_run: bool,
}

/// Files and a DPS that they become true of.
#[derive(Debug, Args)]
pub struct ImportDps {
    /// JSON: enrollments and enrollment groups, one or a list of them in each file
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub dps: DpsTarget,
    /// Folder with the PEM files of those certificates of which Azure shows the thumbprint alone
    #[arg(long, value_name = "DIR")]
    pub certificates: Option<PathBuf>,
    /// Change nothing, and say what would be changed
    #[arg(long)]
    pub dry_run: bool,
}

/// A hub, and the file to write.
#[derive(Debug, Args)]
pub struct ExportHub {
    /// The file to write
    pub file: PathBuf,
    #[command(flatten)]
    pub hub: HubTarget,
    /// What to write
    #[arg(long, value_enum, default_value = "state")]
    pub format: HubFormat,
}

/// Forms of a hub in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HubFormat {
    /// As `az iot hub state export` writes it, and `az iot hub state import` reads it
    State,
    /// As an export job writes `devices.txt`: one device or module a line, with what it reported
    Devices,
}

/// A DPS, and the file to write.
#[derive(Debug, Args)]
pub struct ExportDps {
    /// The file to write
    pub file: PathBuf,
    #[command(flatten)]
    pub dps: DpsTarget,
}
