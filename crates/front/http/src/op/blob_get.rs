//! Fetching a file, or what is known of it.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    HeaderMap, Response, StatusCode,
    body::Frame,
    header::{HeaderName, HeaderValue},
};
use roadstead_hub::{BlobChunks, BlobInfo, BlobRead, ByteRange, Hub, ReadableFile};
use roadstead_wire::blob::{
    self, BLOB_CONTENT_LENGTH_HEADER, BLOB_TYPE_HEADER, BLOCK_BLOB, BlobCode, BlockListType, RANGE_HEADER,
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tracing::warn;

use super::blob::{Refused, XML, content_headers, names_etag, refused, version_headers};
use crate::{
    call::Call,
    limits,
    reply::{Body, Reply},
};

/// Get Blob Properties.
pub(crate) async fn head(hub: &Hub, call: &Call, file: &ReadableFile) -> Result<Response<Body>, Refused> {
    let info = hub.find_file(file).await.map_err(|error| refused(call, error))?;
    if let Some(unmodified) = check_conditions(call, &info)? {
        return Ok(unmodified);
    }
    let mut response = version_headers(Reply::empty(StatusCode::OK), &info).into_response();
    describe(response.headers_mut(), &info, info.size);
    Ok(response)
}

/// Get Blob.
pub(crate) async fn get(hub: &Hub, call: &Call, file: &ReadableFile) -> Result<Response<Body>, Refused> {
    let asked = call.header(RANGE_HEADER).or(call.header("range")).and_then(blob::parse_range);
    let range = asked.map(|(from, to)| ByteRange { from, to });
    let read = hub.read_file(file, range).await.map_err(|error| refused(call, error))?;
    if let Some(unmodified) = check_conditions(call, &read.info)? {
        return Ok(unmodified);
    }
    let BlobRead { info, range: given, chunks } = read;
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut reply = version_headers(Reply::empty(status), &info);
    if range.is_some() {
        let text = format!("bytes {}-{}/{}", given.start, given.end.saturating_sub(1), info.size);
        reply = reply.header("content-range", &text);
    }
    let mut response = reply.into_response();
    *response.body_mut() = stream(call, chunks);
    describe(response.headers_mut(), &info, given.end - given.start);
    Ok(response)
}

/// Get Block List. Source: docs, "Get Block List"
pub(crate) async fn block_list(hub: &Hub, call: &Call, file: &ReadableFile) -> Result<Response<Body>, Refused> {
    let asked = call.argument("blocklisttype");
    let which = BlockListType::parse(asked).ok_or_else(|| {
        let text = format!("blocklisttype is `{}`; it is committed, uncommitted or all", asked.unwrap_or_default());
        Refused::new(BlobCode::InvalidQueryParameterValue, text)
    })?;
    let (info, blocks) = hub.list_blocks(file).await.map_err(|error| refused(call, error))?;
    let body = blob::write_block_list(which, blocks.into_iter().map(|block| (block.id.to_text(), block.size)));
    let bytes = info.as_ref().map_or(0, |info| info.size).to_string();
    let reply = Reply::empty(StatusCode::OK).with_body(XML, body).header(BLOB_CONTENT_LENGTH_HEADER, &bytes);
    // Blocks alone have no version yet.
    Ok(info.iter().fold(reply, version_headers).into_response())
}

/// A task reads the file and waits when the client does not keep up; it ends with the client's connection. Ending early, against
/// the length that was told, ends the connection: so the client sees that something is missing.
fn stream(call: &Call, chunks: BlobChunks) -> Body {
    let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, Infallible>>(limits::FILE_CHUNKS_AHEAD_MAX);
    let (request, mut chunks) = (call.id, chunks);
    tokio::spawn(async move {
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(bytes) => {
                    if sender.send(Ok(Frame::data(bytes))).await.is_err() {
                        return;
                    }
                }
                Err(cause) => return warn!(%request, %cause, "a file could not be read to its end"),
            }
        }
    });
    StreamBody::new(ReceiverStream::new(receiver)).boxed()
}

/// 304 or a refusal, when the request's conditions say so.
fn check_conditions(call: &Call, info: &BlobInfo) -> Result<Option<Response<Body>>, Refused> {
    if call.header("if-match").is_some_and(|etags| !names_etag(etags, &info.etag)) {
        return Err(Refused::new(BlobCode::ConditionNotMet, "the file changed: its etag is not the one given"));
    }
    let known = call.header("if-none-match").is_some_and(|etags| names_etag(etags, &info.etag));
    Ok(known.then(|| version_headers(Reply::empty(StatusCode::NOT_MODIFIED), info).into_response()))
}

fn describe(headers: &mut HeaderMap, info: &BlobInfo, content_length: u64) {
    headers.insert("content-length", content_length.into());
    headers.insert("accept-ranges", HeaderValue::from_static("bytes"));
    headers.insert(BLOB_TYPE_HEADER, HeaderValue::from_static(BLOCK_BLOB));
    for (name, value) in content_headers(info) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
}
