//! `roadstead serve`: production.

use crate::args::run::Serve;
use crate::failure::Failure;
use crate::run::signals::{Signals, Told};
use crate::run::{explain, logging, machine, runtime};
use roadstead_config::{Context, ContextError, Settings};
use roadstead_server::Server;

/// Runs until SIGTERM or Ctrl-C; SIGHUP reads certificate files again.
pub fn run(args: &Serve) -> Result<(), Failure> {
    let settings = Settings::load(&args.config).map_err(|error| {
        Failure::error(error.to_string()).hint("`roadstead init` writes a configuration, `roadstead doctor` checks it")
    })?;
    logging::start(args.log.as_deref().unwrap_or(&settings.log.filter), settings.log.format)?;
    runtime()?.block_on(async {
        let mut signals = Signals::listen().map_err(|error| Failure::error(format!("signals: {error}")))?;
        let server = Server::start(&settings, machine_names(&settings)).await.map_err(explain)?;
        follow_ports(&settings, &server)?;
        while signals.next().await == Told::Reload {
            match server.reload_certificates() {
                Ok(()) => tracing::info!("server certificates read again"),
                Err(error) => tracing::warn!("server certificates stay as they were: {error:#}"),
            }
        }
        tracing::info!("stopping");
        server.stop().await;
        Ok(())
    })
}

/// Whoever edits the ports that `init` wrote need not edit the context file beside the data.
fn follow_ports(settings: &Settings, server: &Server) -> Result<(), Failure> {
    let context = match Context::load(&settings.data_dir) {
        Ok(context) => context,
        // Administered from another machine.
        Err(ContextError::Absent { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let ports = [server.https, server.mqtt, server.amqp].map(|address| address.port());
    if let Some(moved) = context.moved(&settings.names.hub_domain, ports) {
        moved.save(&settings.data_dir)?;
    }
    Ok(())
}

fn machine_names(settings: &Settings) -> Vec<String> {
    let mut names = settings.names.also.clone();
    names.extend([settings.names.hub_domain.clone(), "localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()]);
    names.extend(machine::name());
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.to_ascii_lowercase()));
    names
}
