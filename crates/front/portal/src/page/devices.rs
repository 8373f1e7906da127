//! The devices of a hub: find one, or add one.

use crate::call::{At, Call, Frame, text};
use crate::cause;
use crate::fault::Fault;
use crate::limits::PAGE_ITEMS;
use crate::moment::Moment;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::Entry;
use roadstead_wire::percent;
use serde_json::{Value, json};
use std::collections::HashMap;

struct Row {
    id: String,
    href: String,
    is_enabled: bool,
    is_connected: bool,
    active: Option<Moment>,
    /// `key`, `certificate`, `CA`
    by: &'static str,
    refused: Option<Refused>,
}

/// The last refusal of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    at: Option<Moment>,
    /// `token signed with another key`
    words: String,
}

#[derive(Template)]
#[template(path = "devices.html")]
struct Page {
    frame: Frame,
    hub: String,
    here: String,
    prefix: String,
    condition: String,
    fault: Option<String>,
    rows: Vec<Row>,
    total: u64,
    connected: u64,
    /// The address of the next page.
    next: Option<String>,
    /// The address of the first page, on another one.
    first: Option<String>,
    may_write: bool,
    draft: Draft,
}

/// A device that could not be added, to be mended.
#[derive(Default)]
struct Draft {
    id: String,
    by: String,
    primary: String,
    secondary: String,
    fault: Option<String>,
}

/// How a device proves itself, in a word.
pub(crate) fn proof(kind: &str) -> &'static str {
    match kind {
        "sas" => "key",
        "selfSigned" => "certificate",
        "certificateAuthority" => "CA",
        _ => "none",
    }
}

pub(crate) async fn show(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    list(call, at, Draft::default(), StatusCode::OK).await
}

async fn list(call: &Call<'_>, at: &At, draft: Draft, status: StatusCode) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let hub = call.hub(at).await?;
    let (prefix, condition) = (call.ask.argument("q"), call.ask.argument("where"));
    let after = call.ask.argument("after");
    let asked = query(prefix, condition);
    let found = hub.query_page::<Value>(&asked, PAGE_ITEMS, Some(after).filter(|after| !after.is_empty())).await;
    let (twins, next, fault) = match found {
        Ok((twins, next)) => (twins, next, None),
        // The condition is the user's own.
        Err(error) if error.status() == Some(400) => (Vec::new(), None, Some(Fault::from(error).text())),
        Err(error) => return Err(error.into()),
    };
    let (devices, service): (Value, Value) = (hub.device_statistics().await?, hub.service_statistics().await?);
    let here = at.href(&["devices"]);
    let ids: Vec<&str> = twins.iter().map(|twin| text(twin, "/deviceId")).collect();
    let refused = last_refused(hub.last_refusals(&ids).await?);
    let row = |twin: &Value| Row {
        id: text(twin, "/deviceId").to_owned(),
        href: at.href(&["devices", text(twin, "/deviceId")]),
        is_enabled: text(twin, "/status") == "enabled",
        is_connected: text(twin, "/connectionState") == "Connected",
        active: Moment::parse(text(twin, "/lastActivityTime")),
        by: proof(text(twin, "/authenticationType")),
        refused: refused.get(text(twin, "/deviceId")).cloned(),
    };
    let searched = format!("{here}?q={}&where={}", percent::encode(prefix), percent::encode(condition));
    let page = Page {
        frame: call
            .frame("Devices", "hubs", vec![(at.resource.name.clone(), at.href(&[]))])
            .with_tabs(at.tabs("devices")),
        hub: at.resource.name.clone(),
        prefix: prefix.to_owned(),
        condition: condition.to_owned(),
        fault,
        rows: twins.iter().map(row).collect(),
        total: devices["totalDeviceCount"].as_u64().unwrap_or_default(),
        connected: service["connectedDeviceCount"].as_u64().unwrap_or_default(),
        next: next.map(|token| format!("{searched}&after={}", percent::encode(&token))),
        first: (!after.is_empty()).then_some(searched),
        may_write: at.rights.data_write,
        draft,
        here,
    };
    Ok(reply::page(status, &page))
}

/// The last refusal of each device.
fn last_refused(entries: Vec<Entry>) -> HashMap<String, Refused> {
    let told = |Entry { id, time, cause, .. }: Entry| {
        let words = cause::words(cause.as_deref().unwrap_or_default()).to_owned();
        Some((id?, Refused { at: Moment::parse(&time), words }))
    };
    entries.into_iter().filter_map(told).collect()
}

/// What is asked of the hub. Texts are quoted as its language wants it. Source: `reference/hub-service.md` 1.10
fn query(prefix: &str, condition: &str) -> String {
    let mut all = Vec::new();
    if !prefix.is_empty() {
        let quoted = prefix.replace('\\', "\\\\").replace('\'', "\\'");
        all.push(format!("STARTSWITH(deviceId, '{quoted}')"));
    }
    if !condition.is_empty() {
        all.push(format!("({condition})"));
    }
    let filter = if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) };
    format!("SELECT * FROM devices{filter}")
}

pub(crate) async fn create(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    let field = |name: &str| call.ask.field(name).trim().to_owned();
    let (id, by, primary, secondary) = (field("id"), field("by"), field("primary"), field("secondary"));
    let thumbprint = |text: &str| text.replace([':', ' '], "");
    let authentication = match by.as_str() {
        "selfSigned" => json!({
            "type": "selfSigned",
            "x509Thumbprint": { "primaryThumbprint": thumbprint(&primary), "secondaryThumbprint": thumbprint(&secondary) },
        }),
        "certificateAuthority" => json!({ "type": "certificateAuthority" }),
        _ => json!({ "type": "sas" }),
    };
    let draft = |fault: &Fault| Draft {
        fault: Some(fault.sentences()),
        id: id.clone(),
        by: by.clone(),
        primary: primary.clone(),
        secondary: secondary.clone(),
    };
    if id.is_empty() {
        let fault = Fault::invalid("Type an id for the device.");
        return list(call, at, draft(&fault), fault.status()).await;
    }
    let body = json!({ "deviceId": id, "status": "enabled", "authentication": authentication });
    match call.hub(at).await?.put_device::<Value>(&id, &body, None).await.map_err(Fault::from) {
        Ok(_) => Ok(call.done(&at.href(&["devices", &id]), format!("The device {id} is added."))),
        Err(Fault::SignedOut) => Err(Fault::SignedOut),
        Err(fault) => list(call, at, draft(&fault), fault.status()).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_stays_inside_its_quotes() {
        for (prefix, condition, asked) in [
            ("", "", "SELECT * FROM devices"),
            ("a", "", "SELECT * FROM devices WHERE STARTSWITH(deviceId, 'a')"),
            ("a'b\\", "", "SELECT * FROM devices WHERE STARTSWITH(deviceId, 'a\\'b\\\\')"),
            ("", "tags.site = 'x'", "SELECT * FROM devices WHERE (tags.site = 'x')"),
            ("a", "x = 1 OR y = 2", "SELECT * FROM devices WHERE STARTSWITH(deviceId, 'a') AND (x = 1 OR y = 2)"),
        ] {
            assert_eq!(query(prefix, condition), asked);
        }
    }
}
