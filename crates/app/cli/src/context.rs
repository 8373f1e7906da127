//! Which server a command speaks to, and as whom.

use crate::args::Global;
use crate::clock::MachineClock;
use crate::failure::Failure;
use roadstead_config::{
    Context, ContextError,
    context::{AMQP_PORT, default_data_dir},
};
use roadstead_device::limits::MQTT_PORT;
use roadstead_service::{Credentials, Management, Reach, Transport, Trust};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Resource Manager of the server.
const ENDPOINT: &str = "ROADSTEAD_ENDPOINT";
const CLIENT_ID: &str = "ROADSTEAD_CLIENT_ID";
const CLIENT_SECRET: &str = "ROADSTEAD_CLIENT_SECRET";
const TENANT_ID: &str = "ROADSTEAD_TENANT_ID";
const CA_FILE: &str = "ROADSTEAD_CA_FILE";
/// Where `context.toml` lies, when `--data-dir` does not say.
const DATA_DIR: &str = "ROADSTEAD_DATA_DIR";

const NAME_A_SERVER: &str =
    "start one with `roadstead dev`, or name one with `--data-dir`, `ROADSTEAD_DATA_DIR` or `ROADSTEAD_ENDPOINT`";

/// A server as its administrator sees it.
#[derive(Debug)]
pub struct Server {
    pub transport: Transport,
    pub management: Management,
}

impl Server {
    /// The server that the command is about. Nothing is sent yet.
    pub fn open(global: &Global) -> Result<Self, Failure> {
        let context = find(global.data_dir.as_deref(), variable)?;
        let transport = transport(&reach(&context))?;
        let credentials = Credentials { client_id: context.client_id, client_secret: context.client_secret.into() };
        let management = Management::new(transport.clone(), &context.endpoint, credentials, context.subscription_id);
        Ok(Self { transport, management })
    }
}

/// How the server of this command is reached.
pub fn load(global: &Global) -> Result<Context, Failure> {
    find(global.data_dir.as_deref(), variable)
}

/// The directory that says which server it is, absolute; `None` when the environment says it.
pub fn data_dir(global: &Global) -> Option<PathBuf> {
    let flag = global.data_dir.as_deref();
    if flag.is_none() && variable(ENDPOINT).is_some() { None } else { directory(flag, variable) }
}

/// The way to a server for somebody who has a connection string: whom to trust is all that must be known.
pub fn open_transport(global: &Global) -> Result<Transport, Failure> {
    let found = find(global.data_dir.as_deref(), variable).map(|context| reach(&context));
    let ca_only = || {
        let ca_file = PathBuf::from(variable(CA_FILE)?);
        Some(Reach { trust: Trust::File(ca_file), https_port: 443, connect_to: BTreeMap::new() })
    };
    transport(&found.or_else(|failure| ca_only().ok_or(failure))?)
}

/// The way to any IoT hub for somebody who has a connection string, be it the server's or one of Azure: whom this machine
/// trusts is trusted, too.
pub fn open_anywhere(global: &Global) -> Result<Transport, Failure> {
    let found = match find(global.data_dir.as_deref(), variable) {
        Err(failure) if global.data_dir.is_some() => return Err(failure),
        found => found.ok(),
    };
    let file = found.as_ref().map(|context| context.ca_file.clone()).or_else(|| variable(CA_FILE).map(PathBuf::from));
    let (https_port, connect_to) = match found.as_ref().map(reach) {
        Some(Reach { https_port, connect_to, .. }) => (https_port, connect_to),
        None => (443, BTreeMap::new()),
    };
    transport(&Reach { trust: Trust::Machine { also: file.into_iter().collect() }, https_port, connect_to })
}

/// Port of AMQP at a hub: that of the server that the command line knows, unless the hub is one of Azure.
pub fn amqp_port(host: &str, global: &Global) -> u16 {
    let known = find(global.data_dir.as_deref(), variable).ok();
    let is_led_here = |context: &Context| context.connect_to.contains_key(&host.to_ascii_lowercase());
    known.filter(|context| !is_azure(host) || is_led_here(context)).map_or(AMQP_PORT, |context| context.amqp_port)
}

