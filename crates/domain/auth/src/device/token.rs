//! Tokens that devices and modules present.

use roadstead_model::{AccessPolicy, AuthMethod, DeviceAuth, Right, Secret, UnixSeconds};
use roadstead_sas::SasToken;

use super::{DeviceGrant, Subject};
use crate::{
    ground::Ground,
    keys::find_signer,
    policy,
    refusal::{AuthRefusal, Means},
    scope,
};

/// A token of the subject's own, or of a policy that speaks for every device.
pub(super) fn judge_token<'a>(
    subject: Subject<'_>,
    names: impl IntoIterator<Item = &'a str>,
    policies: &[AccessPolicy],
    text: &str,
    now: UnixSeconds,
) -> Result<DeviceGrant, AuthRefusal> {
    let token = SasToken::parse(text)?;
    scope::check(&token, names, &subject.path())?;
    let expires_at = Some(UnixSeconds(token.expiry_s()));
    if token.key_name().is_some() {
        policy::judge_named(&token, policies, Right::DeviceConnect, now)?;
        return Ok(DeviceGrant { method: AuthMethod::HubSas, ground: Ground::Policy, expires_at, path: Vec::new() });
    }
    let Some(key) = find_signer(&token, own_keys(subject)?) else {
        return Err(not_signed(subject, &token));
    };
    token.check_expiry(now.0)?;
    Ok(DeviceGrant { method: AuthMethod::DeviceSas, ground: Ground::of_key(key), expires_at, path: Vec::new() })
}

fn own_keys(subject: Subject<'_>) -> Result<[&Secret; 2], AuthRefusal> {
    let registered = match subject.auth() {
        DeviceAuth::Sas { primary, secondary } => return Ok([primary, secondary]),
        DeviceAuth::Thumbprints { .. } => Means::Thumbprint,
        DeviceAuth::CertificateAuthority { .. } => Means::CertificateAuthority,
        DeviceAuth::None => Means::PolicyOnly,
    };
    Err(subject.wrong_means(registered, Means::Token))
}

/// Who signs for a module with the key of its device has mistaken one for the other, and is told.
fn not_signed(subject: Subject<'_>, token: &SasToken<'_>) -> AuthRefusal {
    match (&subject.device.auth, subject.module) {
        (DeviceAuth::Sas { primary, secondary }, Some(_)) if find_signer(token, [primary, secondary]).is_some() => {
            let device = Subject { module: None, ..subject };
            AuthRefusal::DevicesKey { owner: subject.shown(), device: device.shown() }
        }
        _ => AuthRefusal::Signature { owner: subject.shown() },
    }
}
