//! `roadstead env`: shell exports that lead every SDK to a running server.

use crate::args::Global;
use crate::context::{self, Server};
use crate::failure::Failure;
use crate::iot::lookup::{self, Found};
use crate::shell::quoted;
use roadstead_config::{Context, context::AMQP_PORT};
use roadstead_service::Kind;
use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;

/// The exports, one a line. Fails until the server answers.
pub async fn run(global: &Global) -> Result<String, Failure> {
    let context = context::load(global)?;
    let server = Server::open(global)?;
    let hubs: Vec<Value> = server.management.list(Kind::Hub, None).await?;
    let dps: Vec<Value> = server.management.list(Kind::Dps, None).await?;
    let (hub_string, events_string) = match first(&hubs) {
        Some(name) => {
            let hub = lookup::find(&server.management, Kind::Hub, name, None).await?;
            let policy = lookup::find_policy(&server.management, &hub, "iothubowner").await?;
            let events = events_string(&context, &hub, &policy);
            (lookup::owner_of(&server.management, &hub).await?, events)
        }
        None => Default::default(),
    };
    let dps_string = match first(&dps) {
        Some(name) => lookup::owner_string(&server.management, Kind::Dps, name).await?,
        None => String::new(),
    };
    Ok(text(&context, context::data_dir(global), &hub_string, &events_string, &dps_string))
}

/// For Event Hubs clients. Where AMQP is there without TLS it is what they take for an emulator's, so that they need trust
/// no CA; else as Azure's portal shows it, with a port only if it is not the one they know.
fn events_string(context: &Context, hub: &Found, policy: &Value) -> String {
    let host = context.hub_host.as_deref().or_else(|| hub.host().ok()).unwrap_or_default();
    let (port, suffix) = match (context.amqp_plain_port, context.amqp_port) {
        (Some(port), _) => (format!(":{port}"), ";UseDevelopmentEmulator=true"),
        (None, AMQP_PORT) => (String::new(), ""),
        (None, port) => (format!(":{port}"), ""),
    };
    let path = lookup::text(&hub.document, "/properties/eventHubEndpoints/events/path");
    let (name, key) = (lookup::text(policy, "/keyName"), lookup::text(policy, "/primaryKey"));
    format!("Endpoint=sb://{host}{port}/;SharedAccessKeyName={name};SharedAccessKey={key};EntityPath={path}{suffix}")
}

/// `dev` where there is one, else the first by name.
fn first(all: &[Value]) -> Option<&str> {
    let names = || all.iter().filter_map(|resource| resource.pointer("/name")?.as_str());
    names().find(|name| name.starts_with("dev")).or_else(|| names().min())
}

fn text(context: &Context, data_dir: Option<PathBuf>, hub: &str, events: &str, dps: &str) -> String {
    let (trusted, ca) = (trusted(context).display().to_string(), context.ca_file.display().to_string());
    let [https, mqtt, amqp] = [context.https_port, context.mqtt_port, context.amqp_port].map(|port| port.to_string());
    let data_dir = data_dir.map(|dir| dir.display().to_string()).unwrap_or_default();
    let exports = [
        ("PROVISIONING_HOST", context.provisioning_host.as_deref().unwrap_or_default()),
        ("PROVISIONING_IDSCOPE", context.id_scope.as_deref().unwrap_or_default()),
        ("IOTHUB_CONNECTION_STRING", hub),
        ("EVENTHUB_CONNECTION_STRING", events),
        ("DPS_CONNECTION_STRING", dps),
        ("SSL_CERT_FILE", &trusted),
        ("NODE_EXTRA_CA_CERTS", &ca),
        ("REQUESTS_CA_BUNDLE", &trusted),
        ("ROADSTEAD_CA_FILE", &ca),
        ("ROADSTEAD_HTTPS_PORT", &https),
        ("ROADSTEAD_MQTT_PORT", &mqtt),
        ("ROADSTEAD_AMQP_PORT", &amqp),
        ("ROADSTEAD_HUB_HOST", context.hub_host.as_deref().unwrap_or_default()),
        ("ROADSTEAD_ARM_URL", &context.endpoint),
        ("ROADSTEAD_TENANT", &context.tenant_id),
        ("ROADSTEAD_SP_ID", &context.client_id),
        ("ROADSTEAD_SP_SECRET", &context.client_secret),
        ("ROADSTEAD_DATA_DIR", &data_dir),
    ];
    let mut text = String::new();
    for (name, value) in exports.into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(text, "export {name}={}", quoted(value)).expect("writing to a string does not fail");
    }
    text
}

/// Our CA with those that the machine trusts anyway, where both are in one file; else ours alone.
pub fn trusted(context: &Context) -> PathBuf {
    let bundle = context.ca_file.with_file_name("bundle.pem");
    if bundle.exists() { bundle } else { context.ca_file.clone() }
}
