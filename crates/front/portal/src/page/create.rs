//! New hubs, DPS instances and resource groups.

use crate::call::{Call, Frame, href, text};
use crate::fault::Fault;
use crate::limits::{GROUPS_LOOKED_AT_MAX, PARTITIONS, PARTITIONS_DEFAULT};
use crate::reply::{self, Body};
use crate::rights::{Permission, may};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::{Kind, Management, Resource};
use serde_json::{Value, json};

/// Where who is signed in may make something.
struct Places {
    /// Resource groups, each with its location.
    groups: Vec<(String, String)>,
    /// Everywhere, so resource groups as well.
    everywhere: bool,
}

/// What may be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thing {
    Hub,
    Dps,
    Group,
}

impl Thing {
    fn word(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Dps => "dps",
            Self::Group => "group",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Dps => "DPS instance",
            Self::Group => "resource group",
        }
    }
}

/// One of the forms, with what was typed there.
struct Form {
    thing: &'static str,
    noun: &'static str,
    title: &'static str,
    /// What it is for.
    about: &'static str,
    name: String,
    /// Resource groups, and whether it is chosen. None for a new group.
    groups: Vec<(String, bool)>,
    partitions: Option<String>,
    location: Option<String>,
    /// What was said of it, and whether it is a fault.
    said: Option<(String, bool)>,
}

#[derive(Template)]
#[template(path = "create.html")]
struct Page {
    frame: Frame,
    here: String,
    has_groups: bool,
    forms: Vec<Form>,
}

/// What somebody must be allowed to do to make a hub.
const ACTION: &str = "Microsoft.Devices/IotHubs/write";

/// Whether who has these roles everywhere, and others in resource groups, may make something.
pub(crate) async fn is_possible(management: &Management, roles: &[Permission]) -> Result<bool, Fault> {
    Ok(may(roles, ACTION) || !places(management, roles).await?.groups.is_empty())
}

/// Where who has these roles everywhere may make something.
async fn places(management: &Management, roles: &[Permission]) -> Result<Places, Fault> {
    let everywhere = may(roles, ACTION);
    let found: Vec<Value> = match management.list_groups().await {
        Ok(found) => found,
        Err(error) if error.status() == Some(403) => return Ok(Places { groups: Vec::new(), everywhere }),
        Err(error) => return Err(error.into()),
    };
    let mut groups = Vec::new();
    let looked_at = if everywhere { found.len() } else { GROUPS_LOOKED_AT_MAX };
    for group in found.iter().take(looked_at) {
        let name = text(group, "/name").to_owned();
        if everywhere || may(&management.list_group_permissions::<Permission>(&name).await?, ACTION) {
            groups.push((name, text(group, "/location").to_owned()));
        }
    }
    Ok(Places { groups, everywhere })
}

pub(crate) async fn show(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    let places = places(&management, &call.roles_everywhere(&management).await?).await?;
    Call::require(places.everywhere || !places.groups.is_empty(), "make hubs, DPS instances or resource groups")?;
    Ok(page(call, &places, None, StatusCode::OK))
}

fn page(call: &Call<'_>, places: &Places, said: Option<(Thing, String, bool)>, status: StatusCode) -> Response<Body> {
    let form = |thing: Thing, title, about| {
        let said = said.as_ref().filter(|(of, ..)| *of == thing);
        let typed = |name: &str, first: &str| if said.is_some() { call.ask.field(name) } else { first }.to_owned();
        let chosen = typed("group", "");
        let groups = places.groups.iter().map(|(name, _)| (name.clone(), *name == chosen));
        Form {
            thing: thing.word(),
            noun: thing.noun(),
            title,
            about,
            name: typed("name", ""),
            groups: if thing == Thing::Group { Vec::new() } else { groups.collect() },
            partitions: (thing == Thing::Hub).then(|| typed("partitions", &PARTITIONS_DEFAULT.to_string())),
            location: (thing == Thing::Group).then(|| typed("location", "local")),
            said: said.map(|(_, text, is_fault)| (text.clone(), *is_fault)),
        }
    };
    let mut forms = Vec::new();
    if !places.groups.is_empty() {
        forms.push(form(Thing::Hub, "Hub", "Devices connect to it, back ends read their messages there."));
        forms.push(form(Thing::Dps, "DPS instance", "Devices register there, and are placed on its linked hubs."));
    }
    if places.everywhere {
        forms.push(form(Thing::Group, "Resource group", "Hubs and DPS instances that are administered together."));
    }
    let page = Page {
        frame: call.frame("Create", "overview", Vec::new()),
        here: href(&["create"]),
        has_groups: !places.groups.is_empty(),
        forms,
    };
    reply::page(status, &page)
}

