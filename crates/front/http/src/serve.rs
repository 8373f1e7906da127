//! A connection, request by request.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    panic::resume_unwind,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, body::Incoming, header::HeaderValue, http::request, server::conn::http1, service::service_fn,
    upgrade::Upgraded,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use roadstead_auth::{AuthRefusal, Permission};
use roadstead_dps::Instances;
use roadstead_front_transport::{
    Drain, DrainWatch,
    websocket::{self, Subprotocol},
};
use roadstead_hub::Hubs;
use roadstead_journal::Journal;
use roadstead_model::{Clock, HubKey, IdScope};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinError,
};
use tracing::debug;
use uuid::Uuid;

use crate::{
    call::{self, Call, Caller},
    dispatch::Way,
    limits, noted,
    op::blob,
    reply::{Body, Reply},
};

/// Finds a request in the log. In errors of DPS it equals the body's `trackingId`. Source: `reference/dps.md` 1.1
const REQUEST_ID_HEADER: &str = "x-ms-request-id";

/// Serves Resource Manager and token requests.
#[async_trait]
pub trait Management: Send + Sync {
    /// Whether this path is the management face's.
    fn claims(&self, path: &str) -> bool;
    /// Answers a request of which the body was read. `base_url` is how the client reached the server, `address` where it is.
    async fn answer(&self, request: Request<Bytes>, base_url: &str, address: IpAddr) -> Response<Bytes>;
}

/// Serves pages for people.
#[async_trait]
pub trait Portal: Send + Sync {
    /// Whether this request is a browser's that wants a page.
    fn claims(&self, head: &request::Parts) -> bool;
    /// Answers a request of which the body was read. `base_url` is how the browser reached the server.
    async fn answer(&self, request: Request<Bytes>, base_url: &str, address: SocketAddr) -> Response<Body>;
}

/// Serves what is inside WebSockets.
#[async_trait]
pub trait WebSockets: Send + Sync {
    /// Serves an upgraded connection to its end. Frames are still to be taken apart.
    async fn serve(&self, io: TokioIo<Upgraded>, subprotocol: Subprotocol, caller: Caller);
}

/// What a bearer token shall open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BearerAt<'a> {
    /// A hub's service API.
    Hub(HubKey),
    /// A DPS instance's service API.
    Dps(&'a IdScope),
}

