//! Files that a device uploaded. What is in them is the device's: it is only ever saved, never shown.

use crate::call::{At, Call, Frame};
use crate::fault::Fault;
use crate::limits::{DOWNLOAD_PIECES_AHEAD_MAX, PAGE_ITEMS, UPLOADS_SHOWN_MAX};
use crate::moment::Moment;
use crate::reply::{self, Body};
use crate::size;
use askama::Template;
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame as Piece;
use roadstead_service::{Download, UploadedFile};
use roadstead_wire::percent;
use std::convert::Infallible;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Of an answer that is somebody else's content on our origin: were a browser to show it after all, it could do nothing.
const SANDBOX: &str = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A file in a list.
pub(crate) struct Upload {
    /// Without the device's id: `logs/1.txt`
    pub(crate) name: String,
    /// Where it is fetched.
    pub(crate) href: String,
    /// `1.2 MB`
    pub(crate) size: String,
    pub(crate) content_type: String,
    pub(crate) at: Option<Moment>,
}

/// The first files of a device, for its page.
pub(crate) struct Newest {
    pub(crate) files: Vec<Upload>,
    /// The address of all.
    pub(crate) all: String,
}

#[derive(Template)]
#[template(path = "uploads.html")]
struct Page {
    frame: Frame,
    id: String,
    hub: String,
    here: String,
    files: Vec<Upload>,
    next: Option<String>,
    first: Option<String>,
    may_write: bool,
}

fn upload(at: &At, id: &str, file: UploadedFile) -> Upload {
    let name = file.blob_name.split_once('/').map_or_else(String::new, |(_, name)| name.to_owned());
    Upload {
        href: at.href(&["devices", id, "uploads", &name]),
        name,
        size: size::words(file.blob_size_in_bytes),
        content_type: file.content_type.unwrap_or_default(),
        at: Moment::parse(&file.last_updated_time),
    }
}

/// A few files of a device. What keeps them from being told is for the log: the rest of its page does not need them.
pub(crate) async fn few(call: &Call<'_>, at: &At, id: &str) -> Result<Newest, Fault> {
    let mut found = Newest { files: Vec::new(), all: at.href(&["devices", id, "uploads"]) };
    // What moves on that page are other parts: they are fetched every few seconds, and files are not looked for each time.
    if call.ask.is_by_itself() {
        return Ok(found);
    }
    match call.hub(at).await?.uploads_page(id, UPLOADS_SHOWN_MAX, None).await.map_err(Fault::from) {
        Ok((files, _)) => found.files = files.into_iter().map(|file| upload(at, id, file)).collect(),
        Err(Fault::SignedOut) => return Err(Fault::SignedOut),
        Err(fault) => tracing::warn!(hub = at.host, device = id, "uploaded files are not shown: {}", fault.text()),
    }
    Ok(found)
}

pub(crate) async fn show(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let after = Some(call.ask.argument("after")).filter(|after| !after.is_empty());
    let (files, next) = call.hub(at).await?.uploads_page(id, PAGE_ITEMS, after).await?;
    let here = at.href(&["devices", id, "uploads"]);
    let above = vec![
        (at.resource.name.clone(), at.href(&[])),
        ("Devices".to_owned(), at.href(&["devices"])),
        (id.to_owned(), at.href(&["devices", id])),
    ];
    let page = Page {
        frame: call.frame("Uploaded files", "hubs", above),
        id: id.to_owned(),
        hub: at.resource.name.clone(),
        files: files.into_iter().map(|file| upload(at, id, file)).collect(),
        next: next.map(|next| format!("{here}?after={}", percent::encode(&next))),
        first: after.map(|_| here.clone()),
        may_write: at.rights.data_write,
        here,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

pub(crate) async fn act(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    if call.ask.field("do") != "delete" {
        return Err(Fault::invalid("There is no such button."));
    }
    let name = call.ask.field("file");
    call.require_name(name.trim())?;
    let here = at.href(&["devices", id, "uploads"]);
    if call.hub(at).await?.delete_upload(id, name).await? {
        Ok(call.done(&here, format!("The file {name} is deleted.")))
    } else {
        Err(Fault::Absent { what: "file", name: name.to_owned() })
    }
}

/// Gives a file to save, as it comes: of a slow browser a few pieces are held, and the file is read no further.
pub(crate) async fn fetch(call: &Call<'_>, at: &At, id: &str, name: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let absent = || Fault::Absent { what: "file", name: name.to_owned() };
    let file = call.hub(at).await?.find_upload(id, name).await?.ok_or_else(absent)?;
    let length = HeaderValue::from(file.bytes_total());
    let mut response = Response::new(stream(file));
    let headers = response.headers_mut();
    // Its own type is for whoever saved it; here it would be a word of the device's to the browser.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, length);
    headers.insert(CONTENT_DISPOSITION, disposition(name));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    Ok(response)
}

/// Ending early, against the length that was told, ends the connection: so the browser sees that something is missing.
fn stream(mut file: Download) -> Body {
    let (sender, receiver) = mpsc::channel::<Result<Piece<Bytes>, Infallible>>(DOWNLOAD_PIECES_AHEAD_MAX);
    tokio::spawn(async move {
        loop {
            let piece = match file.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => return,
                Err(cause) => return tracing::warn!(%cause, "an uploaded file could not be given to its end"),
            };
            if sender.send(Ok(Piece::data(piece))).await.is_err() {
                return;
            }
        }
    });
    StreamBody::new(ReceiverStream::new(receiver)).boxed()
}

/// `attachment; filename="1.txt"; filename*=UTF-8''1.txt`: the last part of the name, which browsers make safe again.
fn disposition(name: &str) -> HeaderValue {
    let last = name.trim_end_matches('/').rsplit('/').next().filter(|last| !last.is_empty()).unwrap_or("file");
    let plain: String =
        last.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", percent::encode(last));
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_header() {
        for (name, expected) in [
            ("logs/1.txt", "attachment; filename=\"1.txt\"; filename*=UTF-8''1.txt"),
            ("a/\u{e4}\".exe", "attachment; filename=\"__.exe\"; filename*=UTF-8''%C3%A4%22.exe"),
            ("x\r\ny/", "attachment; filename=\"x__y\"; filename*=UTF-8''x%0D%0Ay"),
            ("/", "attachment; filename=\"file\"; filename*=UTF-8''file"),
        ] {
            assert_eq!(disposition(name), expected);
        }
    }
}
