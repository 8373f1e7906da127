//! Answers, in one place so that every route says `x-ms-request-id` and content types alike.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use serde::Serialize;

use crate::call::BodyFault;

/// A body that is whole, or a stream.
pub type Body = BoxBody<Bytes, Infallible>;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An answer in the making.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::empty(status).with_body(JSON, body)
    }

    /// 200 with a body of the API.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("bodies of these APIs have text for keys");
        Self::json(StatusCode::OK, body)
    }

    pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::empty(status).with_body(HeaderValue::from_static("text/plain; charset=utf-8"), body)
    }

    pub(crate) fn with_body(mut self, content_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    /// Says why a body was not read, in plain text.
    pub(crate) fn fault(fault: BodyFault) -> Self {
        let status = match fault {
            BodyFault::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyFault::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyFault::Broken => StatusCode::BAD_REQUEST,
        };
        Self::text(status, format!("{fault}\n"))
    }

    /// Adds a header. A value that cannot be one (a line feed in an id) is left out rather than sent broken.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Adds headers with names of any kind, with the same leniency.
    pub(crate) fn headers(mut self, headers: Vec<(String, String)>) -> Self {
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                self.headers.append(name, value);
            }
        }
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Full::new(self.body).boxed());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
