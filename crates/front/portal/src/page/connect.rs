//! From nothing to the first message of one device: its enrollment, its program, and what is seen of it meanwhile.

use crate::call::{At, Call, Frame, href, text};
use crate::fault::{Fault, sentence};
use crate::limits::{CONNECT_INSTANCES_MAX, PAGE_ITEMS};
use crate::linked_hub;
use crate::page::connect_group::{self, Pair, Way};
use crate::page::connect_steps::{self, Steps};
use crate::page::enrollment::keys_of;
use crate::page::enrollment_form::common_name;
use crate::page::enrollments::find;
use crate::page::issuing;
use crate::pem::uploaded;
use crate::program::Programs;
use crate::reply::{self, Body, see_other};
use crate::resources::{list, resource};
use crate::session::Note;
use askama::Template;
use http::{Response, StatusCode};
use roadstead_model::RegistrationId;
use roadstead_pki::limits::COMMON_NAME_CHARS_MAX;
use roadstead_service::{EnrollmentKind, Kind};
use roadstead_wire::percent;
use serde_json::{Value, json};

const KIND: EnrollmentKind = EnrollmentKind::Individual;

/// What the form holds.
#[derive(Default)]
struct Draft {
    /// Of the DPS instance: `GROUP/NAME`.
    dps: String,
    /// `certificate`, `key`, `here`: a certificate that is made here
    by: String,
    id: String,
    pem: String,
    /// For a certificate that is made here: the enrollment group that takes it.
    group: String,
}

/// A DPS instance where a device can be enrolled.
struct Choice {
    value: String,
    name: String,
    hubs: String,
}

/// How a device comes to an instance whose certificate is made here.
struct Here {
    /// The field of the form that names the enrollment group.
    field: String,
    instance: String,
    /// Groups to choose from.
    pairs: Vec<Pair>,
    /// The group is made, with its CA: both names.
    made: Option<Pair>,
    /// Why it comes to none; then where that can be helped: an address, and its words.
    obstacle: String,
    place: Option<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "connect.html")]
struct FormPage {
    frame: Frame,
    here: String,
    fault: Option<String>,
    draft: Draft,
    choices: Vec<Choice>,
    ways: Vec<Here>,
    /// Instances without a hub, which cannot be chosen.
    unlinked: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "connect-device.html")]
struct DevicePage {
    frame: Frame,
    id: String,
    /// Where the steps are seen: not the address of the form's answer.
    here: String,
    enrollment: String,
    steps: Steps,
    /// The held CA that makes its certificate.
    making: Option<Making>,
    programs: Programs,
}

/// A device whose certificate is made here: it comes by the enrollment group of a held CA.
struct Making {
    ca: String,
    group: String,
    /// The newest certificate that was issued to it.
    issued: Option<issuing::Row>,
    may_write: bool,
}

/// The DPS instances where who is signed in may enroll devices.
///
/// Errors: `Forbidden` where there are some, and none of them lets it.
async fn choices(call: &Call<'_>) -> Result<Vec<At>, Fault> {
    let found = list(&call.management().await?, Kind::Dps).await?;
    let (mut open, mut closed) = (Vec::new(), None);
    for shown in found.iter().take(CONNECT_INSTANCES_MAX) {
        let resource = resource(Kind::Dps, shown);
        let at = call.at(Kind::Dps, &resource.group, &resource.name).await?;
        match call.require_data(&at, true) {
            Ok(()) => open.push(at),
            Err(fault) => closed = Some(fault),
        }
    }
    match closed {
        Some(fault) if open.is_empty() => Err(fault),
        _ => Ok(open),
    }
}

fn linked(at: &At) -> Vec<&str> {
    linked_hub::entries(&at.shown).iter().map(|hub| text(hub, "/name")).collect()
}

fn value_of(at: &At) -> String {
    format!("{}/{}", at.resource.group, at.resource.name)
}

fn field_of(at: &At) -> String {
    format!("group:{}", value_of(at))
}

async fn here(call: &Call<'_>, at: &At) -> Result<Here, Fault> {
    let mut here = Here {
        field: field_of(at),
        instance: at.resource.name.clone(),
        pairs: Vec::new(),
        made: None,
        obstacle: String::new(),
        place: None,
    };
    if !at.rights.write {
        let obstacle = "Your roles do not let you have a certificate made here.".to_owned();
        return Ok(Here { obstacle, ..here });
    }
    match connect_group::way(call, at).await? {
        Way::There(pairs) => here.pairs = pairs,
        Way::Made { pair, .. } => here.made = Some(pair),
        Way::Closed(obstacle) => {
            here.obstacle = obstacle.sentence();
            here.place = Some(obstacle.place(at));
        }
    }
    Ok(here)
}

