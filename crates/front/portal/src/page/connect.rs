//! From nothing to the first message of one device: its enrollment, its program, and what is seen of it meanwhile.

use crate::call::{At, Call, Frame, href, text};
use crate::certificate_end::End;
use crate::fault::Fault;
use crate::limits::{CONNECT_CA, CONNECT_INSTANCES_MAX, PAGE_ITEMS};
use crate::moment::Moment;
use crate::page::certificates::uploaded;
use crate::page::connect_steps::{self, Steps};
use crate::page::enrollment::keys_of;
use crate::page::enrollment_form::common_name;
use crate::page::enrollments::find;
use crate::page::issuing::{self, is_held};
use crate::page::overview::{list, resource};
use crate::program::Programs;
use crate::reply::{self, Body, see_other};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_model::RegistrationId;
use roadstead_service::{CaRequest, EnrollmentKind, Kind};
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
}

/// A DPS instance where a device can be enrolled.
struct Choice {
    value: String,
    name: String,
    hubs: String,
}

#[derive(Template)]
#[template(path = "connect.html")]
struct FormPage {
    frame: Frame,
    here: String,
    fault: Option<String>,
    draft: Draft,
    choices: Vec<Choice>,
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
    let hubs = at.shown["properties"]["iotHubs"].as_array();
    hubs.into_iter().flatten().map(|hub| text(hub, "/name")).collect()
}

fn value_of(at: &At) -> String {
    format!("{}/{}", at.resource.group, at.resource.name)
}

fn form(call: &Call<'_>, instances: &[At], draft: Draft, fault: Option<&Fault>) -> Response<Body> {
    let (linked_ones, unlinked): (Vec<&At>, Vec<&At>) = instances.iter().partition(|at| !linked(at).is_empty());
    let choice = |at: &&At| Choice { value: value_of(at), name: at.resource.name.clone(), hubs: linked(at).join(", ") };
    let page = FormPage {
        frame: call.frame("Connect a device", "connect", Vec::new()),
        here: href(&["connect"]),
        fault: fault.map(Fault::sentences),
        draft,
        choices: linked_ones.iter().map(choice).collect(),
        unlinked: unlinked.iter().map(|at| (at.resource.name.clone(), at.href(&[]))).collect(),
    };
    reply::page(fault.map_or(StatusCode::OK, Fault::status), &page)
}

pub(crate) async fn show(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    Ok(form(call, &choices(call).await?, Draft::default(), None))
}

pub(crate) async fn create(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let field = |name: &str| call.ask.field(name).trim().to_owned();
    let draft = Draft { dps: field("dps"), by: field("by"), id: field("id"), pem: field("pem") };
    let instances = choices(call).await?;
    let answered = match instances.iter().find(|at| value_of(at) == draft.dps) {
        None => Err(Fault::invalid("Choose where it is enrolled.")),
        Some(at) if draft.by == "here" => match enroll_by_group(call, at, &draft.id).await {
            Ok(ca) => return Ok(see_other(&made_here(at, &draft.id, &ca))),
            Err(fault) => Err(fault),
        },
        Some(at) => match enroll(call, at, &draft).await {
            Ok((id, keys)) => return device(call, at, &id, keys).await,
            Err(fault) => Err(fault),
        },
    };
    match answered {
        Err(Fault::SignedOut) => Err(Fault::SignedOut),
        Err(fault) => Ok(form(call, &instances, draft, Some(&fault))),
        Ok(response) => Ok(response),
    }
}

/// Makes the enrollment. Gives its registration id and, where there are some, its keys.
async fn enroll(call: &Call<'_>, at: &At, draft: &Draft) -> Result<(String, Option<(String, String)>), Fault> {
    let has_keys = draft.by == "key";
    let mut id = draft.id.clone();
    let attestation = if has_keys {
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
    let keys = if has_keys { Some(keys_of(call, at, KIND, &id).await?) } else { None };
    Ok((id, keys))
}

/// The page of a device whose certificate is made here.
fn made_here(at: &At, id: &str, ca: &str) -> String {
    format!("{}?ca={}", at.href(&["connect", id]), percent::encode(ca))
}

/// Sees to it that there are a held CA and an enrollment group that names it. Gives the CA's name.
async fn enroll_by_group(call: &Call<'_>, at: &At, id: &str) -> Result<String, Fault> {
    Call::require(at.rights.write, "have a certificate made here")?;
    if RegistrationId::parse(id).is_err() {
        return Err(Fault::invalid("Type an id for the device: letters, digits and - . _ : only."));
    }
    let (management, dps) = (call.management().await?, call.dps(at).await?);
    if dps.find::<Value>(KIND, id).await?.is_some() {
        return Err(Fault::Invalid(format!(
            "{id} is enrolled at {} by itself already. Take another id, or open it among the enrollments.",
            at.resource.name
        )));
    }
    let cas: Vec<Value> = management.list_certificates(&at.resource).await?;
    // One that has ended issues nothing.
    let is_good = |ca: &&Value| {
        let until = Moment::parse(text(ca, "/properties/expiry"));
        is_held(ca) && !End::of(until.as_ref(), call.now()).is_past()
    };
    let ca = if let Some(found) = cas.iter().find(is_good) {
        text(found, "/name").to_owned()
    } else {
        let request = CaRequest { common_name: CONNECT_CA.to_owned(), days: None };
        let made: Value = management.create_ca(&at.resource, CONNECT_CA, &request).await?;
        text(&made, "/name").to_owned()
    };
    let by_ca = json!({ "type": "x509", "x509": { "caReferences": { "primary": ca } } });
    match dps.find::<Value>(EnrollmentKind::Group, &ca).await? {
        None => {
            let group = json!({ "enrollmentGroupId": ca, "attestation": by_ca, "provisioningStatus": "enabled" });
            dps.put::<Value>(EnrollmentKind::Group, &ca, &group, None).await?;
        }
        Some(group) if text(&group, "/attestation/x509/caReferences/primary") != ca => {
            return Err(Fault::Invalid(format!(
                "There is an enrollment group {ca} that does not name the CA of that name: let it, or delete it first."
            )));
        }
        Some(_) => {}
    }
    Ok(ca)
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

async fn device(call: &Call<'_>, at: &At, id: &str, keys: Option<(String, String)>) -> Result<Response<Body>, Fault> {
    let ca = call.ask.argument("ca");
    let making = if ca.is_empty() {
        None
    } else {
        let page = call.management().await?.list_issued(&at.resource, ca, id, None, PAGE_ITEMS).await?;
        let own = page.items.iter().filter(|issued| issued.common_name.eq_ignore_ascii_case(id));
        let newest = own.max_by(|one, other| one.issued.cmp(&other.issued));
        Some(Making {
            ca: ca.to_owned(),
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
    let programs = programs.with_key(keys.as_ref().map(|(primary, _)| primary.as_str()));
    let page = DevicePage {
        frame: call.frame(
            &format!("Connect {id}"),
            "connect",
            vec![("Connect a device".to_owned(), href(&["connect"]))],
        ),
        id: id.to_owned(),
        here: if ca.is_empty() { at.href(&["connect", id]) } else { made_here(at, id, ca) },
        enrollment: match &making {
            Some(making) => at.href(&["groups", "of", &making.ca]),
            None => at.href(&["enrollments", "of", id]),
        },
        steps: connect_steps::of(call, &enrollment).await?,
        making,
        programs,
    };
    Ok(reply::page(StatusCode::OK, &page))
}
