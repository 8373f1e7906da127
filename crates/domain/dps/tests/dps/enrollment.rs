//! What back ends may do with individual enrollments.

use roadstead_auth::Segment;
use roadstead_dps::{
    AttestationDraft, BulkChange, CertificateDraft, DpsError, EnrollmentDraft, PageRequest, Precondition,
};
use roadstead_model::{
    AccessPolicy, AllocationPolicy, Attestation, Enrollment, Etag, Provisioning, Right, Rights, Secret, Webhook,
};
use roadstead_sas::sign;

use crate::world::*;

fn keys(enrollment: &Enrollment) -> (String, String) {
    match &enrollment.attestation {
        Attestation::SymmetricKey(keys) => (keys.primary.expose().to_owned(), keys.secondary.expose().to_owned()),
        Attestation::ClientCertificate { .. } | Attestation::Tpm(_) => panic!("{enrollment:?}"),
    }
}

fn with_keys(primary: Option<&str>, secondary: Option<&str>) -> EnrollmentDraft {
    let attestation =
        AttestationDraft::SymmetricKey { primary: primary.map(Secret::new), secondary: secondary.map(Secret::new) };
    EnrollmentDraft { attestation, ..key_draft("dev-01", provisioning()) }
}

#[tokio::test]
async fn absent_keys_are_made_and_then_kept() {
    let world = World::new().await;
    let made = world.instance.put_enrollment(with_keys(None, Some("")), Precondition::Absent).await.unwrap();
    let (primary, secondary) = keys(&made);
    assert_eq!((primary.len(), secondary.len()), (88, 88), "64 bytes in base64");
    assert_ne!(primary, secondary);
    let kept = world.instance.put_enrollment(with_keys(None, None), Precondition::Any).await.unwrap();
    assert_eq!(keys(&kept), (primary.clone(), secondary));
    let given = key(3).to_base64();
    let changed = world.instance.put_enrollment(with_keys(None, Some(&given)), Precondition::Any).await.unwrap();
    assert_eq!(keys(&changed), (primary, given.to_string()));
    assert_eq!((changed.created, made.etag == changed.etag), (made.created, false));
}

#[tokio::test]
async fn certificates_are_kept_too() {
    let world = World::new().await;
    let (first, second) = (leaf(&CAS.root, "dev-01"), leaf(&CAS.root, "dev-01"));
    let put = |primary, secondary| {
        let attestation = AttestationDraft::ClientCertificate { primary, secondary };
        let draft = EnrollmentDraft { attestation, ..key_draft("dev-01", provisioning()) };
        world.instance.put_enrollment(draft, Precondition::Any)
    };
    let text = |certificate: &roadstead_pki::Certificate| Some(CertificateDraft::Text(certificate.to_pem()));
    let stored = |enrollment: Enrollment| match enrollment.attestation {
        Attestation::ClientCertificate { primary, secondary } => [primary, secondary].map(|entry| entry.map(|e| e.der)),
        Attestation::SymmetricKey(_) | Attestation::Tpm(_) => panic!("a certificate became a key"),
    };
    let der = |certificate: &roadstead_pki::Certificate| Some(certificate.der().to_vec());
    assert_eq!(stored(put(text(&first), None).await.unwrap()), [der(&first), None]);
    let kept = put(Some(CertificateDraft::Stored), text(&second)).await.unwrap();
    assert_eq!(stored(kept), [der(&first), der(&second)]);
    assert_eq!(stored(put(None, Some(CertificateDraft::Stored)).await.unwrap()), [None, der(&second)]);
    let refusal = put(Some(CertificateDraft::Stored), None).await.unwrap_err().to_string();
    assert!(
        refusal.starts_with("attestation.x509.clientCertificates.primary: the certificate is missing"),
        "{refusal}"
    );
    let refusal = put(None, None).await.unwrap_err().to_string();
    assert!(refusal.starts_with("attestation.x509.clientCertificates: a primary or a secondary"), "{refusal}");
}

