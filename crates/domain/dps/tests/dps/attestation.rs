//! Who is let in, by what, and what the others are told.

use roadstead_dps::{Precondition, State};
use roadstead_model::{AttestedBy, DeviceAuth, EnrollmentGroupId, ProvisioningStatus, Substatus, Thumbprint};
use roadstead_pki::{KeyKind, Validity};
use roadstead_sas::sign;

use crate::world::*;

const ENABLED: ProvisioningStatus = ProvisioningStatus::Enabled;
const DISABLED: ProvisioningStatus = ProvisioningStatus::Disabled;

fn sha256(certificate: &roadstead_pki::Certificate) -> Thumbprint {
    Thumbprint::parse(&certificate.sha256().to_string()).unwrap()
}

#[tokio::test]
async fn an_individual_key_registers() {
    let world = World::new().await;
    world.enroll("Dev-01", provisioning()).await;
    for byte in [1, 2] {
        let state = world.register("dev-01", &key(byte)).await.unwrap();
        assert_eq!(assigned(&state), (HUB_A, "Dev-01", Substatus::InitialAssignment));
        assert_eq!((state.attested, state.group), (AttestedBy::SymmetricKey, None));
    }
    let device = world.hubs.find(HUB_A, "Dev-01").unwrap();
    assert_eq!(device.auth, DeviceAuth::Sas { primary: secret(&key(1)), secondary: secret(&key(2)) });
    assert_eq!(device.twin.tags, map(serde_json::json!({"site": "north"})));
}

#[tokio::test]
async fn refused_tokens_name_the_cause() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    world.key_group("fleet", 10, provisioning()).await;
    let resource = |name: &str| format!("0ne00ABC123/registrations/{name}");
    for (registration_id, token, code, text) in [
        ("dev-01", None, 401_000, "Unauthorized: neither a token nor a client certificate came with the request"),
        (
            "dev-01",
            Some("x".to_owned()),
            401_002,
            "Unauthorized: the token does not begin with `SharedAccessSignature `",
        ),
        (
            "dev-01",
            Some(token("dev-01", &key(9))),
            401_002,
            "Unauthorized: the token is not signed with a key of enrollment `dev-01`",
        ),
        (
            "dev-01",
            Some(token("dev-02", &key(1))),
            401_002,
            "Unauthorized: the token is for `0ne00ABC123/registrations/dev-02`, not for `0ne00ABC123/registrations/dev-01`",
        ),
        (
            "dev-01",
            Some(sign(&resource("dev-01"), &key(1), NOW_S - 301, None)),
            401_002,
            "Unauthorized: the token expired 301 s ago (se=1799999699, 300 s of clock skew are forgiven); \
             renew it, or correct the clock of its maker",
        ),
        (
            "dev-01",
            Some(token("dev-01", &derived(10, "dev-01"))),
            401_002,
            "Unauthorized: the token is not signed with a key of enrollment `dev-01`",
        ),
        (
            "dev-02",
            Some(token("dev-02", &key(1))),
            401_002,
            "Unauthorized: there is no individual enrollment `dev-02`, and the token is not signed with the key that \
             any of 1 symmetric-key enrollment groups gives this id",
        ),
        (
            "dev-02",
            Some(token("dev-02", &key(10))),
            401_002,
            "Unauthorized: the token is signed with the key of enrollment group `fleet` itself; sign it with the \
             device's key, HMAC-SHA256 of `dev-02` under the group's key",
        ),
    ] {
        let refusal = world.register_as(registration_id, token.as_deref(), &[]).await.unwrap_err();
        assert_eq!((refusal.code(), refusal.to_string().as_str()), (code, text));
        assert!(world.hubs.hubs_of(registration_id).is_empty());
    }
}

#[tokio::test]
async fn unknown_scopes_are_refused() {
    let world = World::new().await;
    for scope in ["0ne00ABC124", "", "nonsense"] {
        let refusal = world.instances.find(scope).unwrap_err();
        assert_eq!(refusal.code(), 401_002);
        assert_eq!(refusal.to_string(), format!("Unauthorized: no DPS instance has the ID scope `{scope}`"));
    }
}

