//! `/uploads/{device}/{name}`: files, as Azure Storage's clients put and fetch them. Bodies are not gathered, but handed on as
//! they come. Source: docs, "Blob service REST API"; what SDKs were seen to send.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Method, Response, StatusCode, body::Incoming, header::HeaderValue};
use roadstead_hub::{BlobError, BlobInfo, FileAccess, FileError, HubError};
use roadstead_model::{Etag, RefusalCause};
use roadstead_wire::{
    blob::{self, BlobCode, CLIENT_REQUEST_ID_HEADER, ContentHeaders, ERROR_CODE_HEADER, VERSION, VERSION_HEADER},
    percent,
};
use tokio::time::timeout;
use tracing::{error, info};

use super::{blob_get, blob_put};
use crate::{
    call::{BodyFault, Call},
    gate, limits, noted,
    reply::{Body, Reply},
    route::{Does, FetchOp, PutOp, find_file},
    serve::Parts,
};

pub(crate) const XML: HeaderValue = HeaderValue::from_static("application/xml");

/// A refusal on its way.
pub(crate) struct Refused {
    pub(crate) code: BlobCode,
    pub(crate) message: String,
    /// Why, in one word.
    pub(crate) cause: RefusalCause,
}

impl Refused {
    pub(crate) fn new(code: BlobCode, message: impl Into<String>) -> Self {
        let cause = match code {
            BlobCode::RequestBodyTooLarge | BlobCode::MetadataTooLarge => RefusalCause::TooLarge,
            BlobCode::InternalError | BlobCode::ServerBusy => RefusalCause::ServerBusy,
            _ => RefusalCause::BadRequest,
        };
        Self { code, message: message.into(), cause }
    }
}

/// The device and the name in a path of the container; `None` for other paths.
pub(crate) fn target(path: &str) -> Option<(String, String)> {
    let rest = path.strip_prefix('/')?.strip_prefix(blob::CONTAINER)?.strip_prefix('/')?;
    let decoded = percent::decode(rest);
    let (device, name) = decoded.split_once('/').unwrap_or((&decoded, ""));
    Some((device.to_owned(), name.to_owned()))
}

/// Answers a request for a file.
pub(crate) async fn answer(parts: &Parts, call: &Call, file: (String, String), mut body: Incoming) -> Response<Body> {
    match route(parts, call, (&file.0, &file.1), Some(&mut body)).await {
        Ok(response) => told(call, response),
        Err(refused) => {
            pass_over(body).await;
            refuse(parts, call, &file.0, &refused)
        }
    }
}

/// The same without a body: files are fetched and removed so, and not put.
pub(crate) async fn answer_in_process(parts: &Parts, call: &Call, (device, name): (String, String)) -> Response<Body> {
    match route(parts, call, (&device, &name), None).await {
        Ok(response) => told(call, response),
        Err(refused) => refuse(parts, call, &device, &refused),
    }
}

fn refuse(parts: &Parts, call: &Call, device: &str, refused: &Refused) -> Response<Body> {
    info!(request = %call.id, path = call.path, code = refused.code.name(), "refused: {}", refused.message);
    noted::refused_file(parts, call, device, refused);
    told(call, refusal(parts, call, refused))
}

/// For browsers, which keep the portal's cookies for the same host; SDKs do not look at it.
const FILE_POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// With the headers that every answer has.
fn told(call: &Call, mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    // What a device uploaded is no page of this server, whatever it says it is: a browser that is led here runs nothing of it.
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("content-security-policy", HeaderValue::from_static(FILE_POLICY));
    if let Some(id) = call.headers.get(CLIENT_REQUEST_ID_HEADER) {
        headers.insert(CLIENT_REQUEST_ID_HEADER, id.clone());
    }
    response
}

fn no_such_hub(call: &Call) -> Refused {
    let text = format!("no hub here answers to `{}`", call.host);
    Refused { cause: RefusalCause::UnknownHost, ..Refused::new(BlobCode::ContainerNotFound, text) }
}

