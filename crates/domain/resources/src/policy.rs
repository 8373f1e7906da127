//! Shared access policies: the ones every resource begins with, and those an administrator writes.

use roadstead_model::{AccessPolicy, Random, Right, Rights, Secret};
use roadstead_sas::{SasKey, limits::POLICY_KEY_BYTES};

use crate::{
    error::{Kind, ResourceError},
    limits,
};

const HUB_RIGHTS: [Right; 4] = [Right::RegistryRead, Right::RegistryWrite, Right::ServiceConnect, Right::DeviceConnect];
const DPS_RIGHTS: [Right; 6] = [
    Right::ServiceConfig,
    Right::DeviceConnect,
    Right::EnrollmentRead,
    Right::EnrollmentWrite,
    Right::RegistrationStatusRead,
    Right::RegistrationStatusWrite,
];

/// The name of a hub's policy that may do everything.
pub const HUB_OWNER: &str = "iothubowner";
/// The name of a DPS instance's policy that may do everything.
pub const DPS_OWNER: &str = "provisioningserviceowner";

/// A policy as an administrator writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySpec {
    /// `iothubowner`. Compared without case.
    pub key_name: String,
    /// Absent or empty: made here, also in place of one that is known: so do clients ask for a new key.
    /// Source: azure-cli 2.77 (`iot hub policy renew-key`, `iot dps policy update --primary-key ""`)
    pub primary: Option<Secret>,
    /// Likewise.
    pub secondary: Option<Secret>,
    /// `RegistryWrite, ServiceConnect`.
    pub rights: String,
}

/// The policies of a new hub. Writing implies reading, so it is not named twice.
/// Source: `reference/arm-and-az.md` 5, `reference/hub-service.md` 1.2
pub(crate) fn hub_defaults(random: &dyn Random) -> Vec<AccessPolicy> {
    [
        (HUB_OWNER, &[Right::RegistryWrite, Right::ServiceConnect, Right::DeviceConnect][..]),
        ("service", &[Right::ServiceConnect]),
        ("device", &[Right::DeviceConnect]),
        ("registryRead", &[Right::RegistryRead]),
        ("registryReadWrite", &[Right::RegistryWrite]),
    ]
    .map(|(name, rights)| fresh(name, rights, random))
    .into()
}

/// The policy of a new DPS instance: it may do everything. Source: `reference/dps.md` 4.1, `reference/arm-and-az.md` 5
pub(crate) fn dps_defaults(random: &dyn Random) -> Vec<AccessPolicy> {
    let rights = [Right::ServiceConfig, Right::DeviceConnect, Right::EnrollmentWrite, Right::RegistrationStatusWrite];
    vec![fresh(DPS_OWNER, &rights, random)]
}

/// The policies that an administrator writes: all of them.
///
/// Errors: `TooMany`, `Value` (name), `PolicyTwice`, `PolicyRights`, `PolicyKey`.
pub(crate) fn written(
    kind: Kind,
    specs: &[PolicySpec],
    random: &dyn Random,
) -> Result<Vec<AccessPolicy>, ResourceError> {
    if specs.len() > limits::POLICIES_MAX {
        return Err(ResourceError::TooMany { what: "shared access policies", max: limits::POLICIES_MAX });
    }
    let mut policies: Vec<AccessPolicy> = Vec::with_capacity(specs.len());
    for spec in specs {
        check_name(&spec.key_name)?;
        if policies.iter().any(|policy| policy.key_name.eq_ignore_ascii_case(&spec.key_name)) {
            return Err(ResourceError::PolicyTwice { policy: spec.key_name.clone() });
        }
        policies.push(AccessPolicy {
            key_name: spec.key_name.clone(),
            primary: key(spec, spec.primary.as_ref(), random)?,
            secondary: key(spec, spec.secondary.as_ref(), random)?,
            rights: rights(kind, spec)?,
        });
    }
    Ok(policies)
}

fn check_name(name: &str) -> Result<(), ResourceError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if (1..=limits::POLICY_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(ResourceError::Value {
        member: "keyName",
        given: format!("`{}`", name.chars().take(limits::POLICY_NAME_BYTES_MAX).collect::<String>()),
        allowed: format!("1 to {} letters, digits and - . _", limits::POLICY_NAME_BYTES_MAX),
    })
}

fn rights(kind: Kind, spec: &PolicySpec) -> Result<Rights, ResourceError> {
    let known = if kind == Kind::Dps { &DPS_RIGHTS[..] } else { &HUB_RIGHTS[..] };
    Rights::parse(&spec.rights)
        .filter(|rights| *rights != Rights::default() && rights.iter().all(|right| known.contains(&right)))
        .ok_or_else(|| ResourceError::PolicyRights {
            policy: spec.key_name.clone(),
            rights: spec.rights.chars().take(200).collect(),
            kind,
            known: Rights::of(known).to_string(),
        })
}

