//! CAs that are held here, and what they issue.

use std::sync::Arc;

use roadstead_model::{CertificateOwner, Guid, IdScope, PrincipalId, UnixMillis};
use roadstead_pki::{Certificate, Registered, judge};
use roadstead_resources::{Applicant, CertificateSpec, HeldCaSpec, Issuance, IssueSpec, ResourceError, limits};
use roadstead_testkit::DEVICE_REQUEST;

use crate::world::{NOW, World, refusal};

const NO_ID_REQUEST: &str = include_str!("../fixtures/no-registration-id.csr");
const DAY_MS: i64 = 86_400_000;

fn ca(common_name: &str, days: u32) -> HeldCaSpec<'_> {
    HeldCaSpec { common_name, days: Some(days) }
}

fn alice() -> PrincipalId {
    PrincipalId(Guid::parse("7a0e2b1c-0000-4000-8000-000000000001").unwrap())
}

fn to(to: Applicant<'_>, days: Option<u32>) -> IssueSpec<'_> {
    IssueSpec { to, days, by: alice(), by_name: "alice@plant.example" }
}

async fn world_with_ca(days: u32) -> (World, IdScope) {
    let world = World::with_group().await;
    let scope = world.dps("gate").await.id_scope.clone();
    world.ears.heard();
    world.resources.create_ca(&scope, "plant-ca", ca("Plant CA", days)).await.unwrap();
    (world, scope)
}

async fn issue(world: &World, scope: &IdScope, spec: IssueSpec<'_>) -> Result<Issuance, ResourceError> {
    world.resources.issue(scope, "Plant-CA", spec).await
}

#[tokio::test]
async fn a_held_ca_counts_at_once_and_issues_after_a_restart() {
    let (world, scope) = world_with_ca(3650).await;
    assert_eq!(world.ears.heard(), ["1 certificates, 1 verified"]);
    let owner = CertificateOwner::Dps(scope.clone());
    let held = world.resources.certificate(&owner, "plant-ca").unwrap();
    assert!(held.verified && held.key.is_some() && held.verification_code.is_none());
    assert!(!format!("{held:?}").contains("PRIVATE"), "no log can show the key");
    let (later, _) = world.reopened().await;
    let made = later.issue(&scope, "plant-ca", to(Applicant::CommonName("dev-01"), None)).await.unwrap();
    let leaf = Certificate::from_text(&made.certificate).unwrap();
    let root = Arc::new(Certificate::from_der(&held.der).unwrap());
    let path = judge(&[leaf.der()], &Registered::new([Arc::clone(&root)], [], []), NOW.seconds().0).unwrap();
    assert_eq!(path.certificates().len(), 2, "the CA alone vouches for it");
    assert_eq!(made.chain, made.certificate.clone() + &root.to_pem());
    assert!(made.key.unwrap().expose().starts_with("-----BEGIN PRIVATE KEY-----"));
    let record = &made.record;
    assert_eq!((record.common_name.as_str(), record.by, record.from_request), ("dev-01", alice(), false));
    assert_eq!(record.sha256.as_str(), leaf.sha256().to_string());
    assert_eq!(record.sha1.as_str(), leaf.sha1().to_string());
    assert_eq!(record.ca_sha256.as_str(), root.sha256().to_string());
    assert_eq!((record.serial.as_str(), record.serial.len()), (leaf.serial(), 36));
    assert_eq!(record.not_after, NOW.plus_ms(365 * DAY_MS));
    assert_eq!((record.not_before, record.issued), (NOW.plus_ms(-300_000), NOW));
    let listed = world.resources.list_issued(&scope, "plant-ca", "DEV", None, 10).await.unwrap();
    assert_eq!(listed.items, std::slice::from_ref(&made.record));
    let by_end = world.resources.list_issued_by_end(&scope, NOW, None, 10).await.unwrap();
    assert_eq!(by_end.items, [made.record]);
}

#[tokio::test]
async fn a_request_keeps_its_key_and_no_certificate_outlives_its_ca() {
    let (world, scope) = world_with_ca(30).await;
    let made = issue(&world, &scope, to(Applicant::Request(DEVICE_REQUEST), Some(365))).await.unwrap();
    assert!(made.key.is_none() && made.record.from_request);
    assert_eq!(made.record.common_name.as_str(), "Dev-03");
    assert_eq!(made.record.not_after, NOW.plus_ms(30 * DAY_MS));
    world.clock.advance_ms(31 * DAY_MS);
    let late = issue(&world, &scope, to(Applicant::CommonName("dev-04"), None)).await;
    assert_eq!(
        refusal(late),
        "the certificate cannot be used: certificate `Plant CA` expired 24 h 0 min ago: renew it"
    );
}

#[tokio::test]
async fn what_is_issued_is_noted_first() {
    let (world, scope) = world_with_ca(30).await;
    world.records.fail_next_commit(roadstead_store::StoreError::Unavailable("the disk is away".to_owned()));
    let failed = issue(&world, &scope, to(Applicant::CommonName("dev-01"), None)).await;
    assert_eq!(refusal(failed), "storage is not available; try again");
    let listed = world.resources.list_issued(&scope, "plant-ca", "", None, 10).await.unwrap();
    assert_eq!(listed.items, []);
}

#[tokio::test]
async fn refusals_name_the_cause() {
    let (world, scope) = world_with_ca(30).await;
    let resources = &world.resources;
    for (name, spec, refused) in [
        ("plant-ca", ca("x", 1), "certificate 'plant-ca' exists already; choose another name, or delete it first"),
        ("a b", ca("x", 1), "certificate name `a b` may not contain ' ': letters, digits and - . _ only"),
        ("b", ca("", 1), "commonName is 0 bytes long; it must be 1 to 64 characters of printable ASCII"),
        (
            "b",
            ca("Gerät", 1),
            "commonName is written with other characters; it must be 1 to 64 characters of printable ASCII",
        ),
        ("b", ca("x", 0), "days is 0; it must be 1 to 7300"),
        ("b", ca("x", 7301), "days is 7301; it must be 1 to 7300"),
    ] {
        assert_eq!(refusal(resources.create_ca(&scope, name, spec).await), refused);
    }
    let long = "x".repeat(65);
    for (spec, refused) in [
        (to(Applicant::CommonName("dev-01"), Some(0)), "days is 0; it must be 1 to 3650"),
        (to(Applicant::CommonName("dev-01"), Some(3651)), "days is 3651; it must be 1 to 3650"),
        (
            to(Applicant::CommonName(&long), None),
            "commonName is 65 bytes long; it must be 1 to 64 characters of printable ASCII",
        ),
    ] {
        assert_eq!(refusal(issue(&world, &scope, spec).await), refused);
    }
    for applicant in [Applicant::CommonName("not an id"), Applicant::CommonName(""), Applicant::Request(NO_ID_REQUEST)]
    {
        let refused = issue(&world, &scope, to(applicant, None)).await;
        assert!(matches!(refused, Err(ResourceError::Name(_))), "{refused:?}");
    }
    let no_request = issue(&world, &scope, to(Applicant::Request("dev-01"), None)).await;
    assert!(
        refusal(no_request).starts_with("the certificate request cannot be used: it must be one certificate request")
    );
    assert_eq!(
        refusal(resources.issue(&scope, "other", to(Applicant::CommonName("dev-01"), None)).await),
        "certificate 'other' was not found in 'gate'"
    );
    assert_eq!(
        refusal(resources.list_issued(&scope, "other", "", None, 10).await),
        "certificate 'other' was not found in 'gate'"
    );
    let owner = CertificateOwner::Dps(scope.clone());
    let held = resources.certificate(&owner, "plant-ca").unwrap();
    let pem = Certificate::from_der(&held.der).unwrap().to_pem();
    let spec = CertificateSpec { text: &pem, ..CertificateSpec::default() };
    resources.put_certificate(&owner, "uploaded", spec, None).await.unwrap();
    let elsewhere = resources.issue(&scope, "uploaded", to(Applicant::CommonName("dev-01"), None)).await;
    assert!(refusal(elsewhere).starts_with("certificate 'uploaded' was uploaded, so its key is not here"));
    for i in 2..limits::CERTIFICATES_MAX {
        resources.create_ca(&scope, &format!("ca-{i}"), ca("x", 1)).await.unwrap();
    }
    let one_more = resources.create_ca(&scope, "ca-25", ca("x", 1)).await;
    assert_eq!(refusal(one_more), "there may be at most 25 CA certificates");
}

#[tokio::test]
async fn the_key_goes_with_its_certificate_and_what_was_issued_stays() {
    let (world, scope) = world_with_ca(30).await;
    let resources = &world.resources;
    let made = issue(&world, &scope, to(Applicant::CommonName("dev-01"), None)).await.unwrap();
    let owner = CertificateOwner::Dps(scope.clone());
    let held = resources.certificate(&owner, "plant-ca").unwrap();
    let pem = Certificate::from_der(&held.der).unwrap().to_pem();
    let spec = CertificateSpec { text: &pem, ..CertificateSpec::default() };
    let again = resources.put_certificate(&owner, "plant-ca", spec, Some("*")).await.unwrap().certificate;
    assert!(again.verified && again.key == held.key, "the same certificate again");
    resources.create_ca(&scope, "other", ca("Other CA", 30)).await.unwrap();
    let other = resources.certificate(&owner, "other").unwrap();
    let other = Certificate::from_der(&other.der).unwrap().to_pem();
    let spec = CertificateSpec { text: &other, ..CertificateSpec::default() };
    let replaced = resources.put_certificate(&owner, "plant-ca", spec, Some("*")).await.unwrap().certificate;
    assert!(!replaced.verified && replaced.key.is_none(), "another certificate has another key");
    resources.delete_certificate(&owner, "plant-ca", None).await.unwrap();
    let gone = issue(&world, &scope, to(Applicant::CommonName("dev-02"), None)).await;
    assert_eq!(refusal(gone), "certificate 'Plant-CA' was not found in 'gate'");
    let listed = resources.list_issued(&scope, "plant-ca", "", None, 10).await.unwrap();
    assert_eq!(listed.items, std::slice::from_ref(&made.record));
    let by_end = resources.list_issued_by_end(&scope, UnixMillis(0), None, 10).await.unwrap();
    assert_eq!(by_end.items, [made.record]);
}
