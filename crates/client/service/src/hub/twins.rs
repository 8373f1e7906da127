//! Twins of devices and modules. Source: `reference/hub-service.md` 1.7

use super::{HubService, quoted};
use crate::error::ServiceError;
use crate::page;
use reqwest::Method;
use roadstead_wire::twin_history::TwinVersion;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) const ROOT: &str = "twins";

impl HubService {
    /// One twin.
    pub async fn find_twin<T: DeserializeOwned>(
        &self,
        id: &str,
        module: Option<&str>,
    ) -> Result<Option<T>, ServiceError> {
        self.transport.send(self.identity(Method::GET, ROOT, id, module, "")).await?.find()
    }

    /// Merges tags and desired properties into the twin that has `etag` (`None`: whatever it has); `null` deletes. Gives
    /// back the twin as it has become.
    ///
    /// Shape: `{"tags":{"site":"a"},"properties":{"desired":{"hz":5}}}`
    pub async fn patch_twin<T: DeserializeOwned>(
        &self,
        id: &str,
        module: Option<&str>,
        patch: &impl Serialize,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        self.write_twin(Method::PATCH, id, module, patch, etag).await
    }

    /// As [`Self::patch_twin`], but the sections that are given take the place of what was there.
    pub async fn replace_twin<T: DeserializeOwned>(
        &self,
        id: &str,
        module: Option<&str>,
        twin: &impl Serialize,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        self.write_twin(Method::PUT, id, module, twin, etag).await
    }

    /// What back ends made of a twin, newest first: all that is kept, or the last `top`. What devices report is not kept.
    /// Roadstead's own; Azure has no such API.
    pub async fn twin_history(
        &self,
        id: &str,
        module: Option<&str>,
        top: Option<usize>,
    ) -> Result<Vec<TwinVersion>, ServiceError> {
        page::list(self.transport(), top, || Ok(self.identity(Method::GET, ROOT, id, module, "/history"))).await
    }

    async fn write_twin<T: DeserializeOwned>(
        &self,
        method: Method,
        id: &str,
        module: Option<&str>,
        body: &impl Serialize,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        let etag = quoted(etag.unwrap_or("*"));
        let request = self.identity(method, ROOT, id, module, "").if_match(Some(etag)).json(body)?;
        self.transport.send(request).await?.json()
    }
}