/// Whether only Azure can answer to this name. Source: docs, IoT Hub endpoints; national clouds
fn is_azure(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    [".azure-devices.net", ".azure-devices.cn", ".azure-devices.us"].iter().any(|domain| host.ends_with(domain))
}

/// How a device reaches the server over MQTT.
#[derive(Debug)]
pub struct DeviceReach {
    pub ca_file: PathBuf,
    pub mqtt_port: u16,
    pub connect_to: BTreeMap<String, std::net::IpAddr>,
}

/// The way to a server for a device: as [`open_transport`], whom to trust is all that must be known.
pub fn device_reach(global: &Global) -> Result<DeviceReach, Failure> {
    let known = |context: Context| {
        let Reach { connect_to, .. } = reach(&context);
        DeviceReach { ca_file: context.ca_file, mqtt_port: context.mqtt_port, connect_to }
    };
    let ca_only = || {
        let ca_file = PathBuf::from(variable(CA_FILE)?);
        Some(DeviceReach { ca_file, mqtt_port: MQTT_PORT, connect_to: BTreeMap::new() })
    };
    let found = find(global.data_dir.as_deref(), variable).map(known);
    found.or_else(|failure| ca_only().ok_or(failure))
}

fn transport(reach: &Reach) -> Result<Transport, Failure> {
    Ok(Transport::new(reach, Arc::new(MachineClock))?)
}

