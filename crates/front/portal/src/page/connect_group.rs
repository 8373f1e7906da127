//! The enrollment group that takes a device whose certificate is made here: one that names a CA of which the server has the key.

use crate::call::{At, Call, text};
use crate::certificate_end::End;
use crate::fault::Fault;
use crate::limits::{CONNECT_CA, CONNECT_GROUPS_MAX};
use crate::moment::Moment;
use crate::page::issuing::is_held;
use roadstead_model::UnixMillis;
use roadstead_service::{CaRequest, EnrollmentKind};
use serde_json::{Value, json};

const KIND: EnrollmentKind = EnrollmentKind::Group;

/// An enrollment group, and the CA that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) group: String,
    pub(crate) ca: String,
}

/// How a DPS instance can take such a device.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By one of these groups, which are enabled and name CAs that have not ended.
    There(Vec<Pair>),
    /// There is none. This one is made, as far as its parts are not there.
    Made {
        pair: Pair,
        /// The group is there already.
        has_group: bool,
        has_ca: bool,
    },
    /// Nor can one be made.
    Closed(Obstacle),
}

/// Why none can be made: what has the name of the CA [`CONNECT_CA`], or of its group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// A CA that was uploaded, without its key.
    Uploaded(String),
    /// A CA that has ended.
    Ended(String),
    /// The group that names the CA is disabled.
    Disabled(String),
    /// A group that does not name the CA.
    Taken(String),
}

impl Obstacle {
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Uploaded(ca) => format!(
                "The CA {ca} was uploaded, so its key is not here and nothing can be issued from it. Make another CA and an \
                 enrollment group that names it."
            ),
            Self::Ended(ca) => {
                format!("The CA {ca} has ended. Delete it, or make another CA and an enrollment group that names it.")
            }
            Self::Disabled(group) => {
                format!("The enrollment group {group} is disabled, so its devices are refused. Enable it first.")
            }
            Self::Taken(group) => {
                format!(
                    "There is an enrollment group {group} that does not name the CA {CONNECT_CA}. Delete it first, or \
                         make a CA and an enrollment group that names it."
                )
            }
        }
    }

    /// The page where it can be helped, and its name.
    pub(crate) fn place(&self, at: &At) -> (String, &'static str) {
        match self {
            Self::Uploaded(_) => (at.href(&["certificates"]), "CA certificates"),
            Self::Ended(ca) => (at.href(&["certificates", ca]), "the CA"),
            Self::Disabled(group) | Self::Taken(group) => (at.href(&["groups", "of", group]), "the group"),
        }
    }
}

/// What the walk would do at this instance.
pub(crate) async fn way(call: &Call<'_>, at: &At) -> Result<Way, Fault> {
    let cas: Vec<Value> = call.management().await?.list_certificates(&at.resource).await?;
    let groups: Vec<Value> = call.dps(at).await?.list(KIND, Some(CONNECT_GROUPS_MAX)).await?;
    Ok(decide(&cas, &groups, call.now()))
}

fn decide(cas: &[Value], groups: &[Value], now: UnixMillis) -> Way {
    let has_ended = |ca: &Value| End::of(Moment::parse(text(ca, "/properties/expiry")).as_ref(), now).is_past();
    let is_good = |name: &str| cas.iter().any(|ca| text(ca, "/name") == name && is_held(ca) && !has_ended(ca));
    let is_enabled = |group: &Value| text(group, "/provisioningStatus") != "disabled";
    let id = |group: &Value| text(group, "/enrollmentGroupId").to_owned();
    let pair = |group: &Value| {
        let ca = references(group).into_iter().find(|ca| is_good(ca))?;
        Some(Pair { group: id(group), ca: ca.to_owned() })
    };
    let there: Vec<Pair> = groups.iter().filter(|group| is_enabled(group)).filter_map(pair).collect();
    if !there.is_empty() {
        return Way::There(there);
    }
    let ca = cas.iter().find(|ca| text(ca, "/name").eq_ignore_ascii_case(CONNECT_CA));
    let name = ca.map_or(CONNECT_CA, |ca| text(ca, "/name")).to_owned();
    match ca {
        Some(ca) if !is_held(ca) => return Way::Closed(Obstacle::Uploaded(name)),
        Some(ca) if has_ended(ca) => return Way::Closed(Obstacle::Ended(name)),
        _ => {}
    }
    let naming = groups.iter().find(|group| references(group).contains(&name.as_str()));
    let homonym = groups.iter().find(|group| id(group).eq_ignore_ascii_case(CONNECT_CA));
    match (naming, homonym) {
        (Some(group), _) if !is_enabled(group) => Way::Closed(Obstacle::Disabled(id(group))),
        (None, Some(group)) => Way::Closed(Obstacle::Taken(id(group))),
        _ => {
            let group = naming.map_or_else(|| CONNECT_CA.to_owned(), id);
            Way::Made { pair: Pair { group, ca: name }, has_group: naming.is_some(), has_ca: ca.is_some() }
        }
    }
}

/// The CAs that a group names.
fn references(group: &Value) -> Vec<&str> {
    let name = |which: &&str| text(group, &format!("/attestation/x509/caReferences/{which}"));
    ["primary", "secondary"].iter().map(name).filter(|name| !name.is_empty()).collect()
}