async fn route(
    parts: &Parts,
    call: &Call,
    (device, name): (&str, &str),
    body: Option<&mut Incoming>,
) -> Result<Response<Body>, Refused> {
    let hub = &*parts.hubs.by_host(&call.host).ok_or_else(|| no_such_hub(call))?;
    let refuse = |error| refused(call, error);
    let comp = call.argument("comp");
    let found = find_file(&call.method, comp).map(|route| route.does);
    let mut access = FileAccess { query: &call.query, token: call.authorization(), has_role: false };
    match (found, body) {
        (Some(Does::Put(op)), Some(body)) => {
            let file = hub.open_to_write(access, device, name).await.map_err(refuse)?;
            match op {
                PutOp::Whole => blob_put::whole(hub, call, &file, body).await,
                PutOp::Block => blob_put::block(hub, call, &file, body).await,
                PutOp::BlockList => blob_put::list(hub, call, &file, body).await,
            }
        }
        (Some(Does::Fetch(op, _, permission)), _) => {
            access.has_role = gate::admit_to_files(parts, call, hub, permission).map_err(refuse)?;
            let file = hub.open_to_read(access, device, name).map_err(refuse)?;
            match op {
                FetchOp::Content => blob_get::get(hub, call, &file).await,
                FetchOp::Head => blob_get::head(hub, call, &file).await,
                FetchOp::BlockList => blob_get::block_list(hub, call, &file).await,
            }
        }
        (Some(Does::RemoveFile(_, permission)), _) => {
            access.has_role = gate::admit_to_files(parts, call, hub, permission).map_err(refuse)?;
            hub.delete_file(access, device, name).await.map_err(refuse)?;
            Ok(Reply::empty(StatusCode::ACCEPTED).into_response())
        }
        _ => {
            // Who may not put the file is told so first.
            if call.method == Method::PUT {
                hub.open_to_write(access, device, name).await.map_err(refuse)?;
            }
            Err(unserved(call, comp))
        }
    }
}

/// Says which part of a request no route has: the argument `comp` of a method that is served without it, else the method.
fn unserved(call: &Call, comp: Option<&str>) -> Refused {
    match comp {
        Some(comp) if find_file(&call.method, None).is_some() => {
            let text = format!("comp={comp} is not served by this version of Roadstead");
            Refused::new(BlobCode::UnsupportedQueryParameter, text)
        }
        _ => {
            let text = format!("{} is not served for files by this version of Roadstead", call.method);
            Refused::new(BlobCode::UnsupportedHttpVerb, text)
        }
    }
}

/// A domain's refusal in the words of Azure Storage.
pub(crate) fn refused(call: &Call, error: FileError) -> Refused {
    let word = error.cause();
    let code = match &error {
        FileError::Name(_) | FileError::Refused(HubError::Invalid(_)) => BlobCode::InvalidResourceName,
        FileError::Refused(HubError::UploadsMissing) => BlobCode::ContainerNotFound,
        FileError::Refused(HubError::Busy) | FileError::Blob(BlobError::Busy) => BlobCode::ServerBusy,
        FileError::Refused(HubError::Internal(cause) | HubError::Full(cause))
        | FileError::Blob(BlobError::Store(cause)) => {
            return match cause {
                roadstead_hub::StoreError::Full(why) => {
                    error!(request = %call.id, path = call.path, why, "a file found no room");
                    let text = "the hub has no room for this file";
                    Refused { cause: word, ..Refused::new(BlobCode::RequestBodyTooLarge, text) }
                }
                cause => {
                    error!(request = %call.id, path = call.path, %cause, "a request for a file failed");
                    Refused::new(BlobCode::InternalError, "internal error")
                }
            };
        }
        FileError::Signature(_) | FileError::Refused(_) => BlobCode::AuthenticationFailed,
        FileError::NotFound => BlobCode::BlobNotFound,
        FileError::TooLarge { .. } | FileError::Blob(BlobError::TooLarge) => BlobCode::RequestBodyTooLarge,
        FileError::Md5Mismatch { .. } => BlobCode::Md5Mismatch,
        FileError::Blob(BlobError::MetadataTooLarge { .. }) => BlobCode::MetadataTooLarge,
        FileError::Blob(BlobError::AlreadyExists) => BlobCode::BlobAlreadyExists,
        FileError::Blob(BlobError::EtagMismatch) => BlobCode::ConditionNotMet,
        FileError::Blob(BlobError::UnknownBlock { .. }) => BlobCode::InvalidBlockList,
        FileError::Blob(BlobError::OutOfRange { .. }) => BlobCode::InvalidRange,
    };
    Refused { code, message: error.to_string(), cause: word }
}

