//! One device: its identity and keys, its twin, its modules, and what can be asked of it.

use crate::call::{At, Call, Frame, text};
use crate::fault::Fault;
use crate::moment::Moment;
use crate::page::devices::proof;
use crate::page::timeline::{self, Timeline};
use crate::page::twin::{pretty, without_metadata};
use crate::page::uploads;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_model::{Properties, SystemProperty};
use roadstead_service::MethodCall;
use serde_json::{Value, value::RawValue};

/// Seconds a device may take for a method. Source: `reference/hub-service.md` 1.8
const METHOD_TIMEOUT_S: u32 = 30;

/// What only the answer to a form shows.
#[derive(Default)]
pub(crate) struct Shown {
    keys: Option<Keys>,
    answer: Option<Answer>,
    method: String,
    payload: String,
    /// Text and properties.
    message: Option<Typed>,
    /// The first and the second.
    thumbprints: Option<Typed>,
    status: StatusCode,
}

/// A form that was refused: why, and what was typed into its two fields.
struct Typed {
    fault: String,
    fields: [String; 2],
}

struct Keys {
    primary: String,
    secondary: String,
    connection_string: String,
}

/// Of a method.
struct Answer {
    is_fault: bool,
    status: String,
    payload: String,
}

struct Module {
    id: String,
    /// Of its timeline.
    href: String,
    is_connected: bool,
    active: Option<Moment>,
    by: &'static str,
}

#[derive(Template)]
#[template(path = "device.html")]
struct Page {
    frame: Frame,
    id: String,
    here: String,
    hub: String,
    is_enabled: bool,
    reason: String,
    is_connected: bool,
    connected: Option<Moment>,
    active: Option<Moment>,
    by: &'static str,
    /// The first and the second; either may be empty. `None` of one that proves itself otherwise.
    thumbprints: Option<(String, String)>,
    generation: String,
    waiting: u64,
    version: u64,
    tags: String,
    desired: String,
    reported: String,
    modules: Vec<Module>,
    timeline: Timeline,
    uploads: uploads::Newest,
    may_write: bool,
    shown: Shown,
}

pub(crate) async fn show(call: &Call<'_>, at: &At, id: &str, shown: Shown) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let hub = call.hub(at).await?;
    let absent = || Fault::Absent { what: "device", name: id.to_owned() };
    let Some(device) = hub.find_device::<Value>(id).await? else { return timeline::of_absent(call, at, id).await };
    let twin: Value = hub.find_twin(id, None).await?.ok_or_else(absent)?;
    let modules: Vec<Value> = hub.list_modules(id).await?;
    let thumbprint =
        |which: &str| text(&device, &format!("/authentication/x509Thumbprint/{which}Thumbprint")).to_owned();
    let moment = |name: &str| Moment::parse(text(&device, name));
    let module = |module: &Value| Module {
        id: text(module, "/moduleId").to_owned(),
        href: at.href(&["devices", id, "modules", text(module, "/moduleId"), "timeline"]),
        is_connected: text(module, "/connectionState") == "Connected",
        active: Moment::parse(text(module, "/lastActivityTime")),
        by: proof(text(module, "/authentication/type")),
    };
    let status = shown.status;
    let section = |name: &str| pretty(&without_metadata(&twin["properties"][name]));
    let above = vec![(at.resource.name.clone(), at.href(&[])), ("Devices".to_owned(), at.href(&["devices"]))];
    let page = Page {
        frame: call.frame(id, "hubs", above),
        id: id.to_owned(),
        here: at.href(&["devices", id]),
        hub: at.resource.name.clone(),
        is_enabled: text(&device, "/status") == "enabled",
        reason: text(&device, "/statusReason").to_owned(),
        is_connected: text(&device, "/connectionState") == "Connected",
        connected: moment("/connectionStateUpdatedTime"),
        active: moment("/lastActivityTime"),
        by: proof(text(&device, "/authentication/type")),
        thumbprints: has_thumbprints(&device).then(|| (thumbprint("primary"), thumbprint("secondary"))),
        generation: text(&device, "/generationId").to_owned(),
        waiting: device["cloudToDeviceMessageCount"].as_u64().unwrap_or_default(),
        version: twin["version"].as_u64().unwrap_or_default(),
        tags: pretty(&twin["tags"]),
        desired: section("desired"),
        reported: section("reported"),
        modules: modules.iter().map(module).collect(),
        timeline: timeline::newest_of_device(call, at, id).await?,
        uploads: uploads::few(call, at, id).await?,
        may_write: at.rights.data_write,
        shown,
    };
    Ok(reply::page(status, &page))
}

