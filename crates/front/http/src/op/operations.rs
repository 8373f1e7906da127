//! What operators and their tools ask of the process itself.

use hyper::StatusCode;

use crate::{reply::Reply, serve::Parts};

/// `GET /healthz`: the process answers.
pub(crate) fn health() -> Reply {
    Reply::text(StatusCode::OK, "ok\n")
}

/// `GET /readyz`: the server takes traffic; 503 and the reason when it does not.
pub(crate) fn ready(parts: &Parts) -> Reply {
    match parts.operations.ready() {
        Ok(()) => Reply::text(StatusCode::OK, "ready\n"),
        Err(why) => Reply::text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

/// `GET /metrics`: Prometheus' text form, version 0.0.4.
pub(crate) fn metrics(parts: &Parts) -> Reply {
    Reply::text(StatusCode::OK, parts.operations.metrics())
}
