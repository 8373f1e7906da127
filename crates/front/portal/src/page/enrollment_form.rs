//! The form of an enrollment or an enrollment group: of a new one, or of one that is changed.

use crate::ask::Ask;
use crate::call::{At, Call, Frame, text};
use crate::fault::Fault;
use crate::page::enrollments::{above, find, id_of, whole, word};
use crate::page::twin::pretty;
use crate::pem::uploaded;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_pki::Certificate;
use roadstead_service::EnrollmentKind;
use serde_json::{Map, Value, json};

/// What the form holds.
#[derive(Default)]
struct Draft {
    id: String,
    /// `certificate`, `key`, `ca`
    by: String,
    pem: String,
    device: String,
    ca: String,
    tags: String,
    desired: String,
    /// What becomes of a device that registers again: one of [`AGAIN`].
    again: String,
    /// Of what was read, when it is changed.
    etag: String,
}

/// What becomes of a device that registers again: a word in the form, whether it may get another hub, whether its twin goes along.
const AGAIN: [(&str, bool, bool); 3] = [("keep", true, true), ("reset", true, false), ("stay", false, false)];

/// These, and none of them, as the form words it.
const AGAIN_WORDS: [(&str, &str); 4] = [
    ("", "as it is now"),
    ("keep", "may get another hub, and takes its twin along"),
    ("reset", "may get another hub, and begins with a new twin"),
    ("stay", "stays where it is"),
];

/// What a page says beside the form.
#[derive(Default)]
struct Said {
    fault: Option<Fault>,
    typed: Vec<(&'static str, String)>,
}

impl From<Fault> for Said {
    fn from(fault: Fault) -> Self {
        Self { fault: Some(fault), typed: Vec::new() }
    }
}

#[derive(Template)]
#[template(path = "enrollment-form.html")]
struct Page {
    frame: Frame,
    is_group: bool,
    is_new: bool,
    here: String,
    /// Where to go without a change.
    back: String,
    fault: Option<String>,
    /// What was typed and is not there, where somebody else changed it in between: words, text.
    typed: Vec<(&'static str, String)>,
    draft: Draft,
    cas: Vec<String>,
    /// Where CAs are uploaded.
    certificates: String,
}

impl Draft {
    fn typed(ask: &Ask) -> Self {
        let field = |name: &str| ask.field(name).trim().to_owned();
        Self {
            id: field("id"),
            by: field("by"),
            pem: field("pem"),
            device: field("device"),
            ca: field("ca"),
            tags: field("tags"),
            desired: field("desired"),
            again: field("again"),
            etag: field("etag"),
        }
    }

    fn of(kind: EnrollmentKind, enrollment: &Value) -> Self {
        let x509 = &enrollment["attestation"]["x509"];
        let by = match text(enrollment, "/attestation/type") {
            "x509" if x509["caReferences"].is_object() => "ca",
            "x509" => "certificate",
            "symmetricKey" => "key",
            other => other,
        };
        let twin = &enrollment["initialTwin"];
        let document = |value: &Value| match value.as_object() {
            Some(members) if !members.is_empty() => pretty(value),
            _ => String::new(),
        };
        let policy = |name: &str| enrollment["reprovisionPolicy"][name].as_bool();
        let found = policy("updateHubAssignment").zip(policy("migrateDeviceData"));
        let again = AGAIN.iter().find(|(_, moves, keeps)| found == Some((*moves, *keeps))).map_or("", |again| again.0);
        Self {
            id: id_of(kind, enrollment).to_owned(),
            by: by.to_owned(),
            pem: String::new(),
            device: text(enrollment, "/deviceId").to_owned(),
            ca: text(x509, "/caReferences/primary").to_owned(),
            tags: document(&twin["tags"]),
            desired: document(&twin["properties"]["desired"]),
            again: again.to_owned(),
            etag: text(enrollment, "/etag").to_owned(),
        }
    }

    /// What it says differently than another one: words, text.
    fn beside(&self, now: &Self) -> Vec<(&'static str, String)> {
        let again = |word: &str| {
            let found = AGAIN_WORDS.iter().find(|(known, _)| *known == word);
            found.map_or_else(String::new, |(_, words)| (*words).to_owned())
        };
        let all = [
            ("Verified CA", &self.ca, &now.ca),
            ("Device id", &self.device, &now.device),
            ("Desired properties", &self.desired, &now.desired),
            ("Tags", &self.tags, &now.tags),
            ("A device that registers again", &again(&self.again), &again(&now.again)),
        ];
        let others = all.into_iter().filter(|(_, typed, now)| !is_same(typed, now));
        let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        others.map(|(words, typed, _)| (words, shown(typed))).collect()
    }

