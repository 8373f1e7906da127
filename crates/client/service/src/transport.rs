//! One HTTPS client for every host of one server: whom it trusts, where names lead, what it repeats.

use crate::error::ServiceError;
use crate::in_process::{self, InProcess};
use crate::limits::{
    ANSWER_BYTES_MAX, ANSWER_TIMEOUT, CONNECT_TIMEOUT, IDLE_CONNECTIONS_MAX, RETRY_FIRST, RETRY_MAX, TRIES_MAX,
};
use crate::management::Deletion;
use crate::names::Names;
use crate::refusal::Refusal;
use crate::trust::{Trust, shown_tls};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, RETRY_AFTER};
use roadstead_model::{Clock, UnixMillis};
use roadstead_wire::arm::DESTROYED_HEADER;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

/// What a server says that knows no hub of the name. Source: `reference/hub-service.md` 1.3
const NO_HUB: &str = "IotHubNotFound";

/// Where HTTPS is when nobody says otherwise.
const HTTPS_PORT: u16 = 443;

/// How servers are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Whose certificates are accepted.
    pub trust: Trust,
    /// Port of every host name that has none.
    pub https_port: u16,
    /// Addresses of names that no resolver knows. `localhost` and every name under it lead to loopback by themselves.
    pub connect_to: BTreeMap<String, IpAddr>,
}

/// The way to a server, shared by all its clients. Cheap to clone.
#[derive(Clone)]
pub struct Transport {
    client: reqwest::Client,
    server: Option<Arc<dyn InProcess>>,
    tls: Arc<rustls::ClientConfig>,
    names: Arc<Names>,
    https_port: u16,
    trust: Arc<Trust>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transport(port {}, {})", self.https_port, self.trust)
    }
}

/// What is sent.
pub(crate) struct Request {
    pub method: reqwest::Method,
    pub url: String,
    pub authorization: Option<String>,
    pub if_match: Option<String>,
    pub headers: Vec<(Cow<'static, str>, String)>,
    pub content_type: Cow<'static, str>,
    pub body: Option<Vec<u8>>,
    /// How long the whole answer may take.
    pub patience: Duration,
}

/// What came back.
pub(crate) struct Answer {
    pub origin: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Transport {
    /// Reads the CA files; nothing is sent yet.
    ///
    /// Errors: [`ServiceError::CaFile`], [`ServiceError::NoTrust`].
    pub fn new(reach: &Reach, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        let tls = reach.trust.client_config()?;
        let names = Names { connect_to: reach.connect_to.clone() };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .dns_resolver(names.clone())
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| ServiceError::NoTrust { cause: innermost(&error) })?;
        Ok(Self {
            client,
            server: None,
            tls: Arc::new(tls),
            names: Arc::new(names),
            https_port: reach.https_port,
            trust: Arc::new(reach.trust.clone()),
            clock,
        })
    }

    /// A server in the same process. Every host is this server.
    ///
    /// Errors: [`ServiceError::NoTrust`].
    pub fn in_process(server: Arc<dyn InProcess>, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        let reach = Reach { trust: Trust::Nobody, https_port: HTTPS_PORT, connect_to: BTreeMap::new() };
        Ok(Self { server: Some(server), ..Self::new(&reach, clock)? })
    }

    /// The same, asking another server in the same process.
    #[must_use]
    pub fn of_server(&self, server: Arc<dyn InProcess>) -> Self {
        Self { server: Some(server), ..self.clone() }
    }

