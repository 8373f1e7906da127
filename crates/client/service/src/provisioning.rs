//! One DPS' enrollments and registrations.

use crate::authority::Authority;
use crate::error::ServiceError;
use crate::page;
use crate::transport::{Request, Transport};
use reqwest::Method;
use roadstead_wire::percent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Source: `reference/dps.md` 4
const VERSION: &str = "2021-10-01";

/// The two kinds of enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnrollmentKind {
    /// For one device.
    Individual,
    /// For every device that a CA or a group key vouches for.
    Group,
}

impl EnrollmentKind {
    fn segment(self) -> &'static str {
        match self {
            Self::Individual => "enrollments",
            Self::Group => "enrollmentGroups",
        }
    }
}

/// A back end of one DPS.
#[derive(Debug, Clone)]
pub struct Provisioning {
    transport: Transport,
    host: String,
    authority: Authority,
}

impl Provisioning {
    /// A back end of the DPS whose service endpoint is `host`, as `authority`, a policy or a token.
    pub fn new(transport: Transport, host: &str, authority: impl Into<Authority>) -> Self {
        Self { transport, host: host.to_owned(), authority: authority.into() }
    }

    /// All enrollments of a kind, or the first `top`; without keys.
    pub async fn list<T: DeserializeOwned>(
        &self,
        kind: EnrollmentKind,
        top: Option<usize>,
    ) -> Result<Vec<T>, ServiceError> {
        let path = format!("{}/query", kind.segment());
        page::list(&self.transport, top, || self.request(Method::POST, &path).json(&json!({ "query": "SELECT *" })))
            .await
    }

    /// One page of at most `items_max` enrollments of a kind, without keys, and what asks for the next.
    pub async fn list_page<T: DeserializeOwned>(
        &self,
        kind: EnrollmentKind,
        items_max: usize,
        continuation: Option<&str>,
    ) -> Result<(Vec<T>, Option<String>), ServiceError> {
        let path = format!("{}/query", kind.segment());
        let request = self.request(Method::POST, &path).json(&json!({ "query": "SELECT *" }))?;
        page::one(&self.transport, request, items_max, continuation).await
    }

    /// One enrollment, without keys.
    pub async fn find<T: DeserializeOwned>(&self, kind: EnrollmentKind, id: &str) -> Result<Option<T>, ServiceError> {
        self.transport.send(self.enrollment(Method::GET, kind, id, "")).await?.find()
    }

    /// How an enrollment's devices prove themselves, keys included.
    pub async fn find_attestation<T: DeserializeOwned>(
        &self,
        kind: EnrollmentKind,
        id: &str,
    ) -> Result<Option<T>, ServiceError> {
        self.transport.send(self.enrollment(Method::POST, kind, id, "/attestationmechanism")).await?.find()
    }

    /// Creates an enrollment when `etag` is `None`; else changes the one that has it (`*`: whatever it has).
    pub async fn put<T: DeserializeOwned>(
        &self,
        kind: EnrollmentKind,
        id: &str,
        body: &impl Serialize,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        let request = self.enrollment(Method::PUT, kind, id, "").if_match(etag.map(str::to_owned));
        self.transport.send(request.json(body)?).await?.json()
    }

    /// Deletes an enrollment; `false` when there is none.
    pub async fn delete(&self, kind: EnrollmentKind, id: &str, etag: Option<&str>) -> Result<bool, ServiceError> {
        let etag = etag.unwrap_or("*").to_owned();
        self.transport.send(self.enrollment(Method::DELETE, kind, id, "").if_match(Some(etag))).await?.deleted()
    }

    /// Registrations through an enrollment group. All of them, or the first `top`.
    pub async fn list_registrations<T: DeserializeOwned>(
        &self,
        group: &str,
        top: Option<usize>,
    ) -> Result<Vec<T>, ServiceError> {
        let path = format!("registrations/{}/query", percent::encode(group));
        let request = || {
            let mut request = self.request(Method::POST, &path);
            request.body = Some(Vec::new());
            Ok(request)
        };
        page::list(&self.transport, top, request).await
    }

    /// One registration.
    pub async fn find_registration<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, ServiceError> {
        self.transport.send(self.registration(Method::GET, id)).await?.find()
    }

    /// Deletes a registration; `false` when there is none.
    pub async fn delete_registration(&self, id: &str, etag: Option<&str>) -> Result<bool, ServiceError> {
        let etag = etag.unwrap_or("*").to_owned();
        self.transport.send(self.registration(Method::DELETE, id).if_match(Some(etag))).await?.deleted()
    }

    fn registration(&self, method: Method, id: &str) -> Request {
        self.request(method, &format!("registrations/{}", percent::encode(id)))
    }

    fn enrollment(&self, method: Method, kind: EnrollmentKind, id: &str, below: &str) -> Request {
        self.request(method, &format!("{}/{}{below}", kind.segment(), percent::encode(id)))
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    fn request(&self, method: Method, path: &str) -> Request {
        self.request_with(method, path, "")
    }

    /// `arguments` follow the version: `&cause=wrongKey`.
    pub(crate) fn request_with(&self, method: Method, path: &str, arguments: &str) -> Request {
        let url = format!("{}/{path}?api-version={VERSION}{arguments}", self.transport.origin(&self.host));
        Request::new(method, url).authorized(self.authority.header(&self.host, self.transport.now()))
    }
}
