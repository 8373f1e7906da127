//! Credentials that a back end gives a device or module, or has the hub make.

use roadstead_model::{DeviceAuth, Random, Secret, Thumbprint};
use roadstead_sas::SasKey;

use crate::error::HubError;

/// What a back end asks an identity's credentials to be. Absent or empty keys are generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthSpec {
    Sas { primary: Option<Secret>, secondary: Option<Secret> },
    Thumbprints { primary: Option<String>, secondary: Option<String> },
    CertificateAuthority,
    None,
}

/// The credentials that a spec asks for. Keys it leaves out are those the identity has, else new ones.
pub(crate) fn decide_auth(
    spec: AuthSpec,
    known: Option<&DeviceAuth>,
    random: &dyn Random,
) -> Result<DeviceAuth, HubError> {
    match spec {
        AuthSpec::Sas { primary, secondary } => {
            let (known_primary, known_secondary) = match known {
                Some(DeviceAuth::Sas { primary, secondary }) => (Some(primary.clone()), Some(secondary.clone())),
                _ => (None, None),
            };
            Ok(DeviceAuth::Sas {
                primary: decide_key("primaryKey", primary, known_primary, random)?,
                secondary: decide_key("secondaryKey", secondary, known_secondary, random)?,
            })
        }
        AuthSpec::Thumbprints { primary, secondary } => {
            let primary = decide_thumbprint("primaryThumbprint", primary)?;
            let secondary = decide_thumbprint("secondaryThumbprint", secondary)?;
            if primary.is_none() && secondary.is_none() {
                let text = "type selfSigned needs a primaryThumbprint or a secondaryThumbprint";
                return Err(HubError::Invalid(text.to_owned()));
            }
            Ok(DeviceAuth::Thumbprints { primary, secondary })
        }
        AuthSpec::CertificateAuthority => Ok(match known {
            Some(kept @ DeviceAuth::CertificateAuthority { .. }) => kept.clone(),
            _ => DeviceAuth::CertificateAuthority { through: None },
        }),
        AuthSpec::None => Ok(DeviceAuth::None),
    }
}

fn decide_key(
    member: &str,
    given: Option<Secret>,
    known: Option<Secret>,
    random: &dyn Random,
) -> Result<Secret, HubError> {
    match given.filter(|key| !key.expose().is_empty()) {
        Some(key) => match SasKey::from_base64(key.expose()) {
            Ok(_) => Ok(key),
            Err(error) => Err(HubError::Invalid(format!("{member}: {error}"))),
        },
        None => Ok(known.unwrap_or_else(|| fresh_key(random))),
    }
}

/// A new key: 32 random bytes, base64.
pub(crate) fn fresh_key(random: &dyn Random) -> Secret {
    Secret::new(SasKey::generate(32, |bytes| random.fill(bytes)).to_base64().as_str())
}

fn decide_thumbprint(member: &str, given: Option<String>) -> Result<Option<Thumbprint>, HubError> {
    given.filter(|text| !text.is_empty()).map_or(Ok(None), |text| {
        let parsed = Thumbprint::parse(&text);
        parsed.map(Some).ok_or_else(|| {
            HubError::Invalid(format!(
                "{member} must be 40 hex digits (SHA-1) or 64 (SHA-256), got {} characters",
                text.len()
            ))
        })
    })
}
