//! A request as the routes see it: path in segments, query, headers, body read and bounded.

use std::{net::SocketAddr, sync::Arc};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Method, Uri,
    body::Incoming,
    header,
    http::{request, uri::Authority},
};
use roadstead_front_transport::DrainWatch;
use roadstead_wire::{percent, query::MAX_ITEM_COUNT_HEADER};
use tokio::time::timeout;
use uuid::Uuid;

use crate::limits;

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Caller {
    pub address: SocketAddr,
    /// The client's certificates, DER, leaf first; possession of the leaf's key is proven, nothing else. Often empty.
    pub certificates: Arc<[Vec<u8>]>,
    /// The name the client asked for in its TLS greeting.
    pub server_name: Option<Box<str>>,
    /// Numbers the connection in the log.
    pub connection: u64,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Percent-decoded, without empty segments: `/devices%2Fdev1/` is `["devices", "dev1"]` (IoT Explorer encodes slashes).
    pub(crate) segments: Vec<String>,
    /// As sent.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// [`host_of`] the request.
    pub(crate) host: String,
    pub(crate) caller: Caller,
    /// Finds this request in the log: the answer's `x-ms-request-id`.
    pub(crate) id: Uuid,
    /// Ends answers that would go on for ever.
    pub(crate) draining: DrainWatch,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("the body has more than {bytes_max} bytes, which is the limit here")]
    TooLarge { bytes_max: usize },
    #[error("the body did not arrive within {} s", limits::BODY_WAIT.as_secs())]
    TooSlow,
    #[error("the body could not be read")]
    Broken,
}

/// Reads a body to its end, at most `bytes_max` of it.
pub(crate) async fn read_body(body: &mut Incoming, bytes_max: usize) -> Result<Bytes, BodyFault> {
    let read = async {
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else { continue };
            if whole.len() + data.len() > bytes_max {
                return Err(BodyFault::TooLarge { bytes_max });
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    };
    timeout(limits::BODY_WAIT, read).await.unwrap_or(Err(BodyFault::TooSlow))
}

/// The host the client believes it talks to: `Host`, else the name in the TLS greeting, else nothing. With its port, as the
/// client wrote it.
pub(crate) fn host_of(head: &request::Parts, caller: &Caller) -> String {
    host_in(&head.headers, &head.uri, caller)
}

/// The same of a request that is not taken apart.
pub(crate) fn host_in(headers: &HeaderMap, uri: &Uri, caller: &Caller) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(uri.authority().map(Authority::as_str)).or(caller.server_name.as_deref());
    host.unwrap_or_default().to_owned()
}

/// A host without its port: `plant-dps.localhost`.
pub(crate) fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or_default(),
    }
}

impl Call {
    /// A request whose body is still to be read.
    pub(crate) fn new(head: request::Parts, caller: Caller, id: Uuid, draining: DrainWatch) -> Self {
        let host = host_of(&head, &caller);
        let path = head.uri.path().to_owned();
        Self {
            segments: segments(&path),
            query: arguments(head.uri.query()),
            method: head.method,
            headers: head.headers,
            body: Bytes::new(),
            path,
            host,
            caller,
            id,
            draining,
        }
    }

    /// A segment of the path as the client wrote it, decoded; empty when there is none.
    pub(crate) fn segment(&self, at: usize) -> &str {
        self.segments.get(at).map_or("", String::as_str)
    }

    /// The host without its port: `plant-dps.localhost`.
    pub(crate) fn host_name(&self) -> &str {
        host_name(&self.host)
    }

    /// A header as text; `None` when absent or not text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of a query argument; names are compared without case. An argument without `=` is empty.
    pub(crate) fn argument(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The SAS token or bearer token of the request; empty counts as absent.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.header(header::AUTHORIZATION.as_str()).map(str::trim).filter(|token| !token.is_empty())
    }

    /// What follows `Bearer ` in `Authorization`, when it says so; a SAS token does not.
    pub(crate) fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.authorization()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    /// How many items a page shall have.
    pub(crate) fn page_items(&self) -> usize {
        let asked = self.header(MAX_ITEM_COUNT_HEADER).and_then(|text| text.trim().parse::<usize>().ok());
        asked.filter(|items| *items > 0).unwrap_or(limits::PAGE_ITEMS_DEFAULT).min(limits::PAGE_ITEMS_MAX)
    }
}

/// Splits a path into percent-decoded segments.
pub(crate) fn segments(path: &str) -> Vec<String> {
    let decoded = percent::decode(path);
    decoded.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// Splits a query into decoded names and values.
pub(crate) fn arguments(query: Option<&str>) -> Vec<(String, String)> {
    let decode = |text: &str| percent::decode(text).into_owned();
    query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (decode(name), decode(value)),
            None => (decode(pair), String::new()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_after_decoding() {
        for (path, expected) in [
            ("/devices/dev1", vec!["devices", "dev1"]),
            ("/devices%2Fdev1", vec!["devices", "dev1"]),
            ("//metadata//endpoints/", vec!["metadata", "endpoints"]),
            ("/devices/dev%201/messages/events", vec!["devices", "dev 1", "messages", "events"]),
            ("/", vec![]),
        ] {
            assert_eq!(segments(path), expected, "{path}");
        }
    }

    #[test]
    fn arguments_may_lack_a_value() {
        let expected = [("api-version", "2021-04-12"), ("reject", ""), ("a", "b=c d")];
        let parsed = arguments(Some("api-version=2021-04-12&reject&&a=b=c%20d"));
        let parsed: Vec<_> = parsed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(parsed, expected);
        assert!(arguments(None).is_empty());
    }
}