fn refusal(parts: &Parts, call: &Call, refused: &Refused) -> Response<Body> {
    let status = StatusCode::from_u16(refused.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = refused.code.body(&refused.message, &call.id.to_string(), &parts.clock.now().iso());
    Reply::empty(status).with_body(XML, body).header(ERROR_CODE_HEADER, refused.code.name()).into_response()
}

/// The next bytes of a body that is handed on as it comes; `None` at its end.
pub(crate) async fn next(body: &mut Incoming) -> Result<Option<Bytes>, BodyFault> {
    loop {
        match timeout(limits::BODY_WAIT, body.frame()).await {
            Err(_) => return Err(BodyFault::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(BodyFault::Broken),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Why a body ended too early, in the words of Azure Storage.
pub(crate) fn broken(fault: BodyFault) -> Refused {
    let code = match fault {
        BodyFault::TooSlow => BlobCode::OperationTimedOut,
        BodyFault::TooLarge { .. } => BlobCode::RequestBodyTooLarge,
        BodyFault::Broken => BlobCode::InvalidHeaderValue,
    };
    Refused::new(code, fault.to_string())
}

/// Reads what is left of a refused body, if that is not too much: most clients read an answer only once they sent all, and
/// would see a broken connection instead of it. Who was refused has the time of one wait for all of it.
async fn pass_over(mut body: Incoming) {
    let rest = async {
        let mut left = limits::REFUSED_BODY_BYTES_MAX;
        while let Ok(Some(data)) = next(&mut body).await {
            left = left.saturating_sub(data.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(limits::BODY_WAIT, rest).await;
}

/// The headers that tell a blob's version.
pub(crate) fn version_headers(reply: Reply, info: &BlobInfo) -> Reply {
    reply.header("etag", &format!("\"{}\"", info.etag)).header("last-modified", &info.last_modified.http_date())
}

/// The headers that tell what a blob is.
pub(crate) fn content_headers(info: &BlobInfo) -> Vec<(String, String)> {
    let properties = info.properties.clone();
    blob::content_headers(&ContentHeaders {
        content_type: properties.content_type,
        content_encoding: properties.content_encoding,
        content_md5: properties.content_md5,
        metadata: properties.metadata,
    })
}

/// Whether a header with etags names this one, or any.
pub(crate) fn names_etag(header: &str, etag: &Etag) -> bool {
    header.split(',').map(Etag::from_client).any(|named| named.as_str() == "*" || named == *etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_once_and_wholly() {
        let pair = |device: &str, name: &str| Some((device.to_owned(), name.to_owned()));
        for (path, expected) in [
            ("/uploads/dev1/logs/1.txt", pair("dev1", "logs/1.txt")),
            ("/uploads/dev1/logs%2F1.txt", pair("dev1", "logs/1.txt")),
            ("/uploads/dev1/a%252Fb", pair("dev1", "a%2Fb")),
            ("/uploads/dev1//a/", pair("dev1", "/a/")),
            ("/uploads/dev1%2Fa", pair("dev1", "a")),
            ("/uploads/dev1", pair("dev1", "")),
            ("/uploads/", pair("", "")),
            ("/uploads", None),
            ("/Uploads/dev1/a", None),
            ("/uploadsx/dev1/a", None),
            ("/devices/dev1/files", None),
        ] {
            assert_eq!(target(path), expected, "{path}");
        }
    }
}
