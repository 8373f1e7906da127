//! Names of resources: what stands in `id`, and the path they are reached at.

use std::fmt;

use crate::percent;

/// A resource of one subscription. Prints as its id, names as written.
///
/// Shape: `/subscriptions/S/resourceGroups/RG/providers/Microsoft.Devices/provisioningServices/D/certificates/C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceId<'a> {
    pub subscription: &'a str,
    pub group: &'a str,
    pub kind: Kind<'a>,
}

/// What is named within the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    Group,
    Hub { name: &'a str },
    HubCertificate { hub: &'a str, name: &'a str },
    ConsumerGroup { hub: &'a str, name: &'a str },
    Dps { name: &'a str },
    DpsCertificate { dps: &'a str, name: &'a str },
}

impl Kind<'_> {
    /// What stands in `type`: `Microsoft.Devices/IotHubs`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Group => "Microsoft.Resources/resourceGroups",
            Self::Hub { .. } => "Microsoft.Devices/IotHubs",
            Self::HubCertificate { .. } => "Microsoft.Devices/IotHubs/Certificates",
            Self::ConsumerGroup { .. } => "Microsoft.Devices/IotHubs/EventHubEndpoints/ConsumerGroups",
            Self::Dps { .. } => "Microsoft.Devices/provisioningServices",
            Self::DpsCertificate { .. } => "Microsoft.Devices/provisioningServices/Certificates",
        }
    }
}

impl fmt::Display for ResourceId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/subscriptions/{}/resourceGroups/{}", self.subscription, self.group)?;
        match self.kind {
            Kind::Group => Ok(()),
            Kind::Hub { name } => write!(f, "/providers/Microsoft.Devices/IotHubs/{name}"),
            Kind::HubCertificate { hub, name } => {
                write!(f, "/providers/Microsoft.Devices/IotHubs/{hub}/certificates/{name}")
            }
            Kind::ConsumerGroup { hub, name } => write!(
                f,
                "/providers/Microsoft.Devices/IotHubs/{hub}/eventHubEndpoints/events/ConsumerGroups/{}",
                percent::encode(name)
            ),
            Kind::Dps { name } => write!(f, "/providers/Microsoft.Devices/provisioningServices/{name}"),
            Kind::DpsCertificate { dps, name } => {
                write!(f, "/providers/Microsoft.Devices/provisioningServices/{dps}/certificates/{name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let group = "/subscriptions/S/resourceGroups/RG";
        for (kind, tail) in [
            (Kind::Group, ""),
            (Kind::Hub { name: "H" }, "/providers/Microsoft.Devices/IotHubs/H"),
            (Kind::HubCertificate { hub: "H", name: "C" }, "/providers/Microsoft.Devices/IotHubs/H/certificates/C"),
            (
                Kind::ConsumerGroup { hub: "H", name: "$Default" },
                "/providers/Microsoft.Devices/IotHubs/H/eventHubEndpoints/events/ConsumerGroups/%24Default",
            ),
            (Kind::Dps { name: "D" }, "/providers/Microsoft.Devices/provisioningServices/D"),
            (
                Kind::DpsCertificate { dps: "D", name: "C" },
                "/providers/Microsoft.Devices/provisioningServices/D/certificates/C",
            ),
        ] {
            assert_eq!(ResourceId { subscription: "S", group: "RG", kind }.to_string(), format!("{group}{tail}"));
        }
    }
}