    /// Writes what enrollments of every kind of proof have in common.
    fn settle(&self, enrollment: &mut Map<String, Value>) -> Result<(), Fault> {
        let mut set = |name: &str, value: Option<Value>| match value {
            Some(value) => enrollment.insert(name.to_owned(), value),
            None => enrollment.remove(name),
        };
        set("deviceId", Some(self.device.as_str()).filter(|id| !id.is_empty()).map(Value::from));
        let (tags, desired) = (object("tags", &self.tags)?, object("desired properties", &self.desired)?);
        let is_plain = tags.is_empty() && desired.is_empty();
        let twin = json!({ "tags": tags, "properties": { "desired": desired } });
        set("initialTwin", (!is_plain).then_some(twin));
        if let Some((_, moves, keeps)) = AGAIN.iter().find(|(word, ..)| *word == self.again) {
            let policy = json!({ "updateHubAssignment": moves, "migrateDeviceData": keeps });
            set("reprovisionPolicy", Some(policy));
        }
        Ok(())
    }
}

fn object(what: &str, text: &str) -> Result<Map<String, Value>, Fault> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|error| Fault::Invalid(format!("The {what} are no JSON object: {error}.")))
}

/// Whether two texts say the same; documents may be written differently.
fn is_same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    one == other || read(one).is_some_and(|value| read(other) == Some(value))
}

