//! Enrollments and enrollment groups of a DPS instance: who may register, and who did.

use crate::call::{At, Call, Frame, text};
use crate::fault::Fault;
use crate::limits::{PAGE_ITEMS, REGISTRATIONS_SHOWN_MAX};
use crate::moment::Moment;
use crate::page::certificates::uploaded;
use crate::page::twin::pretty;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_pki::Certificate;
use roadstead_service::EnrollmentKind;
use roadstead_wire::percent;
use serde_json::{Map, Value, json};

struct Row {
    id: String,
    href: String,
    by: String,
    is_enabled: bool,
    created: Option<Moment>,
}

#[derive(Template)]
#[template(path = "enrollments.html")]
struct ListPage {
    frame: Frame,
    id_scope: String,
    host: String,
    is_group: bool,
    here: String,
    individuals: String,
    groups: String,
    certificates: String,
    rows: Vec<Row>,
    next: Option<String>,
    is_first: bool,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "enrollment-new.html")]
struct NewPage {
    frame: Frame,
    is_group: bool,
    here: String,
    fault: Option<String>,
    id: String,
    by: String,
    pem: String,
    device: String,
    ca: String,
    cas: Vec<String>,
    twin: String,
    /// Where CAs are uploaded.
    certificates: String,
}

struct Registration {
    id: String,
    status: String,
    hub: String,
    device: String,
    /// The device's page, where its hub is one that this server has.
    href: Option<String>,
    updated: Option<Moment>,
    fault: String,
}

struct Proof {
    subject: String,
    issuer: String,
    thumbprint: String,
    until: Option<Moment>,
}

#[derive(Template)]
#[template(path = "enrollment.html")]
struct OnePage {
    frame: Frame,
    is_group: bool,
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
    keys: Option<(String, String)>,
    has_keys: bool,
    may_write: bool,
}

fn word(kind: EnrollmentKind) -> &'static str {
    match kind {
        EnrollmentKind::Individual => "enrollments",
        EnrollmentKind::Group => "groups",
    }
}

fn id_of(kind: EnrollmentKind, enrollment: &Value) -> &str {
    match kind {
        EnrollmentKind::Individual => text(enrollment, "/registrationId"),
        EnrollmentKind::Group => text(enrollment, "/enrollmentGroupId"),
    }
}

pub(crate) async fn route(call: &Call<'_>, at: &At, is_post: bool, words: &[&str]) -> Result<Response<Body>, Fault> {
    let is_group = words.first() == Some(&"groups");
    let kind = if is_group { EnrollmentKind::Group } else { EnrollmentKind::Individual };
    call.require_data(at, false)?;
    match (is_post, words) {
        (false, [_]) => list(call, at, kind).await,
        (false, [_, "new"]) => new(call, at, kind, None).await,
        (true, [_, "new"]) => create(call, at, kind).await,
        (false, [_, "of", id]) => show(call, at, kind, id, None).await,
        (true, [_, "of", id]) => act(call, at, kind, id).await,
        _ => Err(Fault::Absent { what: "page", name: call.ask.url.clone() }),
    }
}

fn above(at: &At, kind: Option<EnrollmentKind>) -> Vec<(String, String)> {
    let mut above = vec![(at.resource.name.clone(), at.href(&["enrollments"]))];
    match kind {
        Some(EnrollmentKind::Individual) => above.push(("Enrollments".to_owned(), at.href(&["enrollments"]))),
        Some(EnrollmentKind::Group) => above.push(("Enrollment groups".to_owned(), at.href(&["groups"]))),
        None => {}
    }
    above
}