fn reach(context: &Context) -> Reach {
    let lower = |(host, address): (&String, &std::net::IpAddr)| (host.to_ascii_lowercase(), *address);
    Reach {
        trust: Trust::File(context.ca_file.clone()),
        https_port: context.https_port,
        connect_to: context.connect_to.iter().map(lower).collect(),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// In this order: the flag, an endpoint in the environment, a directory in the environment, the usual directory.
fn find(data_dir: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Result<Context, Failure> {
    if let (None, Some(endpoint)) = (data_dir, variable(ENDPOINT)) {
        return from_environment(&endpoint, variable);
    }
    let Some(data_dir) = directory(data_dir, variable) else {
        return Err(Failure::error("no Roadstead server is known here").hint(NAME_A_SERVER));
    };
    Context::load(&data_dir).map_err(|error| match error {
        ContextError::Absent { .. } => {
            Failure::error(format!("no Roadstead server is known here: {error}")).hint(NAME_A_SERVER)
        }
        other => other.into(),
    })
}

/// Absolute: what it leads to is put into the environment of shells that stand elsewhere.
fn directory(flag: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let path = |name: &str| variable(name).map(PathBuf::from);
    let named = flag.map(Path::to_owned).or_else(|| path(DATA_DIR)).or_else(|| default_data_dir(path))?;
    Some(std::path::absolute(&named).unwrap_or(named))
}

fn from_environment(endpoint: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Context, Failure> {
    let needed = [CLIENT_ID, CLIENT_SECRET, TENANT_ID, CA_FILE];
    let absent: Vec<_> = needed.into_iter().filter(|name| variable(name).is_none()).collect();
    let [Some(client_id), Some(client_secret), Some(tenant_id), Some(ca_file)] = needed.map(&variable) else {
        let absent = absent.join("`, `");
        return Err(Failure::error(format!("`{ENDPOINT}` is set, but not `{absent}`"))
            .hint("what belongs there stands in the server's `context.toml`"));
    };
    let unusable = || {
        Failure::error(format!("`{ENDPOINT}` is `{endpoint}`, which is no address of a server"))
            .hint("it looks like `https://localhost:8443`")
    };
    let host = endpoint.strip_prefix("https://").ok_or_else(unusable)?.trim_end_matches('/');
    let https_port = match host.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port.parse().map_err(|_| unusable())?,
        _ => 443,
    };
    if host.is_empty() || host.contains('/') {
        return Err(unusable());
    }
    Ok(Context {
        endpoint: endpoint.trim_end_matches('/').to_owned(),
        client_id,
        client_secret,
        tenant_id,
        subscription_id: None,
        ca_file: ca_file.into(),
        https_port,
        mqtt_port: MQTT_PORT,
        amqp_port: AMQP_PORT,
        amqp_plain_port: None,
        id_scope: None,
        provisioning_host: None,
        hub_host: None,
        connect_to: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 5] = [
        (ENDPOINT, "https://localhost:8443/"),
        (CLIENT_ID, "admin"),
        (CLIENT_SECRET, "s3cret"),
        (TENANT_ID, "t"),
        (CA_FILE, "/ca.pem"),
    ];

    fn with<'a>(set: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
    }

    fn saved(endpoint: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let context = Context { endpoint: endpoint.to_owned(), ..find(None, with(&ALL)).unwrap() };
        context.save(folder.path()).unwrap();
        folder
    }

    #[test]
    fn the_nearest_word_counts() {
        let (flag, directory, home) = (saved("https://flag"), saved("https://directory"), saved("https://home"));
        let directory = directory.path().to_str().unwrap();
        let xdg = home.path().join("roadstead");
        std::fs::create_dir(&xdg).unwrap();
        std::fs::rename(home.path().join("context.toml"), xdg.join("context.toml")).unwrap();
        let home = home.path().to_str().unwrap();
        let everything = [&ALL[..], &[(DATA_DIR, directory), ("XDG_DATA_HOME", home)]].concat();
        for (data_dir, set, endpoint) in [
            (Some(flag.path()), &everything[..], "https://flag"),
            (None, &everything, "https://localhost:8443"),
            (None, &everything[5..], "https://directory"),
            (None, &everything[6..], "https://home"),
        ] {
            assert_eq!(find(data_dir, with(set)).unwrap().endpoint, endpoint);
        }
    }

    #[test]
    fn azures_own_names() {
        for (host, expected) in [
            ("plant.azure-devices.net", true),
            ("Plant.Azure-Devices.CN", true),
            ("azure-devices.net", false),
            ("plant.azure-devices.net.example", false),
            ("plant.localhost", false),
        ] {
            assert_eq!(is_azure(host), expected, "{host}");
        }
    }

    #[test]
    fn a_directory_is_the_same_from_everywhere() {
        let here = std::env::current_dir().unwrap();
        for (flag, set, expected) in
            [(Some("/x"), "y", PathBuf::from("/x")), (Some("x"), "y", here.join("x")), (None, "y", here.join("y"))]
        {
            assert_eq!(directory(flag.map(Path::new), with(&[(DATA_DIR, set)])), Some(expected));
        }
        assert_eq!(directory(None, with(&[])), None);
    }

    #[test]
    fn the_environment_must_be_whole() {
        let context = find(None, with(&ALL)).unwrap();
        assert_eq!((context.https_port, context.ca_file), (8443, PathBuf::from("/ca.pem")));
        insta::assert_snapshot!(find(None, with(&ALL[..2])).unwrap_err().text(false), @"
        error: `ROADSTEAD_ENDPOINT` is set, but not `ROADSTEAD_CLIENT_SECRET`, `ROADSTEAD_TENANT_ID`, `ROADSTEAD_CA_FILE`

        hint: what belongs there stands in the server's `context.toml`
        ");
        for (endpoint, port) in [
            ("https://h", Some(443)),
            ("https://[::1]", Some(443)),
            ("https://[::1]:99", Some(99)),
            ("http://h", None),
            ("https://", None),
            ("https://h:x", None),
            ("https://h/path", None),
        ] {
            let set: Vec<_> =
                ALL.iter().map(|pair| if pair.0 == ENDPOINT { (ENDPOINT, endpoint) } else { *pair }).collect();
            assert_eq!(find(None, with(&set)).ok().map(|context| context.https_port), port, "{endpoint}");
        }
    }

    #[test]
    fn without_a_server_it_is_said_how_to_get_one() {
        let failure = find(None, with(&[])).unwrap_err().text(false);
        insta::assert_snapshot!(failure, @"
        error: no Roadstead server is known here

        hint: start one with `roadstead dev`, or name one with `--data-dir`, `ROADSTEAD_DATA_DIR` or `ROADSTEAD_ENDPOINT`
        ");
        let failure = find(Some(Path::new("/nowhere")), with(&[])).unwrap_err().text(false);
        insta::assert_snapshot!(failure, @"
        error: no Roadstead server is known here: there is no context file at /nowhere/context.toml

        hint: start one with `roadstead dev`, or name one with `--data-dir`, `ROADSTEAD_DATA_DIR` or `ROADSTEAD_ENDPOINT`
        ");
    }
}
