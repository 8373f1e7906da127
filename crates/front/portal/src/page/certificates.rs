//! CA certificates of a hub or DPS instance: upload, and the proof that the one who uploads has the key.

use crate::ask::Ask;
use crate::call::{At, Call, Frame, href, text};
use crate::fault::Fault;
use crate::moment::Moment;
use crate::page::issuing::{self, Held, is_held};
use crate::pem::uploaded;
use crate::reply::{self, Body};
use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Response, StatusCode};
use roadstead_service::Kind;
use serde_json::Value;

/// What the forms have before anybody typed another number.
const CA_DAYS: &str = "3650";
const ISSUED_DAYS: &str = "365";

struct Row {
    name: String,
    href: String,
    subject: String,
    until: Option<Moment>,
    is_verified: bool,
    is_held: bool,
}

#[derive(Template)]
#[template(path = "certificates.html")]
struct ListPage {
    frame: Frame,
    here: String,
    is_dps: bool,
    rows: Vec<Row>,
    may_write: bool,
    fault: Option<String>,
    /// The fault is of the form that makes a CA.
    is_making: bool,
    calendar: String,
    // What was typed.
    name: String,
    pem: String,
    days: String,
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct OnePage {
    frame: Frame,
    here: String,
    name: String,
    owner: String,
    /// `hub`, `dps`: the command's word, and its option for the owner.
    command: (&'static str, &'static str),
    subject: String,
    thumbprint: String,
    until: Option<Moment>,
    created: Option<Moment>,
    is_verified: bool,
    warning: String,
    code: String,
    may_write: bool,
    /// What it issued, where its key is here.
    held: Option<Held>,
    draft: Draft,
}

/// What was typed into one of the page's forms, and why that was refused.
struct Draft {
    form: Form,
    fault: String,
    id: String,
    days: String,
    pem: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing was typed yet.
    None,
    /// The proof that somebody has the key.
    Proof,
    /// Issues to an id, with a key.
    Id,
    /// Issues for a request.
    Request,
}

impl Draft {
    /// What the form of a request for this page holds.
    fn typed(ask: &Ask, fault: &Fault) -> Self {
        let form = match ask.field("do") {
            "verify" => Form::Proof,
            "issue" if ask.field("id").trim().is_empty() => Form::Request,
            "issue" => Form::Id,
            _ => Form::None,
        };
        let field = |name: &str| ask.field(name).to_owned();
        Self { form, fault: fault.sentences(), id: field("id"), days: field("days"), pem: field("pem") }
    }

    /// Why this form was refused.
    fn fault_of(&self, form: Form) -> Option<&str> {
        (self.form == form).then_some(self.fault.as_str())
    }

    fn days_of(&self, form: Form) -> &str {
        if self.form == form { &self.days } else { ISSUED_DAYS }
    }

