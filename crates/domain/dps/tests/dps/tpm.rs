//! Devices that prove themselves by a TPM.

use std::sync::LazyLock;

use roadstead_auth::Evidence;
use roadstead_dps::{
    AttestationDraft, DpsError, EnrollmentDraft, OperationStatus, Precondition, RegistrationRequest, RegistrationState,
    TpmKeys,
};
use roadstead_model::{Attestation, AttestedBy, DeviceAuth, Provisioning, ProvisioningStatus, TpmAttestation};
use roadstead_sas::{SasKey, sign};
use roadstead_testkit::SoftTpm;

use crate::world::{HUB_A, HUB_B, NOW_S, World, assigned, id, key, key_draft, link, provisioning, request, token};

/// Keys take long to make.
static TPM: LazyLock<SoftTpm> = LazyLock::new(SoftTpm::new);
static OTHER: LazyLock<SoftTpm> = LazyLock::new(SoftTpm::new);

fn draft(endorsement_key: String, storage_root_key: Option<String>) -> EnrollmentDraft {
    let attestation = AttestationDraft::Tpm { endorsement_key, storage_root_key };
    EnrollmentDraft { attestation, ..key_draft("dev-01", provisioning()) }
}

async fn enroll(world: &World, tpm: &SoftTpm, storage_root_key: Option<String>) -> TpmAttestation {
    let draft = draft(tpm.endorsement_key(), storage_root_key);
    match world.instance.put_enrollment(draft, Precondition::Any).await.unwrap().attestation {
        Attestation::Tpm(tpm) => tpm,
        other => panic!("{other:?}"),
    }
}

fn both(tpm: &SoftTpm) -> TpmKeys {
    TpmKeys { endorsement_key: tpm.endorsement_key(), storage_root_key: Some(tpm.storage_root_key()) }
}

async fn ask(world: &World, token: Option<&str>, tpm: Option<TpmKeys>) -> Result<OperationStatus, DpsError> {
    let request = RegistrationRequest { tpm, ..request() };
    world.session("dev-01").register(&Evidence { token, chain: &[] }, request).await
}

/// The blob that a device without a token is challenged with.
async fn challenge(world: &World, tpm: TpmKeys) -> Vec<u8> {
    match ask(world, None, Some(tpm)).await {
        Err(DpsError::TpmChallenge { authentication_key }) => authentication_key,
        other => panic!("not challenged: {other:?}"),
    }
}

/// The token of a TPM that took in a challenge.
fn answer(tpm: &SoftTpm, blob: &[u8]) -> String {
    token("dev-01", &SasKey::from_bytes(tpm.activate(blob).expect("it is for this TPM")))
}

async fn register(world: &World, tpm: &SoftTpm) -> RegistrationState {
    let token = answer(tpm, &challenge(world, both(tpm)).await);
    ask(world, Some(&token), Some(both(tpm))).await.unwrap().state.unwrap()
}

/// The key for the hub, as the TPM has it.
fn hub_key(tpm: &SoftTpm, state: &RegistrationState) -> String {
    let key = tpm.activate(state.authentication_key.as_deref().unwrap()).unwrap();
    SasKey::from_bytes(key).to_base64().to_string()
}

#[tokio::test]
async fn a_tpm_answers_its_challenge_and_gets_the_key_for_its_hub() {
    let world = World::new().await;
    enroll(&world, &TPM, None).await;
    let token = answer(&TPM, &challenge(&world, both(&TPM)).await);
    let operation = ask(&world, Some(&token), Some(both(&TPM))).await.unwrap();
    let state = operation.state.unwrap();
    assert_eq!((assigned(&state).0, state.attested), (HUB_A, AttestedBy::Tpm));
    let key = hub_key(&TPM, &state);
    let Some(DeviceAuth::Sas { primary, secondary }) = world.hubs.find(HUB_A, "dev-01").map(|device| device.auth)
    else {
        panic!("no device with keys")
    };
    assert_eq!(primary.expose(), key);
    assert_ne!(primary, secondary);
    // The poll brings no keys along, nor does another node know of a challenge; the storage root key is on record.
    let node = world.another_node().await;
    let evidence = Evidence { token: Some(&token), chain: &[] };
    let polled = node.session(id("dev-01")).operation_status(&evidence, &operation.operation_id).await.unwrap();
    assert_eq!(hub_key(&TPM, &polled.state.unwrap()), key);
    let looked_up = world.session("dev-01").registration_status(&evidence).await.unwrap();
    assert_eq!(hub_key(&TPM, &looked_up), key);
    // Again: nothing is written, and the key is the same.
    let before = world.records.commits();
    assert_eq!(hub_key(&TPM, &register(&world, &TPM).await), key);
    let without_keys = ask(&world, Some(&token), None).await.unwrap().state.unwrap();
    assert_eq!(hub_key(&TPM, &without_keys), key);
    assert_eq!(world.records.commits(), before);
}

