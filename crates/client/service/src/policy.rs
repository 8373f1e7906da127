//! A shared access policy's key, with which a back end signs its requests.

use crate::limits::SAS_LIFETIME_S;
use roadstead_model::UnixMillis;
use roadstead_sas::{ConnectionString, KeyError, SasKey, sign};

/// A policy of a hub or of a DPS, with one of its keys. `Debug` hides the key.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `iothubowner`
    pub name: String,
    /// The primary key or the secondary.
    pub key: SasKey,
}

impl Policy {
    /// A policy from its name and its key in base64.
    ///
    /// Errors: [`KeyError`].
    pub fn new(name: &str, key: &str) -> Result<Self, KeyError> {
        Ok(Self { name: name.to_owned(), key: SasKey::from_base64(key)? })
    }

    /// The policy of a back end's connection string; `None` when the string is a device's.
    pub fn of(string: &ConnectionString) -> Option<Self> {
        let name = string.shared_access_key_name.clone()?;
        Some(Self { name, key: string.shared_access_key.clone()? })
    }

    /// A SAS token for everything at `host`, of which a port is no part, valid for ten minutes from `now`.
    pub(crate) fn token(&self, host: &str, now: UnixMillis) -> String {
        let host = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(name, _)| name);
        sign(host, &self.key, now.seconds().0.saturating_add(SAS_LIFETIME_S), Some(&self.name))
    }
}
