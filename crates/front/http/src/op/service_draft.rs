//! Enrollments as back ends send them, in the domain's terms. Source: `reference/dps.md` 4.3

use roadstead_dps::{
    AttestationDraft, CertificateDraft, DpsError, EnrollmentDraft, EnrollmentGroupDraft, GroupAttestationDraft,
};
use roadstead_model::{
    CertificateName, DeviceId, EnrollmentGroupId, Provisioning, ProvisioningStatus, RegistrationId, ReprovisionPolicy,
    Webhook,
};
use roadstead_wire::dps_service::{
    AttestationMechanism, AttestationType, CertificateWithInfo, Certificates, EnrollmentGroup, IndividualEnrollment,
    InitialTwin, Settings, Tpm, X509Attestation,
};

use crate::op::service::{invalid, no_id};

pub(super) fn enrollment(body: IndividualEnrollment) -> Result<EnrollmentDraft, DpsError> {
    let device_id = body.device_id.filter(|id| !id.is_empty());
    Ok(EnrollmentDraft {
        registration_id: RegistrationId::parse(&body.registration_id).map_err(no_id("registrationId"))?,
        device_id: device_id.map(|id| DeviceId::parse(&id)).transpose().map_err(no_id("deviceId"))?,
        attestation: attestation(body.attestation)?,
        provisioning: provisioning(body.settings),
        optional_device_information: body.optional_device_information,
    })
}

pub(super) fn group(body: EnrollmentGroup) -> Result<EnrollmentGroupDraft, DpsError> {
    Ok(EnrollmentGroupDraft {
        id: EnrollmentGroupId::parse(&body.enrollment_group_id).map_err(no_id("enrollmentGroupId"))?,
        attestation: group_attestation(body.attestation)?,
        provisioning: provisioning(body.settings),
    })
}

fn attestation(mechanism: AttestationMechanism) -> Result<AttestationDraft, DpsError> {
    match mechanism.kind.0 {
        AttestationType::SymmetricKey => {
            let keys = mechanism.symmetric_key.unwrap_or_default();
            Ok(AttestationDraft::SymmetricKey { primary: keys.primary_key, secondary: keys.secondary_key })
        }
        AttestationType::X509 => match mechanism.x509.unwrap_or_default() {
            X509Attestation { client_certificates: Some(own), signing_certificates: None, ca_references: None } => {
                let [primary, secondary] = certificates(own);
                Ok(AttestationDraft::ClientCertificate { primary, secondary })
            }
            _ => Err(invalid("attestation.x509", "an individual enrollment needs clientCertificates and nothing else")),
        },
        AttestationType::Tpm => {
            let tpm = mechanism.tpm.ok_or_else(|| invalid("attestation.tpm", "is missing"))?;
            let Tpm { endorsement_key, storage_root_key } = tpm;
            Ok(AttestationDraft::Tpm { endorsement_key, storage_root_key })
        }
        AttestationType::None => Err(invalid("attestation.type", "an enrollment needs symmetricKey, x509 or tpm")),
    }
}

fn group_attestation(mechanism: AttestationMechanism) -> Result<GroupAttestationDraft, DpsError> {
    match mechanism.kind.0 {
        AttestationType::SymmetricKey => {
            let keys = mechanism.symmetric_key.unwrap_or_default();
            Ok(GroupAttestationDraft::SymmetricKey { primary: keys.primary_key, secondary: keys.secondary_key })
        }
        AttestationType::X509 => match mechanism.x509.unwrap_or_default() {
            X509Attestation { client_certificates: None, signing_certificates: Some(signing), ca_references: None } => {
                let [primary, secondary] = certificates(signing);
                Ok(GroupAttestationDraft::SigningCertificate { primary, secondary })
            }
            X509Attestation { client_certificates: None, signing_certificates: None, ca_references: Some(cas) } => {
                Ok(GroupAttestationDraft::CaReference {
                    primary: ca_name(cas.primary, "attestation.x509.caReferences.primary")?,
                    secondary: ca_name(cas.secondary, "attestation.x509.caReferences.secondary")?,
                })
            }
            _ => Err(invalid(
                "attestation.x509",
                "an enrollment group needs either signingCertificates or caReferences, and nothing else",
            )),
        },
        AttestationType::Tpm | AttestationType::None => {
            Err(invalid("attestation.type", "an enrollment group needs symmetricKey or x509"))
        }
    }
}

fn certificates(sent: Certificates) -> [Option<CertificateDraft>; 2] {
    [sent.primary, sent.secondary].map(|sent| sent.and_then(certificate))
}

/// Answers carry `info` and no certificate, so an update that sends them back means the stored one.
fn certificate(sent: CertificateWithInfo) -> Option<CertificateDraft> {
    match sent.certificate.filter(|text| !text.is_empty()) {
        Some(text) => Some(CertificateDraft::Text(text)),
        None => sent.info.map(|_| CertificateDraft::Stored),
    }
}

fn ca_name(name: Option<String>, member: &'static str) -> Result<Option<CertificateName>, DpsError> {
    let name = name.filter(|name| !name.is_empty());
    name.map(|name| CertificateName::parse(&name)).transpose().map_err(no_id(member))
}