fn key(spec: &PolicySpec, given: Option<&Secret>, random: &dyn Random) -> Result<Secret, ResourceError> {
    match given.filter(|given| !given.expose().is_empty()) {
        Some(given) => match SasKey::from_base64(given.expose()) {
            Ok(_) => Ok(given.clone()),
            Err(cause) => Err(ResourceError::PolicyKey { policy: spec.key_name.clone(), cause }),
        },
        None => Ok(fresh_key(random)),
    }
}

fn fresh(name: &str, rights: &[Right], random: &dyn Random) -> AccessPolicy {
    AccessPolicy {
        key_name: name.to_owned(),
        primary: fresh_key(random),
        secondary: fresh_key(random),
        rights: Rights::of(rights),
    }
}

fn fresh_key(random: &dyn Random) -> Secret {
    let key = SasKey::generate(POLICY_KEY_BYTES, |bytes| random.fill(bytes));
    Secret::new(key.to_base64().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_testkit::CountingRandom;

    const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

    fn spec(name: &str, rights: &str) -> PolicySpec {
        PolicySpec { key_name: name.to_owned(), primary: None, secondary: None, rights: rights.to_owned() }
    }

    #[test]
    fn defaults_are_azures() {
        let printed: Vec<String> =
            hub_defaults(&CountingRandom::default()).iter().map(|p| format!("{}: {}", p.key_name, p.rights)).collect();
        assert_eq!(
            printed,
            [
                "iothubowner: RegistryWrite, ServiceConnect, DeviceConnect",
                "service: ServiceConnect",
                "device: DeviceConnect",
                "registryRead: RegistryRead",
                "registryReadWrite: RegistryWrite",
            ]
        );
        let owner = dps_defaults(&CountingRandom::default()).remove(0);
        assert!(DPS_RIGHTS.into_iter().all(|right| owner.rights.allows(right)));
        assert_eq!((owner.primary.expose().len(), owner.secondary.expose().len()), (44, 44));
        assert_ne!(owner.primary, owner.secondary);
    }

    #[test]
    fn keys_are_taken_or_made() {
        let mut given = spec("service", "serviceconnect");
        (given.primary, given.secondary) = (Some(Secret::new(KEY)), Some(Secret::new("")));
        let written = written(Kind::Hub, &[given, spec("mine", "DeviceConnect")], &CountingRandom::default()).unwrap();
        assert_eq!((written[0].primary.expose(), written[0].secondary.expose().len()), (KEY, 44));
        assert_eq!((written.len(), written[1].primary.expose().len()), (2, 44));
    }

    #[test]
    fn refuses_with_the_cause() {
        let mut short = spec("p", "DeviceConnect");
        short.secondary = Some(Secret::new("YWJj"));
        for (kind, specs, error) in [
            (Kind::Hub, vec![spec("", "DeviceConnect")], "keyName is ``; it must be 1 to 64 letters, digits and - . _"),
            (
                Kind::Hub,
                vec![spec("a;b", "DeviceConnect")],
                "keyName is `a;b`; it must be 1 to 64 letters, digits and - . _",
            ),
            (
                Kind::Hub,
                vec![spec("p", "DeviceConnect"), spec("P", "DeviceConnect")],
                "shared access policy 'P' is there twice",
            ),
            (Kind::Hub, vec![short], "shared access policy 'p': the key has 3 bytes; it must have 16 to 64"),
            (
                Kind::Hub,
                vec![spec("p", "")],
                "shared access policy 'p' cannot hold the rights ``; a hub knows RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect",
            ),
            (
                Kind::Hub,
                vec![spec("p", "EnrollmentRead")],
                "shared access policy 'p' cannot hold the rights `EnrollmentRead`; a hub knows RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect",
            ),
            (
                Kind::Dps,
                vec![spec("p", "RegistryRead")],
                "shared access policy 'p' cannot hold the rights `RegistryRead`; a DPS instance knows DeviceConnect, ServiceConfig, EnrollmentRead, EnrollmentWrite, RegistrationStatusRead, RegistrationStatusWrite",
            ),
        ] {
            assert_eq!(written(kind, &specs, &CountingRandom::default()).unwrap_err().to_string(), error);
        }
        let many: Vec<_> = (0..33).map(|i| spec(&format!("p{i}"), "DeviceConnect")).collect();
        assert!(matches!(
            written(Kind::Hub, &many, &CountingRandom::default()),
            Err(ResourceError::TooMany { max: 32, .. })
        ));
    }
}