    fn pem_of(&self, form: Form) -> &str {
        if self.form == form { &self.pem } else { "" }
    }
}

impl Default for Draft {
    fn default() -> Self {
        let none = String::new;
        Self { form: Form::None, fault: none(), id: none(), days: none(), pem: none() }
    }
}

pub(crate) async fn route(call: &Call<'_>, at: &At, is_post: bool, words: &[&str]) -> Result<Response<Body>, Fault> {
    match (is_post, words) {
        (false, []) => list(call, at, None).await,
        (true, []) => upload(call, at).await,
        (false, [name]) => show(call, at, name, None).await,
        (true, [name]) => match act(call, at, name).await {
            // What was typed stays.
            Err(fault) if keeps(call.ask, &fault) => show(call, at, name, Some(&fault)).await,
            done => done,
        },
        _ => Err(Fault::Absent { what: "page", name: call.ask.url.clone() }),
    }
}

/// Whether a refused form of a certificate's page comes back with what was typed. A button has nothing to lose.
fn keeps(ask: &Ask, fault: &Fault) -> bool {
    let has_text = matches!(ask.field("do"), "verify" | "issue");
    has_text && !matches!(fault, Fault::SignedOut | Fault::Forbidden { .. })
}

async fn list(call: &Call<'_>, at: &At, fault: Option<Fault>) -> Result<Response<Body>, Fault> {
    let found: Vec<Value> = call.management().await?.list_certificates(&at.resource).await?;
    let row = |one: &Value| Row {
        name: text(one, "/name").to_owned(),
        href: at.href(&["certificates", text(one, "/name")]),
        subject: text(one, "/properties/subject").to_owned(),
        until: Moment::parse(text(one, "/properties/expiry")),
        is_verified: one["properties"]["isVerified"] == Value::Bool(true),
        is_held: is_held(one),
    };
    let (section, above) = at.section();
    let page = ListPage {
        frame: call.frame("CA certificates", section, above).with_tabs(at.tabs("certificates")),
        here: at.href(&["certificates"]),
        is_dps: at.resource.kind == Kind::Dps,
        rows: found.iter().map(row).collect(),
        may_write: at.rights.write,
        fault: fault.as_ref().map(Fault::sentences),
        is_making: call.ask.field("do") == "make",
        calendar: href(&["certificates"]),
        name: call.ask.field("certificate").to_owned(),
        pem: call.ask.field("pem").to_owned(),
        days: if call.ask.field("do") == "make" { call.ask.field("days") } else { CA_DAYS }.to_owned(),
    };
    Ok(reply::page(fault.map_or(StatusCode::OK, |fault| fault.status()), &page))
}

async fn upload(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    Call::require(at.rights.write, "upload certificates here")?;
    let (made, text) = if call.ask.field("do") == "make" {
        let text = "The CA is made and counts at once. An enrollment group that names it lets its devices in.";
        (issuing::make_ca(call, at).await, text)
    } else {
        (try_upload(call, at).await, "It is uploaded, and counts for nothing until you prove that you have its key.")
    };
    match made {
        Ok(name) => Ok(call.done(&at.href(&["certificates", &name]), text)),
        Err(Fault::SignedOut) => Err(Fault::SignedOut),
        Err(fault) => list(call, at, Some(fault)).await,
    }
}

async fn try_upload(call: &Call<'_>, at: &At) -> Result<String, Fault> {
    let name = call.ask.field("certificate").trim();
    if name.is_empty() {
        return Err(Fault::invalid("Type a name for the certificate."));
    }
    let pem = uploaded(call.ask, "file", "pem")?
        .ok_or_else(|| Fault::invalid("Choose the certificate's file, or paste its text."))?;
    let management = call.management().await?;
    if management.find_certificate::<Value>(&at.resource, name).await?.is_some() {
        return Err(Fault::Invalid(format!(
            "There is a certificate {name} already: choose another name, or delete it first."
        )));
    }
    let made: Value = management.put_certificate(&at.resource, name, &encoded(&pem), None, None).await?;
    // The next page is the proof, which begins with a code.
    if text(&made, "/properties/verificationCode").is_empty() {
        management.generate_verification_code::<Value>(&at.resource, name, text(&made, "/etag")).await?;
    }
    Ok(name.to_owned())
}

/// Base64 of a PEM file, or of DER as it is.
fn encoded(text: &str) -> String {
    if text.contains("-----BEGIN ") { STANDARD.encode(text) } else { text.to_owned() }
}

async fn find(call: &Call<'_>, at: &At, name: &str) -> Result<Value, Fault> {
    let absent = || Fault::Absent { what: "certificate", name: name.to_owned() };
    call.management().await?.find_certificate(&at.resource, name).await?.ok_or_else(absent)
}

async fn show(call: &Call<'_>, at: &At, name: &str, fault: Option<&Fault>) -> Result<Response<Body>, Fault> {
    let found = find(call, at, name).await?;
    let (section, mut above) = at.section();
    above.push(("CA certificates".to_owned(), at.href(&["certificates"])));
    let held = if is_held(&found) { Some(issuing::held(call, at, name).await?) } else { None };
    let member = |name: &str| text(&found, &format!("/properties/{name}")).to_owned();
    let page = OnePage {
        frame: call.frame(name, section, above),
        here: at.href(&["certificates", name]),
        name: name.to_owned(),
        owner: at.resource.name.clone(),
        command: match at.resource.kind {
            Kind::Hub => ("hub", "--hub-name"),
            Kind::Dps => ("dps", "--dps-name"),
        },
        subject: member("subject"),
        thumbprint: member("thumbprint"),
        until: Moment::parse(&member("expiry")),
        created: Moment::parse(&member("created")),
        is_verified: found["properties"]["isVerified"] == Value::Bool(true),
        warning: member("warning"),
        code: member("verificationCode"),
        may_write: at.rights.write,
        held,
        draft: fault.map(|fault| Draft::typed(call.ask, fault)).unwrap_or_default(),
    };
    Ok(reply::page(fault.map_or(StatusCode::OK, Fault::status), &page))
}

async fn act(call: &Call<'_>, at: &At, name: &str) -> Result<Response<Body>, Fault> {
    Call::require(at.rights.write, "change certificates here")?;
    let management = call.management().await?;
    let here = at.href(&["certificates", name]);
    let found = find(call, at, name).await?;
    let etag = text(&found, "/etag");
    match call.ask.field("do") {
        "code" => {
            management.generate_verification_code::<Value>(&at.resource, name, etag).await?;
            Ok(call.done(&here, "Here is a new code."))
        }
        "verify" => {
            let proof = uploaded(call.ask, "file", "pem")?
                .ok_or_else(|| Fault::invalid("Choose the file of the certificate that carries the code."))?;
            management.verify_certificate::<Value>(&at.resource, name, etag, &encoded(&proof)).await?;
            Ok(call.done(&here, "It is verified: certificates below it are accepted now."))
        }
        "issue" => issuing::issue(call, at, name).await,
        "delete" => {
            call.require_name(name)?;
            management.delete_certificate(&at.resource, name, etag).await?;
            let text = format!("{name} is deleted. Devices that rested on it are disconnected.");
            Ok(call.done(&at.href(&["certificates"]), text))
        }
        _ => Err(Fault::invalid("There is no such button.")),
    }
}
