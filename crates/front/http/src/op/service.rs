//! What the operations of the DPS service API have in common: pages, certificates as they are shown.

use hyper::StatusCode;
use roadstead_dps::{DpsError, Listing, PageRequest, Precondition};
use roadstead_model::{Etag, IdError, UnixSeconds};
use roadstead_pki::Certificate;
use roadstead_wire::{
    dps_service::{CertificateInfo, Shown},
    object_body,
    query::{CONTINUATION_HEADER, ITEM_TYPE_HEADER, ItemType, MAX_ITEM_COUNT_HEADER, QuerySpecification},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{call::Call, reply::Reply};

/// Reads a body that is a JSON object.
pub(super) fn read_body<T: DeserializeOwned>(call: &Call) -> Result<T, DpsError> {
    object_body::parse(&call.body).map_err(|error| invalid("body", error))
}

pub(super) fn invalid(member: &'static str, fault: impl ToString) -> DpsError {
    DpsError::Invalid { member, fault: fault.to_string() }
}

/// Refuses a text that is no id.
pub(super) fn no_id(member: &'static str) -> impl Fn(IdError) -> DpsError {
    move |error| invalid(member, error)
}

/// The condition of a change: `If-Match`, else the etag in the body; `None` when there is neither.
/// Clients send `*`, `"*"`, `"etag"` and bare etags. Source: `reference/dps.md` 4.2
pub(super) fn precondition(call: &Call, body_etag: Option<&str>) -> Option<Precondition> {
    call.header("if-match").filter(|text| !text.trim().is_empty()).or(body_etag).and_then(read_etag)
}

/// A condition from an etag as clients write it; `None` when it is empty.
pub(super) fn read_etag(text: &str) -> Option<Precondition> {
    let etag = Etag::from_client(text);
    match etag.as_str() {
        "" => None,
        "*" => Some(Precondition::Any),
        _ => Some(Precondition::Etag(etag)),
    }
}

/// Which page a query asks for. Only everything can be asked for.
pub(super) fn page(call: &Call) -> Result<PageRequest, DpsError> {
    let asked = QuerySpecification::parse(&call.body).map_err(|error| invalid("body", error))?;
    if !asked.is_everything() {
        return Err(invalid("query", "this query is not supported; `SELECT *` is"));
    }
    let continuation = call.header(CONTINUATION_HEADER).map(str::to_owned);
    Ok(PageRequest { items_max: Some(call.page_items()), continuation })
}

/// A page of a query. Without a next page there must be no continuation header: to some clients an empty one means more.
pub(super) fn listing<T, W: Serialize>(
    call: &Call,
    page: &Listing<T>,
    item_type: ItemType,
    word: impl Fn(&T) -> W,
) -> Reply {
    let items: Vec<W> = page.items.iter().map(word).collect();
    let reply = Reply::ok(&items)
        .header(ITEM_TYPE_HEADER, item_type.as_str())
        .header(MAX_ITEM_COUNT_HEADER, &call.page_items().to_string());
    match &page.continuation {
        Some(next) => reply.header(CONTINUATION_HEADER, next),
        None => reply,
    }
}

pub(super) fn deleted() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
}

/// Enrollments as GET and queries show them.
pub(super) const WITHOUT_KEYS: Shown<'static> =
    Shown { keys: false, certificates: false, certificate: &certificate_info };
/// Enrollments as PUT shows them.
pub(super) const WITH_KEYS: Shown<'static> = Shown { keys: true, certificates: false, certificate: &certificate_info };
/// Attestations as `attestationmechanism` shows them.
pub(super) const WHOLE: Shown<'static> = Shown { keys: true, certificates: true, certificate: &certificate_info };

/// What a stored certificate says. Clients throw when one of the eight members is missing.
fn certificate_info(der: &[u8]) -> Option<CertificateInfo> {
    let certificate = Certificate::from_der(der).ok()?;
    let iso = |at_s| UnixSeconds(at_s).millis().iso();
    Some(CertificateInfo {
        subject_name: certificate.subject().to_owned(),
        sha1_thumbprint: certificate.sha1().to_string(),
        sha256_thumbprint: certificate.sha256().to_string(),
        issuer_name: certificate.issuer().to_owned(),
        not_before_utc: iso(certificate.not_before_s()),
        not_after_utc: iso(certificate.not_after_s()),
        serial_number: certificate.serial().to_owned(),
        version: certificate.version(),
    })
}
