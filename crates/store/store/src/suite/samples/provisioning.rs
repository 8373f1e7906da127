//! Enrollments and registrations.

use roadstead_model::{
    AllocationPolicy, Attestation, CertificateEntry, Enrollment, EnrollmentGroup, GroupAttestation, Provisioning,
    ProvisioningStatus, Registration, RegistrationStatus, ReprovisionPolicy, Secret, Substatus, TpmAttestation,
    Webhook,
};
use serde_json::json;

use super::{
    NOW, SECRET_MARK, certificate_name, device_id, etag, group_id, initial_twin, keys, object, registration_id, secret,
};

fn certificate_entry(byte: u8) -> CertificateEntry {
    CertificateEntry { der: vec![0x30, 0x82, byte] }
}

fn provisioning() -> Provisioning {
    Provisioning {
        status: ProvisioningStatus::Disabled,
        allocation: Some(AllocationPolicy::Custom),
        hubs: vec!["plant.localhost".to_owned()],
        webhook: Some(Webhook {
            url: Secret::new(format!("https://allocate.example/api?code={SECRET_MARK}")),
            api_version: "2021-10-01".to_owned(),
        }),
        reprovision: Some(ReprovisionPolicy { update_hub_assignment: true, migrate_device_data: false }),
        initial_twin: Some(initial_twin()),
        iot_edge: false,
    }
}

/// An enrollment by keys, every member set.
pub fn enrollment(id: &str) -> Enrollment {
    Enrollment {
        registration_id: registration_id(id),
        device_id: Some(device_id("other-name")),
        attestation: Attestation::SymmetricKey(keys()),
        provisioning: provisioning(),
        optional_device_information: Some(object(json!({"serial": "A-1"}))),
        etag: etag("enrollment-1"),
        created: NOW,
        updated: NOW.plus_ms(1),
    }
}

/// An enrollment by certificate, as little as may be set.
pub fn enrollment_by_certificate(id: &str) -> Enrollment {
    let provisioning = Provisioning {
        status: ProvisioningStatus::Enabled,
        allocation: None,
        hubs: Vec::new(),
        webhook: None,
        reprovision: None,
        initial_twin: None,
        iot_edge: true,
    };
    Enrollment {
        device_id: None,
        attestation: Attestation::ClientCertificate { primary: Some(certificate_entry(1)), secondary: None },
        provisioning,
        optional_device_information: None,
        ..enrollment(id)
    }
}

/// An enrollment by TPM.
pub fn enrollment_by_tpm(id: &str) -> Enrollment {
    let tpm =
        TpmAttestation { endorsement_key: vec![1; 316], storage_root_key: Some(vec![2; 284]), secret: secret("tpm") };
    Enrollment { attestation: Attestation::Tpm(tpm), ..enrollment(id) }
}

/// Every way for a group's devices to prove themselves, by name.
pub fn group_attestations() -> [(&'static str, GroupAttestation); 3] {
    let (primary, secondary) = (Some(certificate_name("textile-rootCA")), None);
    [
        ("keys", GroupAttestation::SymmetricKey(keys())),
        ("ca", GroupAttestation::CaReference { primary, secondary }),
        (
            "signing",
            GroupAttestation::SigningCertificate {
                primary: Some(certificate_entry(1)),
                secondary: Some(certificate_entry(2)),
            },
        ),
    ]
}

pub fn enrollment_group(id: &str) -> EnrollmentGroup {
    EnrollmentGroup {
        id: group_id(id),
        attestation: GroupAttestation::SymmetricKey(keys()),
        provisioning: provisioning(),
        etag: etag("group-1"),
        created: NOW,
        updated: NOW.plus_ms(1),
    }
}

/// A registration that was assigned; `group` absent for one that came by an individual enrollment.
pub fn registration(id: &str, group: Option<&str>) -> Registration {
    Registration {
        registration_id: registration_id(id),
        group: group.map(group_id),
        status: RegistrationStatus::Assigned {
            hub: "plant.localhost".to_owned(),
            device_id: device_id("other-name"),
            substatus: Substatus::ReprovisionedToInitialAssignment,
        },
        payload: Some(object(json!({"from": "webhook"}))),
        credential_digest: "sha256:00ff".to_owned(),
        storage_root_key: None,
        etag: etag("registration-1"),
        created: NOW,
        updated: NOW.plus_ms(1),
    }
}

/// A registration of a device with a TPM.
pub fn registration_by_tpm(id: &str) -> Registration {
    Registration { storage_root_key: Some(vec![2; 284]), ..registration(id, None) }
}

pub fn failed_registration(id: &str) -> Registration {
    Registration {
        status: RegistrationStatus::Failed { code: 400_004, message: "no hub may take it".to_owned() },
        payload: None,
        ..registration(id, None)
    }
}
