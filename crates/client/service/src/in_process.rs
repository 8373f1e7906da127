//! A server in the same process, asked without a socket: the same requests, the same answers.

use crate::error::ServiceError;
use crate::limits::ANSWER_TIMEOUT;
use crate::transport::origin_of;
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use std::convert::Infallible;
use std::time::Duration;

/// The public APIs of a server in the same process.
#[async_trait]
pub trait InProcess: Send + Sync {
    /// Answers a request as the server would that got it over HTTPS. The URI is absolute: its authority is the host.
    async fn answer(&self, request: http::Request<Bytes>) -> http::Response<BoxBody<Bytes, Infallible>>;
}

/// Asks it, within `patience` for the answer's head.
pub(crate) async fn ask(
    server: &dyn InProcess,
    request: reqwest::Request,
    patience: Option<Duration>,
) -> Result<reqwest::Response, ServiceError> {
    let origin = origin_of(request.url().as_str()).to_owned();
    let odd = |cause: String| ServiceError::Odd { origin: origin.clone(), cause };
    let mut asked = http::Request::builder().method(request.method()).uri(request.url().as_str());
    for (name, value) in request.headers() {
        asked = asked.header(name, value);
    }
    let body = request.body().and_then(reqwest::Body::as_bytes).map(Bytes::copy_from_slice).unwrap_or_default();
    let asked = asked.body(body).map_err(|error| odd(error.to_string()))?;
    let answer = tokio::time::timeout(patience.unwrap_or(ANSWER_TIMEOUT), server.answer(asked)).await;
    let late = |_| ServiceError::Broken { origin: origin.clone(), cause: "it takes too long".to_owned() };
    Ok(answer.map_err(late)?.map(reqwest::Body::wrap).into())
}