#[tokio::test]
async fn derived_keys_of_the_id_as_presented_or_in_lower_case() {
    let world = World::new().await;
    world.key_group("other", 20, provisioning()).await;
    world.key_group("fleet", 10, provisioning()).await;
    for (registration_id, key, signs) in [
        ("dev-01", derived(10, "dev-01"), [derived(10, "dev-01"), derived(11, "dev-01")]),
        ("Dev-02", derived(11, "Dev-02"), [derived(10, "Dev-02"), derived(11, "Dev-02")]),
        ("Dev-03", derived(10, "dev-03"), [derived(10, "dev-03"), derived(11, "dev-03")]),
    ] {
        let state = world.register(registration_id, &key).await.unwrap();
        assert_eq!(assigned(&state), (HUB_A, registration_id, Substatus::InitialAssignment));
        assert_eq!(state.group.as_ref().map(EnrollmentGroupId::as_str), Some("fleet"));
        let [primary, secondary] = signs.map(|key| secret(&key));
        assert_eq!(world.hubs.find(HUB_A, registration_id).unwrap().auth, DeviceAuth::Sas { primary, secondary });
        let again = world.register(registration_id, &key).await.unwrap();
        assert_eq!(again, state);
    }
    let other_case = world.register("DEV-01", &derived(10, "dev-01")).await.unwrap();
    assert_eq!(assigned(&other_case).1, "dev-01", "DPS ignores case, so the device is the same");
}

#[tokio::test]
async fn an_individual_certificate_registers_without_any_ca() {
    let world = World::new().await;
    let own = leaf(&CAS.stranger, "dev-01");
    world.instance.put_enrollment(certificate_draft("dev-01", &own), Precondition::Absent).await.unwrap();
    let state = world.present("DEV-01", &chain(&[&own])).await.unwrap();
    assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment));
    assert_eq!(state.attested, AttestedBy::X509);
    let auth = DeviceAuth::Thumbprints { primary: Some(sha256(&own)), secondary: None };
    assert_eq!(world.hubs.find(HUB_A, "dev-01").unwrap().auth, auth);
}

#[tokio::test]
async fn refused_individual_certificates_name_the_cause() {
    let world = World::new().await;
    let own = leaf(&CAS.root, "dev-01");
    let another = leaf(&CAS.root, "dev-01");
    let misnamed = leaf(&CAS.root, "dev-99");
    let old = Validity { now_s: NOW_S - 7200, lifetime_s: 3600 };
    let expired = CAS.root.device("dev-03", KeyKind::P256, old).unwrap().certificate;
    world.upload("root", CAS.root.certificate(), true).await;
    world.reference_group("fleet", "root", ENABLED).await.unwrap();
    for (registration_id, certificate) in [("dev-01", &own), ("dev-02", &misnamed), ("dev-03", &expired)] {
        let draft = certificate_draft(registration_id, certificate);
        world.instance.put_enrollment(draft, Precondition::Absent).await.unwrap();
    }
    world.enroll("dev-04", provisioning()).await;
    for (registration_id, presented, text) in [
        ("dev-01", &another, format!("Invalid certificate: the certificate presented (SHA-1 {}", another.sha1())),
        ("dev-02", &misnamed, "Invalid certificate: the certificate is for `dev-99` (its CN), not for `dev-02`".into()),
        ("dev-03", &expired, "Invalid certificate: certificate `dev-03` expired 1 h 0 min ago: renew it".into()),
        (
            "dev-04",
            &another,
            "Unauthorized: enrollment `dev-04` proves itself with a token signed with its symmetric key, but a certificate came".into(),
        ),
    ] {
        let refusal = world.present(registration_id, &chain(&[presented])).await.unwrap_err();
        assert_eq!(refusal.code(), 401_002);
        assert!(refusal.to_string().starts_with(&text), "{refusal}, not {text}");
    }
    let refusal = world.register("dev-01", &key(1)).await.unwrap_err().to_string();
    let text = "Unauthorized: enrollment `dev-01` proves itself with a certificate of a registered thumbprint, \
                but a token signed with its symmetric key came";
    assert_eq!(refusal, text);
}

