//! `roadstead iot hub device-twin` and `roadstead iot hub module-twin`

use super::device::{DeviceList, DeviceShow};
use super::module::ModuleShow;
use super::value::{Changes, Top, json, json_object, top};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};

#[derive(Debug, Subcommand)]
pub enum DeviceTwinCommand {
    /// Show a device's twin
    #[command(
        after_help = "Example: roadstead iot hub device-twin show -n dev -d thermo-7 --query properties.reported"
    )]
    Show(DeviceShow),
    /// List devices' twins
    #[command(after_help = "Example: roadstead iot hub device-twin list -n dev -o table")]
    List(DeviceList),
    /// Change tags and desired properties; null deletes
    #[command(
        after_help = r#"Example: roadstead iot hub device-twin update -n dev -d thermo-7 --desired '{"hz":5,"old":null}'"#
    )]
    Update(TwinUpdate<DeviceShow>),
    /// Put a twin's tags and desired properties in place of what was there
    #[command(after_help = "Example: roadstead iot hub device-twin replace -n dev -d thermo-7 --json twin.json")]
    Replace(TwinReplace<DeviceShow>),
    /// What back ends made of a device's twin, newest first
    #[command(after_help = "Example: roadstead iot hub device-twin history -n dev -d thermo-7 -o table")]
    History(TwinHistory<DeviceShow>),
}

#[derive(Debug, Subcommand)]
pub enum ModuleTwinCommand {
    /// Show a module's twin
    #[command(after_help = "Example: roadstead iot hub module-twin show -n dev -d thermo-7 -m filter")]
    Show(ModuleShow),
    /// Change tags and desired properties; null deletes
    #[command(
        after_help = r#"Example: roadstead iot hub module-twin update -n dev -d thermo-7 -m filter --tags '{"site":"a"}'"#
    )]
    Update(TwinUpdate<ModuleShow>),
    /// Put a twin's tags and desired properties in place of what was there
    #[command(
        after_help = "Example: roadstead iot hub module-twin replace -n dev -d thermo-7 -m filter --json twin.json"
    )]
    Replace(TwinReplace<ModuleShow>),
    /// What back ends made of a module's twin, newest first
    #[command(after_help = "Example: roadstead iot hub module-twin history -n dev -d thermo-7 -m filter -o table")]
    History(TwinHistory<ModuleShow>),
}

#[derive(Debug, Args)]
pub struct TwinUpdate<Of: Args> {
    #[command(flatten)]
    pub of: Of,
    /// Desired properties to merge: a JSON object, or a file that holds one
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    pub desired: Option<Map<String, Value>>,
    /// Tags to merge, likewise
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    pub tags: Option<Map<String, Value>>,
    #[command(flatten)]
    pub changes: Changes,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}

#[derive(Debug, Args)]
pub struct TwinHistory<Of: Args> {
    #[command(flatten)]
    pub of: Of,
    /// At most so many versions; all when left out or -1
    #[arg(long, value_parser = top, allow_negative_numbers = true)]
    pub top: Option<Top>,
}

#[derive(Debug, Args)]
pub struct TwinReplace<Of: Args> {
    #[command(flatten)]
    pub of: Of,
    /// The twin: JSON, or a file that holds it
    #[arg(short = 'j', long, value_parser = json)]
    pub json: Value,
    /// Only if its etag still is this one
    #[arg(short = 'e', long)]
    pub etag: Option<String>,
}
