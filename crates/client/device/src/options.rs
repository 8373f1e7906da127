//! What a device must know to connect to its hub.

use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::limits::{IN_FLIGHT_DEFAULT, IN_FLIGHT_MAX, TOKEN_LIFETIME};
use crate::trust::Trust;
use roadstead_sas::{ConnectionString, ConnectionStringError};
use std::net::SocketAddr;
use std::time::Duration;

/// Which hub, as which device, with which credentials. A [`Registration`](crate::Registration) makes one by itself.
#[derive(Debug, Clone)]
pub struct DeviceOptions {
    /// The hub's host name, which is not always whom we connect to.
    pub(crate) hub: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) device_id: String,
    pub(crate) credentials: Credentials,
    pub(crate) trust: Option<Trust>,
    pub(crate) model_id: Option<String>,
    pub(crate) in_flight: usize,
    pub(crate) token_lifetime: Duration,
}

/// Why a connection string is not enough to connect a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// It cannot be read.
    #[error("{0}; a device's has the form `HostName=…;DeviceId=…;SharedAccessKey=…`")]
    ConnectionString(#[from] ConnectionStringError),
    /// It is a back end's.
    #[error("the connection string is that of policy `{policy}`, not of a device: take the device's own")]
    Policy {
        /// `SharedAccessKeyName`
        policy: String,
    },
    /// It is a module's.
    #[error("the connection string is that of module `{module}`: this SDK connects devices only")]
    Module {
        /// `ModuleId`
        module: String,
    },
    /// It says that the device has a certificate, but cannot hold it.
    #[error(
        "the connection string says `x509=true`: give certificate and key with `DeviceOptions::new` and `Credentials::x509_files`"
    )]
    Certificate,
}

impl DeviceOptions {
    /// A device of the hub `hub`: `dev.localhost`.
    pub fn new(hub: impl Into<String>, device_id: impl Into<String>, credentials: Credentials) -> Self {
        let hub = hub.into();
        Self {
            endpoint: Endpoint::new(hub.clone()),
            hub,
            device_id: device_id.into(),
            credentials,
            trust: None,
            model_id: None,
            in_flight: IN_FLIGHT_DEFAULT,
            token_lifetime: TOKEN_LIFETIME,
        }
    }

    /// A device by its connection string: `HostName=…;DeviceId=…;SharedAccessKey=…[;GatewayHostName=…]`.
    ///
    /// Errors: [`OptionsError`].
    pub fn from_connection_string(text: &str) -> Result<Self, OptionsError> {
        let parsed = ConnectionString::parse(text)?;
        if let Some(policy) = parsed.shared_access_key_name {
            return Err(OptionsError::Policy { policy });
        }
        if let Some(module) = parsed.module_id {
            return Err(OptionsError::Module { module });
        }
        let missing = |field| OptionsError::ConnectionString(ConnectionStringError::Missing { field });
        let device_id = parsed.device_id.ok_or_else(|| missing("DeviceId"))?;
        let key = parsed.shared_access_key.ok_or(OptionsError::Certificate)?;
        let mut options = Self::new(parsed.host_name, device_id, Credentials::SymmetricKey(key));
        if let Some(gateway) = parsed.gateway_host_name {
            options.endpoint.host = gateway;
        }
        Ok(options)
    }

    /// Another port than 8883.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.endpoint.port = port;
        self
    }

    /// Where the hub is, for a name that leads nowhere or elsewhere. Its certificate must still be for its name.
    #[must_use]
    pub fn connect_to(mut self, address: SocketAddr) -> Self {
        self.endpoint.connect_to = Some(address);
        self
    }

    /// Whose server certificates are believed. Unless told: [`Trust::system`].
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// The digital-twin model that the device says it has: `dtmi:com:example:Thermostat;1`
    #[must_use]
    pub fn model_id(mut self, model_id: impl Into<String>) -> Self {
        self.model_id = Some(model_id.into());
        self
    }

    /// How many messages may be on their way without acknowledgement, 1 to 4096. Unless told: 64.
    #[must_use]
    pub fn in_flight(mut self, messages: usize) -> Self {
        self.in_flight = messages.clamp(1, IN_FLIGHT_MAX);
        self
    }

    /// How long a SAS token is valid; it is renewed after 85 % of it. Unless told: an hour.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime.max(Duration::from_secs(1));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

    #[test]
    fn connection_strings_of_devices() {
        let text = format!("HostName=hub1.example;DeviceId=dev1;SharedAccessKey={KEY}");
        let options = DeviceOptions::from_connection_string(&text).unwrap();
        assert_eq!(
            (&*options.hub, &*options.endpoint.host, &*options.device_id),
            ("hub1.example", "hub1.example", "dev1")
        );
        let gateway = DeviceOptions::from_connection_string(&format!("{text};GatewayHostName=edge.local")).unwrap();
        assert_eq!((&*gateway.hub, &*gateway.endpoint.host), ("hub1.example", "edge.local"));
        assert!(!format!("{options:?}").contains(KEY));
    }

    #[test]
    fn refused_with_what_to_do() {
        for (text, word) in [
            ("HostName=h.x;DeviceId=d;x509=true".to_owned(), "x509_files"),
            (format!("HostName=h.x;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}"), "policy `iothubowner`"),
            (format!("HostName=h.x;DeviceId=d;ModuleId=m;SharedAccessKey={KEY}"), "module `m`"),
            ("DeviceId=d".to_owned(), "HostName"),
            ("nonsense".to_owned(), "SharedAccessKey=…"),
        ] {
            let error = DeviceOptions::from_connection_string(&text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn bounds_are_kept() {
        let options = DeviceOptions::new("h.x", "d", Credentials::symmetric_key(KEY).unwrap());
        assert_eq!(options.clone().in_flight(0).in_flight, 1);
        assert_eq!(options.clone().in_flight(usize::MAX).in_flight, IN_FLIGHT_MAX);
        assert_eq!(options.token_lifetime(Duration::ZERO).token_lifetime, Duration::from_secs(1));
    }
}
