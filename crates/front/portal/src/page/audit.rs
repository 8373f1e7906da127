//! Who changed what, and what was refused.

use crate::call::{Call, Frame, Tab, href, text};
use crate::fault::Fault;
use crate::limits::AUDIT_LINES_MAX;
use crate::moment::Moment;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

/// Where an entry has the id of who did it. Source: docs, Azure activity log event schema
const PRINCIPAL: &str = "http://schemas.microsoft.com/identity/claims/objectidentifier";

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What can be chosen: a word in the address, its words on the page, how far it looks back.
const SPANS: [(&str, &str, i64); 4] = [
    ("hour", "last hour", DAY_MS / 24),
    ("day", "last day", DAY_MS),
    ("week", "last 7 days", 7 * DAY_MS),
    ("quarter", "last 90 days", 90 * DAY_MS),
];

#[derive(PartialEq, Eq)]
struct Line {
    caller: String,
    address: String,
    action: String,
    target: String,
    outcome: String,
    /// `3 devices, 2 enrollments`
    destroyed: String,
    is_failed: bool,
}

/// The same thing done several times in a row.
struct Row {
    line: Line,
    /// The last time.
    at: Option<Moment>,
    times: usize,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
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
    let tab = |span: &(&str, &'static str, i64)| Tab {
        words: span.1,
        href: href(&["audit"]) + "?span=" + span.0,
        is_current: span.0 == chosen.0,
    };
    let page = Page {
        frame: call.frame("Audit log", "audit", Vec::new()).with_tabs(SPANS.iter().map(tab).collect()),
        rows: folded(events.iter().filter(is_told).map(|event| (moment(event), line(call, event)))),
        is_cut,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

fn is_begin(event: &Value) -> bool {
    text(event, "/status/value") == "Started"
}

fn moment(event: &Value) -> Option<Moment> {
    Moment::parse(text(event, "/eventTimestamp"))
}

/// The newest first; what follows itself is one row.
fn folded(lines: impl Iterator<Item = (Option<Moment>, Line)>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (at, line) in lines {
        match rows.last_mut() {
            Some(row) if row.line == line => row.times += 1,
            _ => rows.push(Row { line, at, times: 1 }),
        }
    }
    rows
}

fn line(call: &Call<'_>, event: &Value) -> Line {
    let (status, detail) = (text(event, "/status/value"), text(event, "/subStatus/value"));
    let me = &call.session.visitor;
    let principal = event["claims"][PRINCIPAL].as_str().unwrap_or_default();
    let caller = if principal == me.id { &me.name } else { text(event, "/caller") };
    Line {
        caller: caller.to_owned(),
        address: text(event, "/httpRequest/clientIpAddress").to_owned(),
        action: text(event, "/operationName/value").trim_start_matches("Microsoft.").replace('/', " / "),
        target: short(text(event, "/resourceId")),
        destroyed: destroyed(text(event, "/properties/destroyed")),
        outcome: if status == "Failed" { format!("failed: {detail}") } else { status.to_lowercase() },
        is_failed: status == "Failed",
    }
}

/// `{"devices":3,"hubs":1}` as `devices 3, hubs 1`.
fn destroyed(counts: &str) -> String {
    let counts: Map<String, Value> = serde_json::from_str(counts).unwrap_or_default();
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// A resource's id without what is the same in all of them.
fn short(target: &str) -> String {
    let mut words = target.split('/').filter(|word| !word.is_empty()).peekable();
    if words.next_if(|word| word.eq_ignore_ascii_case("subscriptions")).is_some() {
        words.next();
    }
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case("providers") {
            // Whose kind of resource it is says the action, too.
            words.next();
        } else if !word.eq_ignore_ascii_case("resourcegroups") {
            kept.push(word);
        }
    }
    kept.join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_itself_is_one_row() {
        let line = |action: &str| Line {
            caller: "alice".to_owned(),
            address: String::new(),
            action: action.to_owned(),
            target: String::new(),
            outcome: "succeeded".to_owned(),
            destroyed: String::new(),
            is_failed: false,
        };
        let rows = folded(["a", "a", "b", "a"].into_iter().map(|action| (None, line(action))));
        let told: Vec<_> = rows.iter().map(|row| (row.line.action.as_str(), row.times)).collect();
        assert_eq!(told, [("a", 2), ("b", 1), ("a", 1)]);
    }

    #[test]
    fn what_was_destroyed_is_told_in_words() {
        for (counts, told) in [("", ""), ("{\"devices\":3,\"hubs\":1}", "devices 3, hubs 1"), ("[1]", "")] {
            assert_eq!(destroyed(counts), told);
        }
    }

    #[test]
    fn targets_are_short() {
        for (target, shown) in [
            ("/subscriptions/S/resourceGroups/g/providers/Microsoft.Devices/IotHubs/plant", "g / IotHubs / plant"),
            ("/v1.0/users", "v1.0 / users"),
            ("/subscriptions/S", ""),
            ("", ""),
        ] {
            assert_eq!(short(target), shown);
        }
    }
}
