//! What a CA that the server holds issues: to whom, until when, and a new one as a download.

use crate::ask::Ask;
use crate::call::{At, Call, text};
use crate::certificate_end::End;
use crate::fault::Fault;
use crate::limits::PAGE_ITEMS;
use crate::moment::Moment;
use crate::pem::uploaded;
use crate::reply::{self, Body};
use http::Response;
use roadstead_model::UnixMillis;
use roadstead_service::{CaRequest, IssueRequest, Issued};
use roadstead_wire::percent;
use serde_json::Value;

/// The part of a held CA's page.
pub(crate) struct Held {
    pub(crate) rows: Vec<Row>,
    /// What the ids begin with that are shown.
    pub(crate) prefix: String,
    pub(crate) next: Option<String>,
    /// The address of the first page, on another one.
    pub(crate) first: Option<String>,
}

/// An issued certificate.
pub(crate) struct Row {
    pub(crate) id: String,
    /// The page of its registration.
    pub(crate) href: String,
    pub(crate) until: Option<Moment>,
    pub(crate) end: End,
    pub(crate) issued: Option<Moment>,
    pub(crate) by: String,
    pub(crate) is_from_request: bool,
    pub(crate) thumbprint: String,
}

/// Whether the server has the key of a certificate, as the API shows it.
pub(crate) fn is_held(certificate: &Value) -> bool {
    certificate["properties"]["roadstead"]["holdsKey"] == Value::Bool(true)
}

pub(crate) fn row(at: &At, issued: &Issued, now: UnixMillis) -> Row {
    let until = Moment::parse(&issued.not_after);
    Row {
        href: at.href(&["registrations", &issued.common_name]),
        id: issued.common_name.clone(),
        end: End::of(until.as_ref(), now),
        until,
        issued: Moment::parse(&issued.issued),
        by: issued.issued_by.clone(),
        is_from_request: issued.from_request,
        thumbprint: issued.thumbprint.clone(),
    }
}

/// What a held CA issued, as far as the address asks for it.
pub(crate) async fn held(call: &Call<'_>, at: &At, name: &str) -> Result<Held, Fault> {
    let (prefix, after) = (call.ask.argument("q").trim(), call.ask.argument("after"));
    let position = Some(after).filter(|after| !after.is_empty());
    let page = call.management().await?.list_issued(&at.resource, name, prefix, position, PAGE_ITEMS).await?;
    let here = at.href(&["certificates", name]);
    let searched = format!("{here}?q={}", percent::encode(prefix));
    Ok(Held {
        rows: page.items.iter().map(|issued| row(at, issued, call.now())).collect(),
        prefix: prefix.to_owned(),
        next: page.next.map(|token| format!("{searched}&after={}", percent::encode(&token))),
        first: position.map(|_| searched),
    })
}

/// Makes a CA by the form. Gives its name.
pub(crate) async fn make_ca(call: &Call<'_>, at: &At) -> Result<String, Fault> {
    let name = call.ask.field("certificate").trim();
    if name.is_empty() {
        return Err(Fault::invalid("Type a name for the CA."));
    }
    let request = CaRequest { common_name: name.to_owned(), days: days(call.ask)? };
    let made: Value = call.management().await?.create_ca(&at.resource, name, &request).await?;
    Ok(text(&made, "/name").to_owned())
}

/// Issues by the form: to an id, with a key, or for a request. The answer is the file.
pub(crate) async fn issue(call: &Call<'_>, at: &At, ca: &str) -> Result<Response<Body>, Fault> {
    let id = call.ask.field("id").trim();
    let mut request = IssueRequest { days: days(call.ask)?, ..IssueRequest::default() };
    if id.is_empty() {
        let text = uploaded(call.ask, "file", "pem")?
            .ok_or_else(|| Fault::invalid("Type the device's id, or choose the file of its certificate request."))?;
        request.certificate_request = Some(text);
    } else {
        request.common_name = Some(id.to_owned());
    }
    let made = call.management().await?.issue(&at.resource, ca, &request).await?;
    tracing::info!(
        name = call.session.visitor.name,
        dps = at.host,
        ca,
        registration = made.issued.common_name,
        "a certificate is given away in the portal"
    );
    let key = made.private_key.as_ref().map_or("", |key| key.expose());
    Ok(reply::download(&made.issued.common_name, format!("{key}{}", made.chain)))
}

/// Days of validity, if any were typed.
fn days(ask: &Ask) -> Result<Option<u32>, Fault> {
    match ask.field("days").trim() {
        "" => Ok(None),
        days => days.parse().map(Some).map_err(|_| Fault::invalid("Days are a whole number.")),
    }
}
