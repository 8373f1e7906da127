//! Enrollments as the service answers them.

use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_model::{
    Attestation, CertificateEntry, Enrollment, EnrollmentGroup as Group, Etag, GroupAttestation, Provisioning,
    SymmetricKeys as Keys, UnixMillis, Webhook,
};

use super::{
    AttestationMechanism, CaReferences, Capabilities, CertificateInfo, CertificateWithInfo, Certificates,
    CustomAllocation, EnrollmentGroup, IndividualEnrollment, ReprovisionPolicy, Settings, SymmetricKeys, Tpm,
    X509Attestation, quoted,
};
use crate::word::Word;

/// How secrets and certificates of an enrollment are shown.
pub struct Shown<'a> {
    /// Whether the answer holds symmetric keys: those to PUT and `attestationmechanism` do, GET and queries do not.
    pub keys: bool,
    /// Whether certificates are shown whole, in base64, and not only by what they say: the answer to `attestationmechanism` does
    /// so, for enrollments to be taken elsewhere. `guess (?)`: what Azure answers there is not known.
    pub certificates: bool,
    /// What a certificate (DER) says.
    pub certificate: &'a dyn Fn(&[u8]) -> Option<CertificateInfo>,
}

impl Shown<'_> {
    /// An individual enrollment, without the state of its registration.
    pub fn individual(&self, enrollment: &Enrollment) -> IndividualEnrollment {
        IndividualEnrollment {
            registration_id: enrollment.registration_id.as_str().to_owned(),
            device_id: enrollment.device_id.as_ref().map(|id| id.as_str().to_owned()),
            registration_state: None,
            optional_device_information: enrollment.optional_device_information.clone(),
            attestation: self.attestation(&enrollment.attestation),
            settings: settings(&enrollment.provisioning, &enrollment.etag, enrollment.created, enrollment.updated),
        }
    }

    /// An enrollment group.
    pub fn group(&self, group: &Group) -> EnrollmentGroup {
        EnrollmentGroup {
            enrollment_group_id: group.id.as_str().to_owned(),
            attestation: self.group_attestation(&group.attestation),
            settings: settings(&group.provisioning, &group.etag, group.created, group.updated),
        }
    }

    /// How a single device proves itself.
    pub fn attestation(&self, attestation: &Attestation) -> AttestationMechanism {
        match attestation {
            Attestation::SymmetricKey(keys) => self.symmetric_key(keys),
            Attestation::ClientCertificate { primary, secondary } => AttestationMechanism::x509(X509Attestation {
                client_certificates: Some(self.certificates(primary.as_ref(), secondary.as_ref())),
                ..X509Attestation::default()
            }),
            // Public keys, so they are shown everywhere.
            Attestation::Tpm(tpm) => AttestationMechanism::tpm(Tpm {
                endorsement_key: STANDARD.encode(&tpm.endorsement_key),
                storage_root_key: tpm.storage_root_key.as_ref().map(|key| STANDARD.encode(key)),
            }),
        }
    }

    /// How the devices of a group prove themselves.
    pub fn group_attestation(&self, attestation: &GroupAttestation) -> AttestationMechanism {
        match attestation {
            GroupAttestation::SymmetricKey(keys) => self.symmetric_key(keys),
            GroupAttestation::CaReference { primary, secondary } => AttestationMechanism::x509(X509Attestation {
                ca_references: Some(CaReferences {
                    primary: primary.as_ref().map(|name| name.as_str().to_owned()),
                    secondary: secondary.as_ref().map(|name| name.as_str().to_owned()),
                }),
                ..X509Attestation::default()
            }),
            GroupAttestation::SigningCertificate { primary, secondary } => {
                AttestationMechanism::x509(X509Attestation {
                    signing_certificates: Some(self.certificates(primary.as_ref(), secondary.as_ref())),
                    ..X509Attestation::default()
                })
            }
        }
    }

    fn symmetric_key(&self, keys: &Keys) -> AttestationMechanism {
        let shown = self.keys.then(|| SymmetricKeys {
            primary_key: Some(keys.primary.clone()),
            secondary_key: Some(keys.secondary.clone()),
        });
        AttestationMechanism::symmetric_key(shown)
    }

    fn certificates(&self, primary: Option<&CertificateEntry>, secondary: Option<&CertificateEntry>) -> Certificates {
        let shown = |entry: &CertificateEntry| CertificateWithInfo {
            certificate: self.certificates.then(|| STANDARD.encode(&entry.der)),
            info: (self.certificate)(&entry.der),
        };
        Certificates { primary: primary.map(shown), secondary: secondary.map(shown) }
    }
}

fn settings(provisioning: &Provisioning, etag: &Etag, created: UnixMillis, updated: UnixMillis) -> Settings {
    let webhook = |webhook: &Webhook| CustomAllocation {
        webhook_url: webhook.url.clone(),
        api_version: webhook.api_version.clone(),
    };
    Settings {
        capabilities: Some(Capabilities { iot_edge: provisioning.iot_edge }),
        iot_hub_host_name: None,
        initial_twin: provisioning.initial_twin.as_ref().map(Into::into),
        etag: Some(quoted(etag)),
        provisioning_status: Some(Word(provisioning.status)),
        reprovision_policy: provisioning.reprovision.map(|policy| ReprovisionPolicy {
            update_hub_assignment: policy.update_hub_assignment,
            migrate_device_data: policy.migrate_device_data,
        }),
        created_date_time_utc: Some(created.iso()),
        last_updated_date_time_utc: Some(updated.iso()),
        allocation_policy: provisioning.allocation.map(Word),
        iot_hubs: (!provisioning.hubs.is_empty()).then(|| provisioning.hubs.clone()),
        custom_allocation_definition: provisioning.webhook.as_ref().map(webhook),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::{AllocationPolicy, ProvisioningStatus, RegistrationId, Secret};
    use serde_json::json;

    fn sample() -> Enrollment {
        Enrollment {
            registration_id: RegistrationId::parse("dev-01").unwrap(),
            device_id: None,
            attestation: Attestation::SymmetricKey(Keys {
                primary: Secret::new("cA=="),
                secondary: Secret::new("cw=="),
            }),
            provisioning: Provisioning {
                status: ProvisioningStatus::Enabled,
                allocation: Some(AllocationPolicy::Static),
                hubs: vec!["hub1.example.test".to_owned()],
                webhook: None,
                reprovision: None,
                initial_twin: None,
                iot_edge: false,
            },
            optional_device_information: None,
            etag: Etag::from_client("abc"),
            created: UnixMillis(0),
            updated: UnixMillis(0),
        }
    }

    #[test]
    fn keys_are_shown_only_where_they_are_due() {
        let show = |keys| {
            serde_json::to_value(Shown { keys, certificates: false, certificate: &|_| None }.individual(&sample()))
                .unwrap()
        };
        let epoch = "1970-01-01T00:00:00.0000000Z";
        let hidden = json!({"registrationId": "dev-01", "attestation": {"type": "symmetricKey"},
            "capabilities": {"iotEdge": false}, "etag": "\"abc\"", "provisioningStatus": "enabled",
            "createdDateTimeUtc": epoch, "lastUpdatedDateTimeUtc": epoch, "allocationPolicy": "static",
            "iotHubs": ["hub1.example.test"]});
        assert_eq!(show(false), hidden);
        let keys = json!({"primaryKey": "cA==", "secondaryKey": "cw=="});
        assert_eq!(show(true)["attestation"], json!({"type": "symmetricKey", "symmetricKey": keys}));
    }
}
