//! Which hub a device gets.
//!
//! Source: `reference/dps.md` 3.4

use aws_lc_rs::digest;
use roadstead_model::{AllocationPolicy, Dps, LinkedHub, Provisioning, RegistrationId};

use crate::{
    limits::{WEIGHT_MAX, WEIGHT_MIN},
    link::{HubLink, own_name},
};

/// The policy that holds for an enrollment. `custom` is no default of an instance, so there it means `hashed`.
pub(crate) fn policy(dps: &Dps, provisioning: &Provisioning) -> AllocationPolicy {
    let default = match dps.allocation_policy {
        AllocationPolicy::Custom => AllocationPolicy::Hashed,
        policy => policy,
    };
    provisioning.allocation.unwrap_or(default)
}

/// The hubs among which a policy chooses, or why there are none: those that the enrollment names and that are linked (all
/// linked ones when it names none), less those that are out of allocation. Any of a hub's names names it.
pub(crate) fn eligible<'a>(
    dps: &'a Dps,
    provisioning: &Provisioning,
    hubs: &dyn HubLink,
) -> Result<Vec<&'a LinkedHub>, String> {
    let named: Vec<String> = provisioning.hubs.iter().map(|name| own_name(hubs, name)).collect();
    let is_named = |hub: &&LinkedHub| named.is_empty() || named.contains(&own_name(hubs, &hub.host_name));
    let candidates: Vec<&LinkedHub> = dps.linked_hubs.iter().filter(is_named).collect();
    if dps.linked_hubs.is_empty() {
        return Err("no hub is linked to this DPS instance".to_owned());
    }
    if candidates.is_empty() {
        return Err(format!(
            "hub not specified: none of {} is linked to this DPS instance",
            provisioning.hubs.join(", ")
        ));
    }
    let open: Vec<&LinkedHub> = candidates.iter().copied().filter(|hub| hub.apply_allocation_policy).collect();
    if open.is_empty() {
        let names: Vec<&str> = candidates.iter().map(|hub| hub.host_name.as_str()).collect();
        return Err(format!("hub not specified: {} is linked with applyAllocationPolicy=false", names.join(", ")));
    }
    Ok(open)
}

/// The static policy's one hub, or why it is not one.
pub(crate) fn only<'a>(candidates: &[&'a LinkedHub]) -> Result<&'a LinkedHub, String> {
    match candidates {
        [hub] => Ok(hub),
        _ => Err(format!("hub not specified: static allocation needs one hub, and {} are eligible", candidates.len())),
    }
}

/// Weighted rendezvous hashing: stable for a device, in proportion to the weights over many, and a hub that comes or goes
/// moves only the devices that it gains or loses.
pub(crate) fn hashed<'a>(candidates: &[&'a LinkedHub], id: &RegistrationId) -> Option<&'a LinkedHub> {
    let key = id.key();
    candidates.iter().copied().min_by(|left, right| distance(left, &key).total_cmp(&distance(right, &key)))
}

/// The hub with the fewest devices for its weight; among equals the hashed one. `loads` go with `candidates`; a hub whose
/// load is not known comes last.
pub(crate) fn least_loaded<'a>(
    candidates: &[&'a LinkedHub],
    loads: &[Option<u64>],
    id: &RegistrationId,
) -> Option<&'a LinkedHub> {
    let key = id.key();
    let known = candidates.iter().copied().zip(loads).filter_map(|(hub, load)| Some((hub, (*load)?)));
    let best = known.min_by(|(left, left_load), (right, right_load)| {
        let left_share = u128::from(*left_load) * u128::from(weight(right));
        let right_share = u128::from(*right_load) * u128::from(weight(left));
        left_share.cmp(&right_share).then_with(|| distance(left, &key).total_cmp(&distance(right, &key)))
    });
    best.map(|(hub, _)| hub).or_else(|| hashed(candidates, id))
}

fn weight(hub: &LinkedHub) -> u16 {
    hub.allocation_weight.unwrap_or(WEIGHT_MIN).clamp(WEIGHT_MIN, WEIGHT_MAX)
}

/// Exponentially distributed with the weight as rate, so that the least of several falls to each in proportion.
fn distance(hub: &LinkedHub, registration_key: &str) -> f64 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(registration_key.as_bytes());
    context.update(b"\n");
    context.update(hub.host_name.to_ascii_lowercase().as_bytes());
    let drawn = context.finish().as_ref().iter().take(4).fold(0, |bits: u32, byte| bits << 8 | u32::from(*byte));
    let unit = (f64::from(drawn) + 0.5) / 4_294_967_296.0;
    -unit.ln() / f64::from(weight(hub))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use roadstead_model::Secret;

    use super::*;

    fn hub(name: &str, weight: Option<u16>) -> LinkedHub {
        LinkedHub {
            host_name: name.to_owned(),
            connection_string: Secret::new("x"),
            location: "local".to_owned(),
            apply_allocation_policy: true,
            allocation_weight: weight,
            properties: serde_json::Map::new(),
        }
    }

    fn id(number: usize) -> RegistrationId {
        RegistrationId::parse(&format!("dev-{number}")).unwrap()
    }

    #[test]
    fn hashing_is_stable_and_follows_the_weights() {
        let (a, b) = (hub("a.example", None), hub("b.example", Some(3)));
        let mut found: HashMap<&str, usize> = HashMap::new();
        for number in 0..4000 {
            let chosen = hashed(&[&a, &b], &id(number)).unwrap();
            assert_eq!(hashed(&[&b, &a], &id(number)), Some(chosen), "order of links must not matter");
            *found.entry(&chosen.host_name).or_default() += 1;
        }
        assert!((900..1100).contains(&found["a.example"]), "{found:?}");
        let upper = RegistrationId::parse("DEV-7").unwrap();
        assert_eq!(hashed(&[&a, &b], &upper), hashed(&[&a, &b], &id(7)), "ids are compared without case");
    }

    #[test]
    fn a_new_hub_moves_only_what_it_gains() {
        let (a, b, c) = (hub("a.example", None), hub("b.example", None), hub("c.example", None));
        let mut moved = 0;
        for number in 0..3000 {
            let before = hashed(&[&a, &b], &id(number)).unwrap();
            let after = hashed(&[&a, &b, &c], &id(number)).unwrap();
            if before != after {
                assert_eq!(after.host_name, "c.example");
                moved += 1;
            }
        }
        assert!((900..1100).contains(&moved), "{moved}");
    }

    #[test]
    fn the_least_loaded_for_its_weight() {
        let (a, b, c) = (hub("a.example", None), hub("b.example", Some(2)), hub("c.example", None));
        for (loads, expected) in [
            ([Some(10), Some(19), Some(10)], "b.example"),
            ([Some(9), Some(19), Some(10)], "a.example"),
            ([Some(9), Some(19), Some(0)], "c.example"),
            ([None, Some(19), Some(10)], "b.example"),
            ([None, None, Some(1000)], "c.example"),
        ] {
            assert_eq!(least_loaded(&[&a, &b, &c], &loads, &id(1)).unwrap().host_name, expected, "{loads:?}");
        }
        let hashed = hashed(&[&a, &b, &c], &id(1));
        assert_eq!(least_loaded(&[&a, &b, &c], &[None, None, None], &id(1)), hashed, "nothing known");
        assert_eq!(least_loaded(&[], &[], &id(1)), None);
    }
}
