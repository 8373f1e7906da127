//! Putting a file: whole, block by block, and the list that makes blocks a file.

use hyper::{Response, StatusCode, body::Incoming};
use roadstead_hub::{BlobCondition, BlobInfo, BlobProperties, BlockId, Hub, WritableFile, store_limits};
use roadstead_model::Etag;
use roadstead_wire::blob::{
    self, BLOB_CONTENT_MD5_HEADER, BLOB_TYPE_HEADER, BLOCK_BLOB, BlobCode, BlockListError, CONTENT_MD5_HEADER,
    ContentHeaders, PropertyError, SERVER_ENCRYPTED_HEADER,
};

use super::blob::{Refused, broken, next, refused, version_headers};
use crate::{
    call::{self, Call},
    limits,
    reply::{Body, Reply},
};

/// Put Blob.
pub(crate) async fn whole(
    hub: &Hub,
    call: &Call,
    file: &WritableFile,
    body: &mut Incoming,
) -> Result<Response<Body>, Refused> {
    match call.header(BLOB_TYPE_HEADER) {
        Some(BLOCK_BLOB) => {}
        Some(other) => {
            let text = format!("{BLOB_TYPE_HEADER} is {other}; only {BLOCK_BLOB} is served");
            return Err(Refused::new(BlobCode::InvalidHeaderValue, text));
        }
        None => {
            let text = format!("{BLOB_TYPE_HEADER} is missing; it must be {BLOCK_BLOB}");
            return Err(Refused::new(BlobCode::MissingRequiredHeader, text));
        }
    }
    check_length(call, store_limits::PUT_BLOB_BYTES_MAX)?;
    let (properties, condition) = (properties(call, true)?, condition(call)?);
    let md5 = call.header(CONTENT_MD5_HEADER).or(call.header(BLOB_CONTENT_MD5_HEADER)).map(str::to_owned);
    let mut put = hub.put_file(file, &properties, md5).await.map_err(|error| refused(call, error))?;
    while let Some(bytes) = next(body).await.map_err(broken)? {
        put.write(bytes).await.map_err(|error| refused(call, error))?;
    }
    let (info, md5) = put.commit(&condition).await.map_err(|error| refused(call, error))?;
    Ok(created(&info).header(CONTENT_MD5_HEADER, &md5).into_response())
}

/// Put Block.
pub(crate) async fn block(
    hub: &Hub,
    call: &Call,
    file: &WritableFile,
    body: &mut Incoming,
) -> Result<Response<Body>, Refused> {
    let id = call
        .argument("blockid")
        .ok_or_else(|| Refused::new(BlobCode::MissingRequiredQueryParameter, "the argument blockid is missing"))?;
    let id = BlockId::parse(id).map_err(|why| Refused::new(BlobCode::InvalidBlockId, why.to_string()))?;
    check_length(call, store_limits::BLOCK_BYTES_MAX)?;
    let md5 = call.header(CONTENT_MD5_HEADER).map(str::to_owned);
    let mut put = hub.put_block(file, &id, md5).await.map_err(|error| refused(call, error))?;
    while let Some(bytes) = next(body).await.map_err(broken)? {
        put.write(bytes).await.map_err(|error| refused(call, error))?;
    }
    put.commit().await.map_err(|error| refused(call, error))?;
    Ok(Reply::empty(StatusCode::CREATED).header(SERVER_ENCRYPTED_HEADER, "true").into_response())
}

/// Put Block List.
pub(crate) async fn list(
    hub: &Hub,
    call: &Call,
    file: &WritableFile,
    body: &mut Incoming,
) -> Result<Response<Body>, Refused> {
    let (properties, condition) = (properties(call, false)?, condition(call)?);
    let body = call::read_body(body, limits::BLOCK_LIST_BYTES_MAX).await.map_err(broken)?;
    let ids = blob::parse_block_list(&body, store_limits::BLOCKS_MAX).map_err(|why| {
        let code = match why {
            BlockListError::Form(_) => BlobCode::InvalidXmlDocument,
            BlockListError::TooLong { .. } => BlobCode::BlockListTooLong,
        };
        Refused::new(code, why.to_string())
    })?;
    let ids = ids.iter().map(|id| BlockId::parse(id)).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|why| Refused::new(BlobCode::InvalidBlockId, why.to_string()))?;
    let done = hub.commit_blocks(file, &ids, &properties, &condition).await;
    Ok(created(&done.map_err(|error| refused(call, error))?).into_response())
}

fn created(info: &BlobInfo) -> Reply {
    version_headers(Reply::empty(StatusCode::CREATED), info).header(SERVER_ENCRYPTED_HEADER, "true")
}

/// Refuses what says itself that it is too long, before it is sent.
fn check_length(call: &Call, bytes_max: u64) -> Result<(), Refused> {
    let said = call.header("content-length").and_then(|text| text.parse::<u64>().ok());
    match said.filter(|bytes| *bytes > bytes_max) {
        Some(bytes) => {
            let text = format!("the body has {bytes} bytes, at most {bytes_max} are allowed; put it in more blocks");
            Err(Refused::new(BlobCode::RequestBodyTooLarge, text))
        }
        None => Ok(()),
    }
}

fn properties(call: &Call, whole: bool) -> Result<BlobProperties, Refused> {
    let headers = call.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let (entries_max, bytes_max) = (store_limits::BLOB_METADATA_MAX, store_limits::BLOB_METADATA_BYTES_MAX);
    let read = blob::read_properties(headers, whole, entries_max, bytes_max).map_err(|why| {
        let code = match why {
            PropertyError::Name { .. } => BlobCode::InvalidMetadata,
            PropertyError::TooLarge { .. } => BlobCode::MetadataTooLarge,
        };
        Refused::new(code, why.to_string())
    })?;
    let ContentHeaders { content_type, content_encoding, content_md5, metadata } = read;
    Ok(BlobProperties { content_type, content_encoding, content_md5, metadata })
}

/// What the put wants to find. Source: docs, "Specifying conditional headers for Blob service operations"
fn condition(call: &Call) -> Result<BlobCondition, Refused> {
    match (call.header("if-match"), call.header("if-none-match")) {
        (None, None) => Ok(BlobCondition::Any),
        (None, Some("*")) => Ok(BlobCondition::Absent),
        (Some("*"), None) => Ok(BlobCondition::Present),
        (Some(etag), None) => Ok(BlobCondition::Etag(Etag::from_client(etag))),
        _ => Err(Refused::new(BlobCode::InvalidHeaderValue, "a put takes If-Match, or If-None-Match: * alone")),
    }
}
