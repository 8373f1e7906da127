//! What the command line remembers of a server: where it answers, whom it trusts and who is asking.

use crate::private_file;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// AMQP over TLS: the one port that most clients know. Source: IANA, `amqps`
pub const AMQP_PORT: u16 = 5671;
/// Name of the context file in a data directory.
pub const FILE_NAME: &str = "context.toml";

/// How to reach one server and with which credentials. `Debug` hides the secret.
///
/// `roadstead dev` and `roadstead init` write it; every command that speaks to a server reads it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Resource Manager and token endpoint, without a slash at the end: `https://localhost:8443`.
    pub endpoint: String,
    /// The administrator's client id.
    pub client_id: String,
    /// The administrator's secret.
    pub client_secret: String,
    /// Tenant, a GUID.
    pub tenant_id: String,
    /// Subscription, a GUID; the server's first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// The only certificates trusted, PEM. A relative path starts at the context file's folder.
    pub ca_file: PathBuf,
    /// Port of every host name that has none.
    #[serde(default = "https_port")]
    pub https_port: u16,
    /// Port of MQTT.
    #[serde(default = "mqtt_port")]
    pub mqtt_port: u16,
    /// Port of AMQP with TLS.
    #[serde(default = "amqp_port")]
    pub amqp_port: u16,
    /// Port of AMQP without TLS, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amqp_plain_port: Option<u16>,
    /// ID scope of the DPS that `dev` made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_scope: Option<String>,
    /// Host that devices provision themselves at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_host: Option<String>,
    /// Host of the hub that `dev` made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub_host: Option<String>,
    /// Addresses of host names that no resolver knows: `"plant.azure-devices.net" = "127.0.0.1"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connect_to: BTreeMap<String, IpAddr>,
}

fn https_port() -> u16 {
    443
}

fn mqtt_port() -> u16 {
    8883
}

fn amqp_port() -> u16 {
    AMQP_PORT
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, client_id, tenant_id, ca_file, https_port, .. } = self;
        write!(f, "Context({client_id}@{endpoint} tenant {tenant_id} ca {} port {https_port})", ca_file.display())
    }
}

/// Why a context file cannot be read or written. Never carries the secret.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// There is no such file.
    #[error("there is no context file at {}", path.display())]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is there, but cannot be read or written.
    #[error("cannot {verb} {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no context.
    #[error("{} is not a context file: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The first fault, without the line it stands in.
        message: String,
    },
}

impl Context {
    /// Reads `context.toml` of a data directory.
    ///
    /// Errors: [`ContextError`], `Absent` when no server was ever started there.
    pub fn load(data_dir: &Path) -> Result<Self, ContextError> {
        let path = data_dir.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Err(ContextError::Absent { path }),
            Err(source) => return Err(ContextError::Io { verb: "read", path, source }),
        };
        let mut context: Self = toml::from_str(&text)
            .map_err(|fault: toml::de::Error| ContextError::Malformed { path, message: fault.message().to_owned() })?;
        context.ca_file = data_dir.join(&context.ca_file);
        Ok(context)
    }

    /// The endpoint of a server: `https://localhost`, `https://localhost:8443`.
    pub fn endpoint_of(host: &str, https_port: u16) -> String {
        match https_port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }

    /// The same server on other ports of `host`: HTTPS, MQTT, AMQP. `None` when that changes nothing, or when the endpoint is
    /// not of `host` because somebody named another (a load balancer's, say).
    pub fn moved(&self, host: &str, [https_port, mqtt_port, amqp_port]: [u16; 3]) -> Option<Self> {
        let is_as_written = self.endpoint == Self::endpoint_of(host, self.https_port);
        let moves = [self.https_port, self.mqtt_port, self.amqp_port] != [https_port, mqtt_port, amqp_port];
        let endpoint = Self::endpoint_of(host, https_port);
        (is_as_written && moves).then(|| Self { endpoint, https_port, mqtt_port, amqp_port, ..self.clone() })
    }

    /// Writes `context.toml` into a data directory, whole or not at all, readable by its owner only.
    ///
    /// Errors: [`ContextError`].
    pub fn save(&self, data_dir: &Path) -> Result<PathBuf, ContextError> {
        let path = data_dir.join(FILE_NAME);
        let fault = |source| ContextError::Io { verb: "write", path: path.clone(), source };
        let text = toml::to_string(self).map_err(|error| fault(io::Error::other(error)))?;
        private_file::replace(&path, text.as_bytes()).map_err(fault)?;
        Ok(path)
    }
}

