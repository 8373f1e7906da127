//! Connects a device to its hub, as often as needed.

use crate::clock::unix_now_s;
use crate::connect_error::ConnectError;
use crate::credentials::Credentials;
use crate::limits::KEEP_ALIVE_S;
use crate::line::Line;
use crate::options::DeviceOptions;
use crate::tls;
use crate::trust::Trust;
use roadstead_model::DeviceId;
use roadstead_mqtt_proto::Connect;
use roadstead_wire::HubUserName;
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What we say of ourselves, and the API version whose topics we use. Source: docs, `reference/hub-device.md` 1.1
const CLIENT_TYPE: &str = concat!("roadstead-device/", env!("CARGO_PKG_VERSION"));
const API_VERSION: &str = "2021-04-12";

/// The part of a token's life after which the next one is made.
const RENEW_AFTER: f64 = 0.85;

#[derive(Debug)]
pub(crate) struct Dialer {
    options: DeviceOptions,
    tls: Arc<ClientConfig>,
}

/// An accepted connection.
pub(crate) struct Connected {
    pub(crate) line: Line,
    /// When a new token is needed.
    pub(crate) renew_at: Option<Instant>,
}

impl Dialer {
    pub(crate) fn new(options: DeviceOptions) -> Result<Self, ConnectError> {
        DeviceId::parse(&options.device_id)?;
        let trust = options.trust.clone().map_or_else(Trust::system, Ok)?;
        let tls = tls::config(&trust, &options.credentials);
        Ok(Self { options, tls })
    }

    pub(crate) fn host(&self) -> &str {
        &self.options.endpoint.host
    }

    pub(crate) async fn connect(&self) -> Result<Connected, ConnectError> {
        let DeviceOptions { hub, endpoint, device_id, credentials, token_lifetime, model_id, .. } = &self.options;
        let renew_at = match credentials {
            Credentials::SymmetricKey(_) => Some(Instant::now() + token_lifetime.mul_f64(RENEW_AFTER)),
            Credentials::X509(_) => None,
        };
        let token = token(credentials, &format!("{hub}/devices/{device_id}"), *token_lifetime, None);
        let user_name = HubUserName {
            host: hub,
            device_id,
            api_version: Some(API_VERSION.into()),
            client_type: Some(CLIENT_TYPE.into()),
            model_id: model_id.as_deref().map(Into::into),
            ..HubUserName::default()
        };
        let connect = Connect {
            clean_session: false,
            keep_alive_s: KEEP_ALIVE_S,
            client_id: device_id,
            will: None,
            user_name: Some(&user_name.to_string()),
            password: token.as_deref().map(str::as_bytes),
        };
        let line = endpoint.open(&self.tls, &connect).await?;
        Ok(Connected { line, renew_at })
    }
}

/// A SAS token for `resource`, valid from now; none for who has a certificate.
pub(crate) fn token(
    credentials: &Credentials,
    resource: &str,
    lifetime: Duration,
    policy: Option<&str>,
) -> Option<String> {
    match credentials {
        Credentials::SymmetricKey(key) => {
            let lifetime_s = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
            Some(roadstead_sas::sign(resource, key, unix_now_s().saturating_add(lifetime_s), policy))
        }
        Credentials::X509(_) => None,
    }
}