async fn show(
    call: &Call<'_>,
    at: &At,
    kind: EnrollmentKind,
    of: Option<&str>,
    draft: Draft,
    said: Said,
) -> Result<Response<Body>, Fault> {
    let Said { fault, typed } = said;
    let is_group = kind == EnrollmentKind::Group;
    let mut above = above(at, Some(kind));
    let (title, here, back) = match of {
        None if is_group => ("Add an enrollment group", at.href(&[word(kind), "new"]), at.href(&[word(kind)])),
        None => ("Add an enrollment", at.href(&[word(kind), "new"]), at.href(&[word(kind)])),
        Some(id) => {
            let back = at.href(&[word(kind), "of", id]);
            above.push((id.to_owned(), back.clone()));
            (if is_group { "Edit the group" } else { "Edit the enrollment" }, format!("{back}/edit"), back)
        }
    };
    let page = Page {
        frame: call.frame(title, "dps", above),
        is_group,
        is_new: of.is_none(),
        here,
        back,
        fault: fault.as_ref().map(Fault::sentences),
        typed,
        draft,
        cas: if is_group { verified_cas(call, at).await? } else { Vec::new() },
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

pub(crate) async fn new(call: &Call<'_>, at: &At, kind: EnrollmentKind) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    show(call, at, kind, None, Draft::default(), Said::default()).await
}

pub(crate) async fn create(call: &Call<'_>, at: &At, kind: EnrollmentKind) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    let draft = Draft::typed(call.ask);
    match try_create(call, at, kind, &draft).await {
        Ok(id) => {
            let text = match kind {
                EnrollmentKind::Individual => format!("{id} may register. Start the device with the ID scope below."),
                EnrollmentKind::Group => format!("Devices of {id} may register. Start them with the ID scope below."),
            };
            Ok(call.done(&at.href(&[word(kind), "of", &id]), text))
        }
        Err(Fault::SignedOut) => Err(Fault::SignedOut),
        Err(fault) => show(call, at, kind, None, draft, fault.into()).await,
    }
}

async fn try_create(call: &Call<'_>, at: &At, kind: EnrollmentKind, draft: &Draft) -> Result<String, Fault> {
    let is_group = kind == EnrollmentKind::Group;
    let mut id = draft.id.clone();
    let attestation = match draft.by.as_str() {
        "key" => json!({ "type": "symmetricKey", "symmetricKey": {} }),
        "ca" if draft.ca.is_empty() => return Err(Fault::invalid("Choose the CA whose devices may register.")),
        "ca" => json!({ "type": "x509", "x509": { "caReferences": { "primary": draft.ca } } }),
        _ => {
            let pem = uploaded(call.ask, "file", "pem")?
                .ok_or_else(|| Fault::invalid("Choose the certificate's file, or paste its text."))?;
            if id.is_empty() && !is_group {
                id = common_name(&pem)?;
            }
            json!({ "type": "x509", "x509": { certificates_of(kind): { "primary": { "certificate": pem } } } })
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
    draft.settle(&mut body)?;
    call.dps(at).await?.put::<Value>(kind, &id, &body, None).await?;
    Ok(id)
}

/// Where an enrollment has its certificates.
fn certificates_of(kind: EnrollmentKind) -> &'static str {
    match kind {
        EnrollmentKind::Individual => "clientCertificates",
        EnrollmentKind::Group => "signingCertificates",
    }
}

/// The registration id that a certificate speaks for.
pub(crate) fn common_name(pem: &str) -> Result<String, Fault> {
    let certificate = Certificate::from_text(pem)
        .map_err(|error| Fault::Invalid(format!("The certificate cannot be read: {error}.")))?;
    let name = certificate.common_name().map_err(|fault| {
        Fault::Invalid(format!("The certificate names no device ({fault}), so type the registration id."))
    })?;
    Ok(name.to_owned())
}

pub(crate) async fn edit(call: &Call<'_>, at: &At, kind: EnrollmentKind, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    let enrollment = find(call, at, kind, id).await?;
    show(call, at, kind, Some(id), Draft::of(kind, &enrollment), Said::default()).await
}

pub(crate) async fn change(call: &Call<'_>, at: &At, kind: EnrollmentKind, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    let mut enrollment = whole(call, at, kind, id).await?;
    let draft = Draft { by: Draft::of(kind, &enrollment).by, id: id.to_owned(), ..Draft::typed(call.ask) };
    // Before all else: a page that shows what was typed has the etag of what is there.
    if text(&enrollment, "/etag") != draft.etag {
        return changed_meanwhile(call, at, kind, draft, &enrollment).await;
    }
    match try_change(call, at, kind, &draft, &mut enrollment).await {
        Ok(()) => Ok(call.done(&at.href(&[word(kind), "of", id]), "It is changed.")),
        Err(Fault::SignedOut) => Err(Fault::SignedOut),
        Err(Fault::Service(error)) if error.status() == Some(412) => {
            changed_meanwhile(call, at, kind, draft, &find(call, at, kind, id).await?).await
        }
        Err(fault) => show(call, at, kind, Some(id), draft, fault.into()).await,
    }
}

/// Somebody else was quicker: the page shows what is there now, and what was typed beside it.
async fn changed_meanwhile(
    call: &Call<'_>,
    at: &At,
    kind: EnrollmentKind,
    typed: Draft,
    enrollment: &Value,
) -> Result<Response<Body>, Fault> {
    let now = Draft::of(kind, enrollment);
    let said = Said { fault: Some(Fault::Overtaken), typed: typed.beside(&now) };
    show(call, at, kind, Some(&typed.id), Draft { pem: typed.pem, ..now }, said).await
}

async fn try_change(
    call: &Call<'_>,
    at: &At,
    kind: EnrollmentKind,
    draft: &Draft,
    enrollment: &mut Value,
) -> Result<(), Fault> {
    match draft.by.as_str() {
        "ca" if !draft.ca.is_empty() => {
            enrollment["attestation"]["x509"]["caReferences"]["primary"] = draft.ca.as_str().into();
        }
        "certificate" => {
            let certificates = &mut enrollment["attestation"]["x509"][certificates_of(kind)];
            if let Some(pem) = uploaded(call.ask, "file", "pem")? {
                certificates["primary"] = json!({ "certificate": pem });
            }
            if let Some(pem) = uploaded(call.ask, "second", "")? {
                certificates["secondary"] = json!({ "certificate": pem });
            }
        }
        _ => {}
    }
    if let Value::Object(members) = enrollment {
        draft.settle(members)?;
    }
    call.dps(at).await?.put::<Value>(kind, &draft.id, enrollment, Some(&draft.etag)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_form_stays() {
        let enrollment = json!({"registrationId": "a", "deviceId": "d", "etag": "\"e\"", "iotHubs": ["h"],
            "reprovisionPolicy": {"updateHubAssignment": true, "migrateDeviceData": false},
            "initialTwin": {"tags": {"site": 1}, "properties": {"desired": {}}},
            "attestation": {"type": "symmetricKey"}});
        let draft = Draft::of(EnrollmentKind::Individual, &enrollment);
        let told = (draft.by.as_str(), draft.again.as_str(), draft.desired.as_str());
        assert_eq!(told, ("key", "reset", ""));
        let mut same = enrollment.as_object().unwrap().clone();
        draft.settle(&mut same).unwrap();
        assert_eq!(Value::Object(same), enrollment);

        let emptied = Draft { device: String::new(), tags: String::new(), again: "stay".to_owned(), ..draft };
        let mut other = enrollment.as_object().unwrap().clone();
        emptied.settle(&mut other).unwrap();
        let left = json!({"registrationId": "a", "etag": "\"e\"", "iotHubs": ["h"], "attestation": {"type": "symmetricKey"},
            "reprovisionPolicy": {"updateHubAssignment": false, "migrateDeviceData": false}});
        assert_eq!(Value::Object(other), left);
        let broken = Draft { desired: "[1]".to_owned(), ..Draft::default() };
        assert!(broken.settle(&mut Map::new()).unwrap_err().text().contains("desired properties are no JSON object"));
    }
}
