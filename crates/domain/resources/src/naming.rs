//! Names by which hubs and DPS instances are reached.

use std::net::IpAddr;

use roadstead_model::{DpsName, HubName};

use crate::{error::ResourceError, limits};

/// Where the host names of Azure's hubs end. Source: docs, IoT Hub endpoints
const AZURE_HUB_DOMAIN: &str = "azure-devices.net";

/// Where host names end: hub `plant` is `plant.localhost`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// What follows a hub's name and a dot: `localhost`.
    pub hub_domain: String,
    /// What follows a DPS instance's name and a dot: `localhost`.
    pub dps_domain: String,
}

impl Naming {
    /// The host name a hub of this name has unless it is given another: `plant.localhost`.
    pub fn hub_host(&self, name: &HubName) -> String {
        format!("{name}.{}", self.hub_domain).to_ascii_lowercase()
    }

    /// The names a hub of this name has unless it is given others: its own, and beside it the one it would have in Azure, for
    /// clients that keep that: `plant.azure-devices.net`.
    pub fn hub_host_names(&self, name: &HubName) -> HostNames {
        let host_name = self.hub_host(name);
        let azure = format!("{name}.{AZURE_HUB_DOMAIN}").to_ascii_lowercase();
        HostNames { aliases: if azure == host_name { Vec::new() } else { vec![azure] }, host_name }
    }

    /// The host name a DPS instance of this name has unless it is given another: `plant-dps.localhost`.
    pub fn dps_host(&self, name: &DpsName) -> String {
        format!("{name}.{}", self.dps_domain).to_ascii_lowercase()
    }
}

/// Names given by the server in place of the one made from the resource's name: `127.0.0.1`, also reached as `localhost`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostNames {
    /// Must have a dot: SDKs split it at the first one.
    pub host_name: String,
    /// Need no dot.
    pub aliases: Vec<String>,
}

impl HostNames {
    /// The same in lower case, without repetitions.
    ///
    /// Errors: `HostName` when one is neither an address nor a DNS name, or the host name has no dot; `TooMany` aliases.
    pub fn checked(&self) -> Result<Self, ResourceError> {
        let refused = |host: &str, rule| ResourceError::HostName { host: host.to_owned(), rule };
        if self.aliases.len() > limits::ALIASES_MAX {
            return Err(ResourceError::TooMany { what: "aliases of a hub", max: limits::ALIASES_MAX });
        }
        let host_name = self.host_name.to_ascii_lowercase();
        let mut aliases: Vec<String> = self.aliases.iter().map(|alias| alias.to_ascii_lowercase()).collect();
        aliases.sort();
        aliases.dedup();
        aliases.retain(|alias| *alias != host_name);
        if let Some(bad) = std::iter::once(&host_name).chain(&aliases).find(|host| !is_host(host)) {
            return Err(refused(bad, "it must be a DNS name or an address"));
        }
        if !host_name.contains('.') {
            return Err(refused(&host_name, "it needs a dot: device SDKs split it at the first one"));
        }
        Ok(Self { host_name, aliases })
    }
}

fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.parse::<IpAddr>().is_ok() || (host.len() <= limits::HOST_NAME_BYTES_MAX && host.split('.').all(is_label))
}

/// Parses a hub's name by the rules of Resource Manager.
/// Source: docs, naming rules: 3 to 50 letters, digits and hyphens, no hyphen at either end.
pub(crate) fn parse_hub_name(text: &str) -> Result<HubName, ResourceError> {
    let name = HubName::parse(text)?;
    if !limits::HUB_NAME_CHARS.contains(&text.len()) {
        return Err(ResourceError::NameLength { kind: "hub", name: text.to_owned(), allowed: limits::HUB_NAME_CHARS });
    }
    Ok(name)
}

/// Parses a DPS instance's name by the rules of Resource Manager.
/// Source: docs, naming rules: 3 to 64 letters, digits and hyphens, a letter or digit at either end.
pub(crate) fn parse_dps_name(text: &str) -> Result<DpsName, ResourceError> {
    let name = DpsName::parse(text)?;
    if !limits::DPS_NAME_CHARS.contains(&text.len()) {
        return Err(ResourceError::NameLength { kind: "DPS", name: text.to_owned(), allowed: limits::DPS_NAME_CHARS });
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(host_name: &str, aliases: &[&str]) -> HostNames {
        HostNames { host_name: host_name.to_owned(), aliases: aliases.iter().map(|a| (*a).to_owned()).collect() }
    }

    #[test]
    fn host_names_are_lower_case_and_once() {
        let given = names("Dev.LocalHost", &["localhost", "127.0.0.1", "::1", "dev.localhost", "LOCALHOST"]);
        assert_eq!(given.checked().unwrap(), names("dev.localhost", &["127.0.0.1", "::1", "localhost"]));
        assert_eq!(names("127.0.0.1", &[]).checked().unwrap(), names("127.0.0.1", &[]));
    }

    #[test]
    fn hubs_have_azures_name_too() {
        let hub = HubName::parse("Plant").unwrap();
        for (domain, expected) in [
            ("localhost", names("plant.localhost", &["plant.azure-devices.net"])),
            ("Azure-Devices.net", names("plant.azure-devices.net", &[])),
        ] {
            let naming = Naming { hub_domain: domain.to_owned(), dps_domain: domain.to_owned() };
            assert_eq!(naming.hub_host_names(&hub), expected);
        }
    }

    #[test]
    fn host_names_that_break_clients_are_refused() {
        let long = format!("{}.x", "a".repeat(64));
        for host in ["", "localhost", "a b.c", "a..b", "-a.b", "a-.b", "a.b:8443", "*.localhost", "ä.b", &long] {
            assert!(matches!(names(host, &[]).checked(), Err(ResourceError::HostName { .. })), "{host}");
        }
        assert!(matches!(names("a.b", &["c/d"]).checked(), Err(ResourceError::HostName { .. })));
        let many: Vec<String> = (0..65).map(|i| format!("a{i}")).collect();
        let many = HostNames { host_name: "a.b".to_owned(), aliases: many };
        assert!(matches!(many.checked(), Err(ResourceError::TooMany { max: 64, .. })));
    }

    #[test]
    fn resource_names() {
        for (text, hub, dps) in [
            ("plant", true, true),
            ("a1-b", true, true),
            ("12", false, false),
            ("ab", false, false),
            (&"a".repeat(50), true, true),
            (&"a".repeat(51), false, true),
            (&"a".repeat(63), false, true),
            (&"a".repeat(64), false, false),
            ("-ab", false, false),
            ("ab-", false, false),
            ("a_b", false, false),
            ("a.b", false, false),
        ] {
            assert_eq!((parse_hub_name(text).is_ok(), parse_dps_name(text).is_ok()), (hub, dps), "{text}");
        }
    }
}