#[tokio::test]
async fn drafts_that_do_not_fit_are_refused_with_the_member() {
    let world = World::new().await;
    let with = |provisioning: Provisioning| key_draft("dev-01", provisioning);
    let webhook = |url: &str, version: &str| Webhook { url: Secret::new(url), api_version: version.to_owned() };
    let custom = |webhook: Option<Webhook>| {
        with(Provisioning { allocation: Some(AllocationPolicy::Custom), webhook, ..provisioning() })
    };
    let bad_certificate = EnrollmentDraft {
        attestation: AttestationDraft::ClientCertificate {
            primary: Some(CertificateDraft::Text("nonsense!".to_owned())),
            secondary: None,
        },
        ..with(provisioning())
    };
    for (draft, text) in [
        (
            with_keys(Some("AAAA"), None),
            "attestation.symmetricKey.primaryKey: the key has 3 bytes; it must have 16 to 64",
        ),
        (with_keys(None, Some("%")), "attestation.symmetricKey.secondaryKey: the key is not base64"),
        (
            bad_certificate,
            "attestation.x509.clientCertificates.primary: it is neither a PEM certificate nor base64 of one",
        ),
        (
            with(Provisioning { hubs: vec!["C.example".into()], ..provisioning() }),
            "iotHubs: `c.example` is not linked to this DPS instance; linked are a.example",
        ),
        (
            with(Provisioning {
                hubs: vec![HUB_A.into(), HUB_A.into()],
                allocation: Some(AllocationPolicy::Static),
                ..provisioning()
            }),
            "iotHubs: static allocation needs one hub, not 2",
        ),
        (custom(None), "customAllocationDefinition: custom allocation needs a webhook"),
        (
            custom(Some(webhook("ftp://fn.example?code=hidden", "2021-10-01"))),
            "customAllocationDefinition.webhookUrl: must be an http or https URL",
        ),
        (
            custom(Some(webhook("https://", "2021-10-01"))),
            "customAllocationDefinition.webhookUrl: must be an http or https URL",
        ),
        (
            custom(Some(webhook("https://fn.example", "2018-04-01"))),
            "customAllocationDefinition.apiVersion: must be 2018-09-01-preview or later",
        ),
    ] {
        let refusal = world.instance.put_enrollment(draft, Precondition::Any).await.unwrap_err();
        assert_eq!((refusal.code(), refusal.to_string().as_str()), (400_004, text));
    }
    assert_eq!(world.instance.find_enrollment(&id("dev-01")).await.unwrap_err().code(), 404_201);
}

#[tokio::test]
async fn etags_decide_who_may_write() {
    let world = World::new().await;
    let put = |precondition| world.instance.put_enrollment(with_keys(None, None), precondition);
    let stale = || Precondition::Etag(Etag::from_client("stale"));
    assert_eq!(put(Precondition::Present).await.unwrap_err().code(), 404_201);
    assert_eq!(put(stale()).await.unwrap_err().code(), 412_201);
    let first = put(Precondition::Absent).await.unwrap();
    let refusal = put(Precondition::Absent).await.unwrap_err();
    assert_eq!(refusal.code(), 409_201);
    assert_eq!(refusal.to_string(), "enrollment `dev-01` exists already; send If-Match to replace it");
    assert_eq!(put(stale()).await.unwrap_err().code(), 412_201);
    let second = put(Precondition::Etag(first.etag.clone())).await.unwrap();
    assert_eq!(put(Precondition::Etag(first.etag.clone())).await.unwrap_err().code(), 412_201);
    put(Precondition::Present).await.unwrap();

    let delete = |precondition| {
        let instance = world.instance.clone();
        async move { instance.delete_enrollment(&id("DEV-01"), precondition).await }
    };
    assert_eq!(delete(Precondition::Etag(second.etag)).await.unwrap_err().code(), 412_201);
    delete(Precondition::Any).await.unwrap();
    assert_eq!(delete(Precondition::Any).await.unwrap_err().code(), 404_201);
}

#[tokio::test]
async fn one_certificate_enrolls_by_one_entry() {
    let world = World::new().await;
    let own = leaf(&CAS.root, "dev-01");
    let put = |name: &str| world.instance.put_enrollment(certificate_draft(name, &own), Precondition::Any);
    put("dev-01").await.unwrap();
    put("dev-01").await.unwrap();
    let refusal = put("dev-02").await.unwrap_err();
    let text = "attestation.x509.clientCertificates.primary: the certificate is in enrollment `dev-01` already; \
                one certificate enrolls by one entry only";
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (409_201, text));
    // Also after a restart, and no longer once the first entry is gone.
    let restarted = world.another_node().await;
    let refusal = restarted.put_enrollment(certificate_draft("dev-02", &own), Precondition::Any).await;
    assert!(matches!(refusal, Err(DpsError::CertificateTaken { .. })));
    world.instance.delete_enrollment(&id("dev-01"), Precondition::Any).await.unwrap();
    put("dev-02").await.unwrap();

    let root = CAS.root.certificate();
    world.instance.put_enrollment(certificate_draft("root", root), Precondition::Any).await.unwrap();
    let taken = world.signer_group("fleet", &CAS.root, roadstead_model::ProvisioningStatus::Enabled).await;
    let text = "attestation.x509.signingCertificates.primary: the certificate is in enrollment `root` already; \
                one certificate enrolls by one entry only";
    assert_eq!(taken.unwrap_err().to_string(), text);
}

