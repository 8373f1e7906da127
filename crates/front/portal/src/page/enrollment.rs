//! One enrollment or enrollment group: its terms, its keys, who registered by it.

use crate::call::{At, Call, Frame, text};
use crate::fault::{Fault, sentence};
use crate::limits::REGISTRATIONS_SHOWN_MAX;
use crate::moment::Moment;
use crate::page::enrollments::{above, find, proof, whole, word};
use crate::page::registration;
use crate::page::timeline::{self, Timeline};
use crate::page::twin::pretty;
use crate::program::{Naming, Programs};
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_model::RegistrationId;
use roadstead_sas::{SasKey, derive_device_key};
use roadstead_service::EnrollmentKind;
use serde_json::Value;

/// The device that a group's programs are of before its id is typed.
const MADE_UP: &str = "my-device";

pub(crate) struct Registration {
    id: String,
    /// Of its own page.
    pub(crate) here: String,
    pub(crate) status: String,
    pub(crate) hub: String,
    pub(crate) device: String,
    /// The device's page, where its hub is one that this server has.
    pub(crate) href: Option<String>,
    pub(crate) updated: Option<Moment>,
    pub(crate) fault: String,
}

struct Proof {
    subject: String,
    issuer: String,
    thumbprint: String,
    until: Option<Moment>,
}

/// What a button asked for that no page shows by itself.
pub(crate) enum Shown {
    Nothing,
    /// Primary and secondary.
    Keys(String, String),
    /// Of the device of a group that was typed.
    DeviceKey(String),
    /// Why there is none.
    NoDeviceKey(String),
}

#[derive(Template)]
#[template(path = "enrollment.html")]
struct OnePage {
    frame: Frame,
    is_group: bool,
    /// What the button says that deletes it.
    delete: &'static str,
    id: String,
    here: String,
    id_scope: String,
    is_enabled: bool,
    by: String,
    device: String,
    allocation: String,
    hubs: Vec<String>,
    created: Option<Moment>,
    updated: Option<Moment>,
    proofs: Vec<Proof>,
    cas: Vec<String>,
    twin: String,
    registrations: Vec<Registration>,
    /// Of an enrollment; a group's registrations each have their own.
    timeline: Option<Timeline>,
    keys: Option<(String, String)>,
    has_keys: bool,
    programs: Programs,
    /// There are programs for this kind of proof.
    is_shown_how: bool,
    may_write: bool,
}

