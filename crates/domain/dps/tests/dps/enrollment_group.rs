//! What back ends may do with enrollment groups.

use roadstead_dps::{
    CertificateDraft, DpsError, EnrollmentGroupDraft, GroupAttestationDraft, PageRequest, Precondition,
};
use roadstead_model::{Etag, GroupAttestation, Provisioning, ProvisioningStatus};

use crate::world::*;

const ENABLED: ProvisioningStatus = ProvisioningStatus::Enabled;
const DISABLED: ProvisioningStatus = ProvisioningStatus::Disabled;

fn draft(name: &str, attestation: GroupAttestationDraft) -> EnrollmentGroupDraft {
    EnrollmentGroupDraft { id: group_id(name), attestation, provisioning: provisioning() }
}

fn no_keys() -> GroupAttestationDraft {
    GroupAttestationDraft::SymmetricKey { primary: None, secondary: None }
}

#[tokio::test]
async fn absent_keys_are_made_and_then_kept() {
    let world = World::new().await;
    let put = |precondition| world.instance.put_enrollment_group(draft("Fleet", no_keys()), precondition);
    let made = put(Precondition::Absent).await.unwrap();
    let GroupAttestation::SymmetricKey(keys) = &made.attestation else { panic!("{made:?}") };
    assert_eq!((keys.primary.expose().len(), keys.secondary.expose().len()), (88, 88));
    let kept = put(Precondition::Etag(made.etag.clone())).await.unwrap();
    assert_eq!((&kept.attestation, kept.created), (&made.attestation, made.created));
    assert_eq!(put(Precondition::Absent).await.unwrap_err().code(), 409_201);
    assert_eq!(put(Precondition::Etag(made.etag)).await.unwrap_err().code(), 412_201);
    assert_eq!(world.instance.find_enrollment_group(&group_id("FLEET")).await.unwrap(), kept);

    let stale = Precondition::Etag(Etag::from_client("stale"));
    let delete = |precondition| {
        let instance = world.instance.clone();
        async move { instance.delete_enrollment_group(&group_id("fleet"), precondition).await }
    };
    assert_eq!(delete(stale).await.unwrap_err().code(), 412_201);
    delete(Precondition::Etag(kept.etag)).await.unwrap();
    assert_eq!(delete(Precondition::Any).await.unwrap_err().code(), 404_201);
    let refusal = put(Precondition::Present).await.unwrap_err().to_string();
    assert_eq!(refusal, "there is no enrollment group `Fleet`");
}

#[tokio::test]
async fn references_must_name_verified_cas() {
    let world = World::new().await;
    world.upload("stranger", CAS.stranger.certificate(), false).await;
    for (ca, text) in [
        ("root", "attestation.x509.caReferences.primary: there is no CA certificate `root`; upload and verify it"),
        (
            "stranger",
            "attestation.x509.caReferences.primary: CA certificate `stranger` is uploaded but not verified; verify it",
        ),
    ] {
        let refusal = world.reference_group("fleet", ca, ENABLED).await.unwrap_err();
        assert_eq!((refusal.code(), refusal.to_string().as_str()), (400_004, text));
    }
    let none = GroupAttestationDraft::CaReference { primary: None, secondary: None };
    let refusal = world.instance.put_enrollment_group(draft("fleet", none), Precondition::Any).await.unwrap_err();
    assert_eq!(refusal.to_string(), "attestation.x509.caReferences: a primary or a secondary reference is needed");

    // A group can still be disabled when its CA is no longer what it was.
    world.upload("root", CAS.root.certificate(), true).await;
    world.reference_group("fleet", "root", ENABLED).await.unwrap();
    world.upload("root", CAS.root.certificate(), false).await;
    world.reference_group("fleet", "root", DISABLED).await.unwrap();
}