/// Judges bearer tokens of those who logged in: `az … --auth-type login`.
pub trait Bearers: Send + Sync {
    /// `token` is the part after `Bearer `. Whose it is, by name.
    ///
    /// Errors: `Bearer`, `RoleLacks`.
    fn judge(&self, token: &str, at: BearerAt<'_>, permission: Permission) -> Result<String, AuthRefusal>;
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
    /// Theirs, and told of who named none of them.
    pub journal: Arc<Journal>,
    pub clock: Arc<dyn Clock>,
    pub management: Arc<dyn Management>,
    /// `None`: there are no pages.
    pub portal: Option<Arc<dyn Portal>>,
    pub bearers: Arc<dyn Bearers>,
    pub websockets: Arc<dyn WebSockets>,
    pub operations: Arc<dyn Operations>,
}

/// Serves HTTP/1.1 connections.
#[derive(Clone)]
pub struct HttpFront {
    pub(crate) parts: Arc<Parts>,
}

/// An answer after which the connection closes, as what was not read of the body cannot be told from a next request.
fn last(reply: Reply) -> Response<Body> {
    reply.header("connection", "close").into_response()
}

/// Brings an answer to its end even if the client goes away, which ends the connection: what has begun to change is not cut short.
async fn see_through(answer: impl Future<Output = Response<Body>> + Send + 'static) -> Response<Body> {
    match tokio::spawn(answer).await.map_err(JoinError::try_into_panic) {
        Ok(response) => response,
        Err(Ok(panic)) => resume_unwind(panic),
        // The process ends.
        Err(Err(_)) => std::future::pending().await,
    }
}

async fn show(portal: Arc<dyn Portal>, head: request::Parts, body: &mut Incoming, caller: &Caller) -> Response<Body> {
    let body = match call::read_body(body, limits::SERVICE_BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(fault) => return last(Reply::fault(fault)),
    };
    let (base_url, address) = (format!("https://{}", call::host_of(&head, caller)), caller.address);
    see_through(async move { portal.answer(Request::from_parts(head, body), &base_url, address).await }).await
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
        let drain = Drain::new();
        let service = service_fn(|request| {
            let answer = self.clone().answer(request, caller.clone(), drain.watch());
            async { Ok::<_, Infallible>(answer.await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::HEAD_WAIT)
            .max_buf_size(limits::HEAD_BYTES_MAX)
            .max_headers(limits::HEADERS_MAX)
            .serve_connection(TokioIo::new(io), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = draining => {
                drain.start();
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(connection = caller.connection, address = %caller.address, "https connection ended: {error}");
        }
    }

    async fn answer(self, request: Request<Incoming>, caller: Caller, draining: DrainWatch) -> Response<Body> {
        let id = Uuid::new_v4();
        let mut response = self.dispatch(request, caller, id, draining).await;
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(REQUEST_ID_HEADER, value);
        }
        response
    }

    async fn dispatch(
        &self,
        mut request: Request<Incoming>,
        caller: Caller,
        id: Uuid,
        draining: DrainWatch,
    ) -> Response<Body> {
        if websocket::is_upgrade(&request) {
            return self.upgrade(&mut request, caller);
        }
        let (head, mut body) = request.into_parts();
        if self.parts.management.claims(head.uri.path()) {
            return self.manage(head, &mut body, &caller).await;
        }
        if let Some(portal) = self.parts.portal.clone().filter(|portal| portal.claims(&head)) {
            return show(portal, head, &mut body, &caller).await;
        }
        let mut call = Call::new(head, caller, id, draining);
        let parts = self.parts.clone();
        if let Some(file) = blob::target(&call.path) {
            return see_through(async move { blob::answer(&parts, &call, file, body).await }).await;
        }
        let way = Way::of(&call);
        match call::read_body(&mut body, way.body_bytes_max()).await {
            Ok(body) => call.body = body,
            Err(fault) => return last(way.refuse_body(&parts, &call, fault)),
        }
        self.run(way, call).await
    }

    async fn run(&self, way: Way, call: Call) -> Response<Body> {
        let (parts, is_for_its_client) = (self.parts.clone(), way.is_for_its_client());
        let answer = async move { way.answer(&parts, &call).await };
        if is_for_its_client { answer.await } else { see_through(answer).await }
    }

    /// Answers a request of the same process, as if `caller` had sent it over a connection; files are not put so, and there are no
    /// WebSockets.
    /// Streams end when `draining` does.
    pub async fn answer_in_process(
        &self,
        request: Request<Bytes>,
        caller: Caller,
        draining: DrainWatch,
    ) -> Response<Body> {
        let (head, body) = request.into_parts();
        if self.parts.management.claims(head.uri.path()) {
            return self.manage_read(head, body, &caller).await;
        }
        let mut call = Call::new(head, caller, Uuid::new_v4(), draining);
        if let Some(file) = blob::target(&call.path) {
            let parts = self.parts.clone();
            return see_through(async move { blob::answer_in_process(&parts, &call, file).await }).await;
        }
        call.body = body;
        self.run(Way::of(&call), call).await
    }

    async fn manage(&self, head: request::Parts, body: &mut Incoming, caller: &Caller) -> Response<Body> {
        let body = match call::read_body(body, limits::SERVICE_BODY_BYTES_MAX).await {
            Ok(body) => body,
            Err(fault) => return last(Reply::fault(fault)),
        };
        self.manage_read(head, body, caller).await
    }

    async fn manage_read(&self, head: request::Parts, body: Bytes, caller: &Caller) -> Response<Body> {
        let base_url = format!("https://{}", call::host_of(&head, caller));
        let (management, address) = (self.parts.management.clone(), caller.address.ip());
        see_through(async move {
            let answer = management.answer(Request::from_parts(head, body), &base_url, address).await;
            let (head, body) = answer.into_parts();
            Reply { status: head.status, headers: head.headers, body }.into_response()
        })
        .await
    }

    fn upgrade(&self, request: &mut Request<Incoming>, caller: Caller) -> Response<Body> {
        let refused = |response: Response<()>, why: &dyn std::fmt::Display| {
            let mut reply = Reply::text(response.status(), format!("{why}\n"));
            reply.headers.extend(response.into_parts().0.headers);
            reply.into_response()
        };
        let accepted = match websocket::accept(request) {
            Ok(accepted) => accepted,
            Err(refusal) => {
                let response = refusal.response();
                let host = call::host_in(request.headers(), request.uri(), &caller);
                noted::refused_upgrade(&self.parts, &host, &caller, response.status(), &refusal.to_string());
                return refused(response, &refusal);
            }
        };
        let (websockets, upgrade) = (self.parts.websockets.clone(), hyper::upgrade::on(request));
        tokio::spawn(async move {
            match upgrade.await {
                Ok(upgraded) => websockets.serve(TokioIo::new(upgraded), accepted.subprotocol, caller).await,
                Err(error) => debug!(connection = caller.connection, "websocket upgrade failed: {error}"),
            }
        });
        accepted.response.map(|()| Empty::new().boxed())
    }
}
