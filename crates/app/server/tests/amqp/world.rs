//! A server on free ports, with one hub.

use fe2o3_amqp::types::primitives::Value;
use roadstead_config::{Listen, Settings};
use roadstead_model::Clock;
use roadstead_sas::{SasKey, sign};
use roadstead_server::system::{SystemClock, SystemRandom};
use roadstead_server::{FirstNames, Server, first, installation};
use roadstead_service::{HubService, Policy, Reach, Transport, Trust};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

pub const HOST: &str = "dev.localhost";
/// The hub's name, and that of its built-in endpoint.
pub const ENTITY: &str = "dev";
pub const POLICY: &str = "iothubowner";

pub struct World {
    pub server: Server,
    pub hub: HubService,
    pub transport: Transport,
    /// The owner's key, base64.
    pub key: String,
    /// The server's, removed with the world.
    pub folder: tempfile::TempDir,
}

impl World {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = || SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings {
            data_dir: folder.path().to_owned(),
            listen: Listen { https: free(), mqtt: free(), amqp: free(), amqp_plain: Some(free()) },
            administrator: installation::new_administrator(&SystemRandom).0,
            ..Settings::default()
        };
        let server = Server::start(&settings, vec![HOST.to_owned()]).await.unwrap();
        let names = FirstNames { host_name: HOST.to_owned(), aliases: Vec::new() };
        let first = first::ensure(&server.resources, &names).await.unwrap();
        let (_, key) = first.hub_connection_string.rsplit_once("SharedAccessKey=").unwrap();
        let reach = Reach {
            trust: Trust::File(server.ca_file.clone().unwrap()),
            https_port: server.https.port(),
            connect_to: BTreeMap::new(),
        };
        let transport = Transport::new(&reach, Arc::new(SystemClock)).unwrap();
        let hub = HubService::new(transport.clone(), HOST, Policy::new(POLICY, key).unwrap());
        let key = key.to_owned();
        Self { server, hub, transport, key, folder }
    }

    pub async fn device(&self, id: &str) {
        let made = self.hub.put_device::<serde_json::Value>(id, &json!({ "deviceId": id }), None).await.unwrap();
        assert_eq!(made["deviceId"], id);
    }

    /// Telemetry, durable when this returns.
    pub async fn send(&self, id: &str, body: impl Into<Vec<u8>>) {
        self.hub.send_event(id, &[], body.into()).await.unwrap();
    }

    /// A token of the owner for `resource`, signed with what the key decodes to.
    pub fn token(&self, resource: &str) -> String {
        sign(resource, &SasKey::from_base64(&self.key).unwrap(), in_an_hour(), Some(POLICY))
    }

    /// As Event Hubs clients sign: with the key's text.
    pub fn event_token(&self) -> String {
        let key = SasKey::from_bytes(self.key.as_bytes().to_vec());
        sign(&format!("sb://{HOST}/{ENTITY}"), &key, in_an_hour(), Some(POLICY))
    }

    /// Shows the built-in endpoint at `port` without TLS.
    pub fn event_hub(&self, port: u16) -> String {
        let key = &self.key;
        format!(
            "Endpoint=sb://{HOST}:{port}/;SharedAccessKeyName={POLICY};SharedAccessKey={key};EntityPath={ENTITY};UseDevelopmentEmulator=true"
        )
    }
}

fn in_an_hour() -> i64 {
    SystemClock.now().seconds().0 + 3600
}

/// A member of a map.
pub fn member<'v>(map: &'v Value, name: &str) -> &'v Value {
    let Value::Map(map) = map else { panic!("{map:?}") };
    map.get(&Value::String(name.to_owned())).unwrap_or_else(|| panic!("no {name} in {map:?}"))
}
