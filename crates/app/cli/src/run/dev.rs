//! `roadstead dev`: everything running, nothing to configure.

use crate::args::run::Dev;
use crate::failure::Failure;
use crate::run::panel::Panel;
use crate::run::signals::{Signals, Told};
use crate::run::{bundle, explain, logging, machine, panel, runtime};
use roadstead_config::context::{AMQP_PORT, default_data_dir};
use roadstead_config::{Administrator, Context, ContextError, Listen, LogFormat, Names, Settings};
use roadstead_model::Secret;
use roadstead_server::{First, FirstNames, Server, first, installation, system::SystemRandom};
use roadstead_service::Credentials;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

const DEV_NAME: &str = "dev.localhost";
const AZURE_NAME: &str = "dev.azure-devices.net";
const AZURE_PROVISIONING: &str = "global.azure-devices-provisioning.net";
/// Where the search for an HTTPS port begins when 443 cannot be had.
const HTTPS_FALLBACK: u16 = 8443;
/// Where Event Hubs clients look for an emulator. Source: IANA, `amqp`
const AMQP_PLAIN_PORT: u16 = 5672;
/// Likewise when another program has AMQP's port.
const AMQP_FALLBACK: u16 = 8571;
const AMQP_PLAIN_FALLBACK: u16 = 8672;

/// Runs until SIGTERM or Ctrl-C. `begun`: when the process started.
pub fn run(args: &Dev, data_dir: Option<&Path>, begun: Instant) -> Result<(), Failure> {
    logging::start(&args.log, LogFormat::Text)?;
    let home = Home::open(args, data_dir)?;
    let outcome = runtime()?.block_on(serve(args, &home.path, begun));
    home.leave();
    outcome
}

async fn serve(args: &Dev, data_dir: &Path, begun: Instant) -> Result<(), Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::error(format!("signals: {error}")))?;
    let names = first_names(args);
    let (administrator, secret) = administrator(data_dir)?;
    let listen = listen(args);
    let settings = Settings {
        data_dir: data_dir.to_owned(),
        names: Names { hub_domain: hub_domain(args), ..Names::default() },
        listen: listen.listen,
        administrator: administrator.clone(),
        ..Settings::default()
    };
    let server = Server::start(&settings, machine_names(args, &names)).await.map_err(explain)?;
    let first = first::ensure(&server.resources, &names).await.map_err(explain)?;
    let ca_file = server.ca_file.clone().ok_or_else(|| Failure::error("`dev` has no CA of its own"))?;
    bundle::write(&ca_file).map_err(|error| Failure::error(format!("the CA bundle: {error}")))?;
    let context = context(&server, &first, &administrator, &secret, &ca_file);
    context.save(data_dir)?;
    if let Some(seed) = &args.seed {
        crate::run::seed::plant(seed, data_dir).await?;
    }
    let page = portal_link(&server, &context);
    let panel =
        Panel { context: &context, data_dir, portal: &page, took: begun.elapsed(), without_443: listen.without_443 };
    panel::print(&panel);
    while signals.next().await == Told::Reload {
        if let Err(error) = server.reload_certificates() {
            tracing::warn!("certificates could not be renewed: {error:#}");
        }
    }
    tracing::info!("stopping");
    server.stop().await;
    Ok(())
}

/// Where a browser signs in, once: whoever has it is the administrator, so it is printed and nowhere else.
fn portal_link(server: &Server, context: &Context) -> String {
    let client_secret = context.client_secret.clone().into();
    let path = server.portal.invite(Credentials { client_id: context.client_id.clone(), client_secret });
    format!("{}{path}", context.endpoint)
}

/// The data directory of one run.
struct Home {
    path: PathBuf,
    ephemeral: bool,
}

impl Home {
    fn open(args: &Dev, data_dir: Option<&Path>) -> Result<Self, Failure> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let named = data_dir.map(Path::to_owned).or_else(|| variable("ROADSTEAD_DATA_DIR"));
        let path = match named {
            Some(path) => path,
            None if args.ephemeral => fresh_directory()?,
            None => default_data_dir(variable).ok_or_else(|| {
                Failure::error("there is no home directory to keep data in").hint("name a directory with `--data-dir`")
            })?,
        };
        // What is written down of it is read from elsewhere.
        let path = std::path::absolute(&path).unwrap_or(path);
        let is_used = path.read_dir().is_ok_and(|mut entries| entries.next().is_some());
        if args.ephemeral && is_used {
            return Err(Failure::error(format!("{} is not empty, and `--ephemeral` would empty it", path.display()))
                .hint("name an empty directory, or leave `--data-dir` out"));
        }
        Ok(Self { path, ephemeral: args.ephemeral })
    }

    fn leave(self) {
        if self.ephemeral
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the ephemeral data could not be removed");
        }
    }
}

/// A directory that was not there before: whoever else had made it in a folder that all share could change what is in it.
fn fresh_directory() -> Result<PathBuf, Failure> {
    let path = std::env::temp_dir().join(format!("roadstead-{}", std::process::id()));
    match std::fs::DirBuilder::new().mode(0o700).create(&path) {
        Ok(()) => Ok(path),
        Err(error) => Err(Failure::error(format!("cannot make {}: {error}", path.display()))
            .hint("remove it, or name another directory with `--data-dir`")),
    }
}

