//! Devices that prove themselves by a TPM: a challenge that only the enrolled TPM can answer, and its key for the hub.
//!
//! Nothing of a challenge is remembered. The key that it holds is derived from the enrollment's secret and the time, so any
//! node knows it again, also after a restart, and a stranger who asks for challenges disturbs no device.
//!
//! Source: `reference/dps.md` 2.5

use roadstead_auth::{AuthRefusal, Credential, Evidence, Means, RegistrationToken};
use roadstead_model::{
    DeviceAuth, IdScope, Random, Registration, RegistrationId, RegistrationState, Secret, State, TpmAttestation,
    UnixSeconds,
};
use roadstead_sas::{SasKey, derive_device_key};
use roadstead_store::StoreError;
use roadstead_tpm::{Activation, HMAC_KEY_BYTES, StorageKey};
use tracing::warn;

use crate::{attestation::Admission, error::DpsError, limits::TPM_CHALLENGE_S, registration::TpmKeys};

/// What a TPM is challenged with ahead of any request.
#[derive(Debug)]
pub struct Challenge {
    /// For the TPM alone: [`roadstead_tpm::Activation`].
    pub authentication_key: Vec<u8>,
    /// Why no answer to it will do.
    pub refusal: Option<DpsError>,
}

/// A challenge with a key that nobody knows.
pub(crate) fn challenge_stranger(keys: &TpmKeys, random: &dyn Random) -> Result<Vec<u8>, DpsError> {
    let endorsement = read_key(&keys.endorsement_key, "tpm.endorsementKey")?;
    let storage_root = read_key(keys.storage_root_key.as_deref().unwrap_or_default(), "tpm.storageRootKey")?;
    let mut key = [0; HMAC_KEY_BYTES];
    random.fill(&mut key);
    let wrapped = Activation::wrap(&key, &endorsement, &storage_root, |bytes| random.fill(bytes));
    Ok(wrapped.map_err(|fault| DpsError::Invalid { member: "tpm", fault: fault.to_string() })?.as_bytes().to_vec())
}

/// Reads a public key of a TPM, as base64.
pub(crate) fn read_key(text: &str, member: &'static str) -> Result<StorageKey, DpsError> {
    StorageKey::from_base64(text).map_err(|fault| DpsError::Invalid { member, fault: fault.to_string() })
}

/// The keys of an enrolled TPM.
#[derive(Debug)]
pub(crate) struct Tpm<'a> {
    id: &'a RegistrationId,
    enrolled: &'a TpmAttestation,
    secret: SasKey,
}

/// What a TPM proved, or may still prove.
#[derive(Debug)]
pub(crate) struct Proof {
    /// How the device shall prove itself to its hub.
    pub(crate) auth: DeviceAuth,
    /// The storage root key that was presented or is enrolled.
    pub(crate) storage_root_key: Option<Vec<u8>>,
}

impl<'a> Tpm<'a> {
    pub(crate) fn new(id: &'a RegistrationId, enrolled: &'a TpmAttestation) -> Result<Self, DpsError> {
        let secret = SasKey::from_base64(enrolled.secret.expose())
            .map_err(|error| StoreError::Unreadable(format!("secret of the TPM of enrollment `{id}`: {error}")))?;
        Ok(Self { id, enrolled, secret })
    }

    /// Judges a token that the TPM should have signed. Who comes with keys only is challenged.
    ///
    /// Errors: `TpmChallenge`, `OtherTpm`, `Unauthorized`, `Invalid`.
    pub(crate) fn judge(
        &self,
        scope: &IdScope,
        evidence: &Evidence<'_>,
        presented: Option<&TpmKeys>,
        random: &dyn Random,
        now: UnixSeconds,
    ) -> Result<Proof, DpsError> {
        let owner = || format!("enrollment `{}`", self.id);
        let storage_root_key = self.check_presented(presented)?;
        match (evidence.credential(), presented) {
            (Ok(Credential::Token(text)), _) => {
                let token = RegistrationToken::read(text, scope, self.id, now)?;
                if !self.session_keys(now).iter().any(|key| token.signed_by_key(key)) {
                    return Err(AuthRefusal::Signature { owner: owner() }.into());
                }
                let storage_root_key = storage_root_key.map(|key| key.as_bytes().to_vec());
                Ok(Proof { auth: self.hub_auth(), storage_root_key })
            }
            (_, Some(_)) => Err(self.challenge(storage_root_key.as_ref(), random, now)?),
            (Ok(Credential::Chain(_)), None) => {
                Err(AuthRefusal::Means { owner: owner(), registered: Means::Tpm, presented: Means::Certificate }.into())
            }
            (Err(refusal), None) => Err(refusal.into()),
        }
    }