pub(crate) async fn act(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    let here = at.href(&["devices", id]);
    match call.ask.field("do") {
        "enable" => set_status(call, at, id, true).await,
        "disable" => set_status(call, at, id, false).await,
        "keys" => reveal(call, at, id).await,
        "rotate-primary" => rotate(call, at, id, "primaryKey").await,
        "rotate-secondary" => rotate(call, at, id, "secondaryKey").await,
        "thumbprints" => match change_thumbprints(call, at, id).await {
            Err(fault) => refused(call, at, id, fault, ["primary", "secondary"]).await,
            done => done,
        },
        "send" => match send(call, at, id).await {
            Err(fault) => refused(call, at, id, fault, ["body", "properties"]).await,
            done => done,
        },
        "call" => invoke(call, at, id).await,
        "purge" => {
            call.require_name(id)?;
            let purged = call.hub(at).await?.purge_messages(id).await?;
            Ok(call.done(&here, format!("{} waiting messages are dropped.", purged.total_messages_purged)))
        }
        "delete" => {
            call.require_name(id)?;
            call.hub(at).await?.delete_device(id, None).await?;
            Ok(call
                .done(&at.href(&["devices"]), format!("The device {id} is deleted, with its twin and its messages.")))
        }
        _ => Err(Fault::invalid("There is no such button.")),
    }
}

/// The page, with what was typed into a form that was refused.
async fn refused(call: &Call<'_>, at: &At, id: &str, fault: Fault, fields: [&str; 2]) -> Result<Response<Body>, Fault> {
    if matches!(fault, Fault::SignedOut) {
        return Err(fault);
    }
    let fields = fields.map(|name| call.ask.field(name).to_owned());
    let typed = Some(Typed { fault: fault.sentences(), fields });
    let (message, thumbprints) = if call.ask.field("do") == "send" { (typed, None) } else { (None, typed) };
    show(call, at, id, Shown { message, thumbprints, status: fault.status(), ..Shown::default() }).await
}

async fn find(call: &Call<'_>, at: &At, id: &str) -> Result<Value, Fault> {
    let absent = || Fault::Absent { what: "device", name: id.to_owned() };
    call.hub(at).await?.find_device(id).await?.ok_or_else(absent)
}

/// Writes what was read and changed, unless somebody else was faster.
async fn put(call: &Call<'_>, at: &At, id: &str, device: &Value) -> Result<(), Fault> {
    let etag = text(device, "/etag").to_owned();
    call.hub(at).await?.put_device::<Value>(id, device, Some(&etag)).await?;
    Ok(())
}

async fn set_status(call: &Call<'_>, at: &At, id: &str, is_enabled: bool) -> Result<Response<Body>, Fault> {
    let mut device = find(call, at, id).await?;
    device["status"] = if is_enabled { "enabled" } else { "disabled" }.into();
    device["statusReason"] = Value::Null;
    put(call, at, id, &device).await?;
    let text = if is_enabled {
        "It is enabled: it may connect."
    } else {
        "It is disabled: its connections are closed, and it is refused until it is enabled again."
    };
    Ok(call.done(&at.href(&["devices", id]), text))
}

async fn reveal(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    let device = find(call, at, id).await?;
    let key = |which: &str| text(&device, &format!("/authentication/symmetricKey/{which}Key")).to_owned();
    let (primary, secondary) = (key("primary"), key("secondary"));
    if primary.is_empty() {
        return Err(Fault::invalid("This device has no keys: it proves itself with a certificate."));
    }
    tracing::info!(
        name = call.session.visitor.name,
        hub = at.host,
        device = id,
        "keys of a device are shown in the portal"
    );
    let connection_string = format!("HostName={};DeviceId={id};SharedAccessKey={primary}", at.host);
    let keys = Some(Keys { primary, secondary, connection_string });
    show(call, at, id, Shown { keys, ..Shown::default() }).await
}

async fn rotate(call: &Call<'_>, at: &At, id: &str, which: &str) -> Result<Response<Body>, Fault> {
    call.require_name(id)?;
    let mut device = find(call, at, id).await?;
    if device.pointer("/authentication/symmetricKey/primaryKey").is_none_or(Value::is_null) {
        return Err(Fault::invalid("This device has no keys: it proves itself with a certificate."));
    }
    device["authentication"]["symmetricKey"][which] = call.fresh_key().as_str().into();
    put(call, at, id, &device).await?;
    let text = "The key is another one now. Whoever uses the old one is disconnected and refused.";
    Ok(call.done(&at.href(&["devices", id]), text))
}