#[tokio::test]
async fn the_key_moves_with_the_device() {
    let world = World::new().await;
    enroll(&world, &TPM, None).await;
    let key = hub_key(&TPM, &register(&world, &TPM).await);
    world.link(vec![link(HUB_B)]).await;
    let moved = register(&world, &TPM).await;
    assert_eq!((assigned(&moved).0, hub_key(&TPM, &moved)), (HUB_B, key));
}

#[tokio::test]
async fn a_challenge_is_for_an_hour() {
    let world = World::new().await;
    enroll(&world, &TPM, None).await;
    let blob = challenge(&world, both(&TPM)).await;
    let key = SasKey::from_bytes(TPM.activate(&blob).unwrap());
    for (more_s, holds) in [(3599, true), (3600, true), (1, false)] {
        world.clock.advance_ms(more_s * 1000);
        let token = sign("0ne00ABC123/registrations/dev-01", &key, NOW_S + 86_400, None);
        assert_eq!(ask(&world, Some(&token), None).await.is_ok(), holds, "{more_s} s later");
    }
    let fresh = challenge(&world, both(&TPM)).await;
    assert_ne!(TPM.activate(&fresh).unwrap(), key.as_bytes());
}

#[tokio::test]
async fn what_an_enrollment_keeps() {
    let world = World::new().await;
    let first = enroll(&world, &TPM, None).await;
    let pinned = enroll(&world, &TPM, Some(TPM.storage_root_key())).await;
    assert_eq!((&pinned.secret, pinned.storage_root_key.is_some()), (&first.secret, true));
    let loose = enroll(&world, &TPM, Some(String::new())).await;
    assert_eq!((&loose.secret, loose.storage_root_key), (&first.secret, None));
    let other = enroll(&world, &OTHER, None).await;
    assert_ne!(other.secret, first.secret, "the old TPM knows keys of the old secret");
    world.enroll("dev-01", provisioning()).await;
    assert_ne!(enroll(&world, &OTHER, None).await.secret, other.secret);
}

#[tokio::test]
async fn a_pinned_storage_root_key() {
    let world = World::new().await;
    enroll(&world, &TPM, Some(TPM.storage_root_key())).await;
    let alone = TpmKeys { endorsement_key: TPM.endorsement_key(), storage_root_key: None };
    let token = answer(&TPM, &challenge(&world, alone).await);
    let state = ask(&world, Some(&token), None).await.unwrap().state.unwrap();
    hub_key(&TPM, &state);
    let foreign = TpmKeys { storage_root_key: Some(OTHER.storage_root_key()), ..both(&TPM) };
    for token in [None, Some(&*token)] {
        let refusal = ask(&world, token, Some(foreign.clone())).await.unwrap_err();
        assert!(matches!(refusal, DpsError::OtherTpm { key: "storage root key", .. }), "{refusal}");
    }
}

#[tokio::test]
async fn another_tpm_takes_over_only_by_enrollment() {
    let world = World::new().await;
    enroll(&world, &TPM, None).await;
    let token = answer(&TPM, &challenge(&world, both(&TPM)).await);
    let key = hub_key(&TPM, &register(&world, &TPM).await);
    enroll(&world, &OTHER, None).await;
    assert!(ask(&world, Some(&token), None).await.is_err(), "the old TPM's token ends with its enrollment");
    let state = register(&world, &OTHER).await;
    assert_ne!(hub_key(&OTHER, &state), key);
}

#[tokio::test]
async fn disabled() {
    let world = World::new().await;
    let status = ProvisioningStatus::Disabled;
    let mut draft = draft(TPM.endorsement_key(), None);
    draft.provisioning = Provisioning { status, ..provisioning() };
    world.instance.put_enrollment(draft, Precondition::Any).await.unwrap();
    let state = register(&world, &TPM).await;
    assert_eq!((state.attested, state.authentication_key), (AttestedBy::Tpm, None));
}

