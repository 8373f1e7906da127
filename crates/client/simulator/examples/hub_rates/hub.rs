//! The hub, as its environment names it.

use std::{env, fs, sync::Arc};

use futures_util::future::join_all;
use roadstead_sas::{ConnectionString, SasKey, sign};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::service::Service;

pub fn id(n: usize) -> String {
    format!("rate-{n:05}")
}

pub struct Hub {
    pub host: String,
    pub policy: String,
    key: SasKey,
    tls: TlsConnector,
    pub https: u16,
    pub mqtt: u16,
    pub amqp: u16,
    /// The name of the built-in endpoint.
    pub events: String,
}

/// The name of the built-in endpoint in a connection string.
fn entity(string: &str) -> &str {
    string.split(';').find_map(|part| part.strip_prefix("EntityPath=")).unwrap()
}

impl Hub {
    pub fn from_env() -> Self {
        let string = ConnectionString::parse(&env::var("IOTHUB_CONNECTION_STRING").unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        let pem = fs::read(env::var("ROADSTEAD_CA_FILE").unwrap()).unwrap();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let port = |name: &str| env::var(name).unwrap().parse().unwrap();
        Self {
            host: string.host_name,
            policy: string.shared_access_key_name.unwrap(),
            key: string.shared_access_key.unwrap(),
            tls: TlsConnector::from(Arc::new(config)),
            https: port("ROADSTEAD_HTTPS_PORT"),
            mqtt: port("ROADSTEAD_MQTT_PORT"),
            amqp: port("ROADSTEAD_AMQP_PORT"),
            events: entity(&env::var("EVENTHUB_CONNECTION_STRING").unwrap()).to_owned(),
        }
    }

    pub fn token(&self, resource: &str) -> String {
        sign(&format!("{}{resource}", self.host), &self.key, 4_000_000_000, Some(&self.policy))
    }

    pub async fn dial(&self, port: u16) -> TlsStream<TcpStream> {
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        self.tls.connect(ServerName::try_from(self.host.clone()).unwrap(), tcp).await.unwrap()
    }
}

pub async fn make(hub: &Hub, count: usize) {
    join_all((0..16).map(|lane| async move {
        let mut service = Service::of(hub).await;
        for n in (lane..count).step_by(16) {
            let body = format!(r#"{{"deviceId":"{}"}}"#, id(n));
            let status = service.ask(&format!("PUT /devices/{}", id(n)), "", &body).await;
            assert!(matches!(status, 200 | 409), "{status}");
        }
    }))
    .await;
}
