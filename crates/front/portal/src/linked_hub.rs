//! Hubs that DPS instances place devices on, as the instance's resource lists them.

use crate::call::text;
use crate::fault::Fault;
use crate::policy;
use crate::resources::list;
use crate::setting::place;
use roadstead_model::Right;
use roadstead_service::{Kind, Management};
use serde_json::{Value, json};

/// What DPS does at a hub: make and change identities, write twins. Source: docs, DPS "Link an IoT hub". `guess (?)`
const NEEDED: [Right; 2] = [Right::RegistryWrite, Right::ServiceConnect];

/// A part of a connection string: `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`
pub(crate) fn part<'a>(connection_string: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = connection_string.split(';').filter_map(|part| part.split_once('='));
    parts.find(|(found, _)| found.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The DPS instances that are linked to a hub, each with the policy that it uses.
pub(crate) async fn at(management: &Management, host: &str) -> Result<Vec<(String, String)>, Fault> {
    let instances = list(management, Kind::Dps).await?;
    let policies = |dps: &Value| {
        let of_hub = |link: &&Value| text(link, "/name").eq_ignore_ascii_case(host);
        let policy = |link: &Value| part(text(link, "/connectionString"), "SharedAccessKeyName").map(str::to_owned);
        let name = text(dps, "/name").to_owned();
        entries(dps).iter().filter(of_hub).filter_map(policy).map(|policy| (name.clone(), policy)).collect::<Vec<_>>()
    };
    Ok(instances.iter().flat_map(policies).collect())
}

/// The links of a DPS instance: `{"name":"plant.localhost","connectionString":"…","location":"local"}`
pub(crate) fn entries(dps: &Value) -> &[Value] {
    dps.pointer("/properties/iotHubs").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The policy of a hub by which a DPS instance can do all it has to: its owner's first.
pub(crate) fn fit(keys: &[Value]) -> Option<&Value> {
    let is_fit = |key: &&Value| NEEDED.into_iter().all(|right| policy::rights(key).allows(right));
    let is_owner = |key: &&Value| text(key, "/keyName") == "iothubowner";
    keys.iter().filter(is_fit).find(is_owner).or_else(|| keys.iter().find(is_fit))
}

/// What is said of a link in the form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) applies: bool,
    /// `None`: as every other.
    pub(crate) weight: Option<u32>,
}

impl Terms {
    fn write(self, entry: &mut Value) {
        entry["applyAllocationPolicy"] = self.applies.into();
        match (self.weight, entry.as_object_mut()) {
            (Some(weight), _) => entry["allocationWeight"] = weight.into(),
            (None, Some(members)) => {
                members.remove("allocationWeight");
            }
            (None, None) => {}
        }
    }
}

/// Links a hub; one that is linked already gets this connection string in place of its own, and keeps what is not said.
/// `home` is where a new one is if no location is said.
///
/// Errors: `Invalid` when the string names no host.
pub(crate) fn link(
    dps: &mut Value,
    connection_string: &str,
    location: Option<&str>,
    home: Option<&str>,
    terms: Terms,
) -> Result<String, Fault> {
    let host = part(connection_string, "HostName").filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Fault::invalid("That is no connection string of a hub: it names no HostName."))?;
    let name = host.split_once(':').map_or(host, |(name, _)| name).to_owned();
    let links = links(dps);
    let known = links.iter().position(|link| is_at(link, &name)).map(|at| links.remove(at));
    let mut entry = known.unwrap_or_else(|| json!({ "location": home }));
    entry["connectionString"] = connection_string.into();
    if let Some(location) = location {
        entry["location"] = location.into();
    }
    let weight = terms.weight.or_else(|| entry["allocationWeight"].as_u64()?.try_into().ok());
    Terms { weight, ..terms }.write(&mut entry);
    if entry["location"].is_null()
        && let Some(members) = entry.as_object_mut()
    {
        members.remove("location");
    }
    links.push(entry);
    Ok(name)
}

/// Changes what is said of a link. Errors: `Absent`.
pub(crate) fn change(dps: &mut Value, host: &str, terms: Terms) -> Result<(), Fault> {
    let entry = links(dps).iter_mut().find(|link| is_at(link, host)).ok_or_else(|| absent(host))?;
    terms.write(entry);
    Ok(())
}