fn has_thumbprints(device: &Value) -> bool {
    text(device, "/authentication/type") == "selfSigned"
}

async fn change_thumbprints(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    let mut device = find(call, at, id).await?;
    if !has_thumbprints(&device) {
        return Err(Fault::invalid("This device does not prove itself with a certificate of its own."));
    }
    for (field, member) in [("primary", "primaryThumbprint"), ("secondary", "secondaryThumbprint")] {
        let typed = plain_thumbprint(call.ask.field(field));
        device["authentication"]["x509Thumbprint"][member] = if typed.is_empty() { Value::Null } else { typed.into() };
    }
    put(call, at, id, &device).await?;
    let text = "The thumbprints are changed. A device with another certificate is disconnected and refused.";
    Ok(call.done(&at.href(&["devices", id]), text))
}

/// `AB12` of `SHA1 Fingerprint=AB:12`, as openssl prints it.
fn plain_thumbprint(typed: &str) -> String {
    let digits = typed.rsplit('=').next().unwrap_or_default();
    digits.chars().filter(|c| !c.is_whitespace() && *c != ':').collect()
}

/// `name=value` in each line.
fn read_properties(lines: &str) -> Result<Vec<(&str, &str)>, Fault> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let pair = |line: &'_ str| format!("`{line}` is not of the form name=value.");
    lines
        .map(|line| {
            line.split_once('=')
                .map(|(name, value)| (name.trim(), value.trim()))
                .ok_or_else(|| Fault::Invalid(pair(line)))
        })
        .collect()
}

async fn send(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    let body = call.ask.field("body").replace("\r\n", "\n");
    let mut properties = Properties::new();
    for (name, value) in read_properties(call.ask.field("properties"))? {
        properties.push_application(name, Some(value));
    }
    if serde_json::from_str::<Value>(&body).is_ok() {
        properties.push_system(SystemProperty::ContentType, "application/json");
        properties.push_system(SystemProperty::ContentEncoding, "utf-8");
    }
    call.hub(at).await?.send_to_device(id, &properties, body.into_bytes()).await?;
    Ok(call.done(&at.href(&["devices", id]), "The message waits for the device."))
}

async fn invoke(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    let (method, payload) = (call.ask.field("method").trim(), call.ask.field("payload").trim());
    let shown = |answer| Shown {
        answer: Some(answer),
        method: method.to_owned(),
        payload: payload.to_owned(),
        ..Shown::default()
    };
    let fault = |status: &str, payload: String| Answer { is_fault: true, status: status.to_owned(), payload };
    let parsed = if payload.is_empty() { Ok(None) } else { RawValue::from_string(payload.to_owned()).map(Some) };
    let payload_or = match parsed {
        _ if method.is_empty() => Err(fault("not called", "Type the method's name.".to_owned())),
        Ok(payload) => Ok(payload),
        Err(error) => Err(fault("not called", format!("The payload is no JSON: {error}"))),
    };
    let answer = match payload_or {
        Err(fault) => fault,
        Ok(payload) => {
            let asked = MethodCall {
                method_name: method.to_owned(),
                payload,
                response_timeout_in_seconds: Some(METHOD_TIMEOUT_S),
                connect_timeout_in_seconds: None,
            };
            match call.hub(at).await?.invoke_method::<Value>(id, None, &asked).await.map_err(Fault::from) {
                Ok(answer) => {
                    let status = answer["status"].as_i64().unwrap_or_default();
                    Answer { is_fault: status >= 400, status: status.to_string(), payload: pretty(&answer["payload"]) }
                }
                Err(Fault::SignedOut) => return Err(Fault::SignedOut),
                Err(refused) => fault("no answer", refused.text()),
            }
        }
    };
    show(call, at, id, shown(answer)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_line_by_line() {
        assert_eq!(read_properties(" a = 1 \r\n\nb=x=y\n").unwrap(), [("a", "1"), ("b", "x=y")]);
        assert!(read_properties("").unwrap().is_empty());
        assert_eq!(read_properties("nonsense").unwrap_err().text(), "`nonsense` is not of the form name=value.");
    }
}
