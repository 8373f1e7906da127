//! New hubs, DPS instances and resource groups.

use crate::call::{Call, Frame, href, text};
use crate::fault::Fault;
use crate::limits::{GROUPS_LOOKED_AT_MAX, PARTITIONS, PARTITIONS_DEFAULT};
use crate::reply::{self, Body};
use crate::rights::{Permission, may};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::{Kind, Management, Resource, ServiceError};
use serde_json::{Value, json};

/// Where who is signed in may make something.
struct Places {
    /// Where hubs, and where DPS instances.
    hubs: Vec<Group>,
    dps: Vec<Group>,
    /// New resource groups.
    groups: bool,
}

#[derive(Clone)]
struct Group {
    name: String,
    location: String,
}

impl Places {
    fn of(&self, thing: Thing) -> &[Group] {
        match thing {
            Thing::Hub => &self.hubs,
            Thing::Dps => &self.dps,
            Thing::Group => &[],
        }
    }

    fn allow(&self, thing: Thing) -> bool {
        if thing == Thing::Group { self.groups } else { !self.of(thing).is_empty() }
    }
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

    /// What somebody must be allowed to do to make it.
    fn action(self) -> &'static str {
        match self {
            Self::Hub => "Microsoft.Devices/IotHubs/write",
            Self::Dps => "Microsoft.Devices/provisioningServices/write",
            Self::Group => "Microsoft.Resources/subscriptions/resourceGroups/write",
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

const THINGS: [Thing; 3] = [Thing::Hub, Thing::Dps, Thing::Group];

/// Whether who has these roles everywhere, and others in resource groups, may make something.
pub(crate) async fn is_possible(call: &Call<'_>, management: &Management, roles: &[Permission]) -> Result<bool, Fault> {
    if THINGS.iter().any(|thing| may(roles, thing.action())) {
        return Ok(true);
    }
    if let Some(known) = call.session.may_create.get(call.now()) {
        return Ok(known);
    }
    let found = places(management, roles).await?;
    let is_possible = THINGS.into_iter().any(|thing| found.allow(thing));
    call.session.may_create.set(is_possible, call.now());
    Ok(is_possible)
}

/// Where who has these roles everywhere may make something.
async fn places(management: &Management, roles: &[Permission]) -> Result<Places, Fault> {
    let mut places = Places { hubs: Vec::new(), dps: Vec::new(), groups: may(roles, Thing::Group.action()) };
    let found: Vec<Value> = match management.list_groups().await {
        Ok(found) => found,
        Err(error) if error.status() == Some(403) => return Ok(places),
        Err(ServiceError::Unseen { .. }) => return Ok(places),
        Err(error) => return Err(error.into()),
    };
    let everywhere = [Thing::Hub, Thing::Dps].map(|thing| may(roles, thing.action()));
    let is_everywhere = everywhere == [true, true];
    let looked_at = if is_everywhere { found.len() } else { GROUPS_LOOKED_AT_MAX };
    for group in found.iter().take(looked_at) {
        let made = Group { name: text(group, "/name").to_owned(), location: text(group, "/location").to_owned() };
        let here: Vec<Permission> =
            if is_everywhere { Vec::new() } else { management.list_group_permissions(&made.name).await? };
        if everywhere[0] || may(&here, Thing::Hub.action()) {
            places.hubs.push(made.clone());
        }
        if everywhere[1] || may(&here, Thing::Dps.action()) {
            places.dps.push(made);
        }
    }
    Ok(places)
}

pub(crate) async fn show(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    let places = places(&management, &call.roles_everywhere(&management).await?).await?;
    let is_possible = THINGS.into_iter().any(|thing| places.allow(thing));
    Call::require(is_possible, "make hubs, DPS instances or resource groups")?;
    Ok(page(call, &places, None, StatusCode::OK))
}

fn page(call: &Call<'_>, places: &Places, said: Option<(Thing, String, bool)>, status: StatusCode) -> Response<Body> {
    let form = |thing: Thing, title, about| {
        let said = said.as_ref().filter(|(of, ..)| *of == thing);
        let typed = |name: &str, first: &str| if said.is_some() { call.ask.field(name) } else { first }.to_owned();
        let chosen = typed("group", "");
        let groups = places.of(thing).iter().map(|group| (group.name.clone(), group.name == chosen));
        Form {
            thing: thing.word(),
            noun: thing.noun(),
            title,
            about,
            name: typed("name", ""),
            groups: groups.collect(),
            partitions: (thing == Thing::Hub).then(|| typed("partitions", &PARTITIONS_DEFAULT.to_string())),
            location: (thing == Thing::Group).then(|| typed("location", "local")),
            said: said.map(|(_, text, is_fault)| (text.clone(), *is_fault)),
        }
    };
    let about = |thing| match thing {
        Thing::Hub => ("Hub", "Devices connect to it, back ends read their messages there."),
        Thing::Dps => ("DPS instance", "Devices register there, and are placed on its linked hubs."),
        Thing::Group => ("Resource group", "Hubs and DPS instances that are administered together."),
    };
    let allowed = THINGS.into_iter().filter(|thing| places.allow(*thing));
    let forms = allowed.map(|thing| form(thing, about(thing).0, about(thing).1)).collect();
    let page = Page {
        frame: call.frame("Create", "overview", Vec::new()),
        here: href(&["create"]),
        has_groups: places.allow(Thing::Hub) || places.allow(Thing::Dps),
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
    Call::require(places.allow(thing), "make it here")?;
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
        Err(fault) => page(call, &places, Some((thing, fault.sentences(), true)), fault.status()),
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
    let group = places.of(thing).iter().find(|group| group.name == chosen);
    let Group { name: group, location } = group.ok_or_else(|| Fault::invalid("Choose a resource group."))?;
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