async fn form(call: &Call<'_>, instances: &[At], draft: Draft, fault: Option<&Fault>) -> Result<Response<Body>, Fault> {
    let (linked_ones, unlinked): (Vec<&At>, Vec<&At>) = instances.iter().partition(|at| !linked(at).is_empty());
    let choice = |at: &&At| Choice { value: value_of(at), name: at.resource.name.clone(), hubs: linked(at).join(", ") };
    let mut ways = Vec::new();
    for at in &linked_ones {
        ways.push(here(call, at).await?);
    }
    let page = FormPage {
        frame: call.frame("Connect a device", "connect", Vec::new()),
        here: href(&["connect"]),
        fault: fault.map(Fault::sentences),
        draft,
        choices: linked_ones.iter().map(choice).collect(),
        ways,
        unlinked: unlinked.iter().map(|at| (at.resource.name.clone(), at.href(&[]))).collect(),
    };
    Ok(reply::page(fault.map_or(StatusCode::OK, Fault::status), &page))
}

pub(crate) async fn show(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    form(call, &choices(call).await?, Draft::default(), None).await
}

pub(crate) async fn create(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let field = |name: &str| call.ask.field(name).trim().to_owned();
    let group = field(&format!("group:{}", field("dps")));
    let draft = Draft { dps: field("dps"), by: field("by"), id: field("id"), pem: field("pem"), group };
    let instances = choices(call).await?;
    let answered = match instances.iter().find(|at| value_of(at) == draft.dps) {
        None => Err(Fault::invalid("Choose where it is enrolled.")),
        Some(at) => enroll_at(call, at, &draft).await,
    };
    match answered {
        Err(Fault::SignedOut) => Err(Fault::SignedOut),
        Err(fault) => form(call, &instances, draft, Some(&fault)).await,
        Ok(response) => Ok(response),
    }
}

/// Errors: those after which the form can be sent again, and `SignedOut`.
async fn enroll_at(call: &Call<'_>, at: &At, draft: &Draft) -> Result<Response<Body>, Fault> {
    if draft.by == "here" {
        let pair = enroll_by_group(call, at, draft).await?;
        return Ok(see_other(&made_here(at, &draft.id, &pair)));
    }
    let id = enroll(call, at, draft).await?;
    if draft.by == "key" {
        return with_keys(call, at, &id).await;
    }
    Ok(see_other(&at.href(&["connect", &id])))
}

/// The page of a device that was enrolled, with its keys: the answer to the form only. Where it cannot be shown, its enrollment's.
async fn with_keys(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    let shown = match keys_of(call, at, KIND, id).await {
        Ok((primary, _)) => device(call, at, id, Some(&primary)).await,
        Err(fault) => Err(fault),
    };
    match shown {
        Err(Fault::SignedOut) => Err(Fault::SignedOut),
        Err(fault) => {
            let text = format!("{id} is enrolled, but its programs could not be shown. {}", fault.sentences());
            call.session.leave_note(Note { text, is_fault: true });
            Ok(see_other(&at.href(&["enrollments", "of", id])))
        }
        shown => shown,
    }
}

/// Makes the enrollment. Gives its registration id.
async fn enroll(call: &Call<'_>, at: &At, draft: &Draft) -> Result<String, Fault> {
    let mut id = draft.id.clone();
    let attestation = if draft.by == "key" {
        json!({ "type": "symmetricKey", "symmetricKey": {} })
    } else {
        let pem = uploaded(call.ask, "file", "pem")?
            .ok_or_else(|| Fault::invalid("Choose the certificate's file, or paste its text."))?;
        // A device that shows a certificate registers by its common name.
        id = common_name(&pem)?;
        json!({ "type": "x509", "x509": { "clientCertificates": { "primary": { "certificate": pem } } } })
    };
    if id.is_empty() {
        return Err(Fault::invalid("Type an id for the device."));
    }
    let mut body = json!({ "registrationId": id, "attestation": attestation, "provisioningStatus": "enabled" });
    if !draft.id.is_empty() && draft.id != id {
        body["deviceId"] = draft.id.as_str().into();
    }
    let dps = call.dps(at).await?;
    if dps.find::<Value>(KIND, &id).await?.is_some() {
        let text = format!(
            "{id} is enrolled at {} already. Take another id, or open it among the enrollments.",
            at.resource.name
        );
        return Err(Fault::Invalid(text));
    }
    dps.put::<Value>(KIND, &id, &body, None).await?;
    Ok(id)
}

