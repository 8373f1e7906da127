//! One DPS instance: where it is, the hubs it places devices on, and its end.

use crate::call::{At, Call, Frame, href_below, text};
use crate::contents::{deleted, held};
use crate::fault::Fault;
use crate::limits::ALLOCATION_WEIGHT;
use crate::linked_hub::{self, Terms};
use crate::reply::{self, Body};
use crate::resources::{list, resource};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::{Kind, Management};
use serde_json::Value;

/// A linked hub.
struct Link {
    host: String,
    /// Its page; empty for a hub elsewhere, and for one that may not be seen.
    href: String,
    policy: String,
    location: String,
    /// Empty: as every other.
    weight: String,
    applies: bool,
    /// What the form that changes it has, where that is not what there is.
    typed: Option<(String, bool)>,
}

/// A hub of this installation.
struct Choice {
    /// `GROUP/HUB`
    value: String,
    name: String,
    is_linked: bool,
    is_chosen: bool,
}

/// How devices are placed: word, words, and whether it is chosen.
type Policy = (&'static str, &'static str, bool);

/// Source: docs, "How to use allocation policies to provision devices across IoT hubs"
const POLICIES: [(&str, &str); 3] = [
    ("Hashed", "evenly, by the hubs' weights"),
    ("GeoLatency", "on the hub with the lowest latency"),
    ("Static", "as each enrollment says"),
];

/// What was typed into the form that links a hub.
#[derive(Default)]
struct Draft {
    string: String,
    location: String,
    weight: String,
    is_new: bool,
    applies: bool,
}

impl Draft {
    fn empty() -> Self {
        Self { is_new: true, applies: true, ..Self::default() }
    }
}

impl Link {
    /// What the form has as its weight, and whether it takes part.
    fn form(&self) -> (&str, bool) {
        self.typed.as_ref().map_or((&self.weight, self.applies), |(weight, applies)| (weight, *applies))
    }
}

#[derive(Template)]
#[template(path = "dps.html")]
struct Page {
    frame: Frame,
    here: String,
    name: String,
    group: String,
    state: String,
    id_scope: String,
    host: String,
    service_host: String,
    policies: Vec<Policy>,
    /// In words.
    policy: String,
    links: Vec<Link>,
    choices: Vec<Choice>,
    draft: Draft,
    fault: Option<String>,
    /// The fault is of a form that changes a link.
    is_of_link: bool,
    may_write: bool,
    /// What a deletion would take along.
    holds: String,
}

pub(crate) async fn show(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    page(call, at, Draft::empty(), None).await
}

async fn page(call: &Call<'_>, at: &At, draft: Draft, fault: Option<Fault>) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    let hubs = list(&management, Kind::Hub).await?;
    let mut links: Vec<Link> = linked_hub::entries(&at.shown).iter().map(|link| shown(link, &hubs)).collect();
    let is_change = fault.is_some() && call.ask.field("do") == "change";
    let changed = links.iter_mut().find(|link| is_change && link.host == call.ask.field("host"));
    let is_of_link = changed.is_some();
    if let Some(link) = changed {
        link.typed = Some((draft.weight.clone(), draft.applies));
    }
    let draft = if is_change { Draft::empty() } else { draft };
    let chosen = call.ask.field("hub");
    let choice = |hub: &Value| {
        let found = resource(Kind::Hub, hub);
        let value = format!("{}/{}", found.group, found.name);
        let host = text(hub, "/properties/hostName");
        let is_linked = links.iter().any(|link| link.host.eq_ignore_ascii_case(host));
        Choice { is_linked, is_chosen: !draft.is_new && value == chosen, value, name: found.name }
    };
    let member = |name: &str| text(&at.shown, &format!("/properties/{name}")).to_owned();
    let policy = member("allocationPolicy");
    let words = POLICIES.iter().find(|(word, _)| *word == policy).map_or(policy.as_str(), |(_, words)| words);
    let page = Page {
        frame: call.frame(&at.resource.name, "dps", Vec::new()).with_tabs(at.tabs("")),
        here: at.href(&[]),
        name: at.resource.name.clone(),
        group: at.resource.group.clone(),
        state: member("state"),
        id_scope: member("idScope"),
        host: member("deviceProvisioningHostName"),
        service_host: member("serviceOperationsHostName"),
        policies: POLICIES.iter().map(|(word, words)| (*word, *words, *word == policy)).collect(),
        policy: words.to_owned(),
        choices: hubs.iter().map(choice).collect(),
        links,
        draft,
        fault: fault.as_ref().map(Fault::sentences),
        is_of_link,
        may_write: at.rights.write,
        holds: if at.rights.write { held(&management, &at.resource).await? } else { String::new() },
    };
    Ok(reply::page(fault.map_or(StatusCode::OK, |fault| fault.status()), &page))
}

