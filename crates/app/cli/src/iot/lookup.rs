//! Finding hubs and DPS by what the user calls them, and the policy to speak to them as.

use crate::args::Global;
use crate::args::enrollment::DpsTarget;
use crate::args::hub_target::HubTarget;
use crate::context::{Server, open_transport};
use crate::failure::Failure;
use roadstead_sas::ConnectionString;
use roadstead_service::{HubService, Kind, Management, Policy, Provisioning, Resource};
use serde_json::Value;

/// What a policy must allow. Source: `reference/arm-and-az.md` 0.9
const HUB_RIGHTS: &[&str] = &["RegistryWrite", "ServiceConnect", "DeviceConnect"];
const DPS_RIGHTS: &[&str] = &["ServiceConfig", "EnrollmentWrite"];

/// A hub or DPS as the Resource Manager shows it.
#[derive(Debug)]
pub struct Found {
    pub resource: Resource,
    pub document: Value,
}

impl Found {
    /// The host that back ends speak to.
    pub fn host(&self) -> Result<&str, Failure> {
        let member = match self.resource.kind {
            Kind::Hub => "/properties/hostName",
            Kind::Dps => "/properties/serviceOperationsHostName",
        };
        let host = self.document.pointer(member).and_then(Value::as_str);
        host.ok_or_else(|| Failure::error(format!("{} has no host name", self.label())))
    }

    /// As messages name it: "hub `plant`".
    pub fn label(&self) -> String {
        format!("{} `{}`", word(self.resource.kind), self.resource.name)
    }
}

/// `hub`
pub fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Hub => "hub",
        Kind::Dps => "DPS",
    }
}

/// Finds a hub or DPS by its name or host name, in one resource group or in any.
pub async fn find(management: &Management, kind: Kind, name: &str, group: Option<&str>) -> Result<Found, Failure> {
    let all: Vec<Value> = management.list(kind, None).await?;
    choose(&all, kind, name, group)
}

fn choose(all: &[Value], kind: Kind, name: &str, group: Option<&str>) -> Result<Found, Failure> {
    let wanted = name.split('.').next().unwrap_or(name);
    let named = |document: &&Value| {
        let host = document.pointer("/properties/hostName").and_then(Value::as_str);
        text(document, "/name").eq_ignore_ascii_case(wanted) || host.is_some_and(|host| host.eq_ignore_ascii_case(name))
    };
    let noun = word(kind);
    let Some(document) = all.iter().find(named) else {
        let names: Vec<_> = all.iter().map(|document| text(document, "/name")).collect();
        let hint = if names.is_empty() {
            let segment = noun.to_ascii_lowercase();
            format!(
                "there is none yet: `roadstead iot {segment} create --name {wanted} --resource-group GROUP` makes one"
            )
        } else {
            format!("there is `{}`", names.join("`, `"))
        };
        return Err(Failure::not_found(format!("{noun} `{wanted}` not found")).hint(hint));
    };
    let (name, its_group) = (text(document, "/name"), group_of(document));
    if let Some(group) = group.filter(|group| !group.eq_ignore_ascii_case(its_group)) {
        return Err(Failure::not_found(format!("{noun} `{name}` not found in resource group `{group}`"))
            .hint(format!("it is in `{its_group}`; without `--resource-group` it is found by its name")));
    }
    let resource = Resource { kind, group: its_group.to_owned(), name: name.to_owned() };
    Ok(Found { resource, document: document.clone() })
}

fn group_of(document: &Value) -> &str {
    let named = text(document, "/resourcegroup");
    if !named.is_empty() {
        return named;
    }
    let mut segments = text(document, "/id").split('/');
    segments.find(|segment| segment.eq_ignore_ascii_case("resourceGroups"));
    segments.next().unwrap_or_default()
}

/// The text at `pointer`, empty where there is none.
pub fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A hub's registry, as its first policy that may do everything or as the connection string says.
pub async fn hub_service(target: &HubTarget, global: &Global) -> Result<HubService, Failure> {
    if let Some(login) = &target.login {
        let (host, policy) = read_login(login)?;
        return Ok(HubService::new(open_transport(global)?, &host, policy));
    }
    let (server, found, policy) =
        sign(Kind::Hub, target.hub_name.as_deref(), target.within.resource_group.as_deref(), global).await?;
    Ok(HubService::new(server.transport, found.host()?, policy))
}

