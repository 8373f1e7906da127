//! One hub: where it is, its policies and their keys, its consumer groups.

use crate::call::{At, Call, Frame, text};
use crate::fault::Fault;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use serde_json::Value;

/// A policy that was asked for.
pub(crate) struct Revealed {
    name: String,
    rights: String,
    primary: String,
    secondary: String,
    connection_string: String,
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
    groups: Vec<String>,
    revealed: Vec<Revealed>,
    may_write: bool,
    may_see_keys: bool,
}

pub(crate) async fn show(call: &Call<'_>, at: &At, revealed: Option<Vec<Revealed>>) -> Result<Response<Body>, Fault> {
    let groups: Vec<Value> = match call.management().await?.list_consumer_groups(&at.resource).await {
        Ok(groups) => groups,
        Err(error) if error.status() == Some(403) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
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
        groups: groups.iter().map(|group| text(group, "/name").to_owned()).collect(),
        revealed: revealed.unwrap_or_default(),
        may_write: at.rights.write,
        may_see_keys: at.rights.keys,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

pub(crate) async fn act(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    match call.ask.field("do") {
        "keys" => {
            Call::require(at.rights.keys, "see the keys of this hub's policies")?;
            let keys: Vec<Value> = management.list_keys(&at.resource).await?;
            let revealed = keys.iter().map(|key| revealed(&at.host, key)).collect();
            show(call, at, Some(revealed)).await
        }
        "add-group" => {
            Call::require(at.rights.write, "change this hub")?;
            let name = call.ask.field("group").trim();
            if name.is_empty() {
                return Err(Fault::invalid("Type a name for the consumer group."));
            }
            management.put_consumer_group::<Value>(&at.resource, name).await?;
            Ok(call.done(&at.href(&[]), format!("The consumer group {name} is there.")))
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

fn revealed(host: &str, key: &Value) -> Revealed {
    let (name, primary) = (text(key, "/keyName").to_owned(), text(key, "/primaryKey").to_owned());
    Revealed {
        rights: text(key, "/rights").to_owned(),
        secondary: text(key, "/secondaryKey").to_owned(),
        connection_string: format!("HostName={host};SharedAccessKeyName={name};SharedAccessKey={primary}"),
        name,
        primary,
    }
}