pub(crate) async fn show(
    call: &Call<'_>,
    at: &At,
    kind: EnrollmentKind,
    id: &str,
    shown: Shown,
) -> Result<Response<Body>, Fault> {
    let enrollment = match find(call, at, kind, id).await {
        Ok(enrollment) => enrollment,
        // One that came without an enrollment, or that a group took.
        Err(absent @ Fault::Absent { .. }) if kind == EnrollmentKind::Individual => {
            return registration::show(call, at, id).await.map_err(|_| absent);
        }
        Err(fault) => return Err(fault),
    };
    let is_group = kind == EnrollmentKind::Group;
    let states: Vec<Value> = if is_group {
        call.dps(at).await?.list_registrations(id, Some(REGISTRATIONS_SHOWN_MAX)).await?
    } else {
        enrollment.get("registrationState").filter(|state| state.is_object()).cloned().into_iter().collect()
    };
    let hubs = call.management().await?.list::<Value>(roadstead_service::Kind::Hub, None).await.unwrap_or_default();
    let x509 = &enrollment["attestation"]["x509"];
    let certificates = ["clientCertificates", "signingCertificates"].iter().flat_map(|member| {
        ["primary", "secondary"].iter().map(move |which| &x509[*member][*which]["info"]).filter(|info| info.is_object())
    });
    let proofs = certificates.map(|info| Proof {
        subject: text(info, "/subjectName").to_owned(),
        issuer: text(info, "/issuerName").to_owned(),
        thumbprint: text(info, "/sha256Thumbprint").to_owned(),
        until: Moment::parse(text(info, "/notAfterUtc")),
    });
    let cas = ["primary", "secondary"].iter().map(|which| text(&x509["caReferences"], &format!("/{which}")).to_owned());
    let twin = initial_twin(&enrollment["initialTwin"]);
    let here = at.href(&[word(kind), "of", id]);
    let attestation = &enrollment["attestation"];
    let mut programs =
        if is_group { of_group(call, at, attestation, &here) } else { Programs::of(call, at, attestation, id) };
    let (keys, key) = match shown {
        Shown::Nothing => (None, None),
        // A group's opens all its devices: it is in no program.
        Shown::Keys(primary, secondary) => (Some((primary.clone(), secondary)), (!is_group).then_some(primary)),
        Shown::DeviceKey(key) => (None, Some(key)),
        Shown::NoDeviceKey(text) => {
            programs.naming = programs.naming.map(|naming| Naming { fault: Some(text), ..naming });
            (None, None)
        }
    };
    let programs = programs.with_key(key.as_deref());
    let is_refused = programs.naming.as_ref().is_some_and(|naming| naming.fault.is_some());
    let page = OnePage {
        frame: call.frame(id, "dps", above(at, Some(kind))),
        is_group,
        delete: if is_group { "Delete the group" } else { "Delete the enrollment" },
        id: id.to_owned(),
        here,
        id_scope: text(&at.shown, "/properties/idScope").to_owned(),
        is_enabled: text(&enrollment, "/provisioningStatus") != "disabled",
        by: proof(&enrollment).to_owned(),
        device: text(&enrollment, "/deviceId").to_owned(),
        allocation: text(&enrollment, "/allocationPolicy").to_owned(),
        hubs: enrollment["iotHubs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        created: Moment::parse(text(&enrollment, "/createdDateTimeUtc")),
        updated: Moment::parse(text(&enrollment, "/lastUpdatedDateTimeUtc")),
        proofs: proofs.collect(),
        cas: cas.filter(|name| !name.is_empty()).collect(),
        twin: twin.map_or_else(String::new, |twin| pretty(&twin)),
        registrations: states.iter().map(|state| registered(at, state, &hubs)).collect(),
        timeline: if is_group { None } else { Some(timeline::newest_of_registration(call, at, id).await?) },
        has_keys: programs.has_keys,
        programs,
        is_shown_how: text(&enrollment, "/attestation/type") != "tpm",
        keys,
        may_write: at.rights.data_write,
    };
    Ok(reply::page(if is_refused { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page))
}

/// The registration id of a device of a group, as it was typed.
fn typed<'a>(call: &'a Call<'_>) -> &'a str {
    match call.ask.field("device").trim() {
        "" => call.ask.argument("device"),
        typed => typed,
    }
}

/// Programs for a device of a group: the one that was typed, or one that is made up.
fn of_group(call: &Call<'_>, at: &At, attestation: &Value, here: &str) -> Programs {
    let typed = typed(call);
    let is_asked = !typed.is_empty() || call.ask.field("do") == "device";
    let fault = RegistrationId::parse(typed).err().filter(|_| is_asked);
    let registration = if fault.is_some() || !is_asked { MADE_UP } else { typed };
    let programs = Programs::of(call, at, attestation, registration);
    let naming = Naming {
        here: here.to_owned(),
        gives_key: programs.has_keys && at.rights.data_write,
        typed: typed.to_owned(),
        fault: fault.map(|fault| sentence(&fault.to_string())),
    };
    Programs { naming: Some(naming), ..programs }
}

/// Tags and desired properties that new twins begin with; `None` where they begin empty.
fn initial_twin(twin: &Value) -> Option<Value> {
    let parts = [("tags", &twin["tags"]), ("desired", &twin["properties"]["desired"])];
    let parts = parts.into_iter().filter(|(_, part)| part.as_object().is_some_and(|members| !members.is_empty()));
    let parts: serde_json::Map<_, _> = parts.map(|(name, part)| (name.to_owned(), part.clone())).collect();
    (!parts.is_empty()).then_some(Value::Object(parts))
}

pub(crate) fn registered(at: &At, state: &Value, hubs: &[Value]) -> Registration {
    let (host, device) = (text(state, "/assignedHub"), text(state, "/deviceId"));
    let hub = hubs.iter().find(|hub| text(hub, "/properties/hostName").eq_ignore_ascii_case(host) && !host.is_empty());
    let href = hub.filter(|_| !device.is_empty()).map(|hub| {
        let group = text(hub, "/id").split('/').nth(4).unwrap_or_default();
        crate::call::href(&["hubs", group, text(hub, "/name"), "devices", device])
    });
    Registration {
        id: text(state, "/registrationId").to_owned(),
        here: at.href(&["registrations", text(state, "/registrationId")]),
        status: text(state, "/status").to_owned(),
        hub: host.to_owned(),
        device: device.to_owned(),
        href,
        updated: Moment::parse(text(state, "/lastUpdatedDateTimeUtc")),
        fault: text(state, "/errorMessage").to_owned(),
    }
}

/// The keys of an enrollment that are about to be shown, primary and secondary: the log says so.
pub(crate) async fn keys_of(
    call: &Call<'_>,
    at: &At,
    kind: EnrollmentKind,
    id: &str,
) -> Result<(String, String), Fault> {
    let found: Value = call.dps(at).await?.find_attestation(kind, id).await?.unwrap_or_default();
    let key = |which: &str| text(&found, &format!("/symmetricKey/{which}Key")).to_owned();
    tracing::info!(
        name = call.session.visitor.name,
        dps = at.host,
        enrollment = id,
        "keys of an enrollment are shown in the portal"
    );
    Ok((key("primary"), key("secondary")))
}

async fn is_enrolled_alone(call: &Call<'_>, at: &At, device: &RegistrationId) -> Result<bool, Fault> {
    let own: Option<Value> = call.dps(at).await?.find(EnrollmentKind::Individual, device.as_str()).await?;
    Ok(own.is_some())
}

/// The key of one device of a group, derived from the group's primary key, about to be shown: the log says so.
///
/// Errors: `Invalid` for a group of certificates.
async fn device_key(call: &Call<'_>, at: &At, group: &str, device: &RegistrationId) -> Result<String, Fault> {
    let found: Value = call.dps(at).await?.find_attestation(EnrollmentKind::Group, group).await?.unwrap_or_default();
    let key = SasKey::from_base64(text(&found, "/symmetricKey/primaryKey"));
    let key = key.map_err(|_| Fault::invalid("It has no keys."))?;
    tracing::info!(
        name = call.session.visitor.name,
        dps = at.host,
        group,
        registration = %device,
        "a device's key is shown in the portal"
    );
    Ok(derive_device_key(&key, device.as_str()).to_base64().as_str().to_owned())
}

/// Writes what was read and changed, unless somebody else was faster.
async fn put(call: &Call<'_>, at: &At, kind: EnrollmentKind, id: &str, enrollment: &Value) -> Result<(), Fault> {
    let etag = text(enrollment, "/etag").to_owned();
    call.dps(at).await?.put::<Value>(kind, id, enrollment, Some(&etag)).await?;
    Ok(())
}

async fn rotate(
    call: &Call<'_>,
    at: &At,
    kind: EnrollmentKind,
    id: &str,
    which: &str,
) -> Result<Response<Body>, Fault> {
    call.require_name(id)?;
    let mut enrollment = whole(call, at, kind, id).await?;
    let Some(key) = enrollment.pointer_mut(&format!("/attestation/symmetricKey/{which}")) else {
        return Err(Fault::invalid("It has no keys."));
    };
    *key = call.fresh_key().as_str().into();
    put(call, at, kind, id, &enrollment).await?;
    let text = "The key is another one now. Who registers with the old one is refused.";
    Ok(call.done(&at.href(&[word(kind), "of", id]), text))
}

pub(crate) async fn act(call: &Call<'_>, at: &At, kind: EnrollmentKind, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    match call.ask.field("do") {
        "enable" => set_status(call, at, kind, id, true).await,
        "disable" => set_status(call, at, kind, id, false).await,
        "keys" => {
            let (primary, secondary) = keys_of(call, at, kind, id).await?;
            show(call, at, kind, id, Shown::Keys(primary, secondary)).await
        }
        "device" if kind == EnrollmentKind::Group => {
            let shown = match RegistrationId::parse(typed(call)) {
                Ok(device) if is_enrolled_alone(call, at, &device).await? => Shown::NoDeviceKey(format!(
                    "{device} has an enrollment of its own, which counts before the group: its programs are on that page."
                )),
                Ok(device) => Shown::DeviceKey(device_key(call, at, id, &device).await?),
                Err(_) => Shown::Nothing,
            };
            show(call, at, kind, id, shown).await
        }
        "rotate-primary" => rotate(call, at, kind, id, "primaryKey").await,
        "rotate-secondary" => rotate(call, at, kind, id, "secondaryKey").await,
        "delete" => {
            call.require_name(id)?;
            call.dps(at).await?.delete(kind, id, None).await?;
            Ok(call
                .done(&at.href(&[word(kind)]), format!("{id} is deleted. Devices that registered stay in their hubs.")))
        }
        _ => Err(Fault::invalid("There is no such button.")),
    }
}

async fn set_status(
    call: &Call<'_>,
    at: &At,
    kind: EnrollmentKind,
    id: &str,
    is_enabled: bool,
) -> Result<Response<Body>, Fault> {
    let mut enrollment = whole(call, at, kind, id).await?;
    enrollment["provisioningStatus"] = if is_enabled { "enabled" } else { "disabled" }.into();
    put(call, at, kind, id, &enrollment).await?;
    let words = if is_enabled {
        "It is enabled: its devices may register."
    } else {
        "It is disabled: its devices are refused when they register. Those that did stay in their hubs."
    };
    Ok(call.done(&at.href(&[word(kind), "of", id]), words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_new_twins_begin_with() {
        for (twin, shown) in [
            (Value::Null, None),
            (json!({"tags": {}, "properties": {"desired": {}}}), None),
            (json!({"tags": {"site": "north"}}), Some(json!({"tags": {"site": "north"}}))),
            (json!({"tags": {}, "properties": {"desired": {"hz": 5}}}), Some(json!({"desired": {"hz": 5}}))),
        ] {
            assert_eq!(initial_twin(&twin), shown, "{twin}");
        }
    }
}