/// What the user calls a hub: its name, or the address it is reached by.
pub fn hub_label(hub: &HubService) -> &str {
    let host = hub.host();
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if is_address { host } else { host.split('.').next().unwrap_or_default() }
}

/// A DPS' enrollments, likewise.
pub async fn provisioning(target: &DpsTarget, global: &Global) -> Result<Provisioning, Failure> {
    if let Some(login) = &target.login {
        let (host, policy) = read_login(login)?;
        return Ok(Provisioning::new(open_transport(global)?, &host, policy));
    }
    let (server, found, policy) =
        sign(Kind::Dps, target.dps_name.as_deref(), target.within.resource_group.as_deref(), global).await?;
    Ok(Provisioning::new(server.transport, found.host()?, policy))
}

/// The registry of a hub by its name alone.
pub async fn registry_of(hub: &str, global: &Global) -> Result<HubService, Failure> {
    let (server, found, policy) = sign(Kind::Hub, Some(hub), None, global).await?;
    Ok(HubService::new(server.transport, found.host()?, policy))
}

/// The enrollments of a DPS by its name alone.
pub async fn provisioning_of(dps: &str, global: &Global) -> Result<Provisioning, Failure> {
    let (server, found, policy) = sign(Kind::Dps, Some(dps), None, global).await?;
    Ok(Provisioning::new(server.transport, found.host()?, policy))
}

/// A policy of a hub or DPS, with its keys.
pub async fn find_policy(management: &Management, of: &Found, policy: &str) -> Result<Value, Failure> {
    let key: Option<Value> = management.find_key(&of.resource, policy).await?;
    key.ok_or_else(|| absent_policy(policy, of))
}

/// There is no such policy.
pub fn absent_policy(policy: &str, of: &Found) -> Failure {
    let (noun, name) = (word(of.resource.kind).to_ascii_lowercase(), &of.resource.name);
    Failure::not_found(format!("policy `{policy}` not found in {}", of.label()))
        .hint(format!("`roadstead iot {noun} policy list --{noun}-name {name}` shows those there are"))
}

/// The connection string of the owner's policy: `HostName=…;SharedAccessKeyName=iothubowner;SharedAccessKey=…`.
pub async fn owner_string(management: &Management, kind: Kind, name: &str) -> Result<String, Failure> {
    owner_of(management, &find(management, kind, name, None).await?).await
}

/// The same, of a hub or DPS that was found.
pub async fn owner_of(management: &Management, found: &Found) -> Result<String, Failure> {
    let policy = match found.resource.kind {
        Kind::Hub => "iothubowner",
        Kind::Dps => "provisioningserviceowner",
    };
    let key = find_policy(management, found, policy).await?;
    Ok(format!("HostName={};SharedAccessKeyName={policy};SharedAccessKey={}", found.host()?, text(&key, "/primaryKey")))
}

/// Every hub or DPS of the server.
pub async fn find_all(management: &Management, kind: Kind) -> Result<Vec<Found>, Failure> {
    let all: Vec<Value> = management.list(kind, None).await?;
    let found = all.into_iter().map(|document| {
        let (group, name) = (group_of(&document).to_owned(), text(&document, "/name").to_owned());
        Found { resource: Resource { kind, group, name }, document }
    });
    Ok(found.collect())
}

/// A policy of a hub or DPS that may do everything.
pub async fn policy_of(management: &Management, found: &Found) -> Result<Policy, Failure> {
    let keys: Vec<Value> = management.list_keys(&found.resource).await?;
    choose_policy(&keys, found.resource.kind, &found.resource.name)
}

async fn sign(
    kind: Kind,
    name: Option<&str>,
    group: Option<&str>,
    global: &Global,
) -> Result<(Server, Found, Policy), Failure> {
    let server = Server::open(global)?;
    let found = find(&server.management, kind, name.unwrap_or_default(), group).await?;
    let policy = policy_of(&server.management, &found).await?;
    Ok((server, found, policy))
}

fn choose_policy(keys: &[Value], kind: Kind, name: &str) -> Result<Policy, Failure> {
    let needed = match kind {
        Kind::Hub => HUB_RIGHTS,
        Kind::Dps => DPS_RIGHTS,
    };
    let may = |key: &&Value| {
        let rights: Vec<_> = text(key, "/rights").split(',').map(str::trim).collect();
        needed.iter().all(|right| rights.contains(right))
    };
    let Some(key) = keys.iter().find(may) else {
        let rights = needed.join(", ");
        return Err(Failure::error(format!("no policy of {} `{name}` has the rights {rights}", word(kind)))
            .hint("say `--login` with the connection string of a policy that may do this"));
    };
    Policy::new(text(key, "/keyName"), text(key, "/primaryKey")).map_err(|error| Failure::error(error.to_string()))
}

