//! An answer on its way out.

use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};
use serde::Serialize;

/// A status and a JSON body, or none.
pub(crate) struct Reply {
    status: StatusCode,
    body: Bytes,
}

impl Reply {
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("texts and numbers under text keys can be written as JSON");
        Self { status, body: body.into() }
    }

    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 201 for what was not there before, else 200.
    pub(crate) fn put(created: bool, body: &impl Serialize) -> Self {
        Self::json(if created { StatusCode::CREATED } else { StatusCode::OK }, body)
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, body: Bytes::new() }
    }

    /// Answers hold keys and tokens, so nobody may store them.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let has_body = !self.body.is_empty();
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if has_body {
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        response
    }
}
