//! How a device stands with DPS, as it is told.

use serde_json::{Map, Value};

use crate::{
    clock::UnixMillis,
    enrollment::{Registration, RegistrationStatus, Substatus},
    etag::Etag,
    id::{DeviceId, EnrollmentGroupId, RegistrationId},
};

/// By what a device proved itself to DPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttestedBy {
    /// With a token.
    SymmetricKey,
    /// With a certificate.
    X509,
    /// With a token signed by its TPM.
    Tpm,
}

/// Where an operation stands.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationStatus {
    /// `5.316aac5bdc130deb.b1e02da8-0000-4000-8000-7ea7a6b7f550`
    pub operation_id: String,
    /// `None` while it is `assigning`: ask again later.
    pub state: Option<RegistrationState>,
}

/// What a device is told of its registration.
#[derive(Debug, Clone, PartialEq)]
pub struct RegistrationState {
    /// As enrolled, or as presented when it came by a group.
    pub registration_id: RegistrationId,
    /// Where it stands.
    pub state: State,
    /// Which of `symmetricKey`, `x509` and `tpm` the answer has.
    pub attested: AttestedBy,
    /// The group by which it came.
    pub group: Option<EnrollmentGroupId>,
    /// What a custom-allocation webhook gave the device.
    pub payload: Option<Map<String, Value>>,
    /// For a TPM only: the key for the hub, packed so that this TPM alone can take it in.
    pub authentication_key: Option<Vec<u8>>,
    /// Of the record, when there is one.
    pub etag: Option<Etag>,
    /// When it first registered.
    pub created: UnixMillis,
    /// When that last changed.
    pub updated: UnixMillis,
}

impl RegistrationState {
    /// As recorded, without an authentication key.
    pub fn of(registration: &Registration, attested: AttestedBy) -> Self {
        let state = match registration.status.clone() {
            RegistrationStatus::Assigned { hub, device_id, substatus } => State::Assigned { hub, device_id, substatus },
            RegistrationStatus::Failed { code, message } => State::Failed { code, message },
        };
        Self {
            registration_id: registration.registration_id.clone(),
            state,
            attested,
            group: registration.group.clone(),
            payload: registration.payload.clone(),
            authentication_key: None,
            etag: Some(registration.etag.clone()),
            created: registration.created,
            updated: registration.updated,
        }
    }
}

/// Where a registration stands, as a device is told.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// `assigned`
    Assigned {
        /// Host name, lower case.
        hub: String,
        /// The device's id there.
        device_id: DeviceId,
        /// How it came about.
        substatus: Substatus,
    },
    /// `failed`
    Failed {
        /// Azure's: 400208.
        code: u32,
        /// For people.
        message: String,
    },
    /// `disabled`: the enrollment is.
    Disabled {
        /// Azure's.
        code: u32,
        /// For people.
        message: String,
    },
}
