//! Devices and modules in a hub's registry.

use super::{HubService, quoted};
use crate::error::ServiceError;
use crate::refusal::Refusal;
use reqwest::Method;
use roadstead_wire::hub_service::BulkResult;
use serde::Serialize;
use serde::de::DeserializeOwned;

const ROOT: &str = "devices";

impl HubService {
    /// One device identity, keys included.
    pub async fn find_device<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, ServiceError> {
        self.transport.send(self.identity(Method::GET, ROOT, id, None, "")).await?.find()
    }

    /// Creates a device when `etag` is `None`; else changes the one that has it (`*`: whatever it has).
    pub async fn put_device<T: DeserializeOwned>(
        &self,
        id: &str,
        body: &impl Serialize,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        self.put_identity(id, None, body, etag).await
    }

    /// Deletes a device and its twin; `false` when there is none.
    pub async fn delete_device(&self, id: &str, etag: Option<&str>) -> Result<bool, ServiceError> {
        self.delete_identity(id, None, etag).await
    }

    /// One module identity, keys included. `None` when there is no such module, or no such device.
    pub async fn find_module<T: DeserializeOwned>(&self, id: &str, module: &str) -> Result<Option<T>, ServiceError> {
        self.transport.send(self.identity(Method::GET, ROOT, id, Some(module), "")).await?.find()
    }

    /// All modules of a device.
    pub async fn list_modules<T: DeserializeOwned>(&self, id: &str) -> Result<Vec<T>, ServiceError> {
        self.transport.send(self.identity(Method::GET, ROOT, id, None, "/modules")).await?.json()
    }

    /// Creates a module when `etag` is `None`; else changes the one that has it (`*`: whatever it has).
    pub async fn put_module<T: DeserializeOwned>(
        &self,
        id: &str,
        module: &str,
        body: &impl Serialize,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        self.put_identity(id, Some(module), body, etag).await
    }

    /// Deletes a module and its twin; `false` when there is none.
    pub async fn delete_module(&self, id: &str, module: &str, etag: Option<&str>) -> Result<bool, ServiceError> {
        self.delete_identity(id, Some(module), etag).await
    }

    /// Changes many identities, devices and modules alike, each for itself: at most [`BULK_IDENTITIES_MAX`]. Says which
    /// failed.
    ///
    /// Shape: `[{"id":"a","moduleId":"m","importMode":"createOrUpdate","status":"enabled","authentication":{…},"tags":{…},
    /// "properties":{"desired":{…},"reported":{…}}}]`. Source: `reference/hub-service.md` 1.5
    ///
    /// [`BULK_IDENTITIES_MAX`]: crate::limits::BULK_IDENTITIES_MAX
    pub async fn change_identities(&self, changes: &impl Serialize) -> Result<BulkResult, ServiceError> {
        let answer = self.transport.send(self.request(Method::POST, ROOT).json(changes)?).await?;
        if answer.status == 400 {
            // What failed in part is answered with the status of a bad request.
            let refused = || ServiceError::Refused(Refusal::decode(answer.status, &answer.body));
            return serde_json::from_slice(&answer.body).map_err(|_| refused());
        }
        answer.json()
    }

    async fn put_identity<T: DeserializeOwned>(
        &self,
        id: &str,
        module: Option<&str>,
        body: &impl Serialize,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        let request = self.identity(Method::PUT, ROOT, id, module, "").if_match(etag.map(quoted)).json(body)?;
        self.transport.send(request).await?.json()
    }

    async fn delete_identity(&self, id: &str, module: Option<&str>, etag: Option<&str>) -> Result<bool, ServiceError> {
        let request = self.identity(Method::DELETE, ROOT, id, module, "").if_match(Some(quoted(etag.unwrap_or("*"))));
        self.transport.send(request).await?.deleted()
    }
}