/// The page of a device whose certificate is made here.
fn made_here(at: &At, id: &str, pair: &Pair) -> String {
    let here = at.href(&["connect", id]);
    format!("{here}?ca={}&group={}", percent::encode(&pair.ca), percent::encode(&pair.group))
}

/// Sees to it that there are a held CA and an enrollment group that names it.
async fn enroll_by_group(call: &Call<'_>, at: &At, draft: &Draft) -> Result<Pair, Fault> {
    Call::require(at.rights.write, "have a certificate made here")?;
    let id = &draft.id;
    if let Err(error) = RegistrationId::parse(id) {
        return Err(Fault::Invalid(sentence(&error.to_string())));
    }
    if id.len() > COMMON_NAME_CHARS_MAX {
        return Err(Fault::Invalid(format!(
            "A certificate names an id of {COMMON_NAME_CHARS_MAX} characters at most; this one has {}.",
            id.len()
        )));
    }
    if call.dps(at).await?.find::<Value>(KIND, id).await?.is_some() {
        return Err(Fault::Invalid(format!(
            "{id} is enrolled at {} by itself already. Take another id, or open it among the enrollments.",
            at.resource.name
        )));
    }
    connect_group::open(call, at, &draft.group).await
}

/// Issues the certificate of a device that comes by a held CA. The answer is the file.
pub(crate) async fn issue(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    Call::require(at.rights.write, "have a certificate made here")?;
    match (call.ask.field("do"), call.ask.field("id")) {
        ("issue", named) if named == id => issuing::issue(call, at, call.ask.field("ca")).await,
        _ => Err(Fault::invalid("There is no such button.")),
    }
}

/// How a device came that has no enrollment of its own.
async fn registered(call: &Call<'_>, at: &At, id: &str) -> Result<Value, Fault> {
    let state: Option<Value> = call.dps(at).await?.find_registration(id).await?;
    Ok(json!({ "registrationState": state, "attestation": { "type": "x509" } }))
}

/// What is seen of a device that was enrolled, without its keys.
pub(crate) async fn follow(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    device(call, at, id, None).await
}

async fn device(call: &Call<'_>, at: &At, id: &str, key: Option<&str>) -> Result<Response<Body>, Fault> {
    let ca = call.ask.argument("ca");
    let group = Some(call.ask.argument("group")).filter(|group| !group.is_empty()).unwrap_or(ca);
    let making = if ca.is_empty() {
        None
    } else {
        let page = call.management().await?.list_issued(&at.resource, ca, id, None, PAGE_ITEMS).await?;
        let own = page.items.iter().filter(|issued| issued.common_name.eq_ignore_ascii_case(id));
        let newest = own.max_by(|one, other| one.issued.cmp(&other.issued));
        Some(Making {
            ca: ca.to_owned(),
            group: group.to_owned(),
            issued: newest.map(|issued| issuing::row(at, issued, call.now())),
            may_write: at.rights.write,
        })
    };
    let enrollment = match &making {
        Some(_) => registered(call, at, id).await?,
        None => find(call, at, KIND, id).await?,
    };
    let mut programs = Programs::of(call, at, &enrollment["attestation"], id);
    programs.is_walk = true;
    if making.is_some() {
        // What is made here is one file.
        programs.key_file.clone_from(&programs.cert_file);
    }
    let programs = programs.with_key(key);
    let page = DevicePage {
        frame: call.frame(
            &format!("Connect {id}"),
            "connect",
            vec![("Connect a device".to_owned(), href(&["connect"]))],
        ),
        id: id.to_owned(),
        here: if ca.is_empty() {
            at.href(&["connect", id])
        } else {
            made_here(at, id, &Pair { group: group.to_owned(), ca: ca.to_owned() })
        },
        enrollment: match &making {
            Some(making) => at.href(&["groups", "of", &making.group]),
            None => at.href(&["enrollments", "of", id]),
        },
        steps: connect_steps::of(call, &enrollment).await?,
        making,
        programs,
    };
    Ok(reply::page(StatusCode::OK, &page))
}
