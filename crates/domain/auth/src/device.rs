//! Devices of a hub, and their modules.

mod chain;
#[cfg(test)]
mod tests;
mod token;

use roadstead_model::{AccessPolicy, AuthMethod, Device, DeviceAuth, DeviceStatus, Module, Thumbprint, UnixSeconds};
use roadstead_sas::Segment;

use self::{chain::judge_chain, token::judge_token};
use crate::{
    evidence::{Credential, Evidence},
    ground::Ground,
    refusal::{AuthRefusal, Means},
    trust::Trust,
};

/// A device or module that proved itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceGrant {
    /// How it proved itself.
    pub method: AuthMethod,
    /// Which of its credentials it was.
    pub ground: Ground,
    /// The token's `se`; clock skew and any grace for live connections come on top. `None` for a certificate: a live session
    /// outlasts it.
    pub expires_at: Option<UnixSeconds>,
    /// SHA-256 of each certificate from the leaf to the verified CA, so that revoking one finds the live sessions that rest on
    /// it. The leaf alone when its thumbprint is registered; empty for tokens.
    pub path: Vec<Thumbprint>,
}

/// Judges what a device, or `module` on it, presented to its hub, which answers to `names` (host name and aliases) and has
/// `policies`.
///
/// A token is the identity's own (no `skn`) or that of a policy with `DeviceConnect`, which speaks for every device. A token of
/// its own or a certificate must be the means registered for the identity: a device's credentials do not speak for its
/// modules. Whether the device is disabled is looked at last: only who could have connected learns of it.
///
/// Errors: [`AuthRefusal`]. Source: `reference/hub-device.md` 4.1, 4.2
pub fn judge<'a>(
    device: &Device,
    module: Option<&Module>,
    names: impl IntoIterator<Item = &'a str>,
    policies: &[AccessPolicy],
    evidence: &Evidence<'_>,
    trust: &Trust,
    now: UnixSeconds,
) -> Result<DeviceGrant, AuthRefusal> {
    let subject = Subject { device, module };
    let grant = match evidence.credential()? {
        Credential::Token(text) => judge_token(subject, names, policies, text, now),
        Credential::Chain(chain) => judge_chain(subject, chain, trust, now),
    }?;
    match device.status {
        DeviceStatus::Enabled => Ok(grant),
        DeviceStatus::Disabled => Err(AuthRefusal::DeviceDisabled { reason: device.status_reason.clone() }),
    }
}

/// Who is judged.
#[derive(Clone, Copy)]
struct Subject<'a> {
    device: &'a Device,
    module: Option<&'a Module>,
}

impl<'a> Subject<'a> {
    fn auth(self) -> &'a DeviceAuth {
        self.module.map_or(&self.device.auth, |module| &module.auth)
    }

    /// Where it is below the hub's name.
    fn path(self) -> Vec<Segment<'a>> {
        let mut path = vec![Segment::AnyCase("devices"), Segment::Exact(self.device.id.as_str())];
        if let Some(module) = self.module {
            path.extend([Segment::AnyCase("modules"), Segment::Exact(module.id.as_str())]);
        }
        path
    }

    /// The CN of its certificate: `dev1`, `dev1/mod1`.
    fn common_name(self) -> String {
        match self.module {
            None => self.device.id.to_string(),
            Some(module) => format!("{}/{}", self.device.id, module.id),
        }
    }

    fn shown(self) -> String {
        let kind = if self.module.is_some() { "module" } else { "device" };
        format!("{kind} `{}`", self.common_name())
    }

    fn wrong_means(self, registered: Means, presented: Means) -> AuthRefusal {
        AuthRefusal::Means { owner: self.shown(), registered, presented }
    }
}
