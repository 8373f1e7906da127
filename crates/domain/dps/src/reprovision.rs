//! What becomes of a device that registers again.
//!
//! Source: `reference/dps.md` 3.5

use roadstead_model::{DeviceId, ReprovisionPolicy, Substatus};

/// The last API version under which devices stay where they are unless the enrollment says otherwise.
const LAST_STICKY_API_VERSION: &str = "2018-04-01";

/// A device on a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The hub's own host name, lower case.
    pub(crate) hub: String,
    pub(crate) device_id: DeviceId,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The first assignment.
    Assign,
    /// Nothing moves and no data changes.
    Stay(Substatus),
    /// Nothing moves; the twin goes back to its beginning.
    Reset,
    /// To another place, with the device's data.
    Migrate(Place),
    /// To another place, with a new beginning.
    MoveAndReset(Place),
}

/// The policy when the enrollment has none: update and migrate, or never for old API versions (`2018-04-01` and before).
pub(crate) fn default_policy(api_version: &str) -> ReprovisionPolicy {
    let sticky = !api_version.is_empty() && api_version <= LAST_STICKY_API_VERSION;
    ReprovisionPolicy { update_hub_assignment: !sticky, migrate_device_data: !sticky }
}

/// Decides for a device that was at `before` and should be at `target`. A policy that does not update the assignment means
/// "never", whatever it says of the data.
pub(crate) fn decide(before: Option<(Place, Substatus)>, target: &Place, policy: ReprovisionPolicy) -> Step {
    let Some((place, substatus)) = before else { return Step::Assign };
    match (policy.update_hub_assignment, policy.migrate_device_data) {
        (false, _) => Step::Stay(substatus),
        (true, true) if place == *target => Step::Stay(substatus),
        (true, false) if place == *target => Step::Reset,
        (true, true) => Step::Migrate(place),
        (true, false) => Step::MoveAndReset(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table() {
        let place = |hub: &str| Place { hub: hub.to_owned(), device_id: DeviceId::parse("dev-01").unwrap() };
        let migrated = Substatus::DeviceDataMigrated;
        let policy = |update_hub_assignment, migrate_device_data| ReprovisionPolicy {
            update_hub_assignment,
            migrate_device_data,
        };
        let (a, b) = (place("a.example"), place("b.example"));
        for (before, target, policy, expected) in [
            (None, &a, policy(true, true), Step::Assign),
            (None, &a, policy(true, false), Step::Assign),
            (None, &a, policy(false, false), Step::Assign),
            (Some(&a), &a, policy(true, true), Step::Stay(migrated)),
            (Some(&a), &b, policy(true, true), Step::Migrate(a.clone())),
            (Some(&a), &a, policy(true, false), Step::Reset),
            (Some(&a), &b, policy(true, false), Step::MoveAndReset(a.clone())),
            (Some(&a), &a, policy(false, false), Step::Stay(migrated)),
            (Some(&a), &b, policy(false, false), Step::Stay(migrated)),
            (Some(&a), &b, policy(false, true), Step::Stay(migrated)),
        ] {
            let before = before.map(|place: &Place| (place.clone(), migrated));
            assert_eq!(decide(before.clone(), target, policy), expected, "{before:?} {target:?} {policy:?}");
        }
    }

    #[test]
    fn old_firmware_stays_by_default() {
        for (api_version, updates) in [
            ("2017-08-31-preview", false),
            ("2018-04-01", false),
            ("2018-09-01-preview", true),
            ("2019-03-31", true),
            ("2021-06-01", true),
            ("", true),
        ] {
            let policy = ReprovisionPolicy { update_hub_assignment: updates, migrate_device_data: updates };
            assert_eq!(default_policy(api_version), policy, "{api_version}");
        }
    }
}
