//! One hub: where it is, how much of it is used, its consumer groups.

use crate::call::{At, Call, Frame, text};
use crate::chart::Chart;
use crate::fault::Fault;
use crate::lag::{self, Reading};
use crate::rates;
use crate::reply::{self, Body};
use crate::size;
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::Management;
use serde_json::Value;

/// How much of something a hub has, and may have.
struct Usage {
    words: &'static str,
    shown: String,
}

#[derive(Template)]
#[template(path = "hub.html")]
struct Page {
    frame: Frame,
    group: String,
    here: String,
    host: String,
    state: String,
    events: String,
    partitions: u64,
    retention_days: u64,
    usage: Vec<Usage>,
    groups: Vec<Reading>,
    /// Who reads them is for the roles of who looks.
    is_read: bool,
    /// `None` likewise.
    event_bytes: Option<String>,
    charts: Vec<Chart>,
    may_write: bool,
    /// The name of a consumer group that could not be added.
    new_group: String,
    fault: Option<String>,
}

pub(crate) async fn show(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    page(call, at, None).await
}

async fn page(call: &Call<'_>, at: &At, fault: Option<Fault>) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    let groups: Vec<Value> = match management.list_consumer_groups(&at.resource).await {
        Ok(groups) => groups,
        Err(error) if error.status() == Some(403) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let quota: Vec<Value> = match management.list_quota(&at.resource).await {
        Ok(quota) => quota,
        // It is being opened at this very moment.
        Err(error) if error.status() == Some(503) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let consumers = lag::consumers(call, at).await?;
    let unread = || groups.iter().map(|group| Reading::unread(text(group, "/name"))).collect();
    let now = call.now();
    let events = &at.shown["properties"]["eventHubEndpoints"]["events"];
    let page = Page {
        frame: call.frame(&at.resource.name, "hubs", Vec::new()).with_tabs(at.tabs("")),
        group: at.resource.group.clone(),
        here: at.href(&[]),
        host: at.host.clone(),
        state: text(&at.shown, "/properties/state").to_owned(),
        events: text(events, "/endpoint").to_owned(),
        partitions: events["partitionCount"].as_u64().unwrap_or_default(),
        retention_days: events["retentionTimeInDays"].as_u64().unwrap_or_default(),
        usage: usage(&quota),
        is_read: consumers.is_some(),
        event_bytes: consumers.as_ref().map(|read| size::words(read.event_bytes)),
        groups: consumers.map_or_else(unread, |read| read.consumer_groups.iter().map(Reading::of).collect()),
        charts: rates::charts(&management, std::slice::from_ref(&at.resource), now).await?,
        may_write: at.rights.write,
        new_group: if fault.is_some() { call.ask.field("group").to_owned() } else { String::new() },
        fault: fault.as_ref().map(Fault::sentences),
    };
    Ok(reply::page(fault.map_or(StatusCode::OK, |fault| fault.status()), &page))
}

pub(crate) async fn act(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    match call.ask.field("do") {
        "add-group" => {
            Call::require(at.rights.write, "change this hub")?;
            match add_group(call, at, &management).await {
                Ok(name) => Ok(call.done(&at.href(&[]), format!("The consumer group {name} is there."))),
                Err(Fault::SignedOut) => Err(Fault::SignedOut),
                Err(fault) => page(call, at, Some(fault)).await,
            }
        }
        "delete-group" => {
            Call::require(at.rights.write, "change this hub")?;
            let name = call.ask.field("group");
            call.require_name(name)?;
            management.delete_consumer_group(&at.resource, name).await?;
            Ok(call.done(&at.href(&[]), format!("The consumer group {name} is deleted. Its readers are detached.")))
        }
        _ => Err(Fault::invalid("There is no such button.")),
    }
}

async fn add_group<'a>(call: &'a Call<'_>, at: &At, management: &Management) -> Result<&'a str, Fault> {
    let name = call.ask.field("group").trim();
    if name.is_empty() {
        return Err(Fault::invalid("Type a name for the consumer group."));
    }
    management.put_consumer_group::<Value>(&at.resource, name).await?;
    Ok(name)
}

/// Messages are counted by hubs that are throttled like a tier of Azure, and by no other.
fn usage(quota: &[Value]) -> Vec<Usage> {
    let shown = |name: &str| {
        let metric = quota.iter().find(|metric| text(metric, "/name") == name)?;
        let now = grouped(metric["currentValue"].as_u64()?);
        Some(
            metric["maxValue"]
                .as_u64()
                .map_or_else(|| now.clone(), |most| format!("{now} of at most {}", grouped(most))),
        )
    };
    let not_counted = || "not counted, since no throttle bounds them".to_owned();
    vec![
        Usage { words: "Devices", shown: shown("TotalDeviceCount").unwrap_or_else(|| "not known".to_owned()) },
        Usage { words: "Messages today", shown: shown("TotalMessages").unwrap_or_else(not_counted) },
    ]
}

/// `1,000,000`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_told_apart() {
        for (number, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_000_000, "1,000,000"), (12_345, "12,345")] {
            assert_eq!(grouped(number), shown);
        }
    }
}
