//! The sections of `roadstead.toml`.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

/// All settings of a server. `Settings::default()` runs on a laptop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where everything is kept: records, events, keys. Must be on a local disk.
    pub data_dir: PathBuf,
    pub names: Names,
    pub listen: Listen,
    pub tls: Tls,
    pub links: Links,
    pub administrator: Administrator,
    pub events: Events,
    pub blobs: Blobs,
    pub issuers: Vec<Issuer>,
    pub log: Log,
}

/// The names by which clients reach this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Names {
    /// What follows a hub's name: hub `plant` is `plant.iot.example.com`.
    pub hub_domain: String,
    /// What follows a DPS instance's name; the same as `hub_domain` when absent.
    pub dps_domain: Option<String>,
    /// Further names and addresses of this machine that server certificates must carry.
    pub also: Vec<String>,
}

/// Where the server listens. A port of 0 takes any free one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// HTTPS and WebSockets: every API.
    pub https: SocketAddr,
    /// MQTT over TLS.
    pub mqtt: SocketAddr,
    /// AMQP over TLS.
    pub amqp: SocketAddr,
    /// AMQP without TLS, on a loopback address: for `roadstead dev` alone, so the file cannot have it.
    #[serde(skip)]
    pub amqp_plain: Option<SocketAddr>,
}

/// The server's certificate. Without files, Roadstead's own CA under `data_dir` issues one for each name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// PEM: the server's certificate, then its issuers up to, not including, the root.
    pub certificate_file: Option<PathBuf>,
    /// PEM: the certificate's private key.
    pub key_file: Option<PathBuf>,
}

/// Hubs of other servers that DPS instances here are linked to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Links {
    /// PEM: CAs of such servers, beside those that this machine trusts. Another Roadstead's own CA is its
    /// `<data_dir>/tls/ca.pem`.
    pub ca_files: Vec<PathBuf>,
}

/// Who may manage hubs and DPS instances through the Resource Manager API.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Administrator {
    /// A GUID.
    pub client_id: String,
    /// SHA-256 of the client secret, base64url, 43 characters. The secret itself is only in the administrator's context file.
    pub client_secret_digest: String,
    /// A GUID: what `az login --tenant` names.
    pub tenant_id: String,
    /// A GUID: the one subscription that all resources are in.
    pub subscription_id: String,
}

/// How much telemetry is kept. How long is a property of each hub (`--retention-day`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// MiB of events kept for each hub; beyond it the oldest go, before their time.
    pub hub_mib_max: u64,
}

/// Where files that devices upload are kept, and how much of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blobs {
    /// `s3://bucket/prefix` or `az://container/prefix`, with credentials from the environment (`AWS_ACCESS_KEY_ID`,
    /// `AZURE_STORAGE_ACCOUNT_NAME` and so on); the data directory when absent.
    pub url: Option<String>,
    /// MiB of files kept for each hub; what does not fit is refused.
    pub hub_mib_max: u64,
}

/// An OpenID Connect issuer whose tokens may log service principals in that have a federated credential of it, and with a
/// `client_id` people, too, whom an owner made users of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Exactly as its tokens have it in `iss`. Its keys are found from `<url>/.well-known/openid-configuration`.
    pub url: String,
    /// What its tokens must have in `aud`.
    #[serde(default = "default_audience")]
    pub audience: String,
    /// As what the issuer knows this server where people log in. Without it, people do not.
    pub client_id: Option<String>,
    /// The secret that belongs to it, in a file that its owner alone may read (0600). Without it this server is a public client.
    pub client_secret_file: Option<PathBuf>,
    /// What people know it by: the portal says `Continue with NAME`. The host name when absent.
    pub name: Option<String>,
    /// The claim of its tokens that is a user's name here: `preferred_username` when absent. `email` counts if it is verified.
    pub user_claim: Option<String>,
    /// What it is asked for: `openid profile email` when absent.
    pub scopes: Option<String>,
    /// PEM: CAs of the issuer, beside those that this machine trusts.
    pub ca_file: Option<PathBuf>,
}

impl Issuer {
    /// See the field.
    pub fn user_claim(&self) -> &str {
        self.user_claim.as_deref().unwrap_or("preferred_username")
    }

    /// See the field.
    pub fn scopes(&self) -> &str {
        self.scopes.as_deref().unwrap_or("openid profile email")
    }

    /// See the field.
    pub fn name(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or(rest);
        let (host, _) = match authority.strip_prefix('[') {
            Some(inner) => inner.split_once(']').unwrap_or((inner, "")),
            None => authority.split_once(':').unwrap_or((authority, "")),
        };
        self.name.as_deref().unwrap_or(host)
    }
}

/// As Azure wants it. Source: docs, workload identity federation
fn default_audience() -> String {
    "api://AzureADTokenExchange".to_owned()
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `info`, or per module: `info,roadstead_front_mqtt=debug`.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/roadstead"),
            names: Names::default(),
            listen: Listen::default(),
            tls: Tls::default(),
            links: Links::default(),
            administrator: Administrator::default(),
            events: Events::default(),
            blobs: Blobs::default(),
            issuers: Vec::new(),
            log: Log::default(),
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self { hub_domain: "localhost".to_owned(), dps_domain: None, also: Vec::new() }
    }
}

impl Names {
    /// What follows a DPS instance's name.
    pub fn dps_domain(&self) -> &str {
        self.dps_domain.as_deref().unwrap_or(&self.hub_domain)
    }
}

impl Default for Listen {
    fn default() -> Self {
        let everywhere = |port| SocketAddr::from(([0, 0, 0, 0], port));
        Self { https: everywhere(443), mqtt: everywhere(8883), amqp: everywhere(5671), amqp_plain: None }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self { hub_mib_max: 10 * 1024 }
    }
}

impl Default for Blobs {
    fn default() -> Self {
        Self { url: None, hub_mib_max: 10 * 1024 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}
