//! Who changed what, and what was refused.

use crate::call::{Call, Frame, text};
use crate::fault::Fault;
use crate::limits::AUDIT_LINES_MAX;
use crate::moment::Moment;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use serde_json::Value;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What can be chosen: a word in the address, its words on the page, how far it looks back.
const SPANS: [(&str, &str, i64); 4] = [
    ("hour", "last hour", DAY_MS / 24),
    ("day", "last day", DAY_MS),
    ("week", "last 7 days", 7 * DAY_MS),
    ("quarter", "last 90 days", 90 * DAY_MS),
];

struct Line {
    at: Option<Moment>,
    caller: String,
    address: String,
    action: String,
    target: String,
    outcome: String,
    is_failed: bool,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    /// Words in the address, on the page, and whether it is chosen.
    spans: Vec<(&'static str, &'static str, bool)>,
    lines: Vec<Line>,
    is_cut: bool,
}

pub(crate) async fn show(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let chosen = SPANS.iter().find(|(word, ..)| *word == call.ask.argument("span")).unwrap_or(&SPANS[1]);
    let since = call.now().plus_ms(-chosen.2).iso();
    let filter = format!("eventTimestamp ge '{since}'");
    let management = call.management().await?;
    let events = management.list_audit(&filter, AUDIT_LINES_MAX).await.map_err(|error| match error.status() {
        Some(403) => Fault::Forbidden {
            text: "Your roles do not let you read the audit log.".to_owned(),
            hint: "It takes the role Reader on the whole subscription.".to_owned(),
        },
        _ => error.into(),
    })?;
    let is_cut = events.len() == AUDIT_LINES_MAX;
    // What ended well or badly; that it began is of interest only while it has not ended.
    let ended: Vec<&str> =
        events.iter().filter(|event| !is_begin(event)).map(|event| text(event, "/operationId")).collect();
    let is_told = |event: &&Value| !is_begin(event) || !ended.contains(&text(event, "/operationId"));
    let page = Page {
        frame: call.frame("Audit log", "audit", Vec::new()),
        spans: SPANS.iter().map(|span| (span.0, span.1, span.0 == chosen.0)).collect(),
        lines: events.iter().filter(is_told).map(line).collect(),
        is_cut,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

fn is_begin(event: &Value) -> bool {
    text(event, "/status/value") == "Started"
}

fn line(event: &Value) -> Line {
    let (status, detail) = (text(event, "/status/value"), text(event, "/subStatus/value"));
    Line {
        at: Moment::parse(text(event, "/eventTimestamp")),
        caller: text(event, "/caller").to_owned(),
        address: text(event, "/httpRequest/clientIpAddress").to_owned(),
        action: text(event, "/operationName/value").to_owned(),
        target: short(text(event, "/resourceId")),
        outcome: if status == "Failed" { format!("failed: {detail}") } else { status.to_lowercase() },
        is_failed: status == "Failed",
    }
}

/// A resource's id without what is the same in all of them.
fn short(target: &str) -> String {
    let mut words = target.split('/').filter(|word| !word.is_empty()).peekable();
    if words.next_if(|word| word.eq_ignore_ascii_case("subscriptions")).is_some() {
        words.next();
    }
    let words =
        words.filter(|word| !word.eq_ignore_ascii_case("resourcegroups") && !word.eq_ignore_ascii_case("providers"));
    words.collect::<Vec<_>>().join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_short() {
        for (target, shown) in [
            (
                "/subscriptions/S/resourceGroups/g/providers/Microsoft.Devices/IotHubs/plant",
                "g / Microsoft.Devices / IotHubs / plant",
            ),
            ("/v1.0/users", "v1.0 / users"),
            ("/subscriptions/S", ""),
            ("", ""),
        ] {
            assert_eq!(short(target), shown);
        }
    }
}
