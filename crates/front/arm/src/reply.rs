//! An answer on its way out.

use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};
use roadstead_wire::arm::{Contents, DESTROYED_HEADER};
use serde::Serialize;

/// A status and a JSON body, or none.
pub(crate) struct Reply {
    status: StatusCode,
    body: Bytes,
    is_page: bool,
    destroyed: Option<Contents>,
}

impl Reply {
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("texts and numbers under text keys can be written as JSON");
        Self { status, body: body.into(), is_page: false, destroyed: None }
    }

    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 201 for what was not there before, else 200.
    pub(crate) fn put(created: bool, body: &impl Serialize) -> Self {
        Self::json(if created { StatusCode::CREATED } else { StatusCode::OK }, body)
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, body: Bytes::new(), is_page: false, destroyed: None }
    }

    /// A page for people, which may load nothing, run nothing, and be shown in no other.
    pub(crate) fn html(status: StatusCode, body: String) -> Self {
        Self { status, body: body.into(), is_page: true, destroyed: None }
    }

    /// Says how much is gone with what was deleted: in a header, since clients of Azure expect no body.
    pub(crate) fn destroyed(self, destroyed: Option<Contents>) -> Self {
        Self { destroyed, ..self }
    }

    /// What is gone, as JSON; empty when nothing is, or nobody knows how much.
    pub(crate) fn destroyed_text(&self) -> String {
        let text = |contents| serde_json::to_string(contents).expect("numbers under text keys can be written as JSON");
        self.destroyed.as_ref().map(text).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Answers hold keys and tokens, so nobody may store them.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let has_body = !self.body.is_empty();
        let destroyed = HeaderValue::try_from(self.destroyed_text()).ok().filter(|text| !text.is_empty());
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(destroyed) = destroyed {
            response.headers_mut().insert(DESTROYED_HEADER, destroyed);
        }
        if self.is_page {
            let policy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
            for (name, value) in [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, policy),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
            ] {
                response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        } else if has_body {
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        response
    }
}
