//! `roadstead iot dps linked-hub`

use super::lookup::{Found, find, owner_of, text};
use crate::args::Global;
use crate::args::dps::{LinkedHubCommand, LinkedHubCreate, LinkedHubList, LinkedHubShow, LinkedHubUpdate};
use crate::context::Server;
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_sas::ConnectionString;
use roadstead_service::{Kind, Management};
use serde_json::{Value, json};

pub async fn run(command: &LinkedHubCommand, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    Ok(match command {
        LinkedHubCommand::List(dps) => linked(&find_dps(&management, dps).await?).into(),
        LinkedHubCommand::Show(show) => {
            let dps = find_dps(&management, &show.dps).await?;
            let host = host(&management, show).await?;
            let mut hubs = linked(&dps);
            hubs.remove(position(&hubs, &host, &dps.label())?).into()
        }
        LinkedHubCommand::Create(create) => link(&management, create).await?.into(),
        LinkedHubCommand::Update(update) => change(&management, update).await?.into(),
        LinkedHubCommand::Delete(delete) => unlink(&management, &delete.linked).await?.into(),
    })
}

async fn find_dps(management: &Management, dps: &LinkedHubList) -> Result<Found, Failure> {
    find(management, Kind::Dps, &dps.dps_name, dps.within.resource_group.as_deref()).await
}

fn linked(dps: &Found) -> Vec<Value> {
    dps.document.pointer("/properties/iotHubs").and_then(Value::as_array).cloned().unwrap_or_default()
}

async fn link(management: &Management, create: &LinkedHubCreate) -> Result<Vec<Value>, Failure> {
    let dps = find_dps(management, &create.dps).await?;
    let group = create.hub_resource_group.as_deref();
    let string = match (&create.connection_string, &create.hub_name) {
        (Some(string), _) => string.clone(),
        (None, name) => owner(management, name.as_deref().unwrap_or_default(), group).await?,
    };
    let host = ConnectionString::parse(&string).map_err(|error| Failure::usage(error.to_string()))?.host_name;
    let location = if let Some(location) = &create.location {
        Some(location.clone())
    } else {
        let name = create.hub_name.as_deref().unwrap_or(&host);
        match find(management, Kind::Hub, name, group).await {
            Ok(hub) => hub.document.get("location").and_then(Value::as_str).map(str::to_owned),
            // A hub of another server: wherever it is, the server takes the location of the DPS.
            Err(_) if create.connection_string.is_some() => None,
            Err(failure) => return Err(failure),
        }
    };
    let mut entry = json!({ "connectionString": string });
    if let Some(location) = location {
        entry["location"] = location.into();
    }
    if let Some(apply) = create.apply_allocation_policy {
        entry["applyAllocationPolicy"] = apply.into();
    }
    if let Some(weight) = create.allocation_weight {
        entry["allocationWeight"] = weight.into();
    }
    let mut hubs = linked(&dps);
    hubs.push(entry);
    put(management, dps, hubs).await
}

/// The connection string of a hub's owner.
async fn owner(management: &Management, name: &str, group: Option<&str>) -> Result<String, Failure> {
    owner_of(management, &find(management, Kind::Hub, name, group).await?).await
}

async fn change(management: &Management, update: &LinkedHubUpdate) -> Result<Value, Failure> {
    if update.apply_allocation_policy.is_none() && update.allocation_weight.is_none() {
        return Err(
            Failure::usage("nothing to change").hint("say `--allocation-weight` or `--apply-allocation-policy`")
        );
    }
    let dps = find_dps(management, &update.linked.dps).await?;
    let host = host(management, &update.linked).await?;
    let mut hubs = linked(&dps);
    let label = dps.label();
    let at = position(&hubs, &host, &label)?;
    if let Some(apply) = update.apply_allocation_policy {
        hubs[at]["applyAllocationPolicy"] = apply.into();
    }
    if let Some(weight) = update.allocation_weight {
        hubs[at]["allocationWeight"] = weight.into();
    }
    let mut hubs = put(management, dps, hubs).await?;
    Ok(hubs.remove(position(&hubs, &host, &label)?))
}

async fn unlink(management: &Management, delete: &LinkedHubShow) -> Result<Vec<Value>, Failure> {
    let dps = find_dps(management, &delete.dps).await?;
    let host = host(management, delete).await?;
    let mut hubs = linked(&dps);
    hubs.remove(position(&hubs, &host, &dps.label())?);
    put(management, dps, hubs).await
}

/// The host name of a hub that may be called by its name alone.
async fn host(management: &Management, linked: &LinkedHubShow) -> Result<String, Failure> {
    if linked.linked_hub.contains('.') {
        return Ok(linked.linked_hub.clone());
    }
    Ok(find(management, Kind::Hub, &linked.linked_hub, None).await?.host()?.to_owned())
}

/// Which of the linked hubs it is.
fn position(hubs: &[Value], host: &str, dps: &str) -> Result<usize, Failure> {
    let at = hubs.iter().position(|hub| text(hub, "/name").eq_ignore_ascii_case(host));
    at.ok_or_else(|| {
        let names: Vec<_> = hubs.iter().map(|hub| text(hub, "/name")).collect();
        let hint = if names.is_empty() {
            "no hub is linked".to_owned()
        } else {
            format!("linked are `{}`", names.join("`, `"))
        };
        Failure::not_found(format!("hub `{host}` is not linked to {dps}")).hint(hint)
    })
}

/// Sends the whole DPS back with other hubs, unless it changed in the meantime. Secrets that were shown masked stay as
/// they are: the server knows them by their host names.
async fn put(management: &Management, dps: Found, hubs: Vec<Value>) -> Result<Vec<Value>, Failure> {
    let Found { resource, mut document } = dps;
    document["properties"]["iotHubs"] = hubs.into();
    let etag = document.get("etag").and_then(Value::as_str).map(str::to_owned);
    let document = management.put(&resource, &document, etag.as_deref()).await?;
    Ok(linked(&Found { resource, document }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_service::Resource;

    #[test]
    fn a_linked_hub_is_known_by_its_host_name() {
        let document = json!({"properties": {"iotHubs": [{"name": "a.localhost"}, {"name": "b.localhost"}]}});
        let dps =
            Found { resource: Resource { kind: Kind::Dps, group: "g".to_owned(), name: "d".to_owned() }, document };
        assert_eq!(position(&linked(&dps), "B.localhost", &dps.label()).unwrap(), 1);
        insta::assert_snapshot!(position(&linked(&dps), "c.localhost", &dps.label()).unwrap_err().text(false), @"
        error: hub `c.localhost` is not linked to DPS `d`

        hint: linked are `a.localhost`, `b.localhost`
        ");
    }
}