/// The hub or DPS of a back end's connection string, and its policy.
pub fn read_login(login: &str) -> Result<(String, Policy), Failure> {
    let string = ConnectionString::parse(login).map_err(|error| Failure::usage(format!("`--login`: {error}")))?;
    let policy = Policy::of(&string).ok_or_else(|| {
        Failure::usage("`--login` has the connection string of a device")
            .hint("it takes a policy's: `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`")
    })?;
    Ok((string.host_name, policy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

    fn hubs() -> Vec<Value> {
        vec![
            json!({"name": "Plant", "resourcegroup": "north", "properties": {"hostName": "plant.localhost"}}),
            json!({"name": "local", "resourcegroup": "north", "properties": {"hostName": "127.0.0.1"}}),
            json!({"name": "depot", "id": "/subscriptions/s/resourcegroups/south/providers/Microsoft.Devices/IotHubs/depot"}),
        ]
    }

    #[test]
    fn a_hub_is_found_by_any_of_its_names() {
        for (name, group, expected) in [
            ("plant", None, ("Plant", "north")),
            ("PLANT", Some("North"), ("Plant", "north")),
            ("plant.azure-devices.net", None, ("Plant", "north")),
            ("127.0.0.1", None, ("local", "north")),
            ("depot", Some("south"), ("depot", "south")),
        ] {
            let found = choose(&hubs(), Kind::Hub, name, group).unwrap();
            assert_eq!((found.resource.name.as_str(), found.resource.group.as_str()), expected);
        }
        let depot = choose(&hubs(), Kind::Hub, "depot", None).unwrap();
        assert_eq!(depot.host().unwrap_err().to_string(), "hub `depot` has no host name");
    }

    #[test]
    fn a_hub_that_is_not_there_is_told_from_one_that_is_elsewhere() {
        let refused = |all: &[Value], kind, name, group| choose(all, kind, name, group).unwrap_err().text(false);
        insta::assert_snapshot!(refused(&hubs(), Kind::Hub, "plan", None), @"
        error: hub `plan` not found

        hint: there is `Plant`, `local`, `depot`
        ");
        insta::assert_snapshot!(refused(&hubs(), Kind::Hub, "plant", Some("iot-rg")), @"
        error: hub `Plant` not found in resource group `iot-rg`

        hint: it is in `north`; without `--resource-group` it is found by its name
        ");
        insta::assert_snapshot!(refused(&[], Kind::Dps, "dps", None), @"
        error: DPS `dps` not found

        hint: there is none yet: `roadstead iot dps create --name dps --resource-group GROUP` makes one
        ");
    }

    #[test]
    fn the_first_policy_with_every_right_is_taken() {
        let key = |name: &str, rights: &str| json!({"keyName": name, "primaryKey": KEY, "rights": rights});
        let keys = [
            key("service", "ServiceConnect"),
            key("iothubowner", "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect"),
            key("other", "RegistryWrite,ServiceConnect,DeviceConnect"),
        ];
        assert_eq!(choose_policy(&keys, Kind::Hub, "plant").unwrap().name, "iothubowner");
        insta::assert_snapshot!(choose_policy(&keys, Kind::Dps, "dps").unwrap_err().text(false), @"
        error: no policy of DPS `dps` has the rights ServiceConfig, EnrollmentWrite

        hint: say `--login` with the connection string of a policy that may do this
        ");
    }

    #[test]
    fn a_login_is_a_policys_connection_string() {
        let (host, policy) =
            read_login(&format!("HostName=h:8443;SharedAccessKeyName=p;SharedAccessKey={KEY}")).unwrap();
        assert_eq!((host.as_str(), policy.name.as_str()), ("h:8443", "p"));
        for login in [format!("HostName=h;DeviceId=d;SharedAccessKey={KEY}"), "nonsense".to_owned()] {
            let failure = read_login(&login).unwrap_err();
            assert!(
                failure.to_string().starts_with("`--login`") && !format!("{failure:?}").contains(KEY),
                "{failure:?}"
            );
        }
    }
}
