//! Enrollments and enrollment groups of a DPS instance: who may register, and who did.

use crate::call::{At, Call, Frame, text};
use crate::fault::Fault;
use crate::limits::PAGE_ITEMS;
use crate::moment::Moment;
use crate::page::{enrollment, enrollment_form};
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::EnrollmentKind;
use roadstead_wire::percent;
use serde_json::Value;

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
    rows: Vec<Row>,
    next: Option<String>,
    /// The address of the first page, on another one.
    first: Option<String>,
    may_write: bool,
}

pub(crate) fn word(kind: EnrollmentKind) -> &'static str {
    match kind {
        EnrollmentKind::Individual => "enrollments",
        EnrollmentKind::Group => "groups",
    }
}

pub(crate) fn id_of(kind: EnrollmentKind, enrollment: &Value) -> &str {
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
        (false, [_, "new"]) => enrollment_form::new(call, at, kind).await,
        (true, [_, "new"]) => enrollment_form::create(call, at, kind).await,
        (false, [_, "of", id]) => enrollment::show(call, at, kind, id, enrollment::Shown::Nothing).await,
        (true, [_, "of", id]) => enrollment::act(call, at, kind, id).await,
        (false, [_, "of", id, "edit"]) => enrollment_form::edit(call, at, kind, id).await,
        (true, [_, "of", id, "edit"]) => enrollment_form::change(call, at, kind, id).await,
        _ => Err(Fault::Absent { what: "page", name: call.ask.url.clone() }),
    }
}

pub(crate) fn above(at: &At, kind: Option<EnrollmentKind>) -> Vec<(String, String)> {
    let mut above = vec![(at.resource.name.clone(), at.href(&[]))];
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
    let title = if kind == EnrollmentKind::Group { "Enrollment groups" } else { "Enrollments" };
    let page = ListPage {
        frame: call.frame(title, "dps", above(at, None)).with_tabs(at.tabs(word(kind))),
        id_scope: text(&at.shown, "/properties/idScope").to_owned(),
        host: text(&at.shown, "/properties/deviceProvisioningHostName").to_owned(),
        is_group: kind == EnrollmentKind::Group,
        rows: found.iter().map(row).collect(),
        next: next.map(|token| format!("{here}?after={}", percent::encode(&token))),
        first: asked.map(|_| here.clone()),
        may_write: at.rights.data_write,
        here,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

/// How devices prove themselves, in words.
pub(crate) fn proof(enrollment: &Value) -> &'static str {
    let x509 = &enrollment["attestation"]["x509"];
    match text(enrollment, "/attestation/type") {
        "symmetricKey" => "key",
        "tpm" => "TPM",
        _ if x509["caReferences"].is_object() => "certificate of an uploaded CA",
        _ if x509["signingCertificates"].is_object() => "certificate of a CA",
        _ => "certificate",
    }
}

/// An enrollment or group as the API shows it, without its keys.
pub(crate) async fn find(call: &Call<'_>, at: &At, kind: EnrollmentKind, id: &str) -> Result<Value, Fault> {
    let what = if kind == EnrollmentKind::Group { "enrollment group" } else { "enrollment" };
    let absent = || Fault::Absent { what, name: id.to_owned() };
    call.dps(at).await?.find(kind, id).await?.ok_or_else(absent)
}

/// The same with its keys, as it is sent back when something of it changes: without its keys it would be given new ones.
pub(crate) async fn whole(call: &Call<'_>, at: &At, kind: EnrollmentKind, id: &str) -> Result<Value, Fault> {
    let mut enrollment = find(call, at, kind, id).await?;
    if text(&enrollment, "/attestation/type") == "symmetricKey" {
        enrollment["attestation"] = call.dps(at).await?.find_attestation(kind, id).await?.unwrap_or_default();
    }
    if let Value::Object(members) = &mut enrollment {
        members.remove("registrationState");
    }
    Ok(enrollment)
}