#[tokio::test]
async fn bulk_changes_stand_for_themselves() {
    let world = World::new().await;
    let put = |name: &str| BulkChange::Put(Box::new(key_draft(name, provisioning())), Precondition::Absent);
    world.enroll("dev-02", provisioning()).await;
    let changes =
        vec![put("dev-01"), put("dev-02"), BulkChange::Delete(id("dev-03"), Precondition::Any), put("dev-04")];
    let failures = world.instance.change_enrollments(changes).await.unwrap();
    let told: Vec<_> = failures.iter().map(|f| (f.registration_id.as_str(), f.error.code())).collect();
    assert_eq!(told, [("dev-02", 409_201), ("dev-03", 404_201)]);
    let listing = world.instance.list_enrollments(&PageRequest::default()).await.unwrap();
    let names: Vec<_> = listing.items.iter().map(|e| e.registration_id.as_str()).collect();
    assert_eq!((names, listing.continuation), (vec!["dev-01", "dev-02", "dev-04"], None));
    let eleven = (0..11).map(|number| put(&number.to_string())).collect();
    let refusal = world.instance.change_enrollments(eleven).await.unwrap_err();
    assert_eq!(refusal.to_string(), "enrollments: has 11 entries, at most 10 are allowed");
}

#[tokio::test]
async fn an_enrollment_shows_its_own_registration() {
    let world = World::new().await;
    world.key_group("fleet", 10, provisioning()).await;
    world.register("dev-01", &derived(10, "dev-01")).await.unwrap();
    world.enroll("dev-01", provisioning()).await;
    let (_, registration) = world.instance.find_enrollment(&id("DEV-01")).await.unwrap();
    assert_eq!(registration, None, "the device came by the group");
    world.register("dev-01", &key(1)).await.unwrap();
    let (_, registration) = world.instance.find_enrollment(&id("dev-01")).await.unwrap();
    assert_eq!(registration.unwrap().registration_id, id("dev-01"));
}

#[tokio::test]
async fn back_ends_are_judged_by_policy() {
    let world = World::new().await;
    world
        .change(|dps| {
            dps.policies = vec![AccessPolicy {
                key_name: "reader".to_owned(),
                primary: secret(&key(1)),
                secondary: secret(&key(2)),
                rights: Rights::of(&[Right::EnrollmentRead]),
            }];
        })
        .await;
    let path = [Segment::AnyCase("enrollments"), Segment::AnyCase("dev-01")];
    let token = sign("Plant-DPS.localhost", &key(2), NOW_S, Some("reader"));
    let grant = world.instance.authorize(&token, &path, Right::EnrollmentRead).unwrap();
    assert_eq!(grant.key_name, "reader");
    let refusal = world.instance.authorize(&token, &path, Right::EnrollmentWrite).unwrap_err();
    let text = "Unauthorized: policy `reader` lacks EnrollmentWrite: it has EnrollmentRead";
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (401_002, text));
    assert!(world.instances.find_by_host("PLANT-dps.localhost").is_some());
    let token = sign("plant-dps.azure-devices-provisioning.net", &key(1), NOW_S, Some("reader"));
    world.instance.authorize(&token, &path, Right::EnrollmentRead).unwrap();
    let token = sign("other-dps.azure-devices-provisioning.net", &key(1), NOW_S, Some("reader"));
    assert_eq!(world.instance.authorize(&token, &path, Right::EnrollmentRead).unwrap_err().code(), 401_002);
    assert!(world.instances.find_by_host("Plant-DPS.azure-devices-provisioning.net").is_some());
    assert!(world.instances.find_by_host("global.azure-devices-provisioning.net").is_none());
    assert!(world.instances.find_by_host("other.localhost").is_none());
}