    /// The storage root key to go by: the enrolled one if there is one, which then must be the one presented.
    fn check_presented(&self, presented: Option<&TpmKeys>) -> Result<Option<StorageKey>, DpsError> {
        let other = |key| DpsError::OtherTpm { key, registration_id: self.id.clone() };
        let enrolled = self.enrolled.storage_root_key.as_deref().and_then(|key| StorageKey::from_bytes(key).ok());
        let Some(presented) = presented else { return Ok(enrolled) };
        if read_key(&presented.endorsement_key, "tpm.endorsementKey")?.as_bytes() != self.enrolled.endorsement_key {
            return Err(other("endorsement key"));
        }
        let storage_root = presented.storage_root_key.as_deref().filter(|key| !key.is_empty());
        match (storage_root.map(|key| read_key(key, "tpm.storageRootKey")).transpose()?, enrolled) {
            (Some(presented), Some(enrolled)) if presented != enrolled => Err(other("storage root key")),
            (presented, enrolled) => Ok(presented.or(enrolled)),
        }
    }

    fn challenge(
        &self,
        storage_root: Option<&StorageKey>,
        random: &dyn Random,
        now: UnixSeconds,
    ) -> Result<DpsError, DpsError> {
        let Some(storage_root) = storage_root else {
            let fault = "is missing, and the enrollment has none: a challenge is for a TPM with both keys".to_owned();
            return Err(DpsError::Invalid { member: "tpm.storageRootKey", fault });
        };
        let [newest, _] = self.session_keys(now);
        let wrapped = self.wrap(&newest, storage_root, random);
        let fault = || "cannot be encrypted for: it is no key that a TPM made".to_owned();
        let authentication_key = wrapped.ok_or_else(|| DpsError::Invalid { member: "tpm", fault: fault() })?;
        Ok(DpsError::TpmChallenge { authentication_key })
    }

    /// The keys that challenges held which may still be answered, the newest first.
    fn session_keys(&self, now: UnixSeconds) -> [SasKey; 2] {
        let period = now.0.div_euclid(TPM_CHALLENGE_S);
        [period, period - 1].map(|period| self.derive(&format!("registration/{period}")))
    }

    fn hub_auth(&self) -> DeviceAuth {
        let [primary, secondary] =
            ["hub/primary", "hub/secondary"].map(|use_for| Secret::new(self.derive(use_for).to_base64().as_str()));
        DeviceAuth::Sas { primary, secondary }
    }

    /// HMAC-SHA256 of what a key is for, with the enrollment's secret.
    fn derive(&self, use_for: &str) -> SasKey {
        derive_device_key(&self.secret, &format!("{}/{use_for}", self.id.key()))
    }

    fn wrap(&self, key: &SasKey, storage_root: &StorageKey, random: &dyn Random) -> Option<Vec<u8>> {
        let key: &[u8; HMAC_KEY_BYTES] = key.as_bytes().try_into().expect("HMAC-SHA256 has 32 bytes");
        let endorsement = StorageKey::from_bytes(&self.enrolled.endorsement_key).ok()?;
        let wrapped = Activation::wrap(key, &endorsement, storage_root, |bytes| random.fill(bytes));
        wrapped.ok().map(|activation| activation.as_bytes().to_vec())
    }
}

/// What the device is told of its registration: if it has a TPM and a hub, with the key for the hub in the TPM's envelope.
pub(crate) fn told(admission: &Admission, registration: &Registration, random: &dyn Random) -> RegistrationState {
    let state = RegistrationState::of(registration, admission.attested);
    let Some(enrolled) = admission.tpm() else { return state };
    let storage_root = admission.storage_root_key.as_ref().or(registration.storage_root_key.as_ref());
    let (State::Assigned { .. }, Some(storage_root)) = (&state.state, storage_root) else { return state };
    let wrapped = Tpm::new(&registration.registration_id, enrolled).ok().and_then(|tpm| {
        let key = tpm.derive("hub/primary");
        tpm.wrap(&key, &StorageKey::from_bytes(storage_root).ok()?, random)
    });
    if wrapped.is_none() {
        warn!(registration_id = %registration.registration_id, "no key for the hub can be made for this TPM");
    }
    RegistrationState { authentication_key: wrapped, ..state }
}