async fn list(call: &Call<'_>, at: &At, kind: EnrollmentKind) -> Result<Response<Body>, Fault> {
    let after = call.ask.argument("after");
    let asked = Some(after).filter(|after| !after.is_empty());
    let (found, next) = call.dps(at).await?.list_page::<Value>(kind, PAGE_ITEMS, asked).await?;
    let here = at.href(&[word(kind)]);
    let row = |enrollment: &Value| Row {
        id: id_of(kind, enrollment).to_owned(),
        href: at.href(&[word(kind), "of", id_of(kind, enrollment)]),
        by: proof(enrollment).to_owned(),
        is_enabled: text(enrollment, "/provisioningStatus") != "disabled",
        created: Moment::parse(text(enrollment, "/createdDateTimeUtc")),
    };
    let page = ListPage {
        frame: call.frame(
            if kind == EnrollmentKind::Group { "Enrollment groups" } else { "Enrollments" },
            "dps",
            above(at, None),
        ),
        id_scope: text(&at.shown, "/properties/idScope").to_owned(),
        host: text(&at.shown, "/properties/deviceProvisioningHostName").to_owned(),
        is_group: kind == EnrollmentKind::Group,
        individuals: at.href(&["enrollments"]),
        groups: at.href(&["groups"]),
        certificates: at.href(&["certificates"]),
        rows: found.iter().map(row).collect(),
        next: next.map(|token| format!("{here}?after={}", percent::encode(&token))),
        is_first: after.is_empty(),
        may_write: at.rights.data_write,
        here,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

/// How devices prove themselves, in words.
fn proof(enrollment: &Value) -> &'static str {
    let x509 = &enrollment["attestation"]["x509"];
    match text(enrollment, "/attestation/type") {
        "symmetricKey" => "key",
        "tpm" => "TPM",
        _ if x509["caReferences"].is_object() => "certificate of an uploaded CA",
        _ if x509["signingCertificates"].is_object() => "certificate of a CA",
        _ => "certificate",
    }
}

async fn new(call: &Call<'_>, at: &At, kind: EnrollmentKind, fault: Option<Fault>) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    let is_group = kind == EnrollmentKind::Group;
    let cas = if is_group { verified_cas(call, at).await? } else { Vec::new() };
    let field = |name: &str| call.ask.field(name).to_owned();
    let page = NewPage {
        frame: call.frame(
            if is_group { "Add an enrollment group" } else { "Add an enrollment" },
            "dps",
            above(at, Some(kind)),
        ),
        is_group,
        here: at.href(&[word(kind), "new"]),
        fault: fault.as_ref().map(Fault::sentences),
        id: field("id"),
        by: field("by"),
        pem: field("pem"),
        device: field("device"),
        ca: field("ca"),
        cas,
        twin: field("twin"),
        certificates: at.href(&["certificates"]),
    };
    Ok(reply::page(fault.map_or(StatusCode::OK, |fault| fault.status()), &page))
}

async fn verified_cas(call: &Call<'_>, at: &At) -> Result<Vec<String>, Fault> {
    let all: Vec<Value> = match call.management().await?.list_certificates(&at.resource).await {
        Ok(all) => all,
        Err(error) if error.status() == Some(403) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let verified = all.iter().filter(|one| one["properties"]["isVerified"] == Value::Bool(true));
    Ok(verified.map(|one| text(one, "/name").to_owned()).collect())
}

async fn create(call: &Call<'_>, at: &At, kind: EnrollmentKind) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    match try_create(call, at, kind).await {
        Ok(id) => {
            let text = match kind {
                EnrollmentKind::Individual => format!("{id} may register. Start the device with the ID scope below."),
                EnrollmentKind::Group => format!("Devices of {id} may register. Start them with the ID scope below."),
            };
            Ok(call.done(&at.href(&[word(kind), "of", &id]), text))
        }
        Err(Fault::SignedOut) => Err(Fault::SignedOut),
        Err(fault) => new(call, at, kind, Some(fault)).await,
    }
}

async fn try_create(call: &Call<'_>, at: &At, kind: EnrollmentKind) -> Result<String, Fault> {
    let field = |name: &str| call.ask.field(name).trim();
    let is_group = kind == EnrollmentKind::Group;
    let mut id = field("id").to_owned();
    let attestation = match field("by") {
        "key" => json!({ "type": "symmetricKey", "symmetricKey": {} }),
        "ca" if field("ca").is_empty() => return Err(Fault::invalid("Choose the CA whose devices may register.")),
        "ca" => json!({ "type": "x509", "x509": { "caReferences": { "primary": field("ca") } } }),
        _ => {
            let pem = uploaded(call.ask, "file", "pem")?
                .ok_or_else(|| Fault::invalid("Choose the certificate's file, or paste its text."))?;
            if id.is_empty() && !is_group {
                id = common_name(&pem)?;
            }
            let member = if is_group { "signingCertificates" } else { "clientCertificates" };
            json!({ "type": "x509", "x509": { member: { "primary": { "certificate": pem } } } })
        }
    };
    if id.is_empty() {
        return Err(Fault::invalid(if is_group { "Type an id for the group." } else { "Type a registration id." }));
    }
    let mut body = Map::new();
    let id_member = if is_group { "enrollmentGroupId" } else { "registrationId" };
    body.insert(id_member.to_owned(), id.as_str().into());
    body.insert("attestation".to_owned(), attestation);
    body.insert("provisioningStatus".to_owned(), "enabled".into());
    if !field("device").is_empty() {
        body.insert("deviceId".to_owned(), field("device").into());
    }
    if !field("twin").is_empty() {
        let desired: Map<String, Value> = serde_json::from_str(field("twin"))
            .map_err(|error| Fault::Invalid(format!("The desired properties are no JSON object: {error}.")))?;
        body.insert("initialTwin".to_owned(), json!({ "tags": {}, "properties": { "desired": desired } }));
    }
    call.dps(at).await?.put::<Value>(kind, &id, &body, None).await?;
    Ok(id)
}

/// The registration id that a certificate speaks for.
fn common_name(pem: &str) -> Result<String, Fault> {
    let certificate = Certificate::from_text(pem)
        .map_err(|error| Fault::Invalid(format!("The certificate cannot be read: {error}.")))?;
    let name = certificate.common_name().map_err(|fault| {
        Fault::Invalid(format!("The certificate names no device ({fault}), so type the registration id."))
    })?;
    Ok(name.to_owned())
}

async fn find(call: &Call<'_>, at: &At, kind: EnrollmentKind, id: &str) -> Result<Value, Fault> {
    let what = if kind == EnrollmentKind::Group { "enrollment group" } else { "enrollment" };
    let absent = || Fault::Absent { what, name: id.to_owned() };
    call.dps(at).await?.find(kind, id).await?.ok_or_else(absent)
}

async fn show(
    call: &Call<'_>,
    at: &At,
    kind: EnrollmentKind,
    id: &str,
    keys: Option<(String, String)>,
) -> Result<Response<Body>, Fault> {
    let enrollment = find(call, at, kind, id).await?;
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
    let desired = &enrollment["initialTwin"]["properties"]["desired"];
    let page = OnePage {
        frame: call.frame(id, "dps", above(at, Some(kind))),
        is_group,
        id: id.to_owned(),
        here: at.href(&[word(kind), "of", id]),
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
        twin: if desired.is_object() { pretty(desired) } else { String::new() },
        registrations: states.iter().map(|state| registration(state, &hubs)).collect(),
        has_keys: text(&enrollment, "/attestation/type") == "symmetricKey",
        keys,
        may_write: at.rights.data_write,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

fn registration(state: &Value, hubs: &[Value]) -> Registration {
    let (host, device) = (text(state, "/assignedHub"), text(state, "/deviceId"));
    let hub = hubs.iter().find(|hub| text(hub, "/properties/hostName").eq_ignore_ascii_case(host) && !host.is_empty());
    let href = hub.filter(|_| !device.is_empty()).map(|hub| {
        let group = text(hub, "/id").split('/').nth(4).unwrap_or_default();
        crate::call::href(&["hubs", group, text(hub, "/name"), "devices", device])
    });
    Registration {
        id: text(state, "/registrationId").to_owned(),
        status: text(state, "/status").to_owned(),
        hub: host.to_owned(),
        device: device.to_owned(),
        href,
        updated: Moment::parse(text(state, "/lastUpdatedDateTimeUtc")),
        fault: text(state, "/errorMessage").to_owned(),
    }
}

async fn act(call: &Call<'_>, at: &At, kind: EnrollmentKind, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    let dps = call.dps(at).await?;
    match call.ask.field("do") {
        "enable" => set_status(call, at, kind, id, true).await,
        "disable" => set_status(call, at, kind, id, false).await,
        "keys" => {
            let found: Value = dps.find_attestation(kind, id).await?.unwrap_or_default();
            let key = |which: &str| text(&found, &format!("/symmetricKey/{which}Key")).to_owned();
            tracing::info!(
                name = call.session.visitor.name,
                dps = at.host,
                enrollment = id,
                "keys of an enrollment are shown in the portal"
            );
            show(call, at, kind, id, Some((key("primary"), key("secondary")))).await
        }
        "forget" => {
            let registration = call.ask.field("registration");
            call.require_name(registration)?;
            dps.delete_registration(registration, None).await?;
            let text = format!("The registration of {registration} is deleted. Its device stays in its hub.");
            Ok(call.done(&at.href(&[word(kind), "of", id]), text))
        }
        "delete" => {
            call.require_name(id)?;
            dps.delete(kind, id, None).await?;
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
    let mut enrollment = find(call, at, kind, id).await?;
    let dps = call.dps(at).await?;
    if text(&enrollment, "/attestation/type") == "symmetricKey" {
        // Without its keys it would be given new ones.
        enrollment["attestation"] = dps.find_attestation(kind, id).await?.unwrap_or_default();
    }
    enrollment["provisioningStatus"] = if is_enabled { "enabled" } else { "disabled" }.into();
    if let Value::Object(members) = &mut enrollment {
        members.remove("registrationState");
    }
    let etag = text(&enrollment, "/etag").to_owned();
    dps.put::<Value>(kind, id, &enrollment, Some(&etag)).await?;
    let words = if is_enabled {
        "It is enabled: its devices may register."
    } else {
        "It is disabled: its devices are refused when they register. Those that did stay in their hubs."
    };
    Ok(call.done(&at.href(&[word(kind), "of", id]), words))
}
