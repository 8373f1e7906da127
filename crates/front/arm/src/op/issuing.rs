//! CAs that the server holds, and the certificates that they issue to devices. See `docs/design/004-issuing.md`.

use std::sync::Arc;

use roadstead_model::{Dps, IssuedCertificate, UnixMillis};
use roadstead_resources::{Applicant, Caller, HeldCaSpec, IssueSpec, Page, ResourceError};
use roadstead_wire::{
    arm::{CaRequest, IssueAnswer, IssueRequest, Issued, IssuedList},
    percent,
};

use crate::{
    arm::{Arm, Way},
    call::Call,
    op::{GROUP, INNER_NAME, NAME, certificate, principal::shown_name},
    refusal::Refusal,
    reply::Reply,
};

/// Certificates on a page when nobody says how many.
const PAGE: usize = 100;

fn dps(arm: &Arm, call: &Call) -> Result<Arc<Dps>, Refusal> {
    Ok(arm.resources.dps(call.segment(GROUP), call.segment(NAME))?)
}

/// Answers as an upload does.
pub(crate) async fn create_ca(arm: &Arm, call: &Call, owner: &certificate::Owner) -> Result<Reply, Refusal> {
    let asked = CaRequest::parse(&call.body).map_err(|error| Refusal::bad_body(&error))?;
    let spec = HeldCaSpec { common_name: asked.common_name.trim(), days: asked.days };
    let made = arm.resources.create_ca(&dps(arm, call)?.id_scope, call.segment(INNER_NAME), spec).await?;
    Ok(Reply::ok(&certificate::shape(arm, owner, &made)?))
}

pub(crate) async fn issue(arm: &Arm, call: &Call, caller: &Caller) -> Result<Reply, Refusal> {
    let asked = IssueRequest::parse(&call.body).map_err(|error| Refusal::bad_body(&error))?;
    let to = match (&asked.certificate_request, &asked.common_name) {
        (Some(request), None) => Applicant::Request(request),
        (None, Some(name)) => Applicant::CommonName(name.trim()),
        _ => {
            return Err(value("body", "with none or both of its members", "one with commonName or certificateRequest"));
        }
    };
    let by_name = shown_name(arm, caller);
    let spec = IssueSpec { to, days: asked.days, by: caller.id, by_name: &by_name };
    let made = arm.resources.issue(&dps(arm, call)?.id_scope, call.segment(INNER_NAME), spec).await?;
    Ok(Reply::ok(&IssueAnswer {
        issued: Issued::of(&made.record),
        certificate: made.certificate,
        chain: made.chain,
        private_key: made.key,
    }))
}

/// By common name. Arguments: `commonNamePrefix`, `$top`, `$skipToken`.
pub(crate) async fn list(arm: &Arm, call: &Call, way: Way<'_>) -> Result<Reply, Refusal> {
    let dps = dps(arm, call)?;
    let prefix = call.argument(PREFIX).unwrap_or_default();
    let (after, limit) = part(call);
    let name = call.segment(INNER_NAME);
    let page = arm.resources.list_issued(&dps.id_scope, name, &prefix, after.as_deref(), limit).await?;
    Ok(shown(page, call, way, &format!("{PREFIX}={}", percent::encode(&prefix))))
}

/// By their ends. Arguments: `endsAfter`, `$top`, `$skipToken`.
pub(crate) async fn list_by_end(arm: &Arm, call: &Call, way: Way<'_>) -> Result<Reply, Refusal> {
    let dps = dps(arm, call)?;
    let from = match call.argument(FROM) {
        None => UnixMillis(0),
        Some(text) => {
            UnixMillis::parse_iso(&text).ok_or_else(|| value(FROM, "no time", "a time as 2026-11-22T00:00:00Z"))?
        }
    };
    let (after, limit) = part(call);
    let page = arm.resources.list_issued_by_end(&dps.id_scope, from, after.as_deref(), limit).await?;
    Ok(shown(page, call, way, &format!("{FROM}={}", percent::encode(&from.iso()))))
}

pub(super) fn value(member: &'static str, given: &str, allowed: &str) -> Refusal {
    ResourceError::Value { member, given: given.to_owned(), allowed: allowed.to_owned() }.into()
}

const PREFIX: &str = "commonNamePrefix";
const FROM: &str = "endsAfter";

/// Where the page begins, and how long it is.
fn part(call: &Call) -> (Option<String>, usize) {
    let top = call.argument("$top").and_then(|text| text.parse().ok()).unwrap_or(PAGE);
    (call.argument("$skiptoken").filter(|text| !text.is_empty()), top)
}

fn shown(page: Page<IssuedCertificate>, call: &Call, way: Way<'_>, filter: &str) -> Reply {
    let top = part(call).1;
    let next_link = page.next.map(|token| {
        let (path, version) = (call.encoded_path(), call.api_version());
        let token = percent::encode(&token);
        format!("{}{path}?api-version={version}&{filter}&$top={top}&$skipToken={token}", way.base_url)
    });
    Reply::ok(&IssuedList { value: page.items.iter().map(Issued::of).collect(), next_link })
}
