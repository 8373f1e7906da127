//! `roadstead iot hub invoke-device-method` and `roadstead iot hub invoke-module-method`

use super::value::json;
use clap::Args;
use serde_json::Value;

/// A direct method of whom `Of` names.
#[derive(Debug, Args)]
pub struct InvokeMethod<Of: Args> {
    #[command(flatten)]
    pub of: Of,
    /// The method
    #[arg(long, alias = "mn")]
    pub method_name: String,
    /// What it is called with: JSON, or a file that holds it
    #[arg(long, alias = "mp", default_value = "{}", value_name = "JSON", value_parser = json)]
    pub method_payload: Value,
    /// Seconds to wait for a device that is not connected, and again for its answer
    #[arg(long, alias = "to", default_value_t = 30, value_parser = clap::value_parser!(u32).range(10..=300))]
    pub timeout: u32,
}