/// The hub's name: what was asked for, else `dev.localhost` where this machine resolves it, else an address. Always with a
/// dot: the C SDK splits it there.
fn first_names(args: &Dev) -> FirstNames {
    let host_name = match &args.hostname {
        Some(name) => name.to_ascii_lowercase(),
        None if machine::is_loopback(DEV_NAME) => DEV_NAME.to_owned(),
        None => Ipv4Addr::LOCALHOST.to_string(),
    };
    let mut aliases: Vec<String> = [DEV_NAME, "localhost", "127.0.0.1", "::1", AZURE_NAME].map(str::to_owned).into();
    aliases.extend(machine::name());
    aliases.extend(args.san.iter().map(|san| san.to_ascii_lowercase()));
    aliases.retain(|alias| *alias != host_name);
    FirstNames { host_name, aliases }
}

fn hub_domain(args: &Dev) -> String {
    let domain = args.hostname.as_deref().and_then(|name| name.split_once('.')).map(|(_, domain)| domain);
    match domain {
        Some(domain)
            if !domain.is_empty() && args.hostname.as_deref().is_some_and(|name| name.parse::<IpAddr>().is_err()) =>
        {
            domain.to_ascii_lowercase()
        }
        _ => "localhost".to_owned(),
    }
}

/// What the certificate carries that is shown to clients that name nobody (an address has no SNI), or a name unknown to us.
fn machine_names(args: &Dev, names: &FirstNames) -> Vec<String> {
    let mut all = vec![names.host_name.clone()];
    all.extend(["localhost", "127.0.0.1", "::1", AZURE_PROVISIONING].map(str::to_owned));
    all.extend(machine::name());
    all.extend(args.san.iter().cloned());
    let mut seen = std::collections::HashSet::new();
    all.retain(|name| seen.insert(name.to_ascii_lowercase()));
    all
}

struct Addresses {
    listen: Listen,
    /// 443 was wanted and could not be had.
    without_443: bool,
}

/// Loopback only, unless a name was given that leads elsewhere: then other machines are meant to reach it.
fn listen(args: &Dev) -> Addresses {
    let is_local = args.hostname.as_deref().is_none_or(machine::is_loopback) && args.san.is_empty();
    let address = IpAddr::from(if is_local { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED });
    let wanted = args.https_port.unwrap_or(443);
    let without_443 = args.https_port.is_none() && !machine::can_bind(SocketAddr::new(address, wanted));
    let https = if without_443 { machine::free_port(address, HTTPS_FALLBACK).unwrap_or(0) } else { wanted };
    // Another broker may have the ports of AMQP; that is no reason not to start.
    let amqp = |address, asked: Option<u16>, usual, fallback| {
        let free = || {
            let is_free = machine::can_bind(SocketAddr::new(address, usual));
            if is_free { usual } else { machine::free_port(address, fallback).unwrap_or(0) }
        };
        SocketAddr::new(address, asked.unwrap_or_else(free))
    };
    let loopback = Ipv4Addr::LOCALHOST.into();
    let listen = Listen {
        https: SocketAddr::new(address, https),
        mqtt: SocketAddr::new(address, args.mqtt_port),
        amqp: amqp(address, args.amqp_port, AMQP_PORT, AMQP_FALLBACK),
        amqp_plain: Some(amqp(loopback, args.amqp_plain_port, AMQP_PLAIN_PORT, AMQP_PLAIN_FALLBACK)),
    };
    Addresses { listen, without_443 }
}

/// The administrator of an earlier run, or a new one.
fn administrator(data_dir: &Path) -> Result<(Administrator, Secret), Failure> {
    match Context::load(data_dir) {
        Ok(context) if context.subscription_id.is_some() => {
            let administrator = Administrator {
                client_secret_digest: installation::digest(&context.client_secret),
                client_id: context.client_id,
                tenant_id: context.tenant_id,
                subscription_id: context.subscription_id.unwrap_or_default(),
            };
            Ok((administrator, Secret::new(context.client_secret)))
        }
        Ok(_) | Err(ContextError::Absent { .. }) => Ok(installation::new_administrator(&SystemRandom)),
        Err(error) => Err(Failure::from(error).hint("delete the file, and `dev` writes a new one")),
    }
}

fn context(server: &Server, first: &First, administrator: &Administrator, secret: &Secret, ca_file: &Path) -> Context {
    Context {
        endpoint: Context::endpoint_of(&first.hub_host, server.https.port()),
        client_id: administrator.client_id.clone(),
        client_secret: secret.expose().to_owned(),
        tenant_id: administrator.tenant_id.clone(),
        subscription_id: Some(administrator.subscription_id.clone()),
        ca_file: ca_file.to_owned(),
        https_port: server.https.port(),
        mqtt_port: server.mqtt.port(),
        amqp_port: server.amqp.port(),
        amqp_plain_port: server.amqp_plain.map(|address| address.port()),
        id_scope: Some(first.id_scope.clone()),
        provisioning_host: Some(first.hub_host.clone()),
        hub_host: Some(first.hub_host.clone()),
        connect_to: BTreeMap::new(),
    }
}
