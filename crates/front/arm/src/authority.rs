//! Under which paths tokens are asked for: like those of AD FS (`/adfs/…`), as `az` learns it, or like those of Entra
//! (`/{tenant}/…`), as `azure-identity` makes them up from a tenant and a host.

use roadstead_model::Guid;
use roadstead_wire::arm::Cloud;

use crate::{arm::Arm, call::Call};

/// In place of a tenant, by clients that know none: the default of `azure-identity` for people.
/// Source: azure-identity `device_code.py`, `user_password.py` (`organizations`); docs, Entra client application authority
const ANY_TENANT: [&str; 2] = ["organizations", "common"];

/// What a path's first segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authority {
    Adfs,
    /// This installation's tenant.
    Tenant,
    /// Another's: nobody is let in.
    Foreign,
}

impl Authority {
    pub(crate) fn of(arm: &Arm, call: &Call) -> Self {
        let first = call.segment(0);
        if !is_tenant(first) {
            return Self::Adfs;
        }
        let is_ours = Guid::parse(first).is_none_or(|tenant| tenant == arm.access.installation().tenant_id);
        if is_ours { Self::Tenant } else { Self::Foreign }
    }

    /// The `iss` of tokens about people.
    pub(crate) fn issuer(self, cloud: &Cloud<'_>) -> String {
        match self {
            Self::Adfs => cloud.adfs_issuer(),
            Self::Tenant | Self::Foreign => cloud.tenant_issuer(),
        }
    }
}

/// Whether a path is one of an Entra-shaped authority, by its first two segments. No id scope, and no word that the data
/// planes' paths begin with, is a GUID.
pub(crate) fn claims(first: &str, second: &str) -> bool {
    is_tenant(first) && ["oauth2", "v2.0", "discovery"].iter().any(|word| second.eq_ignore_ascii_case(word))
}

fn is_tenant(segment: &str) -> bool {
    Guid::parse(segment).is_some() || ANY_TENANT.iter().any(|word| segment.eq_ignore_ascii_case(word))
}
