//! A device that the command line plays, over MQTT.

use super::device::find;
use super::lookup::text;
use crate::args::Global;
use crate::args::messaging::DeviceLogin;
use crate::args::value::Pairs;
use crate::context;
use crate::failure::Failure;
use roadstead_device::{Credentials, Device, DeviceOptions, Message, Trust};
use roadstead_service::HubService;
use serde_json::Value;
use std::net::SocketAddr;

/// Connects as `id`: with what `login` says, else with the key that the hub has.
pub async fn connect(hub: &HubService, id: &str, login: &DeviceLogin, global: &Global) -> Result<Device, Failure> {
    let credentials = match credentials(login)? {
        Some(credentials) => credentials,
        None => credentials_of(&find(hub, id).await?)?,
    };
    let reach = context::device_reach(global)?;
    let host = without_port(hub.host());
    let trust = Trust::file(&reach.ca_file).map_err(|error| Failure::error(error.to_string()))?;
    let mut options = DeviceOptions::new(host, id, credentials).port(reach.mqtt_port).trust(trust);
    if let Some(address) = reach.connect_to.get(&host.to_ascii_lowercase()) {
        options = options.connect_to(SocketAddr::new(*address, reach.mqtt_port));
    }
    if let Some(model) = &login.model_id {
        options = options.model_id(model);
    }
    Device::connect(options).await.map_err(|error| Failure::error(error.to_string()))
}

/// What the flags say; `None` when they say nothing.
fn credentials(login: &DeviceLogin) -> Result<Option<Credentials>, Failure> {
    let fault = |error: roadstead_device::CredentialsError| Failure::usage(error.to_string());
    if let Some(key) = &login.symmetric_key {
        return Credentials::symmetric_key(key).map(Some).map_err(fault);
    }
    match (&login.certificate_file_path, &login.key_file_path) {
        (Some(chain), Some(key)) => Credentials::x509_files(chain, key).map(Some).map_err(fault),
        _ => Ok(None),
    }
}

fn credentials_of(identity: &Value) -> Result<Credentials, Failure> {
    let id = text(identity, "/deviceId");
    if !text(identity, "/authentication/type").eq_ignore_ascii_case("sas") {
        return Err(Failure::usage(format!("device `{id}` proves itself with a certificate"))
            .hint("give it with `--certificate-file-path` and `--key-file-path`"));
    }
    Credentials::symmetric_key(text(identity, "/authentication/symmetricKey/primaryKey"))
        .map_err(|error| Failure::error(format!("device `{id}`: {error}")))
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':').filter(|(name, _)| !name.contains(':')).map_or(host, |(name, _)| name)
}

/// Puts properties on a message: `$.ct=application/json` is the hub's own, `a=b` the application's.
pub fn with_properties(message: Message, properties: &Pairs) -> Message {
    properties.0.iter().fold(message, |message, (name, value)| match name.as_str() {
        "$.mid" => message.message_id(value),
        "$.cid" => message.correlation_id(value),
        "$.ct" => message.content_type(value),
        "$.ce" => message.content_encoding(value),
        "$.ctime" => message.creation_time(value),
        _ => message.property(name, value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ports_belong_to_https() {
        for (host, name) in [("h.localhost:8443", "h.localhost"), ("h.localhost", "h.localhost"), ("::1", "::1")] {
            assert_eq!(without_port(host), name);
        }
    }

    #[test]
    fn a_device_with_a_certificate_must_bring_it() {
        let key = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
        let identity = |kind: &str, key: &str| json!({"deviceId": "d", "authentication": {"type": kind, "symmetricKey": {"primaryKey": key}}});
        assert!(credentials_of(&identity("sas", key)).is_ok());
        for (identity, cause) in [
            (identity("certificateAuthority", key), "device `d` proves itself with a certificate"),
            (identity("sas", "?"), "device `d`: "),
        ] {
            let refused = credentials_of(&identity).unwrap_err().to_string();
            assert!(refused.starts_with(cause), "{refused}");
        }
    }
}
