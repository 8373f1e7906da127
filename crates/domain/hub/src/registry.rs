//! Device identities: made, changed and removed by back ends.

use roadstead_model::{
    Device, DeviceAuth, DeviceId, DeviceStatus, Etag, GenerationId, IdentityId, InitialTwin, Random, Secret,
    Thumbprint, Twin, UnixMillis,
};
use roadstead_sas::SasKey;
use roadstead_store::{Expect, IdentityRecord, Page, StoreError, Write, records::DeviceCounts};

use crate::{error::HubError, hub::Hub, hub_events::News, limits, session::CloseReason};

/// What a back end asks a device's credentials to be. Absent or empty keys are generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthSpec {
    Sas { primary: Option<Secret>, secondary: Option<Secret> },
    Thumbprints { primary: Option<String>, secondary: Option<String> },
    CertificateAuthority,
    None,
}

/// A device identity as a back end wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySpec {
    pub id: DeviceId,
    pub status: DeviceStatus,
    pub status_reason: Option<String>,
    pub auth: AuthSpec,
    pub iot_edge: bool,
}

/// The condition of a write. Source: REST, `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: whatever is there, but something must be.
    Any,
    Etag(Etag),
}

impl Hub {
    /// Registers a device with an empty twin. Errors: `DeviceAlreadyExists`, `TooManyDevices`, `Invalid`.
    pub async fn create_device(&self, spec: IdentitySpec) -> Result<Device, HubError> {
        self.check_room().await?;
        let now = self.now();
        let auth = decide_auth(spec.auth, None, self.random())?;
        let device = Device {
            id: spec.id.clone(),
            generation: fresh_generation(now, self.random()),
            etag: Etag::fresh(self.random()),
            status: spec.status,
            status_reason: check_reason(spec.status_reason)?,
            status_updated: now,
            auth,
            iot_edge: spec.iot_edge,
            scope: None,
            parent_scopes: Vec::new(),
            created: now,
        };
        let twin = Twin::new(&InitialTwin::default(), now);
        let batch = vec![
            Write::PutDevice(self.key(), device.clone(), Expect::Absent),
            Write::PutTwin(self.key(), spec.id.clone().into(), twin.clone(), Expect::Any),
        ];
        match self.records().commit(batch).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Err(HubError::DeviceAlreadyExists(spec.id)),
            Err(error) => return Err(error.into()),
        }
        let told = self.tell(&spec.id.into(), device.generation, News::Created(&twin))?;
        self.told(told).await?;
        Ok(device)
    }

    /// Changes a device. Keys that the spec leaves out stay; disabling it or changing its credentials closes its session.
    /// Errors: `DeviceNotFound`, `EtagMismatch`, `Busy` after a lost race without an etag, `Invalid`.
    pub async fn update_device(&self, spec: IdentitySpec, condition: IfMatch) -> Result<Device, HubError> {
        let id = spec.id.clone();
        let known = self.matching_device(&id, &condition).await?;
        let auth = decide_auth(spec.auth, Some(&known.auth), self.random())?;
        let device = Device {
            etag: Etag::fresh(self.random()),
            status: spec.status,
            status_reason: check_reason(spec.status_reason)?,
            status_updated: if spec.status == known.status { known.status_updated } else { self.now() },
            auth,
            iot_edge: spec.iot_edge,
            ..known.clone()
        };
        let expect = Expect::Etag(known.etag.clone());
        match self.records().commit(vec![Write::PutDevice(self.key(), device.clone(), expect)]).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => return Err(lost_race(id, condition)),
            Err(error) => return Err(error.into()),
        }
        self.revoked();
        if device.status == DeviceStatus::Disabled {
            self.sessions().close(id.as_str(), CloseReason::DeviceDisabled);
        } else if device.auth != known.auth {
            self.sessions().close(id.as_str(), CloseReason::CredentialsChanged);
        }
        Ok(device)
    }

    /// Removes a device with its twin, and closes its session. Errors: `DeviceNotFound`, `EtagMismatch`.
    pub async fn delete_device(&self, id: &DeviceId, condition: IfMatch) -> Result<(), HubError> {
        let known = self.matching_device(id, &condition).await?;
        let expect = match &condition {
            IfMatch::Any => Expect::Present,
            IfMatch::Etag(_) => Expect::Etag(known.etag),
        };
        let identity = id.clone().into();
        // A write to the twin that is under way ends first: it must not meet the twin of the next device of this id.
        let turn = self.twin_turns().take(id.as_str()).await;
        let twin = self.last_twin(&identity).await?;
        match self.records().commit(vec![Write::DeleteDevice(self.key(), id.clone(), expect)]).await {
            Ok(()) => {}
            // Somebody else was faster. Without an etag that can only be another deletion.
            Err(StoreError::Conflict { .. }) => {
                return Err(match condition {
                    IfMatch::Any => HubError::DeviceNotFound(id.clone()),
                    IfMatch::Etag(_) => HubError::EtagMismatch { id: id.clone() },
                });
            }
            Err(error) => return Err(error.into()),
        }
        self.revoked();
        self.sessions().close(id.as_str(), CloseReason::DeviceDeleted);
        let told = match &twin {
            Some(twin) => self.tell(&identity, known.generation, News::Deleted(twin))?,
            None => None,
        };
        drop(turn);
        self.told(told).await
    }

    /// One device. Errors: `DeviceNotFound`.
    pub async fn find_device(&self, id: &DeviceId) -> Result<Device, HubError> {
        let device = self.records().find_device(self.key(), id).await?;
        device.ok_or_else(|| HubError::DeviceNotFound(id.clone()))
    }

    /// Devices in the order of their ids, from after `after` on.
    pub async fn list_devices(&self, after: Option<&str>, limit: usize) -> Result<Page<Device>, HubError> {
        Ok(self.records().list_devices(self.key(), after, limit).await?)
    }

    /// Everything about each device, in the order of their ids.
    pub async fn list_identities(&self, after: Option<&str>, limit: usize) -> Result<Page<IdentityRecord>, HubError> {
        let mut page = self.records().list_identities(self.key(), after, limit).await?;
        page.items.iter_mut().for_each(|record| self.overlay(record));
        Ok(page)
    }

    /// Everything about a device or module. Errors: `DeviceNotFound`.
    pub async fn find_identity(&self, id: &IdentityId) -> Result<IdentityRecord, HubError> {
        let Some(mut record) = self.records().find_identity(self.key(), id).await? else {
            return Err(HubError::DeviceNotFound(id.device.clone()));
        };
        self.overlay(&mut record);
        Ok(record)
    }

    /// Who is connected now is known here first, and stored a moment later.
    pub(crate) fn overlay(&self, record: &mut IdentityRecord) {
        let live = self.sessions().find(&record.id().to_string());
        record.presence.connected = live.is_some();
        if let Some(live) = live {
            record.presence.last_activity = Some(live.last_activity());
        }
    }

    /// How many devices are registered.
    pub async fn count_devices(&self) -> Result<DeviceCounts, HubError> {
        Ok(self.records().count_devices(self.key()).await?)
    }

    /// Errors: `TooManyDevices`. Racing creations may pass the limit by their number: it protects the machine, not an invariant.
    pub(crate) async fn check_room(&self) -> Result<(), HubError> {
        match self.records().count_devices(self.key()).await?.total {
            total if total >= limits::DEVICES_MAX => Err(HubError::TooManyDevices { max: limits::DEVICES_MAX }),
            _ => Ok(()),
        }
    }

    async fn matching_device(&self, id: &DeviceId, condition: &IfMatch) -> Result<Device, HubError> {
        let known = self.find_device(id).await?;
        match condition {
            IfMatch::Etag(etag) if *etag != known.etag => Err(HubError::EtagMismatch { id: id.clone() }),
            _ => Ok(known),
        }
    }
}

