//! What operators and their tools ask of the process itself.

use hyper::{Method, StatusCode, header::HeaderValue};

use crate::{call::Call, reply::Reply, serve::Parts};

/// Prometheus' text form. Source: Prometheus, "Exposition formats"
const METRICS_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// `GET /healthz`, `/readyz` or `/metrics`, for anybody.
pub(crate) fn answer(parts: &Parts, call: &Call, words: &[&str]) -> Reply {
    match (&call.method, words) {
        (&Method::GET | &Method::HEAD, ["healthz"]) => Reply::text(StatusCode::OK, "ok\n"),
        (&Method::GET | &Method::HEAD, ["readyz"]) => ready(parts),
        (&Method::GET | &Method::HEAD, ["metrics"]) => {
            Reply::empty(StatusCode::OK).with_body(METRICS_CONTENT_TYPE, parts.operations.metrics())
        }
        _ => Reply::text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n").header("allow", "GET, HEAD"),
    }
}

/// Whether the server takes traffic; 503 and the reason when it does not.
fn ready(parts: &Parts) -> Reply {
    match parts.operations.ready() {
        Ok(()) => Reply::text(StatusCode::OK, "ready\n"),
        Err(why) => Reply::text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
