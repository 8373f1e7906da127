//! Direct methods that back ends call.

use crate::inbox::Request;
use crate::request_error::RequestError;
use roadstead_wire::MethodRequest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

/// Calls of direct methods as they come. Made by [`Device::methods`](crate::Device::methods).
#[derive(Debug)]
pub struct MethodCalls {
    pub(crate) feed: mpsc::Receiver<MethodCall>,
}

impl MethodCalls {
    /// The next call; `None` when the connection is closed for good. May be dropped and called again at any time.
    pub async fn next(&mut self) -> Option<MethodCall> {
        self.feed.recv().await
    }
}

/// A back end waits for the answer, half a minute unless it said otherwise. Dropped, it waits in vain.
#[derive(Debug)]
pub struct MethodCall {
    name: String,
    payload: Vec<u8>,
    rid: String,
    requests: mpsc::WeakSender<Request>,
}

impl MethodCall {
    pub(crate) fn new(call: &MethodRequest<'_>, payload: &[u8], requests: mpsc::WeakSender<Request>) -> Self {
        Self { name: call.name.clone().into_owned(), payload: payload.to_vec(), rid: call.rid.to_owned(), requests }
    }

    /// Which method: `reboot`
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hub's id of this call.
    pub fn request_id(&self) -> &str {
        &self.rid
    }

    /// What it was called with. An empty payload reads as `null`.
    ///
    /// Errors: it is no JSON, or none of this form.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let payload = self.payload.trim_ascii();
        serde_json::from_slice(if payload.is_empty() { b"null" } else { payload })
    }

    /// Answers with a status of the device's own choice, 200 for success, and any JSON.
    ///
    /// Errors: [`RequestError::Json`], [`RequestError::Closed`].
    pub async fn reply(self, status: i32, payload: &(impl Serialize + ?Sized)) -> Result<(), RequestError> {
        let body = serde_json::to_vec(payload).map_err(|error| RequestError::Json { cause: error.to_string() })?;
        let requests = self.requests.upgrade().ok_or(RequestError::Closed { cause: None })?;
        let reply = Request::Reply { status, rid: self.rid, body };
        requests.send(reply).await.map_err(|_| RequestError::Closed { cause: None })
    }
}
