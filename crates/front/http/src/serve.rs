//! A connection, request by request.

use std::{convert::Infallible, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
    upgrade::Upgraded,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use roadstead_dps::Instances;
use roadstead_hub::Hubs;
use roadstead_model::Clock;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;
use uuid::Uuid;

use crate::{
    call::{self, BodyFault, Call, Caller},
    limits,
    reply::{Body, Reply},
    route,
};

/// Serves Resource Manager and token requests.
#[async_trait]
pub trait Management: Send + Sync {
    /// Whether this path is the management face's.
    fn claims(&self, path: &str) -> bool;
    /// Answers a request of which the body was read. `base_url` is how the client reached the server.
    async fn answer(&self, request: Request<Bytes>, base_url: &str) -> Response<Bytes>;
}

/// Serves what comes through a WebSocket.
#[async_trait]
pub trait WebSockets: Send + Sync {
    /// Chooses among the sub-protocols that a client offers (`Sec-WebSocket-Protocol`), in its own spelling. `None`: none is served.
    fn choose<'a>(&self, offered: &'a str) -> Option<&'a str>;
    /// Serves an upgraded connection to its end.
    async fn serve(&self, io: TokioIo<Upgraded>, protocol: String, caller: Caller);
}

/// What operators ask of the process.
pub trait Operations: Send + Sync {
    /// All metrics, in Prometheus' text form.
    fn metrics(&self) -> String;
    /// `Err` says why the server should get no traffic.
    fn ready(&self) -> Result<(), String>;
}

/// What the front serves.
#[derive(Clone)]
pub struct Parts {
    pub hubs: Arc<Hubs>,
    pub dps: Arc<Instances>,
    pub clock: Arc<dyn Clock>,
    pub management: Arc<dyn Management>,
    pub websockets: Arc<dyn WebSockets>,
    pub operations: Arc<dyn Operations>,
}

/// Serves HTTP/1.1 connections.
#[derive(Clone)]
pub struct HttpFront {
    pub(crate) parts: Arc<Parts>,
}

impl HttpFront {
    /// A front over these parts.
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Serves one connection to its end. `draining` resolves when no further request shall be taken.
    pub async fn serve<S>(&self, io: S, caller: Caller, draining: impl Future<Output = ()>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| {
            let (front, caller) = (self.clone(), caller.clone());
            async move { Ok::<_, Infallible>(front.answer(request, caller).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::HEAD_WAIT)
            .max_buf_size(limits::HEAD_BYTES_MAX)
            .max_headers(limits::HEADERS_MAX)
            .half_close(true)
            .serve_connection(TokioIo::new(io), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = draining => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(connection = caller.connection, address = %caller.address, "https connection ended: {error}");
        }
    }

    async fn answer(self, request: Request<Incoming>, caller: Caller) -> Response<Body> {
        let id = Uuid::new_v4();
        let mut response = self.dispatch(request, caller, id).await;
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            headers.insert("x-ms-request-id", value);
        }
        let hsts = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts);
        response
    }

    async fn dispatch(&self, mut request: Request<Incoming>, caller: Caller, id: Uuid) -> Response<Body> {
        if request.headers().contains_key(header::UPGRADE) {
            return self.upgrade(&mut request, caller);
        }
        let (head, body) = request.into_parts();
        let body = match call::read_body(body, limits::SERVICE_BODY_BYTES_MAX).await {
            Ok(body) => body,
            Err(fault) => return body_refusal(fault).into_response(),
        };
        let path = head.uri.path();
        let host = host_of(&head, &caller);
        if self.parts.management.claims(path) {
            let base_url = format!("https://{host}");
            let answer = self.parts.management.answer(Request::from_parts(head, body), &base_url).await;
            let (head, body) = answer.into_parts();
            return Reply { status: head.status, headers: head.headers, body }.into_response();
        }
        let call = Call {
            segments: call::segments(path),
            query: call::arguments(head.uri.query()),
            path_and_query: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            method: head.method,
            headers: head.headers,
            body,
            host,
            caller,
            id,
        };
        route::answer(&self.parts, call).await
    }

    fn upgrade(&self, request: &mut Request<Incoming>, caller: Caller) -> Response<Body> {
        let websockets = self.parts.websockets.clone();
        match roadstead_front_transport::websocket::accept(request, |offered| websockets.choose(offered)) {
            Ok(accepted) => {
                let upgrade = hyper::upgrade::on(request);
                let protocol = accepted.protocol;
                tokio::spawn(async move {
                    match upgrade.await {
                        Ok(upgraded) => websockets.serve(TokioIo::new(upgraded), protocol, caller).await,
                        Err(error) => debug!(connection = caller.connection, "websocket upgrade failed: {error}"),
                    }
                });
                accepted.response.map(|()| http_body_util::BodyExt::boxed(http_body_util::Empty::new()))
            }
            Err(error) => Reply::text(StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        }
    }
}

/// `Host`, else the name in the TLS greeting, else nothing. With its port, as the client wrote it.
fn host_of(head: &hyper::http::request::Parts, caller: &Caller) -> String {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(head.uri.authority().map(|authority| authority.as_str())).or(caller.server_name.as_deref());
    host.unwrap_or_default().to_owned()
}

fn body_refusal(fault: BodyFault) -> Reply {
    let (status, text) = match fault {
        BodyFault::TooLarge { bytes_max } => {
            (StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {bytes_max} bytes\n"))
        }
        BodyFault::TooSlow => {
            let text = format!("the body did not arrive within {} s\n", limits::BODY_WAIT.as_secs());
            (StatusCode::REQUEST_TIMEOUT, text)
        }
        BodyFault::Broken => (StatusCode::BAD_REQUEST, "the body could not be read\n".to_owned()),
    };
    Reply::text(status, text)
}
