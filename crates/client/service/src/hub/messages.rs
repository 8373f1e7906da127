//! Messages to devices, and what became of them. Source: `reference/hub-service.md` 1.9 and 2.3

use super::{HubService, VERSION};
use crate::error::ServiceError;
use crate::transport::Answer;
use reqwest::Method;
use roadstead_model::{Properties, SystemProperty};
use roadstead_wire::hub_service::{FeedbackRecord, PurgeResult};
use roadstead_wire::{devicebound_to, http_headers, percent};

const FEEDBACK: &str = "messages/serviceBound/feedback";

/// Records of what became of messages. Settled by its lock with [`HubService::complete_feedback`], else it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedbackBatch {
    /// What settles it, without quotes.
    pub lock_token: String,
    /// At least one.
    pub records: Vec<FeedbackRecord>,
}

impl HubService {
    /// Queues a message for a device. `properties` may hold what [`http_headers::read_devicebound`] reads; whom it is for is
    /// said here.
    ///
    /// Errors: [`ServiceError::Unsendable`] when a property is more than HTTP can carry.
    pub async fn send_to_device(&self, id: &str, properties: &Properties, body: Vec<u8>) -> Result<(), ServiceError> {
        let mut address = Properties::new();
        let mut to = String::new();
        devicebound_to::write(id, None, &mut to);
        address.push_system(SystemProperty::To, &to);
        let request = self
            .request(Method::POST, devicebound_to::PATH.trim_start_matches('/'))
            .headers(http_headers::write(&address))
            .headers(http_headers::write(properties))
            .bytes("application/octet-stream", body);
        self.transport.send(request).await?.check()
    }

    /// Empties a device's queue.
    pub async fn purge_messages(&self, id: &str) -> Result<PurgeResult, ServiceError> {
        self.transport.send(self.identity(Method::DELETE, "devices", id, None, "/commands")).await?.json()
    }

    /// The next batch of feedback, locked for a while; `None` when there is none now.
    pub async fn receive_feedback(&self) -> Result<Option<FeedbackBatch>, ServiceError> {
        let answer = self.transport.send(self.request(Method::GET, FEEDBACK)).await?;
        if answer.status == 204 {
            return Ok(None);
        }
        let records = answer.json()?;
        Ok(Some(FeedbackBatch { lock_token: lock_token(&answer)?, records }))
    }

    /// Removes a batch that was received.
    pub async fn complete_feedback(&self, lock_token: &str) -> Result<(), ServiceError> {
        let path = format!("{FEEDBACK}/{}", percent::encode(lock_token));
        self.transport.send(self.request(Method::DELETE, &path)).await?.check()
    }

    /// Gives a batch back.
    pub async fn abandon_feedback(&self, lock_token: &str) -> Result<(), ServiceError> {
        let path = format!("{FEEDBACK}/{}/abandon", percent::encode(lock_token));
        self.transport.send(self.request(Method::POST, &path)).await?.check()
    }
}

/// The etag of what was received, without its quotes.
pub(super) fn lock_token(answer: &Answer) -> Result<String, ServiceError> {
    let etag = answer.headers.get("etag").and_then(|etag| etag.to_str().ok());
    let absent = || ServiceError::Odd { origin: answer.origin.clone(), cause: format!("no etag (API {VERSION})") };
    etag.map(|etag| etag.trim_matches('"').to_owned()).ok_or_else(absent)
}
