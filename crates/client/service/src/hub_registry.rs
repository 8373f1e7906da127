//! One hub's device identities and queries.

use crate::error::ServiceError;
use crate::events::{EventFilter, EventStream};
use crate::page;
use crate::policy::Policy;
use crate::transport::{Request, Transport};
use reqwest::Method;
use roadstead_wire::percent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Behaves as version 2021-04-12, the service SDKs' own. Source: `reference/hub-service.md` 1.1
pub(crate) const VERSION: &str = "2021-04-12";

/// A back end of one hub.
#[derive(Debug, Clone)]
pub struct HubRegistry {
    transport: Transport,
    host: String,
    policy: Policy,
}

impl HubRegistry {
    /// A back end of the hub at `host` (`plant.localhost`, a port at will) as `policy`.
    pub fn new(transport: Transport, host: &str, policy: Policy) -> Self {
        Self { transport, host: host.to_owned(), policy }
    }

    /// The hub's host name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// One device identity, keys included.
    pub async fn find_device<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, ServiceError> {
        self.transport.send(self.device(Method::GET, id)).await?.find()
    }

    /// Creates an identity when `etag` is `None`; else changes the one that has it (`*`: whatever it has).
    pub async fn put_device<T: DeserializeOwned>(
        &self,
        id: &str,
        body: &impl Serialize,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        self.transport.send(self.device(Method::PUT, id).if_match(etag.map(quoted)).json(body)?).await?.json()
    }

    /// Deletes an identity and its twin; `false` when there is none.
    pub async fn delete_device(&self, id: &str, etag: Option<&str>) -> Result<bool, ServiceError> {
        let request = self.device(Method::DELETE, id).if_match(Some(quoted(etag.unwrap_or("*"))));
        self.transport.send(request).await?.deleted()
    }

    /// Rows of a query: `select * from devices`. All of them, or the first `top`.
    pub async fn query<T: DeserializeOwned>(&self, query: &str, top: Option<usize>) -> Result<Vec<T>, ServiceError> {
        page::list(&self.transport, top, || {
            self.request(Method::POST, "devices/query").json(&json!({ "query": query }))
        })
        .await
    }

    /// Events as they arrive. Nothing is sent before the first [`EventStream::next`].
    pub fn events(&self, filter: EventFilter) -> EventStream {
        EventStream::new(self.transport.clone(), self.host.clone(), self.policy.clone(), filter)
    }

    fn device(&self, method: Method, id: &str) -> Request<'static> {
        self.request(method, &format!("devices/{}", percent::encode(id)))
    }

    fn request(&self, method: Method, path: &str) -> Request<'static> {
        let url = format!("{}/{path}?api-version={VERSION}", self.transport.origin(&self.host));
        Request::new(method, url).authorized(self.policy.token(&self.host, self.transport.now()))
    }
}

/// As `az` sends etags. Source: `reference/hub-service.md` 0, trap 12
fn quoted(etag: &str) -> String {
    format!("\"{}\"", etag.trim_matches('"'))
}