    pub(crate) fn tls(&self) -> Arc<rustls::ClientConfig> {
        self.tls.clone()
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// `plant.localhost` to `https://plant.localhost:8443`; a host that names its port keeps it.
    pub(crate) fn origin(&self, host: &str) -> String {
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        if has_port || self.https_port == HTTPS_PORT {
            format!("https://{host}")
        } else {
            format!("https://{host}:{}", self.https_port)
        }
    }

    /// Sends, repeats what the server says it did not take up (429 and 503), and reads the whole answer.
    pub(crate) async fn send(&self, request: Request) -> Result<Answer, ServiceError> {
        let mut wait = RETRY_FIRST;
        for _ in 1..TRIES_MAX {
            let answer = self.send_once(&request).await?;
            if !matches!(answer.status, 429 | 503) {
                return Ok(answer);
            }
            tokio::time::sleep(retry_after(&answer.headers).unwrap_or(wait).min(RETRY_MAX)).await;
            wait *= 2;
        }
        self.send_once(&request).await
    }

    async fn send_once(&self, request: &Request) -> Result<Answer, ServiceError> {
        let mut response = self.open(request, Some(request.patience)).await?;
        let origin = origin_of(&request.url).to_owned();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.fault(&request.url, &error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(ServiceError::Odd { origin, cause: format!("more than {ANSWER_BYTES_MAX} bytes") });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { origin, status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    /// Sends and gives back the answer's head, its body still to be read.
    pub(crate) async fn open(
        &self,
        request: &Request,
        timeout: Option<Duration>,
    ) -> Result<reqwest::Response, ServiceError> {
        let mut builder = self.client.request(request.method.clone(), &request.url);
        if let Some(timeout) = timeout {
            builder = builder.timeout(timeout);
        }
        let unsendable = |text: &str| ServiceError::Unsendable { text: text.to_owned() };
        // More than ASCII may be sent, but few servers read it.
        let value =
            |text: &str| HeaderValue::from_str(text).ok().filter(|_| text.is_ascii()).ok_or_else(|| unsendable(text));
        if let Some(authorization) = &request.authorization {
            let mut value = value(authorization)?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        if let Some(etag) = &request.if_match {
            builder = builder.header(IF_MATCH, value(etag)?);
        }
        for (name, text) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable(name))?;
            builder = builder.header(name, value(text)?);
        }
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, value(&request.content_type)?).body(body.clone());
        }
        let answered = match &self.server {
            None => builder.send().await.map_err(|error| self.fault(&request.url, &error)),
            Some(server) => {
                let built = builder.build().map_err(|error| self.fault(&request.url, &error))?;
                in_process::ask(&**server, built, timeout).await
            }
        };
        let shown = shown_url(&request.url);
        match &answered {
            Ok(response) => tracing::debug!("{} {shown} {}", request.method, response.status()),
            Err(error) => tracing::debug!("{} {shown} {error}", request.method),
        }
        answered
    }

    /// Names what broke below HTTP.
    pub(crate) fn fault(&self, url: &str, error: &reqwest::Error) -> ServiceError {
        let origin = origin_of(url).to_owned();
        if let Some(cause) = tls_cause(error) {
            return ServiceError::Untrusted { origin, cause, trust: self.trust.as_ref().clone() };
        }
        let cause = if error.is_timeout() { "it takes too long".to_owned() } else { innermost(error) };
        if error.is_connect() {
            ServiceError::Unreachable { origin, cause }
        } else {
            ServiceError::Broken { origin, cause }
        }
    }
}

impl Request {
    pub(crate) fn new(method: reqwest::Method, url: String) -> Self {
        Self {
            method,
            url,
            authorization: None,
            if_match: None,
            headers: Vec::new(),
            content_type: "application/json".into(),
            body: None,
            patience: ANSWER_TIMEOUT,
        }
    }

    pub(crate) fn authorized(mut self, authorization: String) -> Self {
        self.authorization = Some(authorization);
        self
    }

    pub(crate) fn if_match(mut self, etag: Option<String>) -> Self {
        self.if_match = etag;
        self
    }

    pub(crate) fn headers<N: Into<Cow<'static, str>>>(
        mut self,
        headers: impl IntoIterator<Item = (N, String)>,
    ) -> Self {
        self.headers.extend(headers.into_iter().map(|(name, text)| (name.into(), text)));
        self
    }

    /// A body that is no JSON.
    pub(crate) fn bytes(mut self, content_type: impl Into<Cow<'static, str>>, body: Vec<u8>) -> Self {
        (self.content_type, self.body) = (content_type.into(), Some(body));
        self
    }