pub(crate) async fn act(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    let places = places(&management, &call.roles_everywhere(&management).await?).await?;
    let (deed, thing) = match call.ask.field("do").split_once('-') {
        Some((deed @ ("create" | "check"), "hub")) => (deed, Thing::Hub),
        Some((deed @ ("create" | "check"), "dps")) => (deed, Thing::Dps),
        Some((deed @ "create", "group")) => (deed, Thing::Group),
        _ => return Err(Fault::invalid("There is no such button.")),
    };
    let allowed = if thing == Thing::Group { places.everywhere } else { !places.groups.is_empty() };
    Call::require(allowed, "make hubs, DPS instances or resource groups here")?;
    let done = if deed == "check" {
        free(call, &management, thing).await.map(|name| format!("{name} is free."))
    } else {
        match create(call, &management, &places, thing).await {
            Ok((there, text)) => return Ok(call.done(&there, text)),
            Err(fault) => Err(fault),
        }
    };
    Ok(match done {
        Ok(text) => page(call, &places, Some((thing, text, false)), StatusCode::OK),
        Err(Fault::SignedOut) => return Err(Fault::SignedOut),
        Err(fault) => page(call, &places, Some((thing, fault.text(), true)), fault.status()),
    })
}

/// The name that was typed, if nothing has it.
async fn free(call: &Call<'_>, management: &Management, thing: Thing) -> Result<String, Fault> {
    let name = call.ask.field("name").trim();
    if name.is_empty() {
        return Err(Fault::invalid("Type a name."));
    }
    let kind = match thing {
        Thing::Hub => Kind::Hub,
        Thing::Dps => Kind::Dps,
        Thing::Group => {
            return match management.find_group::<Value>(name).await? {
                Some(_) => Err(Fault::Invalid(format!("There is a resource group {name} already."))),
                None => Ok(name.to_owned()),
            };
        }
    };
    let told: Value = management.check_name(kind, name).await?;
    if told["nameAvailable"] == true {
        return Ok(name.to_owned());
    }
    Err(Fault::Invalid(format!("{name} cannot be had: {}.", text(&told, "/message"))))
}

/// Makes it; the address of its page, and what is said there.
async fn create(
    call: &Call<'_>,
    management: &Management,
    places: &Places,
    thing: Thing,
) -> Result<(String, String), Fault> {
    // Else this would change the one there is.
    let name = free(call, management, thing).await?;
    if thing == Thing::Group {
        let location = call.ask.field("location").trim();
        management.put_group::<Value>(&name, &json!({ "location": location })).await?;
        return Ok((href(&["create"]), format!("The resource group {name} is there: create a hub in it.")));
    }
    let chosen = call.ask.field("group");
    let group = places.groups.iter().find(|(group, _)| group == chosen);
    let (group, location) = group.ok_or_else(|| Fault::invalid("Choose a resource group."))?;
    let resource = |kind| Resource { kind, group: group.clone(), name: name.clone() };
    let sku = json!({ "name": "S1", "capacity": 1 });
    if thing == Thing::Dps {
        let body = json!({ "location": location, "sku": sku, "properties": {} });
        management.put::<Value>(&resource(Kind::Dps), &body, None).await?;
        return Ok((href(&["dps", group, &name]), format!("{name} is there: link a hub, and devices can register.")));
    }
    let typed = call.ask.field("partitions").trim();
    let odd = |_| Fault::Invalid(format!("Partitions: `{typed}` is no whole number."));
    let partitions: u32 = typed.parse().map_err(odd)?;
    let events = json!({ "events": { "partitionCount": partitions } });
    let body = json!({ "location": location, "sku": sku, "properties": { "eventHubEndpoints": events } });
    let made: Value = management.put(&resource(Kind::Hub), &body, None).await?;
    let host = text(&made, "/properties/hostName");
    Ok((href(&["hubs", group, &name]), format!("{name} is there: its devices connect to {host}.")))
}
