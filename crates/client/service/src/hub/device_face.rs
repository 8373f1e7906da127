//! What a device does over HTTPS, done for it by a policy that may: `DeviceConnect`. Source: `reference/hub-device.md` 2

use super::HubService;
use super::messages::lock_token;
use crate::error::ServiceError;
use crate::limits::UPLOAD_TIMEOUT;
use crate::transport::Request;
use reqwest::Method;
use roadstead_wire::file_upload::{FileUploadPlace, FileUploadRequest, FileUploadStatus};
use roadstead_wire::percent;

const ROOT: &str = "devices";

/// A message as a device received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What settles it, without quotes.
    pub lock_token: String,
    /// Every header, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The message.
    pub body: Vec<u8>,
}

/// What becomes of a message that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// It has been dealt with.
    Complete,
    /// It comes again.
    Abandon,
    /// It never will be dealt with.
    Reject,
}

impl HubService {
    /// Sends telemetry; `headers` carry the properties: `iothub-app-alert`, `iothub-contenttype`.
    pub async fn send_event(&self, id: &str, headers: &[(String, String)], body: Vec<u8>) -> Result<(), ServiceError> {
        let request = self
            .identity(Method::POST, ROOT, id, None, "/messages/events")
            .headers(headers.iter().cloned())
            .bytes("application/octet-stream", body);
        self.transport.send(request).await?.check()
    }

    /// The next message for a device, locked for so many seconds (the hub's own choice when `None`); `None` when there is
    /// none now.
    pub async fn receive_message(&self, id: &str, lock_s: Option<u32>) -> Result<Option<Delivery>, ServiceError> {
        let lock = lock_s.map(|seconds| ("iothub-messagelocktimeout", seconds.to_string()));
        let request = self.identity(Method::GET, ROOT, id, None, "/messages/deviceBound").headers(lock);
        let answer = self.transport.send(request).await?;
        answer.check()?;
        if answer.status == 204 {
            return Ok(None);
        }
        let shown = answer.headers.iter();
        let headers = shown.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()));
        let headers = headers.collect();
        Ok(Some(Delivery { lock_token: lock_token(&answer)?, headers, body: answer.body }))
    }

    /// Settles a message that was received.
    ///
    /// Errors: refused with 412 when the lock has been lost.
    pub async fn settle_message(&self, id: &str, lock_token: &str, how: Settlement) -> Result<(), ServiceError> {
        let path = format!("{ROOT}/{}/messages/deviceBound/{}", percent::encode(id), percent::encode(lock_token));
        let request = match how {
            Settlement::Complete => self.request(Method::DELETE, &path),
            Settlement::Reject => self.request_with(Method::DELETE, &path, "&reject="),
            Settlement::Abandon => self.request(Method::POST, &format!("{path}/abandon")),
        };
        self.transport.send(request).await?.check()
    }

    /// Uploads a file in one piece: asks where to, puts it there, tells the hub how it went.
    pub async fn upload_file(
        &self,
        id: &str,
        name: &str,
        content_type: &str,
        content: Vec<u8>,
    ) -> Result<(), ServiceError> {
        let ask = FileUploadRequest { blob_name: name.to_owned() };
        let request = self.identity(Method::POST, ROOT, id, None, "/files").json(&ask)?;
        let place: FileUploadPlace = self.transport.send(request).await?.json()?;
        let stored = self.put_blob(&place, content_type, content).await;
        let (is_success, status_code, description) = match &stored {
            Ok(()) => (true, 201, "Created".to_owned()),
            Err(error) => (false, error.status().map_or(0, i32::from), error.to_string()),
        };
        let status = FileUploadStatus {
            correlation_id: Some(place.correlation_id),
            is_success,
            status_code,
            status_description: Some(description),
        };
        let told = self.identity(Method::POST, ROOT, id, None, "/files/notifications").json(&status)?;
        let told = self.transport.send(told).await.and_then(|answer| answer.check());
        stored.and(told)
    }

    async fn put_blob(
        &self,
        place: &FileUploadPlace,
        content_type: &str,
        content: Vec<u8>,
    ) -> Result<(), ServiceError> {
        let FileUploadPlace { host_name, container_name, blob_name, sas_token, .. } = place;
        let blob: Vec<_> = blob_name.split('/').map(percent::encode).collect();
        let path = format!("{}/{}", percent::encode(container_name), blob.join("/"));
        let url = format!("{}/{path}{}", self.transport.origin(host_name), sas_token.expose());
        let request = Request::new(Method::PUT, url)
            .headers([("x-ms-blob-type", "BlockBlob".to_owned())])
            .bytes(content_type.to_owned(), content)
            .patience(UPLOAD_TIMEOUT);
        self.transport.send(request).await?.check()
    }
}