/// Another write came between. Who named a version is told that it is no longer that; who did not may try again.
fn lost_race(id: DeviceId, condition: IfMatch) -> HubError {
    match condition {
        IfMatch::Any => HubError::Busy,
        IfMatch::Etag(_) => HubError::EtagMismatch { id },
    }
}

/// Eighteen digits in the manner of .NET ticks: the time in 100 ns since the year 1, the last four digits at random.
pub(crate) fn fresh_generation(now: UnixMillis, random: &dyn Random) -> GenerationId {
    const TICKS_TO_1970: i64 = 621_355_968_000_000_000;
    let mut bytes = [0; 2];
    random.fill(&mut bytes);
    let ticks = TICKS_TO_1970.saturating_add(now.0.saturating_mul(10_000));
    GenerationId(ticks.unsigned_abs() + u64::from(u16::from_be_bytes(bytes)) % 10_000)
}

fn check_reason(reason: Option<String>) -> Result<Option<String>, HubError> {
    match reason.as_deref().map(|text| text.chars().count()) {
        Some(chars) if chars > limits::STATUS_REASON_CHARS_MAX => Err(HubError::Invalid(format!(
            "statusReason has {chars} characters, at most {} are allowed",
            limits::STATUS_REASON_CHARS_MAX
        ))),
        _ => Ok(reason.filter(|text| !text.is_empty())),
    }
}

/// The credentials that a spec asks for. Keys it leaves out are those the device has, else new ones.
fn decide_auth(spec: AuthSpec, known: Option<&DeviceAuth>, random: &dyn Random) -> Result<DeviceAuth, HubError> {
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
fn fresh_key(random: &dyn Random) -> Secret {
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