/// Takes a link away. Errors: `Absent`.
pub(crate) fn unlink(dps: &mut Value, host: &str) -> Result<(), Fault> {
    let links = links(dps);
    let before = links.len();
    links.retain(|link| !is_at(link, host));
    if links.len() == before { Err(absent(host)) } else { Ok(()) }
}

fn is_at(link: &Value, host: &str) -> bool {
    text(link, "/name").eq_ignore_ascii_case(host)
}

fn absent(host: &str) -> Fault {
    Fault::Absent { what: "linked hub", name: host.to_owned() }
}

fn links(dps: &mut Value) -> &mut Vec<Value> {
    let links = place(dps, "/properties/iotHubs");
    if !links.is_array() {
        *links = json!([]);
    }
    links.as_array_mut().expect("it was made one")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASKED: &str = "HostName=a.localhost;SharedAccessKeyName=mine;SharedAccessKey=****";

    fn dps() -> Value {
        json!({"name": "d", "properties": {"idScope": "0ne", "iotHubs": [
            {"name": "a.localhost", "connectionString": MASKED, "location": "local", "allocationWeight": 3, "x": 1}]}})
    }

    #[test]
    fn a_link_is_added_renewed_changed_and_taken_away() {
        let terms = Terms { applies: false, weight: Some(7) };
        let mut after = dps();
        assert_eq!(
            link(&mut after, "HostName=b.localhost:8443;SharedAccessKey=k", Some("north"), None, terms).unwrap(),
            "b.localhost"
        );
        assert_eq!(entries(&after)[0], entries(&dps())[0], "the others stay, masked");
        let added = json!({"connectionString": "HostName=b.localhost:8443;SharedAccessKey=k", "location": "north",
            "applyAllocationPolicy": false, "allocationWeight": 7});
        assert_eq!(entries(&after)[1], added);

        let mut renewed = dps();
        link(
            &mut renewed,
            "SharedAccessKey=k;hostname=A.localhost",
            None,
            Some("south"),
            Terms { applies: true, weight: None },
        )
        .unwrap();
        let expected = json!([{"name": "a.localhost", "connectionString": "SharedAccessKey=k;hostname=A.localhost",
            "location": "local", "allocationWeight": 3, "x": 1, "applyAllocationPolicy": true}]);
        assert_eq!(renewed["properties"]["iotHubs"], expected);

        let mut changed = dps();
        change(&mut changed, "A.localhost", terms).unwrap();
        assert_eq!(entries(&changed)[0]["connectionString"], MASKED);
        assert_eq!((&entries(&changed)[0]["allocationWeight"], &entries(&changed)[0]["x"]), (&json!(7), &json!(1)));
        unlink(&mut changed, "a.LOCALHOST").unwrap();
        assert_eq!(changed["properties"], json!({"idScope": "0ne", "iotHubs": []}));
        assert!(matches!(unlink(&mut changed, "a.localhost"), Err(Fault::Absent { .. })));
        assert!(matches!(change(&mut changed, "a.localhost", terms), Err(Fault::Absent { .. })));
        for bad in ["", "nonsense", "HostName=;SharedAccessKey=k", "SharedAccessKey=k"] {
            assert!(matches!(link(&mut dps(), bad, None, None, terms), Err(Fault::Invalid(_))), "{bad}");
        }
    }

    #[test]
    fn a_policy_that_can_do_what_dps_does() {
        let key = |name: &str, rights: &str| json!({"keyName": name, "rights": rights});
        let (weak, all) = (key("service", "ServiceConnect"), "RegistryWrite, ServiceConnect");
        for (keys, name) in [
            (vec![weak.clone()], None),
            (vec![weak.clone(), key("mine", all)], Some("mine")),
            (vec![key("mine", all), key("iothubowner", all)], Some("iothubowner")),
            (vec![key("mine", all), key("iothubowner", "RegistryRead")], Some("mine")),
        ] {
            assert_eq!(fit(&keys).map(|key| text(key, "/keyName")), name, "{keys:?}");
        }
    }
}
