//! `roadstead why ID`: what became of a device, asked of every hub and DPS of the server.

mod words;

use crate::args::{Cli, Global};
use crate::clock::MachineClock;
use crate::context::Server;
use crate::failure::Failure;
use crate::iot::lookup::{self, Found, text};
use crate::output::{Printed, put};
use crate::query::Query;
use roadstead_model::Clock;
use roadstead_service::{EnrollmentKind, Entry, HubService, Kind, Provisioning, RefusalsWanted, RefusedWho};
use serde::Serialize;
use serde_json::Value;

/// Entries of a timeline that are asked for: more than anybody reads.
const TIMELINE_ENTRIES: usize = 100;
/// How far back refusals of others are looked at, for a device that nobody knows, in milliseconds.
const OTHERS_MS: i64 = 10 * 60 * 1000;
/// Refusals of others that are shown.
const OTHERS_MAX: usize = 10;

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    id: String,
    /// Whether a hub or DPS knows it, or refused it.
    found: bool,
    hubs: Vec<AtHub>,
    dps: Vec<AtDps>,
    /// Its refusals where it named a host name or an ID scope that nobody here has.
    elsewhere: Vec<Entry>,
    /// Where a back end with this id was not let in: `policy/service`.
    services: Vec<AsService>,
    /// Who else was refused lately, when nobody knows it.
    others: Vec<Other>,
}

/// What a hub knows of a device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AtHub {
    name: String,
    host_name: String,
    /// `null`: it is not registered there.
    device: Option<Device>,
    timeline: Vec<Entry>,
}

/// How a device stands at its hub.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    connection_state: String,
    /// When it came, or went.
    connection_state_updated_time: String,
}

/// What a DPS knows of a device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AtDps {
    name: String,
    id_scope: String,
    /// Whether it has an individual enrollment.
    enrolled: bool,
    /// `enabled` or `disabled`, of that enrollment.
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioning_status: Option<String>,
    /// The hub on which it is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_hub: Option<String>,
    timeline: Vec<Entry>,
}

/// Where a back end was not let in.
#[derive(Debug, Serialize)]
pub struct AsService {
    /// Name of the hub or DPS.
    at: String,
    timeline: Vec<Entry>,
}

/// A refusal of another device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Other {
    /// Name of the hub or DPS that tells of it.
    at: String,
    #[serde(flatten)]
    entry: Entry,
}

/// Prints what was found: in words, or as `--output` says.
pub fn run(cli: &Cli, id: &str) -> Result<(), Failure> {
    let query = cli.global.query.as_deref().map(Query::parse).transpose()?;
    let answer = crate::block_on(ask(id, &cli.global))??;
    if cli.global.output.is_none() && query.is_none() {
        put(&words::all(&answer))?;
    } else {
        let value = serde_json::to_value(&answer).map_err(|error| Failure::error(error.to_string()))?;
        Printed::from(value).print(cli.global.format(), query.as_ref())?;
    }
    if answer.found {
        return Ok(());
    }
    Err(Failure::not_found(format!("`{id}` was never seen here: no hub and no DPS knows it or refused it"))
        .hint("the device may use another id, host name or ID scope, or never have reached this server"))
}

