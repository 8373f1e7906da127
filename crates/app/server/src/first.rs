//! What `dev` makes at its first start: a resource group, a hub, a DPS instance linked to it.

use anyhow::{Context, Result};
use roadstead_model::{LinkedHub, Secret};
use roadstead_resources::{
    DpsSpec, GroupSpec, HostNames, HubSpec, LinkSpec, Resources, RouteSource, RouteSpec, SettingsSpec,
};
use serde_json::Map;

pub const GROUP: &str = "dev";
pub const HUB: &str = "dev";
pub const DPS: &str = "dev-dps";
const LOCATION: &str = "local";

/// The names that `dev`'s hub answers to.
#[derive(Debug, Clone)]
pub struct FirstNames {
    /// With a dot: `dev.localhost`, or `127.0.0.1` where that name does not resolve.
    pub host_name: String,
    pub aliases: Vec<String>,
}

/// What there is after the first start.
#[derive(Debug, Clone)]
pub struct First {
    pub hub_host: String,
    pub dps_host: String,
    pub id_scope: String,
    /// `HostName=…;SharedAccessKeyName=iothubowner;SharedAccessKey=…`
    pub hub_connection_string: String,
    pub dps_connection_string: String,
}

/// Makes what is missing; what is there stays, but for the names of the hub, which follow the command line.
pub async fn ensure(resources: &Resources, names: &FirstNames) -> Result<First> {
    if resources.directory().find_group(GROUP).is_none() {
        let spec = GroupSpec { location: LOCATION.to_owned(), tags: Map::new() };
        resources.put_group(GROUP, spec).await.context("the first resource group")?;
    }
    let known = resources.directory().find_hub(GROUP, HUB).cloned();
    let wanted = HostNames { host_name: names.host_name.clone(), aliases: names.aliases.clone() }.checked()?;
    let is_right = known.as_ref().is_some_and(|hub| hub.host_name == wanted.host_name && hub.aliases == wanted.aliases);
    if !is_right {
        let kept = known.as_ref().map(|hub| (hub.tags.clone(), hub.properties.clone()));
        let (tags, properties) = kept.unwrap_or_default();
        let settings = if known.is_none() { settings() } else { SettingsSpec::default() };
        let spec = HubSpec { host_names: Some(wanted), settings, tags, properties, ..HubSpec::default() };
        resources.put_hub(GROUP, HUB, spec, None).await.context("the first hub")?;
    }
    let hub = resources.hub(GROUP, HUB)?;
    let owner = hub
        .policies
        .iter()
        .find(|policy| policy.key_name == "iothubowner")
        .context("the hub has no iothubowner policy")?;
    let hub_connection_string = connection_string(&hub.host_name, &owner.key_name, owner.primary.expose());

    let former_host = known.map(|hub| hub.host_name.clone());
    let known = resources.directory().find_dps(GROUP, DPS).cloned();
    let is_right = known.as_ref().is_some_and(|dps| {
        dps.host_name == hub.host_name && dps.linked_hubs.iter().any(|link| link.host_name == hub.host_name)
    });
    if !is_right {
        let (tags, properties) =
            known.as_ref().map(|dps| (dps.tags.clone(), dps.properties.clone())).unwrap_or_default();
        let kept = known.iter().flat_map(|dps| &dps.linked_hubs);
        let mut links: Vec<LinkSpec> =
            kept.filter(|link| Some(&link.host_name) != former_host.as_ref()).map(stored_link).collect();
        links.push(LinkSpec {
            connection_string: Secret::new(hub_connection_string.clone()),
            location: Some(LOCATION.to_owned()),
            apply_allocation_policy: None,
            allocation_weight: None,
            properties: Map::new(),
        });
        let spec = DpsSpec {
            linked_hubs: Some(links),
            host_name: Some(hub.host_name.clone()),
            tags,
            properties,
            ..DpsSpec::default()
        };
        resources.put_dps(GROUP, DPS, spec, None).await.context("the first DPS instance")?;
    }
    let dps = resources.dps(GROUP, DPS)?;
    let owner = dps.policies.first().context("the DPS instance has no policy")?;
    Ok(First {
        hub_host: hub.host_name.clone(),
        dps_host: dps.host_name.clone(),
        id_scope: dps.id_scope.to_string(),
        hub_connection_string,
        dps_connection_string: connection_string(&dps.host_name, &owner.key_name, owner.primary.expose()),
    })
}

/// How the vendor's own end-to-end suites want a hub: changes of twins among its events, and faults on request.
fn settings() -> SettingsSpec {
    SettingsSpec {
        routes: Some(vec![RouteSpec::of_all("TwinChangeEvents", RouteSource::TwinChanges)]),
        fault_injection: Some(true),
        ..SettingsSpec::default()
    }
}

fn stored_link(link: &LinkedHub) -> LinkSpec {
    LinkSpec {
        connection_string: link.connection_string.clone(),
        location: Some(link.location.clone()),
        apply_allocation_policy: Some(link.apply_allocation_policy),
        allocation_weight: link.allocation_weight,
        properties: link.properties.clone(),
    }
}

fn connection_string(host: &str, policy: &str, key: &str) -> String {
    format!("HostName={host};SharedAccessKeyName={policy};SharedAccessKey={key}")
}
