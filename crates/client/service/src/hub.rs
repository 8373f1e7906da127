//! One hub, as its back ends see it.

mod device_face;
mod identities;
mod messages;
mod methods;
mod twins;
mod uploads;

use crate::amqp::{AmqpEvents, split_port};
use crate::authority::Authority;
use crate::error::ServiceError;
use crate::events::{EventFilter, EventStream};
use crate::page;
use crate::transport::{Request, Transport};
use reqwest::Method;
use roadstead_wire::percent;
use serde::de::DeserializeOwned;
use serde_json::json;

pub use device_face::{Delivery, Settlement};
pub use messages::FeedbackBatch;
pub use uploads::Download;

/// Behaves as version 2021-04-12, the service SDKs' own. Source: `reference/hub-service.md` 1.1
pub(crate) const VERSION: &str = "2021-04-12";

/// A back end of one hub: identities, twins, methods, messages, queries, events. Where a call takes `module`, `None` means
/// the device itself.
#[derive(Debug, Clone)]
pub struct HubService {
    transport: Transport,
    host: String,
    authority: Authority,
}

impl HubService {
    /// A back end of the hub at `host` (`plant.localhost`, a port at will) as `authority`, a policy or a token.
    pub fn new(transport: Transport, host: &str, authority: impl Into<Authority>) -> Self {
        Self { transport, host: host.to_owned(), authority: authority.into() }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The hub's host name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Rows of a query: `select * from devices`. All of them, or the first `top`.
    pub async fn query<T: DeserializeOwned>(&self, query: &str, top: Option<usize>) -> Result<Vec<T>, ServiceError> {
        page::list(&self.transport, top, || {
            self.request(Method::POST, "devices/query").json(&json!({ "query": query }))
        })
        .await
    }

    /// One page of at most `items_max` rows of a query, and what asks for the next.
    pub async fn query_page<T: DeserializeOwned>(
        &self,
        query: &str,
        items_max: usize,
        continuation: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let request = self.request(Method::POST, "devices/query").json(&json!({ "query": query }))?;
        page::one(&self.transport, request, items_max, continuation).await
    }

    /// How many devices there are: `{"totalDeviceCount":3,"enabledDeviceCount":2,"disabledDeviceCount":1}`
    pub async fn device_statistics<T: DeserializeOwned>(&self) -> Result<T, ServiceError> {
        self.transport.send(self.request(Method::GET, "statistics/devices")).await?.json()
    }

    /// How many devices are connected: `{"connectedDeviceCount":1}`
    pub async fn service_statistics<T: DeserializeOwned>(&self) -> Result<T, ServiceError> {
        self.transport.send(self.request(Method::GET, "statistics/service")).await?.json()
    }

    /// Events as they arrive. Nothing is sent before the first [`EventStream::next`].
    pub fn events(&self, filter: EventFilter) -> EventStream {
        EventStream::new(self.transport.clone(), self.host.clone(), self.authority.clone(), filter)
    }

    /// The same over AMQP, from the built-in endpoint that the hub names at `port` of its host. Works with any IoT hub.
    /// `None` when the hub is asked with a token, which is not taken there.
    pub fn events_over_amqp(&self, port: u16, filter: EventFilter) -> Option<AmqpEvents> {
        let policy = self.authority.policy()?.clone();
        let host = split_port(&self.host).map_or_else(|| self.host.clone(), |(host, _)| host);
        Some(AmqpEvents::of_hub(self.transport.clone(), host, port, policy, filter))
    }

    /// `devices/dev%201/modules/m`, or the like below `root`.
    pub(crate) fn identity(&self, method: Method, root: &str, id: &str, module: Option<&str>, below: &str) -> Request {
        let module = module.map(|module| format!("/modules/{}", percent::encode(module))).unwrap_or_default();
        self.request(method, &format!("{root}/{}{module}{below}", percent::encode(id)))
    }

    fn request(&self, method: Method, path: &str) -> Request {
        self.request_with(method, path, "")
    }

    /// `arguments` follow the version: `&reject`.
    pub(crate) fn request_with(&self, method: Method, path: &str, arguments: &str) -> Request {
        let url = format!("{}/{path}?api-version={VERSION}{arguments}", self.transport.origin(&self.host));
        Request::new(method, url).authorized(self.authority.header(&self.host, self.transport.now()))
    }
}

/// As `az` sends etags. Source: `reference/hub-service.md` 0, trap 12
fn quoted(etag: &str) -> String {
    format!("\"{}\"", etag.trim_matches('"'))
}