/// Sees to it that there is a group as the form said. `chosen` is its id; empty where there was no choice.
pub(crate) async fn open(call: &Call<'_>, at: &At, chosen: &str) -> Result<Pair, Fault> {
    let name = &at.resource.name;
    let is_chosen = |pair: &Pair| chosen.is_empty() || pair.group == chosen;
    let (pair, has_group, has_ca) = match way(call, at).await? {
        Way::There(pairs) if pairs.len() > 1 && chosen.is_empty() => {
            return Err(Fault::Invalid(format!("Choose the enrollment group of {name} that takes the device.")));
        }
        Way::There(pairs) => match pairs.into_iter().find(is_chosen) {
            Some(pair) => return Ok(pair),
            None => return Err(Fault::Invalid(changed(name, chosen))),
        },
        Way::Made { pair, has_group, has_ca } if is_chosen(&pair) => (pair, has_group, has_ca),
        Way::Made { .. } => return Err(Fault::Invalid(changed(name, chosen))),
        Way::Closed(obstacle) => return Err(Fault::Invalid(obstacle.sentence())),
    };
    if !has_ca {
        let request = CaRequest { common_name: pair.ca.clone(), days: None };
        call.management().await?.create_ca::<Value>(&at.resource, &pair.ca, &request).await?;
    }
    if !has_group {
        let attestation = json!({ "type": "x509", "x509": { "caReferences": { "primary": pair.ca } } });
        let group =
            json!({ "enrollmentGroupId": pair.group, "attestation": attestation, "provisioningStatus": "enabled" });
        call.dps(at).await?.put::<Value>(KIND, &pair.group, &group, None).await?;
    }
    Ok(pair)
}

fn changed(instance: &str, chosen: &str) -> String {
    format!("The enrollment group {chosen} of {instance} cannot take the device any more: see below which can.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_291_370_516);

    fn ca(name: &str, year: u16, is_held: bool) -> Value {
        json!({"name": name, "properties": {"expiry": format!("Sat, 21 Nov {year} 21:09:03 GMT"),
            "roadstead": {"holdsKey": is_held}}})
    }

    fn group(id: &str, primary: &str, secondary: Option<&str>, status: &str) -> Value {
        json!({"enrollmentGroupId": id, "provisioningStatus": status, "attestation": {"type": "x509", "x509":
            {"caReferences": {"primary": primary, "secondary": secondary}}}})
    }

    fn pair(group: &str, ca: &str) -> Pair {
        Pair { group: group.to_owned(), ca: ca.to_owned() }
    }

    fn made(group: &str, ca: &str, has_group: bool, has_ca: bool) -> Way {
        Way::Made { pair: pair(group, ca), has_group, has_ca }
    }

    #[test]
    fn a_group_that_is_open_is_used_whatever_it_is_called() {
        let cas = [ca("plant", 2027, true), ca("old", 2025, true), ca("root", 2027, false), ca("spare", 2027, true)];
        for (groups, way) in [
            (vec![group("fleet", "plant", None, "enabled")], Way::There(vec![pair("fleet", "plant")])),
            (vec![group("fleet", "old", Some("spare"), "enabled")], Way::There(vec![pair("fleet", "spare")])),
            (
                vec![group("b", "spare", None, "enabled"), group("a", "plant", None, "enabled")],
                Way::There(vec![pair("b", "spare"), pair("a", "plant")]),
            ),
            (
                vec![group("shut", "spare", None, "disabled"), group("a", "plant", None, "enabled")],
                Way::There(vec![pair("a", "plant")]),
            ),
            // No other CA is opened to all that have a certificate of it.
            (vec![], made("devices", "devices", false, false)),
            (vec![group("up", "root", None, "enabled")], made("devices", "devices", false, false)),
            (vec![group("fleet", "old", None, "enabled")], made("devices", "devices", false, false)),
            (vec![group("fleet", "plant", None, "disabled")], made("devices", "devices", false, false)),
        ] {
            assert_eq!(decide(&cas, &groups, NOW), way, "{groups:?}");
        }
    }

    #[test]
    fn what_has_the_name_of_the_ca_is_told_apart() {
        let text = |text: &str| text.to_owned();
        for (cas, groups, way) in [
            (vec![ca("devices", 2027, true)], vec![], made("devices", "devices", false, true)),
            (vec![ca("Devices", 2027, true)], vec![], made("devices", "Devices", false, true)),
            (vec![ca("devices", 2027, false)], vec![], Way::Closed(Obstacle::Uploaded(text("devices")))),
            (vec![ca("devices", 2025, true)], vec![], Way::Closed(Obstacle::Ended(text("devices")))),
            (
                vec![ca("devices", 2027, true)],
                vec![group("fleet", "devices", None, "disabled")],
                Way::Closed(Obstacle::Disabled(text("fleet"))),
            ),
            (
                vec![ca("devices", 2027, true)],
                vec![group("devices", "other", None, "enabled")],
                Way::Closed(Obstacle::Taken(text("devices"))),
            ),
            // The CA was deleted, its group was not.
            (vec![], vec![group("fleet", "devices", None, "enabled")], made("fleet", "devices", true, false)),
        ] {
            assert_eq!(decide(&cas, &groups, NOW), way, "{cas:?} {groups:?}");
        }
    }
}
