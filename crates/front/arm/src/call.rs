//! A request, taken apart.

use bytes::Bytes;
use hyper::{HeaderMap, Method, Request, header};
use roadstead_wire::percent;
use serde::de::DeserializeOwned;

use crate::{refusal::Refusal, relaxed_json};

/// What an operation needs of a request.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Percent-decoded, none empty.
    segments: Vec<String>,
    lower: Vec<String>,
    query: String,
    headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The parts of a path, percent-decoded; doubled slashes count as one.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(|segment| percent::decode(segment).into_owned()).collect()
}

impl Call {
    pub(crate) fn new(request: Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        let segments = segments(head.uri.path());
        let lower = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        let query = head.uri.query().unwrap_or_default().to_owned();
        Self { method: head.method, segments, lower, query, headers: head.headers, body }
    }

    /// The path's segments in lower case, to be matched.
    pub(crate) fn words(&self) -> Vec<&str> {
        self.lower.iter().map(String::as_str).collect()
    }

    /// A segment as it was written; empty beyond the last.
    pub(crate) fn segment(&self, index: usize) -> &str {
        self.segments.get(index).map_or("", String::as_str)
    }

    /// The path, for messages.
    pub(crate) fn path(&self) -> String {
        self.segments.iter().flat_map(|segment| ["/", segment]).collect()
    }

    /// The path as a link has it.
    pub(crate) fn encoded_path(&self) -> String {
        self.segments.iter().flat_map(|segment| ["/".to_owned(), percent::encode(segment)]).collect()
    }

    /// The argument `api-version`, empty when there is none.
    pub(crate) fn api_version(&self) -> String {
        self.argument("api-version").unwrap_or_default()
    }

    /// An argument of the query, percent-decoded; names in any letter case.
    pub(crate) fn argument(&self, name: &str) -> Option<String> {
        let decoded = |text: &str| percent::decode(&text.replace('+', " ")).into_owned();
        let mut arguments = self.query.split('&').filter_map(|argument| argument.split_once('='));
        arguments.find(|(known, _)| decoded(known).eq_ignore_ascii_case(name)).map(|(_, value)| decoded(value))
    }

    /// The last segment as it was written.
    pub(crate) fn last(&self) -> &str {
        self.segments.last().map_or("", String::as_str)
    }

    /// What follows `Bearer ` in `Authorization`.
    pub(crate) fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.header(header::AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    /// `If-Match`: `abc`, `"abc"` or `*`. An empty one is none.
    pub(crate) fn if_match(&self) -> Option<&str> {
        self.header(header::IF_MATCH).filter(|etag| !etag.trim().is_empty())
    }

    /// The body, read as JSON of this shape.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.body).map_err(|error| Refusal::bad_body(&error))
    }

    /// The body, read as JSON that may have comments and keys without quotes.
    pub(crate) fn relaxed_json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&relaxed_json::to_json(&text)).map_err(|error| Refusal::bad_body(&error))
    }

    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