/// The data directory when nobody names one: `$XDG_DATA_HOME/roadstead`, else `$HOME/.local/share/roadstead`. `None`
/// when neither variable is set. Source: XDG Base Directory Specification 0.8; relative values do not count.
pub fn default_data_dir(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let home = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    home.map(|home| home.join("roadstead"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Context {
        Context {
            endpoint: "https://localhost:8443".to_owned(),
            client_id: "admin".to_owned(),
            client_secret: "s3cret".to_owned(),
            tenant_id: "11111111-1111-1111-1111-111111111111".to_owned(),
            subscription_id: None,
            ca_file: PathBuf::from("/srv/roadstead/tls/ca.pem"),
            https_port: 8443,
            mqtt_port: 8883,
            amqp_port: 5671,
            amqp_plain_port: Some(5672),
            id_scope: Some("0ne00000001".to_owned()),
            provisioning_host: Some("localhost".to_owned()),
            hub_host: Some("dev.localhost".to_owned()),
            connect_to: BTreeMap::from([("plant.azure-devices.net".to_owned(), IpAddr::from([127, 0, 0, 1]))]),
        }
    }

    #[test]
    fn what_is_saved_is_loaded_and_belongs_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        for https_port in [8443, 443] {
            let context = Context { https_port, ..sample() };
            let path = context.save(folder.path()).unwrap();
            assert_eq!(Context::load(folder.path()).unwrap(), context);
            assert_eq!(
                std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777,
                0o600
            );
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_context_moves_with_its_ports_unless_somebody_edited_it() {
        for (endpoint, ports, expected) in [
            ("https://localhost:8443", [9443, 8883, 5671], Some("https://localhost:9443")),
            ("https://localhost:8443", [443, 8883, 5671], Some("https://localhost")),
            ("https://localhost:8443", [8443, 1884, 5671], Some("https://localhost:8443")),
            ("https://localhost:8443", [8443, 8883, 5673], Some("https://localhost:8443")),
            ("https://localhost:8443", [8443, 8883, 5671], None),
            ("https://iot.example", [9443, 8883, 5671], None),
            ("https://localhost", [9443, 8883, 5671], None),
        ] {
            let context = Context { endpoint: endpoint.to_owned(), ..sample() };
            let moved = context.moved("localhost", ports);
            assert_eq!(moved.as_ref().map(|moved| moved.endpoint.as_str()), expected, "{endpoint} {ports:?}");
            if let Some(moved) = moved {
                assert_eq!([moved.https_port, moved.mqtt_port, moved.amqp_port], ports);
            }
        }
    }

    #[test]
    fn a_short_file_has_defaults_and_a_ca_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "endpoint='https://h'\nclient_id='c'\nclient_secret='s'\ntenant_id='t'\nca_file='tls/ca.pem'\nlater='x'\n";
        fs::write(folder.path().join(FILE_NAME), text).unwrap();
        let context = Context::load(folder.path()).unwrap();
        assert_eq!((context.https_port, context.mqtt_port, context.amqp_port), (443, 8883, 5671));
        assert_eq!(context.ca_file, folder.path().join("tls/ca.pem"));
    }

    #[test]
    fn refusals_name_the_file_and_never_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let message = Context::load(folder.path()).unwrap_err().to_string();
        assert!(message.starts_with("there is no context file at ") && message.ends_with("/context.toml"), "{message}");
        for text in ["client_secret = 's3cret'", "client_secret = 's3cret", "client_secret = ['s3cret']"] {
            fs::write(folder.path().join(FILE_NAME), text).unwrap();
            let message = Context::load(folder.path()).unwrap_err().to_string();
            assert!(message.contains("is not a context file: ") && !message.contains("s3cret"), "{message}");
        }
        assert!(!format!("{:?}", sample()).contains("s3cret"));
        assert!(matches!(sample().save(&folder.path().join("absent")), Err(ContextError::Io { verb: "write", .. })));
    }

    #[test]
    fn the_default_directory_follows_xdg() {
        for (xdg, home, expected) in [
            (Some("/x"), Some("/h"), Some("/x/roadstead")),
            (Some("x"), Some("/h"), Some("/h/.local/share/roadstead")),
            (None, Some("/h"), Some("/h/.local/share/roadstead")),
            (None, None, None),
        ] {
            let found = default_data_dir(|name| if name == "HOME" { home } else { xdg }.map(PathBuf::from));
            assert_eq!(found, expected.map(PathBuf::from), "{xdg:?} {home:?}");
        }
    }
}