fn shown(link: &Value, hubs: &[Value]) -> Link {
    let host = text(link, "/name");
    let ours = hubs.iter().find(|hub| text(hub, "/properties/hostName").eq_ignore_ascii_case(host));
    let page = |hub: &Value| {
        let found = resource(Kind::Hub, hub);
        href_below(&found, &[])
    };
    let policy = linked_hub::part(text(link, "/connectionString"), "SharedAccessKeyName");
    Link {
        host: host.to_owned(),
        href: ours.map(page).unwrap_or_default(),
        policy: policy.unwrap_or_default().to_owned(),
        location: text(link, "/location").to_owned(),
        weight: link["allocationWeight"].as_u64().map(|weight| weight.to_string()).unwrap_or_default(),
        applies: link["applyAllocationPolicy"] != false,
        typed: None,
    }
}

pub(crate) async fn act(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    Call::require(at.rights.write, "change this DPS instance")?;
    let (management, here) = (call.management().await?, at.href(&[]));
    let mut document = at.shown.clone();
    let host = call.ask.field("host");
    let done = match call.ask.field("do") {
        "link" => {
            return match link(call, at, &management).await {
                Ok(host) => Ok(call.done(&here, format!("{host} is linked: devices are placed there from now on."))),
                Err(Fault::SignedOut) => Err(Fault::SignedOut),
                Err(fault) => page(call, at, draft(call), Some(fault)).await,
            };
        }
        "change" => {
            return match change(call, at, &management).await {
                Ok(()) => Ok(call.done(&here, format!("The link to {host} is changed."))),
                // Of one that is not there, there is no form either.
                Err(fault @ (Fault::SignedOut | Fault::Absent { .. })) => Err(fault),
                Err(fault) => page(call, at, draft(call), Some(fault)).await,
            };
        }
        "unlink" => {
            call.require_name(host)?;
            linked_hub::unlink(&mut document, host)?;
            format!("{host} is not linked any more. Its devices stay where they are.")
        }
        "allocation" => {
            document["properties"]["allocationPolicy"] = call.ask.field("allocation").into();
            "The allocation policy is changed, for enrollments that name none of their own.".to_owned()
        }
        "delete" => {
            call.require_name(&at.resource.name)?;
            let gone = management.delete(&at.resource).await?;
            return Ok(call.done("/portal/", deleted(&at.resource.name, gone)));
        }
        _ => return Err(Fault::invalid("There is no such button.")),
    };
    save(&management, at, &document).await?;
    Ok(call.done(&here, done))
}

async fn change(call: &Call<'_>, at: &At, management: &Management) -> Result<(), Fault> {
    let mut document = at.shown.clone();
    linked_hub::change(&mut document, call.ask.field("host"), terms(call)?)?;
    save(management, at, &document).await
}

/// Puts it back, unless somebody changed it since it was read.
async fn save(management: &Management, at: &At, document: &Value) -> Result<(), Fault> {
    management.put::<Value>(&at.resource, document, Some(text(&at.shown, "/etag"))).await?;
    Ok(())
}

fn draft(call: &Call<'_>) -> Draft {
    let field = |name: &str| call.ask.field(name).to_owned();
    let applies = call.ask.field("applies") == "on";
    Draft { string: field("string"), location: field("location"), weight: field("weight"), is_new: false, applies }
}

fn terms(call: &Call<'_>) -> Result<Terms, Fault> {
    let typed = call.ask.field("weight").trim();
    let odd = |_| Fault::Invalid(format!("Weight: `{typed}` is no whole number."));
    let weight = if typed.is_empty() { None } else { Some(typed.parse().map_err(odd)?) };
    Ok(Terms { applies: call.ask.field("applies") == "on", weight })
}

/// Links what was chosen, or else what was pasted; its host name.
async fn link(call: &Call<'_>, at: &At, management: &Management) -> Result<String, Fault> {
    let (chosen, pasted) = (call.ask.field("hub"), call.ask.field("string").trim());
    let (string, home) = match (chosen.split_once('/'), pasted) {
        (Some(_), pasted) if !pasted.is_empty() => {
            return Err(Fault::invalid("Choose a hub or paste a connection string, not both."));
        }
        (Some((group, name)), _) => own(call, management, group, name).await?,
        (None, "") => return Err(Fault::invalid("Choose a hub, or paste the connection string of one elsewhere.")),
        (None, pasted) => (pasted.to_owned(), None),
    };
    let location = Some(call.ask.field("location").trim()).filter(|location| !location.is_empty());
    let mut document = at.shown.clone();
    let host = linked_hub::link(&mut document, &string, location, home.as_deref(), terms(call)?)?;
    save(management, at, &document).await?;
    Ok(host)
}

/// The connection string of a hub of this installation, by a policy that can do what DPS does there; and where it is.
async fn own(
    call: &Call<'_>,
    management: &Management,
    group: &str,
    name: &str,
) -> Result<(String, Option<String>), Fault> {
    let hub = call.at(Kind::Hub, group, name).await?;
    let keys: Vec<Value> = management.list_keys(&hub.resource).await?;
    let unfit =
        || Fault::Invalid(format!("No policy of {name} has the rights RegistryWrite and ServiceConnect: add one."));
    let key = linked_hub::fit(&keys).ok_or_else(unfit)?;
    let string = format!(
        "HostName={};SharedAccessKeyName={};SharedAccessKey={}",
        hub.host,
        text(key, "/keyName"),
        text(key, "/primaryKey")
    );
    let location = text(&hub.shown, "/location");
    Ok((string, (!location.is_empty()).then(|| location.to_owned())))
}
