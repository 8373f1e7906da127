//! What operators and their tools ask of the process itself.

use hyper::{StatusCode, header::HeaderValue};

use crate::{reply::Reply, route::OpenOp, serve::Parts};

/// Prometheus' text form. Source: Prometheus, "Exposition formats"
const METRICS_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// `GET /healthz`, `/readyz` or `/metrics`.
pub(crate) fn answer(parts: &Parts, op: OpenOp) -> Reply {
    match op {
        OpenOp::Health => Reply::text(StatusCode::OK, "ok\n"),
        OpenOp::Ready => ready(parts),
        OpenOp::Metrics => Reply::empty(StatusCode::OK).with_body(METRICS_CONTENT_TYPE, parts.operations.metrics()),
    }
}

/// Answers any other method on their paths.
pub(crate) fn no_such_method() -> Reply {
    Reply::text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n").header("allow", "GET, HEAD")
}

/// Whether the server takes traffic; 503 and the reason when it does not.
fn ready(parts: &Parts) -> Reply {
    match parts.operations.ready() {
        Ok(()) => Reply::text(StatusCode::OK, "ready\n"),
        Err(why) => Reply::text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