#[tokio::test]
async fn signing_certificates_must_be_able_to_sign() {
    let world = World::new().await;
    let sign = |primary| {
        let attestation = GroupAttestationDraft::SigningCertificate { primary, secondary: None };
        world.instance.put_enrollment_group(draft("fleet", attestation), Precondition::Any)
    };
    let text = |certificate: &roadstead_pki::Certificate| Some(CertificateDraft::Text(certificate.to_pem()));
    let refusal = sign(text(&leaf(&CAS.root, "dev-01"))).await.unwrap_err().to_string();
    let expected = "attestation.x509.signingCertificates.primary: certificate `dev-01` is not a CA \
                    (basicConstraints says CA:FALSE)";
    assert_eq!(refusal, expected);
    let refusal = sign(None).await.unwrap_err().to_string();
    assert_eq!(refusal, "attestation.x509.signingCertificates: a primary or a secondary certificate is needed");
    let refusal = sign(Some(CertificateDraft::Stored)).await.unwrap_err().to_string();
    assert!(refusal.contains("the certificate is missing"), "{refusal}");
    sign(text(CAS.intermediate.certificate())).await.unwrap();
    let kept = sign(Some(CertificateDraft::Stored)).await.unwrap();
    let GroupAttestation::SigningCertificate { primary: Some(entry), .. } = kept.attestation else { panic!() };
    assert_eq!(entry.der, CAS.intermediate.certificate().der());
}

#[tokio::test]
async fn one_certificate_enrolls_by_one_entry() {
    let world = World::new().await;
    world.upload("root", CAS.root.certificate(), true).await;
    world.upload("same", CAS.root.certificate(), true).await;
    world.reference_group("first", "root", ENABLED).await.unwrap();
    for taken in [
        world.reference_group("second", "root", ENABLED).await,
        world.reference_group("second", "same", ENABLED).await,
        world.signer_group("second", &CAS.root, ENABLED).await,
    ] {
        let refusal = taken.unwrap_err();
        assert_eq!(refusal.code(), 409_201);
        assert!(refusal.to_string().contains("is in enrollment group `first` already"), "{refusal}");
    }
    let draft = certificate_draft("root", CAS.root.certificate());
    let refusal = world.instance.put_enrollment(draft, Precondition::Any).await.unwrap_err();
    assert!(matches!(refusal, DpsError::CertificateTaken { .. }), "{refusal}");
}

#[tokio::test]
async fn a_group_may_change_its_kind() {
    let world = World::new().await;
    world.upload("root", CAS.root.certificate(), true).await;
    world.key_group("fleet", 10, provisioning()).await;
    world.register("dev-01", &derived(10, "dev-01")).await.unwrap();
    world.reference_group("fleet", "root", ENABLED).await.unwrap();
    assert_eq!(world.register("dev-01", &derived(10, "dev-01")).await.unwrap_err().code(), 401_002);
    let state = world.present("dev-01", &chain(&[&leaf(&CAS.root, "dev-01")])).await.unwrap();
    assert_eq!(state.group, Some(group_id("fleet")));
}

#[tokio::test]
async fn groups_are_bounded_and_listed_by_pages() {
    let world = World::new().await;
    let put = |name: String| world.instance.put_enrollment_group(draft(&name, no_keys()), Precondition::Any);
    for number in 0..100 {
        put(format!("fleet-{number:03}")).await.unwrap();
    }
    let refusal = put("one-more".to_owned()).await.unwrap_err();
    let text = "this DPS instance has 100 symmetric-key enrollment groups already, the most it may have";
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (400_004, text));
    put("fleet-000".to_owned()).await.unwrap();

    let page = PageRequest { items_max: Some(60), continuation: None };
    let first = world.instance.list_enrollment_groups(&page).await.unwrap();
    let page = PageRequest { continuation: first.continuation, ..page };
    let second = world.instance.list_enrollment_groups(&page).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.continuation), (60, 40, None));
    assert_eq!(second.items[0].id, group_id("fleet-060"));
}

#[tokio::test]
async fn unknown_hubs_are_refused() {
    let world = World::new().await;
    let provisioning = Provisioning { hubs: vec![HUB_B.into()], ..provisioning() };
    let draft = EnrollmentGroupDraft { provisioning, ..draft("fleet", no_keys()) };
    let refusal = world.instance.put_enrollment_group(draft, Precondition::Any).await.unwrap_err();
    assert_eq!(refusal.to_string(), "iotHubs: `b.example` is not linked to this DPS instance; linked are a.example");
}
