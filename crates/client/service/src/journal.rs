//! What happened to devices, and who was refused. Roadstead's own; Azure has no such API.

use crate::error::ServiceError;
use crate::hub::HubService;
use crate::page;
use crate::provisioning::Provisioning;
use reqwest::Method;
use roadstead_wire::percent;
use serde::de::DeserializeOwned;
use std::fmt::Write;

/// Who was refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RefusedWho {
    /// By device or registration id.
    #[default]
    Devices,
    /// Back ends, by `policy/service` or `principal/alice@plant.example`.
    Services,
}

/// Which refusals: all that fit everything that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusalsWanted {
    /// Whose.
    pub who: RefusedWho,
    /// What the id begins with that the client claimed.
    pub id_prefix: Option<String>,
    /// `wrongKey`
    pub cause: Option<String>,
    /// `192.0.2.7`
    pub address: Option<String>,
    /// ISO 8601: then, or later.
    pub since: Option<String>,
}

impl RefusalsWanted {
    fn of_hub(&self) -> &'static str {
        match self.who {
            RefusedWho::Devices => "refusals/devices",
            RefusedWho::Services => "refusals/services",
        }
    }

    fn of_dps(&self) -> &'static str {
        match self.who {
            RefusedWho::Devices => "refusals/registrations",
            RefusedWho::Services => "refusals/dpsServices",
        }
    }

    /// `&idPrefix=thermo&cause=wrongKey`
    fn arguments(&self) -> String {
        let Self { who: _, id_prefix, cause, address, since } = self;
        let named = [("idPrefix", id_prefix), ("cause", cause), ("address", address), ("since", since)];
        let mut arguments = String::new();
        for (name, value) in named.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
            write!(arguments, "&{name}={}", percent::encode(value)).expect("writing to a string does not fail");
        }
        arguments
    }
}

impl HubService {
    /// What happened to a device or module, newest first: all that is kept, or the last `top`. Empty when nothing is known of
    /// it; one that was never registered may have been refused.
    ///
    /// Shape: [`roadstead_wire::journal::Entry`]
    pub async fn timeline<T: DeserializeOwned>(
        &self,
        id: &str,
        module: Option<&str>,
        top: Option<usize>,
    ) -> Result<Vec<T>, ServiceError> {
        page::list(self.transport(), top, || Ok(self.identity(Method::GET, "devices", id, module, "/timeline"))).await
    }

    /// One page of it, of at most `items_max`, and what asks for the next.
    pub async fn timeline_page<T: DeserializeOwned>(
        &self,
        id: &str,
        module: Option<&str>,
        items_max: usize,
        continuation: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let request = self.identity(Method::GET, "devices", id, module, "/timeline");
        page::one(self.transport(), request, items_max, continuation).await
    }

    /// One page of refusals, of at most `items_max`, and what asks for the next.
    pub async fn refusals_page<T: DeserializeOwned>(
        &self,
        wanted: &RefusalsWanted,
        items_max: usize,
        continuation: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let request = self.request_with(Method::GET, wanted.of_hub(), &wanted.arguments());
        page::one(self.transport(), request, items_max, continuation).await
    }

    /// The last refusal of each of these devices, where there is one, newest first; at most 50 are asked for.
    pub async fn last_refusals<T: DeserializeOwned>(&self, ids: &[&str]) -> Result<Vec<T>, ServiceError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = ids.iter().fold(String::new(), |all, id| all + "&lastOf=" + &percent::encode(id));
        self.transport().send(self.request_with(Method::GET, "refusals/devices", &arguments)).await?.json()
    }

    /// Devices that the hub refused, and those that named a host that no hub of the server has; or back ends that it did not let in.
    pub async fn refusals<T: DeserializeOwned>(
        &self,
        wanted: &RefusalsWanted,
        top: Option<usize>,
    ) -> Result<Vec<T>, ServiceError> {
        let (path, arguments) = (wanted.of_hub(), wanted.arguments());
        page::list(self.transport(), top, || Ok(self.request_with(Method::GET, path, &arguments))).await
    }
}

impl Provisioning {
    /// What happened to a device that came to the DPS under this registration id: as [`HubService::timeline`].
    pub async fn timeline<T: DeserializeOwned>(&self, id: &str, top: Option<usize>) -> Result<Vec<T>, ServiceError> {
        let path = format!("registrations/{}/timeline", percent::encode(id));
        page::list(self.transport(), top, || Ok(self.request_with(Method::GET, &path, ""))).await
    }

    /// One page of it, of at most `items_max`, and what asks for the next.
    pub async fn timeline_page<T: DeserializeOwned>(
        &self,
        id: &str,
        items_max: usize,
        continuation: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let path = format!("registrations/{}/timeline", percent::encode(id));
        page::one(self.transport(), self.request_with(Method::GET, &path, ""), items_max, continuation).await
    }

    /// One page of refusals, of at most `items_max`, and what asks for the next.
    pub async fn refusals_page<T: DeserializeOwned>(
        &self,
        wanted: &RefusalsWanted,
        items_max: usize,
        continuation: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let request = self.request_with(Method::GET, wanted.of_dps(), &wanted.arguments());
        page::one(self.transport(), request, items_max, continuation).await
    }

    /// Devices that the DPS refused, and those that named an ID scope that no DPS of the server has; or back ends that it did not let in.
    pub async fn refusals<T: DeserializeOwned>(
        &self,
        wanted: &RefusalsWanted,
        top: Option<usize>,
    ) -> Result<Vec<T>, ServiceError> {
        let (path, arguments) = (wanted.of_dps(), wanted.arguments());
        page::list(self.transport(), top, || Ok(self.request_with(Method::GET, path, &arguments))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_said_in_the_query() {
        assert_eq!(RefusalsWanted::default().arguments(), "");
        let wanted = RefusalsWanted {
            who: RefusedWho::Services,
            id_prefix: Some("a&b".to_owned()),
            cause: None,
            address: Some("2001:db8::7".to_owned()),
            since: Some("2026-11-22T14:00:00Z".to_owned()),
        };
        assert_eq!((wanted.of_hub(), wanted.of_dps()), ("refusals/services", "refusals/dpsServices"));
        assert_eq!(wanted.arguments(), "&idPrefix=a%26b&address=2001%3Adb8%3A%3A7&since=2026-11-22T14%3A00%3A00Z");
    }
}
