//! Structured logs on stderr.

use crate::failure::{Failure, wants_colour};
use roadstead_config::LogFormat;
use tracing_subscriber::EnvFilter;

/// rustls warns of every client that puts an IP address into SNI, as many MQTT libraries do. A filter that names it wins.
const QUIET: &str = "rustls=error";

/// Starts logging. May be called once in a process.
pub fn start(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(format!("{QUIET},{filter}")).map_err(|error| {
        Failure::usage(format!("log filter `{filter}`: {error}"))
            .hint("it looks like `info` or `info,roadstead_front_mqtt=debug`")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.with_ansi(wants_colour(&std::io::stderr())).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::error(format!("logging could not be started: {error}")))
}