async fn ask(id: &str, global: &Global) -> Result<Answer, Failure> {
    let server = Server::open(global)?;
    let (mut hubs, mut dps_instances, mut own, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut services = Vec::new();
    let as_service = |found: &Found, refusals: Vec<Entry>| {
        let is_it = |entry: &Entry| entry.id.as_ref().is_some_and(|claimed| claimed.eq_ignore_ascii_case(id));
        let timeline: Vec<Entry> = refusals.into_iter().filter(is_it).collect();
        (!timeline.is_empty()).then(|| AsService { at: found.resource.name.clone(), timeline })
    };
    let by_id = RefusalsWanted { id_prefix: Some(id.to_owned()), ..RefusalsWanted::default() };
    let as_back_end = RefusalsWanted { who: RefusedWho::Services, ..by_id.clone() };
    let since =
        RefusalsWanted { since: Some(MachineClock.now().plus_ms(-OTHERS_MS).iso()), ..RefusalsWanted::default() };
    for found in lookup::find_all(&server.management, Kind::Hub).await? {
        let policy = lookup::policy_of(&server.management, &found).await?;
        let hub = HubService::new(server.transport.clone(), found.host()?, policy);
        hubs.extend(at_hub(&hub, &found, id).await?);
        own.extend(hub.refusals::<Entry>(&by_id, Some(TIMELINE_ENTRIES)).await?);
        services.extend(as_service(&found, hub.refusals(&as_back_end, Some(TIMELINE_ENTRIES)).await?));
        let refused: Vec<Entry> = hub.refusals(&since, Some(OTHERS_MAX)).await?;
        others.extend(refused.into_iter().map(|entry| Other { at: found.resource.name.clone(), entry }));
    }
    for found in lookup::find_all(&server.management, Kind::Dps).await? {
        let policy = lookup::policy_of(&server.management, &found).await?;
        let dps = Provisioning::new(server.transport.clone(), found.host()?, policy);
        dps_instances.extend(at_dps(&dps, &found, id).await?);
        own.extend(dps.refusals::<Entry>(&by_id, Some(TIMELINE_ENTRIES)).await?);
        services.extend(as_service(&found, dps.refusals(&as_back_end, Some(TIMELINE_ENTRIES)).await?));
        let refused: Vec<Entry> = dps.refusals(&since, Some(OTHERS_MAX)).await?;
        others.extend(refused.into_iter().map(|entry| Other { at: found.resource.name.clone(), entry }));
    }
    let dps = dps_instances;
    let elsewhere = told_elsewhere(id, own, &hubs, &dps);
    let found = !hubs.is_empty() || !dps.is_empty() || !elsewhere.is_empty() || !services.is_empty();
    let others = if found { Vec::new() } else { newest(others) };
    Ok(Answer { id: id.to_owned(), found, hubs, dps, elsewhere, services, others })
}

/// Of refusals of this id those that are in no timeline, each once though several hubs tell of it.
fn told_elsewhere(id: &str, own: Vec<Entry>, hubs: &[AtHub], dps: &[AtDps]) -> Vec<Entry> {
    let told = || hubs.iter().map(|hub| &hub.timeline).chain(dps.iter().map(|dps| &dps.timeline)).flatten();
    let mut elsewhere: Vec<Entry> = Vec::new();
    for entry in own {
        let is_it = entry.id.as_ref().is_some_and(|claimed| claimed.eq_ignore_ascii_case(id));
        if is_it
            && !elsewhere.iter().any(|known| known.time == entry.time)
            && !told().any(|known| (&known.time, &known.cause) == (&entry.time, &entry.cause))
        {
            elsewhere.push(entry);
        }
    }
    elsewhere
}

/// Each once, though several hubs tell of what came to none of them.
fn newest(mut others: Vec<Other>) -> Vec<Other> {
    others.sort_by(|one, other| other.entry.time.cmp(&one.entry.time));
    others.dedup_by(|one, other| one.entry.time == other.entry.time && one.entry.id == other.entry.id);
    others.truncate(OTHERS_MAX);
    others
}

/// `None` when the hub knows nothing of it.
async fn at_hub(hub: &HubService, found: &Found, id: &str) -> Result<Option<AtHub>, Failure> {
    let (device_id, module) = id.split_once('/').map_or((id, None), |(device, module)| (device, Some(module)));
    let identity: Option<Value> = match module {
        Some(module) => hub.find_module(device_id, module).await,
        None => hub.find_device(device_id).await,
    }
    .or_else(|error| if error.is_not_found() { Ok(None) } else { Err(error) })?;
    let timeline: Vec<Entry> = hub.timeline(device_id, module, Some(TIMELINE_ENTRIES)).await?;
    if identity.is_none() && timeline.is_empty() {
        return Ok(None);
    }
    let device = identity.as_ref().map(|identity| {
        let member = |name| text(identity, name).to_owned();
        Device {
            // A module has no status of its own.
            status: Some(member("/status")).filter(|status| !status.is_empty()).unwrap_or_else(|| "enabled".to_owned()),
            status_reason: Some(member("/statusReason")).filter(|reason| !reason.is_empty()),
            connection_state: member("/connectionState"),
            connection_state_updated_time: member("/connectionStateUpdatedTime"),
        }
    });
    let name = found.resource.name.clone();
    Ok(Some(AtHub { name, host_name: hub.host().to_owned(), device, timeline }))
}

/// `None` when the DPS knows nothing of it.
async fn at_dps(dps: &Provisioning, found: &Found, id: &str) -> Result<Option<AtDps>, Failure> {
    if id.contains('/') {
        return Ok(None);
    }
    let enrollment: Option<Value> = dps.find(EnrollmentKind::Individual, id).await?;
    let registration: Option<Value> = dps.find_registration(id).await?;
    let timeline: Vec<Entry> = dps.timeline(id, Some(TIMELINE_ENTRIES)).await?;
    if enrollment.is_none() && registration.is_none() && timeline.is_empty() {
        return Ok(None);
    }
    let member = |of: &Option<Value>, name: &str| of.as_ref().map(|of| text(of, name).to_owned());
    Ok(Some(AtDps {
        name: found.resource.name.clone(),
        id_scope: text(&found.document, "/properties/idScope").to_owned(),
        enrolled: enrollment.is_some(),
        provisioning_status: member(&enrollment, "/provisioningStatus"),
        assigned_hub: member(&registration, "/assignedHub").filter(|hub| !hub.is_empty()),
        timeline,
    }))
}