    /// Waits longer for the answer than for most.
    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, ServiceError> {
        let origin = || origin_of(&self.url).to_owned();
        let text = serde_json::to_vec(body).map_err(|error| ServiceError::Odd {
            origin: origin(),
            cause: format!("a body that is no JSON: {error}"),
        })?;
        self.body = Some(text);
        Ok(self)
    }
}

impl Answer {
    /// The body of a success; a refusal else.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ServiceError> {
        self.check()?;
        serde_json::from_slice(&self.body)
            .map_err(|error| ServiceError::Odd { origin: self.origin.clone(), cause: error.to_string() })
    }

    /// As [`Self::json`]; `None` when there is no such thing.
    pub(crate) fn find<T: DeserializeOwned>(&self) -> Result<Option<T>, ServiceError> {
        if self.is_absence() { Ok(None) } else { self.json().map(Some) }
    }

    /// Whether something was deleted; `false` when there was nothing.
    pub(crate) fn deleted(&self) -> Result<bool, ServiceError> {
        if self.is_absence() { Ok(false) } else { self.check().map(|()| true) }
    }

    /// What was deleted, with what was in it.
    pub(crate) fn deletion(&self) -> Result<Deletion, ServiceError> {
        if !self.deleted()? {
            return Ok(Deletion::Absent);
        }
        let told = self.headers.get(DESTROYED_HEADER).and_then(|text| serde_json::from_slice(text.as_bytes()).ok());
        Ok(Deletion::Done(told))
    }

    /// Whether what was asked for is not there. A hub that is not there says nothing of what is in it.
    fn is_absence(&self) -> bool {
        let hub_is_there = || Refusal::decode(self.status, &self.body).code.as_deref() != Some(NO_HUB);
        self.status == 404 && hub_is_there()
    }

    /// A refusal, when it is one.
    pub(crate) fn check(&self) -> Result<(), ServiceError> {
        if matches!(self.status, 200..=299) {
            Ok(())
        } else {
            Err(ServiceError::Refused(Refusal::decode(self.status, &self.body)))
        }
    }
}

/// A URL without the signature that makes it a secret.
fn shown_url(url: &str) -> &str {
    url.split_once('?').filter(|(_, query)| query.contains("sig=")).map_or(url, |(address, _)| address)
}

/// `https://h:8443/a?b` to `https://h:8443`.
pub(crate) fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find(['/', '?'])).map_or(url.len(), |at| start + at);
    url.get(..end).unwrap_or(url)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// What rustls said, if it was rustls.
pub(crate) fn tls_cause(error: &(dyn Error + 'static)) -> Option<String> {
    std::iter::successors(Some(error), |error| deeper(*error)).find_map(|error| error.downcast_ref()).map(shown_tls)
}

/// What an error wraps. An I/O error names what is inside its inside as its source, never what it holds itself.
fn deeper<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source())
}

pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let deepest = std::iter::successors(Some(error), |error| deeper(*error)).last().unwrap_or(error);
    deepest.downcast_ref().map_or_else(|| deepest.to_string(), io_cause)
}

pub(crate) fn io_cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => "the connection was cut".to_owned(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_a_url_ends_before_its_path() {
        for (url, origin) in [
            ("https://h:8443/a/b?c=https://x/", "https://h:8443"),
            ("https://h?a", "https://h"),
            ("https://h", "https://h"),
            ("h/a", "h"),
            ("", ""),
        ] {
            assert_eq!(origin_of(url), origin);
        }
    }

    #[test]
    fn signatures_are_not_shown() {
        for (url, shown) in [
            ("https://h/devices/a?api-version=1", "https://h/devices/a?api-version=1"),
            ("https://h/c/b?sv=1&sig=abc%3D", "https://h/c/b"),
            ("https://h", "https://h"),
        ] {
            assert_eq!(shown_url(url), shown);
        }
    }
}