#[tokio::test]
async fn groups_by_certificate() {
    let world = World::new().await;
    world.upload("root", CAS.root.certificate(), true).await;
    world.reference_group("all", "root", ENABLED).await.unwrap();
    let intermediate = CAS.intermediate.certificate();
    let own = leaf(&CAS.intermediate, "Dev-01");

    let refusal = world.present("dev-01", &chain(&[&own])).await.unwrap_err();
    let text = "CA certificate not found: issuer `CN=intermediate` of `Dev-01` is neither sent by the device nor \
                registered: upload and verify it, or let the device send it";
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (401_002, text));

    let state = world.present("dev-01", &chain(&[&own, intermediate])).await.unwrap();
    assert_eq!(assigned(&state), (HUB_A, "Dev-01", Substatus::InitialAssignment), "the hub compares the CN with case");
    assert_eq!((state.attested, state.group), (AttestedBy::X509, Some(group_id("all"))));
    let through = |ca: &roadstead_pki::Certificate| DeviceAuth::CertificateAuthority { through: Some(sha256(ca)) };
    assert_eq!(world.hubs.find(HUB_A, "Dev-01").unwrap().auth, through(CAS.root.certificate()));

    // Once the intermediate is a group's, the leaf alone does, and the nearer group decides.
    world.signer_group("near", &CAS.intermediate, ENABLED).await.unwrap();
    let state = world.present("Dev-01", &chain(&[&own])).await.unwrap();
    assert_eq!(state.group, Some(group_id("near")));
    assert_eq!(world.hubs.find(HUB_A, "Dev-01").unwrap().auth, through(intermediate));

    // Also when it is disabled.
    world.signer_group("near", &CAS.intermediate, DISABLED).await.unwrap();
    let state = world.present("Dev-01", &chain(&[&own, intermediate])).await.unwrap();
    let State::Disabled { message, .. } = state.state else { panic!("{:?}", state.state) };
    assert_eq!(message, "enrollment group `near` is disabled");
}

#[tokio::test]
async fn refused_paths_name_the_cause() {
    let world = World::new().await;
    world.upload("root", CAS.root.certificate(), true).await;
    world.upload("stranger", CAS.stranger.certificate(), false).await;
    let (intermediate, below) = (CAS.intermediate.certificate(), CAS.below.certificate());
    world.signer_group("near", &CAS.below, ENABLED).await.unwrap();
    for (registration_id, sent, text) in [
        (
            "dev-01",
            chain(&[&leaf(&CAS.intermediate, "dev-01"), intermediate]),
            "CA certificate not found: there is no individual enrollment `dev-01`, and no enrollment group names a \
             certificate on the path dev-01 < intermediate < root",
        ),
        (
            "dev-01",
            chain(&[&leaf(&CAS.below, "dev-02"), below, intermediate]),
            "Invalid certificate: the certificate is for `dev-02` (its CN), not for `dev-01`",
        ),
        (
            "dev-01",
            chain(&[&leaf(&CAS.below, "dev-01")]),
            "CA certificate not found: issuer `CN=intermediate` of `below`",
        ),
        (
            "dev-01",
            chain(&[&leaf(&CAS.stranger, "dev-01")]),
            "CA certificate not found: CA `CN=stranger` is uploaded but not verified",
        ),
        ("root", chain(&[CAS.root.certificate()]), "Invalid certificate: certificate `root` is self-signed"),
        ("dev-01", vec![b"nonsense".to_vec()], "Invalid certificate: certificate 0 of those presented cannot be read"),
    ] {
        let refusal = world.present(registration_id, &sent).await.unwrap_err();
        assert_eq!(refusal.code(), 401_002);
        assert!(refusal.to_string().starts_with(text), "{refusal}, not {text}");
    }
}

#[tokio::test]
async fn a_device_key_mints_no_devices() {
    let world = World::new().await;
    world.upload("root", CAS.root.certificate(), true).await;
    world.reference_group("all", "root", ENABLED).await.unwrap();
    let honest = CAS.root.device("dev-01", KeyKind::P256, Validity { now_s: NOW_S, lifetime_s: 86_400 }).unwrap();
    let as_ca = roadstead_pki::Authority::from_pem(&honest.certificate.to_pem(), &honest.key_pem).unwrap();
    let minted = leaf(&as_ca, "dev-02");
    let refusal = world.present("dev-02", &chain(&[&minted, &honest.certificate])).await.unwrap_err().to_string();
    assert!(refusal.contains("issuer `dev-01` of `dev-02` is not a CA"), "{refusal}");
}

#[tokio::test]
async fn a_disabled_enrollment_says_so_only_to_its_device() {
    let world = World::new().await;
    let mut disabled = provisioning();
    disabled.status = DISABLED;
    world.enroll("dev-01", disabled.clone()).await;
    world.key_group("fleet", 10, disabled).await;
    for (registration_id, key, message) in [
        ("dev-01", key(1), "enrollment `dev-01` is disabled"),
        ("dev-02", derived(10, "dev-02"), "enrollment group `fleet` is disabled"),
    ] {
        let state = world.register(registration_id, &key).await.unwrap();
        assert_eq!(state.state, State::Disabled { code: 403_001, message: message.to_owned() });
        assert!(world.hubs.hubs_of(registration_id).is_empty());
        assert_eq!(world.register(registration_id, &super::world::key(9)).await.unwrap_err().code(), 401_002);
    }
    // The individual enrollment's verdict is final: no group lets the device in instead.
    assert_eq!(world.register("dev-01", &derived(10, "dev-01")).await.unwrap_err().code(), 401_002);
}
