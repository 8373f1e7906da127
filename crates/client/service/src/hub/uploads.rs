//! Files that devices uploaded. The list is Roadstead's own; to fetch and remove files is Azure Storage's API.

use super::HubService;
use crate::error::ServiceError;
use crate::limits::ANSWER_TIMEOUT;
use crate::page;
use crate::refusal::Refusal;
use crate::transport::{Request, Transport, origin_of};
use bytes::Bytes;
use reqwest::Method;
use roadstead_wire::blob::BlobCode;
use roadstead_wire::file_upload::{UploadedFile, blob_uri};
use std::fmt;

/// A file as it is read. Nothing of it is held but the piece that was given last.
pub struct Download {
    transport: Transport,
    url: String,
    response: reqwest::Response,
    len: u64,
    left: u64,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Download({}, {} of {} bytes left)", self.url, self.left, self.len)
    }
}

impl Download {
    /// Bytes of the whole file.
    pub fn bytes_total(&self) -> u64 {
        self.len
    }

    /// The next piece, of any size; `None` at the end of the file.
    ///
    /// Errors: [`ServiceError::Broken`] also when the file ends too early, or nothing comes for a minute.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ServiceError> {
        let broken =
            |cause: &str| ServiceError::Broken { origin: origin_of(&self.url).to_owned(), cause: cause.to_owned() };
        let waited = tokio::time::timeout(ANSWER_TIMEOUT, self.response.chunk()).await;
        let piece = waited.map_err(|_| broken("it takes too long"))?;
        match piece.map_err(|error| self.transport.fault(&self.url, &error))? {
            None if self.left > 0 => Err(broken("the file ends too early")),
            None => Ok(None),
            Some(piece) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                Ok(Some(piece))
            }
        }
    }
}

impl HubService {
    /// The files that a device uploaded: all of them, or the first `top`.
    pub async fn uploads(&self, id: &str, top: Option<usize>) -> Result<Vec<UploadedFile>, ServiceError> {
        page::list(self.transport(), top, || Ok(self.identity(Method::GET, "devices", id, None, "/uploads"))).await
    }

    /// One page of them, of at most `items_max`, and what asks for the next.
    pub async fn uploads_page(
        &self,
        id: &str,
        items_max: usize,
        continuation: Option<&str>,
    ) -> Result<(Vec<UploadedFile>, Option<String>), ServiceError> {
        let request = self.identity(Method::GET, "devices", id, None, "/uploads");
        page::one(self.transport(), request, items_max, continuation).await
    }

    /// Begins to read a file of a device: `logs/1.txt`. `None` when there is none.
    pub async fn find_upload(&self, id: &str, name: &str) -> Result<Option<Download>, ServiceError> {
        if leads_elsewhere(name) {
            return Ok(None);
        }
        let request = self.upload(Method::GET, id, name);
        let (transport, url) = (self.transport().clone(), request.url.clone());
        let origin = || origin_of(&url).to_owned();
        let odd = |cause: &str| ServiceError::Odd { origin: origin(), cause: cause.to_owned() };
        let slow = |_| ServiceError::Broken { origin: origin(), cause: "it takes too long".to_owned() };
        let mut response =
            tokio::time::timeout(ANSWER_TIMEOUT, transport.open(&request, None)).await.map_err(slow)??;
        if response.status() != 200 {
            let body = tokio::time::timeout(ANSWER_TIMEOUT, response.chunk()).await.map_err(slow)?;
            let refusal = Refusal::decode(response.status().as_u16(), &body.ok().flatten().unwrap_or_default());
            return if is_absence(&refusal) { Ok(None) } else { Err(ServiceError::Refused(refusal)) };
        }
        let len = response.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        let len = len.ok_or_else(|| odd("a file without its length"))?;
        Ok(Some(Download { transport, url, response, len, left: len }))
    }

    /// Removes a file of a device; `false` when there is none.
    pub async fn delete_upload(&self, id: &str, name: &str) -> Result<bool, ServiceError> {
        if leads_elsewhere(name) {
            return Ok(false);
        }
        match self.transport().send(self.upload(Method::DELETE, id, name)).await?.check() {
            Ok(()) => Ok(true),
            Err(ServiceError::Refused(refusal)) if is_absence(&refusal) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn upload(&self, method: Method, id: &str, name: &str) -> Request {
        let origin = self.transport().origin(self.host());
        let host = origin.strip_prefix("https://").unwrap_or(&origin);
        let url = blob_uri(host, &format!("{id}/{name}"));
        Request::new(method, url).authorized(self.authority.header(&self.host, self.transport().now()))
    }
}

/// Whether there is no such file. A hub that is not there, or takes none, says nothing of its files.
fn is_absence(refusal: &Refusal) -> bool {
    refusal.code.as_deref() == Some(BlobCode::BlobNotFound.name())
}

/// Whether a URL with this name would be of something else: no file is called so.
fn leads_elsewhere(name: &str) -> bool {
    name.split('/').any(|segment| matches!(segment, "." | ".."))
}