#[tokio::test]
async fn refused() {
    let world = World::new().await;
    let unknown = ask(&world, None, Some(both(&TPM))).await.unwrap_err();
    assert_eq!(unknown.code(), 404_201, "{unknown}");
    world.enroll("dev-01", provisioning()).await;
    let by_key = ask(&world, None, Some(both(&TPM))).await.unwrap_err();
    assert_eq!(by_key.to_string(), "tpm: enrollment `dev-01` is not one by TPM; make one with attestation type `tpm`");
    assert!(ask(&world, Some(&token("dev-01", &key(1))), Some(both(&TPM))).await.is_ok(), "a good token is enough");

    enroll(&world, &TPM, None).await;
    let with = |endorsement_key: &str, storage_root_key: Option<&str>| {
        let storage_root_key = storage_root_key.map(str::to_owned);
        Some(TpmKeys { endorsement_key: endorsement_key.to_owned(), storage_root_key })
    };
    let (own, root) = (TPM.endorsement_key(), TPM.storage_root_key());
    let wrong = token("dev-01", &key(1));
    for (token, tpm, code, text) in [
        (None, None, 401_000, "Unauthorized: neither a token nor a client certificate"),
        (Some(""), None, 401_000, "Unauthorized: neither a token nor a client certificate"),
        (Some(&*wrong), with(&own, Some(&root)), 401_002, "Unauthorized: the token is not signed with a key of enr"),
        (Some("nonsense"), None, 401_002, "Unauthorized: "),
        (None, with(&OTHER.endorsement_key(), Some(&root)), 401_002, "Unauthorized: the endorsement key that came"),
        (None, with(&own, None), 400_004, "tpm.storageRootKey: is missing"),
        (None, with(&own, Some("")), 400_004, "tpm.storageRootKey: is missing"),
        (None, with(&own, Some("AAAA")), 400_004, "tpm.storageRootKey: is no TPM2B_PUBLIC"),
        (None, with("", Some(&root)), 400_004, "tpm.endorsementKey: is missing"),
        (None, with("*", Some(&root)), 400_004, "tpm.endorsementKey: is not base64"),
    ] {
        let refusal = ask(&world, token, tpm.clone()).await.unwrap_err();
        assert_eq!(refusal.code(), code, "{refusal}");
        assert!(refusal.to_string().starts_with(text), "{refusal}");
    }
    let evidence = Evidence { token: None, chain: &[vec![1]] };
    let refusal = world.session("dev-01").register(&evidence, request()).await.unwrap_err();
    assert!(refusal.to_string().ends_with("proves itself with a token signed by its TPM, but a certificate came"));

    for (draft, member) in [
        (draft(String::new(), None), "attestation.tpm.endorsementKey"),
        (draft("a".repeat(300), None), "attestation.tpm.endorsementKey"),
        (draft(own, Some("AAAA".to_owned())), "attestation.tpm.storageRootKey"),
    ] {
        match world.instance.put_enrollment(draft, Precondition::Any).await {
            Err(DpsError::Invalid { member: found, .. }) => assert_eq!(found, member),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_challenge_ahead_of_any_request() {
    let world = World::new().await;
    enroll(&world, &TPM, None).await;
    let session = world.session("dev-01");
    let challenge = session.challenge(&both(&TPM)).await.unwrap();
    assert!(challenge.refusal.is_none());
    let token = answer(&TPM, &challenge.authentication_key);
    session.authenticate(&Evidence { token: Some(&token), chain: &[] }).await.unwrap();
    ask(&world, Some(&token), Some(both(&TPM))).await.unwrap();
    for stranger in ["dev-01", "dev-02"] {
        let session = world.session(stranger);
        let challenge = session.challenge(&both(&OTHER)).await.unwrap();
        let refusal = challenge.refusal.expect("a stranger");
        assert_eq!(refusal.code(), if stranger == "dev-01" { 401_002 } else { 404_201 }, "{refusal}");
        let token = answer(&OTHER, &challenge.authentication_key);
        assert!(session.authenticate(&Evidence { token: Some(&token), chain: &[] }).await.is_err());
    }
    let alone = TpmKeys { storage_root_key: None, ..both(&TPM) };
    let broken = TpmKeys { endorsement_key: "AAEC".to_owned(), ..both(&TPM) };
    for keys in [alone, broken] {
        let refusal = world.session("dev-02").challenge(&keys).await.unwrap_err();
        assert_eq!(refusal.code(), 400_004, "{refusal}");
    }
}
