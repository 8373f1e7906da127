//! Commands that run a server or ask one about itself.

pub mod az_setup;
pub mod bundle;
pub mod dev;
pub mod doctor;
pub mod env;
pub mod hosts;
pub mod init;
mod logging;
mod machine;
mod panel;
pub mod seed;
pub mod serve;
mod signals;
pub mod simulate;

use crate::failure::Failure;

/// A runtime with as many workers as the machine has cores.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("roadstead")
        .build()
        .map_err(|error| Failure::error(format!("the runtime could not be started: {error}")))
}

/// A failure of the server with all its causes, and what to try where that is known.
fn explain(error: anyhow::Error) -> Failure {
    let text = format!("{error:#}");
    let lower = text.to_ascii_lowercase();
    let failure = Failure::error(text);
    if lower.contains("address already in use") {
        failure.hint(
            "another program has the port: `ss -ltnp` shows which; or take another with `--mqtt-port`, `--https-port`",
        )
    } else if lower.contains("permission denied") && lower.contains("listen") {
        failure.hint("ports below 1024 need root or CAP_NET_BIND_SERVICE; take another port")
    } else {
        failure
    }
}
