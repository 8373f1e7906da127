//! Links from a DPS instance to the hubs it places devices on.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use roadstead_model::{AccessPolicy, LinkedHub, Right, Secret};
use roadstead_sas::{ConnectionString, SasKey};
use serde_json::{Map, Value};

use crate::{
    directory::Directory,
    error::ResourceError,
    limits,
    resources::{check_kept_inside, check_location},
};

/// What stands for a key that is stored but not shown. Source: `reference/arm-and-az.md` 0.10
const MASK: &str = "****";

/// What DPS does on a hub: make and change identities, write twins. Source: docs, DPS "Link an IoT hub". `guess (?)`
const NEEDED: [Right; 2] = [Right::RegistryWrite, Right::ServiceConnect];

/// A link as an administrator writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSpec {
    /// `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`; a key of `****` means the one that is stored for this host.
    pub connection_string: Secret,
    /// Default: the instance's.
    pub location: Option<String>,
    /// Default: true.
    pub apply_allocation_policy: Option<bool>,
    /// 1 to 1000.
    pub allocation_weight: Option<u16>,
    /// Members that are kept and given back without being understood.
    pub properties: Map<String, Value>,
}

/// The links that `specs` stand for. A link that was there before is not judged again, so that an old key that was
/// changed on the hub does not stand in the way of other changes.
///
/// Errors: `TooMany`, `Value`, `Unsupported`, `LinkUnreadable`, `LinkOfDevice`, `LinkMasked`, `LinkPolicy`, `LinkKey`, `LinkRight`,
/// `LinkTwice`.
pub(crate) fn resolve(
    specs: &[LinkSpec],
    stored: &[LinkedHub],
    directory: &Directory,
    location: &str,
) -> Result<Vec<LinkedHub>, ResourceError> {
    if specs.len() > limits::LINKED_HUBS_MAX {
        return Err(ResourceError::TooMany { what: "linked hubs", max: limits::LINKED_HUBS_MAX });
    }
    let mut links: Vec<LinkedHub> = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let link = resolve_one(index + 1, spec, stored, directory, location)?;
        if links.iter().any(|other| other.host_name == link.host_name) {
            return Err(ResourceError::LinkTwice { host: link.host_name });
        }
        links.push(link);
    }
    Ok(links)
}

/// The host name under which a link is kept: the hub's own for any of its names, if it is one of ours. A port says where the
/// service API of another server is, and is no part of the name that devices are told.
fn own_name(directory: &Directory, host: &str) -> String {
    let host = host.split_once(':').map_or(host, |(name, _)| name);
    directory.find_hub_by_host(host).map_or_else(|| host.to_ascii_lowercase(), |hub| hub.host_name.clone())
}

fn resolve_one(
    position: usize,
    spec: &LinkSpec,
    stored: &[LinkedHub],
    directory: &Directory,
    default_location: &str,
) -> Result<LinkedHub, ResourceError> {
    if let Some(weight) = spec.allocation_weight.filter(|weight| !limits::ALLOCATION_WEIGHT.contains(weight)) {
        let allowed = format!("{} to {}", limits::ALLOCATION_WEIGHT.start(), limits::ALLOCATION_WEIGHT.end());
        return Err(ResourceError::Value { member: "allocationWeight", given: weight.to_string(), allowed });
    }
    let location = spec.location.as_deref().unwrap_or(default_location);
    check_location(location)?;
    check_kept_inside("iotHubs", &spec.properties)?;
    let (text, is_masked) = unmasked(spec.connection_string.expose());
    let parsed = ConnectionString::parse(&text).map_err(|cause| ResourceError::LinkUnreadable { position, cause })?;
    let host = own_name(directory, &parsed.host_name);
    let (Some(policy), Some(key)) = (parsed.shared_access_key_name, parsed.shared_access_key) else {
        return Err(ResourceError::LinkOfDevice { host });
    };
    let known = stored.iter().find(|link| {
        let same_policy = || {
            ConnectionString::parse(link.connection_string.expose())
                .is_ok_and(|known| known.shared_access_key_name.as_ref() == Some(&policy))
        };
        own_name(directory, &link.host_name) == host && same_policy()
    });
    let connection_string = match known {
        Some(known) if is_masked || known.connection_string == spec.connection_string => {
            known.connection_string.clone()
        }
        _ if is_masked => return Err(ResourceError::LinkMasked { host, policy }),
        _ => {
            check_against_hub(directory, &host, &policy, &key)?;
            spec.connection_string.clone()
        }
    };
    Ok(LinkedHub {
        host_name: host,
        connection_string,
        location: location.to_owned(),
        apply_allocation_policy: spec.apply_allocation_policy.unwrap_or(true),
        allocation_weight: spec.allocation_weight,
        properties: spec.properties.clone(),
    })
}

/// The text with a well-formed key in place of a mask, so that it can be parsed, and whether there was a mask.
fn unmasked(text: &str) -> (zeroize::Zeroizing<String>, bool) {
    let is_mask = |part: &str| {
        part.split_once('=')
            .is_some_and(|(name, value)| name.trim().eq_ignore_ascii_case("SharedAccessKey") && value.trim() == MASK)
    };
    if !text.split(';').any(is_mask) {
        return (text.to_owned().into(), false);
    }
    let placeholder = SasKey::from_bytes(vec![0; 32]).to_base64();
    let parts = text
        .split(';')
        .map(|part| if is_mask(part) { format!("SharedAccessKey={}", *placeholder) } else { part.to_owned() });
    (parts.collect::<Vec<_>>().join(";").into(), true)
}

/// A link to a hub of this installation must work; others are somebody else's to judge.
fn check_against_hub(directory: &Directory, host: &str, policy: &str, key: &SasKey) -> Result<(), ResourceError> {
    let Some(hub) = directory.find_hub_by_host(host) else { return Ok(()) };
    let (host, name) = (host.to_owned(), policy.to_owned());
    let Some(policy) = hub.policies.iter().find(|known| known.key_name.eq_ignore_ascii_case(policy)) else {
        return Err(ResourceError::LinkPolicy { host, policy: name });
    };
    if !is_key_of(policy, key) {
        return Err(ResourceError::LinkKey { host, policy: name });
    }
    match NEEDED.into_iter().find(|right| !policy.rights.allows(*right)) {
        Some(right) => Err(ResourceError::LinkRight { host, policy: name, right }),
        None => Ok(()),
    }
}

fn is_key_of(policy: &AccessPolicy, key: &SasKey) -> bool {
    [&policy.primary, &policy.secondary].into_iter().any(|known| {
        SasKey::from_base64(known.expose())
            .is_ok_and(|known| verify_slices_are_equal(known.as_bytes(), key.as_bytes()).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_key_is_told_from_a_real_one() {
        let key = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
        for (key, masked) in [(MASK, true), (" **** ", true), (key, false), ("***", false)] {
            let text = format!("HostName=plant.localhost;sharedaccesskey={key};SharedAccessKeyName=own");
            let (unmasked, was_masked) = unmasked(&text);
            assert_eq!(was_masked, masked, "{key}");
            assert_eq!(ConnectionString::parse(&unmasked).is_ok(), key != "***", "{key}");
        }
    }
}