fn provisioning(settings: Settings) -> Provisioning {
    let hubs = settings.iot_hubs.filter(|hubs| !hubs.is_empty());
    let legacy = settings.iot_hub_host_name.filter(|host| !host.is_empty());
    Provisioning {
        status: settings.provisioning_status.map_or(ProvisioningStatus::Enabled, |status| status.0),
        allocation: settings.allocation_policy.map(|policy| policy.0),
        hubs: hubs.unwrap_or_else(|| legacy.into_iter().collect()),
        webhook: settings
            .custom_allocation_definition
            .map(|custom| Webhook { url: custom.webhook_url, api_version: custom.api_version }),
        reprovision: settings.reprovision_policy.map(|policy| ReprovisionPolicy {
            update_hub_assignment: policy.update_hub_assignment,
            migrate_device_data: policy.migrate_device_data,
        }),
        initial_twin: settings.initial_twin.as_ref().map(InitialTwin::to_model),
        iot_edge: settings.capabilities.is_some_and(|capabilities| capabilities.iot_edge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn individual(attestation: Value) -> Result<EnrollmentDraft, DpsError> {
        let body = json!({"registrationId": "dev-01", "attestation": attestation});
        enrollment(serde_json::from_value(body).unwrap())
    }

    fn of_group(attestation: Value) -> Result<EnrollmentGroupDraft, DpsError> {
        let body = json!({"enrollmentGroupId": "fleet-a", "attestation": attestation});
        group(serde_json::from_value(body).unwrap())
    }

    #[test]
    fn what_answers_leave_out_stays_stored() {
        let info = json!({"subjectName": "CN=a", "sha1Thumbprint": "", "sha256Thumbprint": "", "issuerName": "CN=a",
            "notBeforeUtc": "", "notAfterUtc": "", "serialNumber": "", "version": 3});
        let entries = json!({"primary": {"info": info}, "secondary": {"certificate": "MIIB"}});
        let (primary, secondary) = (Some(CertificateDraft::Stored), Some(CertificateDraft::Text("MIIB".to_owned())));
        assert_eq!(
            individual(json!({"type": "x509", "x509": {"clientCertificates": entries}})).unwrap().attestation,
            AttestationDraft::ClientCertificate { primary: primary.clone(), secondary: secondary.clone() }
        );
        assert_eq!(
            of_group(json!({"type": "x509", "x509": {"signingCertificates": entries}})).unwrap().attestation,
            GroupAttestationDraft::SigningCertificate { primary, secondary }
        );
        let none = AttestationDraft::ClientCertificate { primary: None, secondary: None };
        let empty = json!({"primary": {"certificate": ""}, "secondary": {}});
        let draft = individual(json!({"type": "x509", "x509": {"clientCertificates": empty}})).unwrap();
        assert_eq!(draft.attestation, none);
    }

    #[test]
    fn refused_attestation() {
        let [client, signing] = ["clientCertificates", "signingCertificates"].map(|name| json!({name: {}}));
        let references = json!({"caReferences": {"primary": "root-ca"}});
        for (attestation, for_individual, for_group) in [
            (json!({"type": "tpm", "tpm": {"endorsementKey": "e"}}), "", "attestation.type"),
            (json!({"type": "tpm"}), "attestation.tpm", "attestation.type"),
            (json!({"type": "none"}), "attestation.type", "attestation.type"),
            (json!({"type": "x509"}), "attestation.x509", "attestation.x509"),
            (json!({"type": "x509", "x509": client}), "", "attestation.x509"),
            (json!({"type": "x509", "x509": signing}), "attestation.x509", ""),
            (json!({"type": "x509", "x509": references}), "attestation.x509", ""),
            (
                json!({"type": "x509", "x509": {"clientCertificates": {}, "caReferences": {}, "signingCertificates": {}}}),
                "attestation.x509",
                "attestation.x509",
            ),
            (
                json!({"type": "x509", "x509": {"caReferences": {"primary": "root ca"}}}),
                "attestation.x509",
                "attestation.x509.caReferences.primary",
            ),
        ] {
            let member = |error| match error {
                Some(DpsError::Invalid { member, .. }) => member,
                other => {
                    assert!(other.is_none(), "{other:?}");
                    ""
                }
            };
            assert_eq!(member(individual(attestation.clone()).err()), for_individual, "{attestation}");
            assert_eq!(member(of_group(attestation.clone()).err()), for_group, "{attestation}");
        }
    }

    #[test]
    fn hubs_by_the_new_member_or_the_legacy_one() {
        for (settings, hubs) in [
            (json!({}), vec![]),
            (json!({"iotHubHostName": "a.example"}), vec!["a.example"]),
            (json!({"iotHubHostName": "a.example", "iotHubs": []}), vec!["a.example"]),
            (json!({"iotHubHostName": "a.example", "iotHubs": ["b.example"]}), vec!["b.example"]),
        ] {
            assert_eq!(provisioning(serde_json::from_value(settings).unwrap()).hubs, hubs);
        }
    }
}
