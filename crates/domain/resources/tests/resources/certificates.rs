use roadstead_model::{CertificateOwner, HubKey};
use roadstead_pki::{Authority, KeyKind, Validity};
use roadstead_resources::{CertificateSpec, certificate::facts};
use roadstead_testkit::V1_CA;

use crate::world::{NOW, World, refusal};

const DEVICE: &str = include_str!("../fixtures/device.pem");
const CANNOT_SIGN: &str = include_str!("../fixtures/ca-without-key-cert-sign.pem");
const DAY_S: i64 = 86_400;

fn spec(text: &str, verified: bool) -> CertificateSpec<'_> {
    CertificateSpec { text, verified, ..CertificateSpec::default() }
}

fn authority(days: i64) -> Authority {
    let validity = Validity { now_s: NOW.seconds().0, lifetime_s: days * DAY_S };
    Authority::root("TextileIoT-RootCA", KeyKind::P256, validity).unwrap()
}

fn proof(authority: &Authority, code: &str) -> String {
    let validity = Validity { now_s: NOW.seconds().0, lifetime_s: DAY_S };
    authority.device(code, KeyKind::P256, validity).unwrap().certificate.to_pem()
}

async fn world_with_dps() -> (World, CertificateOwner) {
    let world = World::with_group().await;
    let owner = CertificateOwner::Dps(world.dps("gate").await.id_scope.clone());
    world.ears.heard();
    (world, owner)
}

#[tokio::test]
async fn possession_is_proven_with_the_code_given_at_upload() {
    let (world, owner) = world_with_dps().await;
    let resources = &world.resources;
    let root = authority(30);
    let pem = root.certificate().to_pem();
    let up = resources.put_certificate(&owner, "textile-rootCA", spec(&pem, false), None).await.unwrap();
    let first_code = up.certificate.verification_code.unwrap();
    assert!(up.created && up.warning.is_none() && !up.certificate.verified);
    assert!(first_code.len() == 48 && first_code.bytes().all(|b| b.is_ascii_hexdigit()));
    let etag = up.certificate.etag;
    let renewed = resources.generate_verification_code(&owner, "Textile-RootCA", Some(etag.as_str())).await.unwrap();
    let code = renewed.verification_code.clone().unwrap();
    assert_ne!(code, first_code);
    let late = resources.verify_certificate(&owner, "textile-rootCA", &proof(&root, &code), Some(etag.as_str())).await;
    assert!(refusal(late).starts_with("certificate 'textile-rootCA' has changed since it was read"));
    let etag = Some(renewed.etag.as_str());
    let old_code = resources.verify_certificate(&owner, "textile-rootCA", &proof(&root, &first_code), etag).await;
    assert!(refusal(old_code).contains("must be the verification code"));
    let forged = resources.verify_certificate(&owner, "textile-rootCA", &proof(&authority(30), &code), etag).await;
    assert!(refusal(forged).starts_with("the proof of possession was refused: "));
    assert!(!resources.certificate(&owner, "textile-rootCA").unwrap().verified);
    world.clock.advance_ms(1000);
    let proven = resources.verify_certificate(&owner, "textile-rootCA", &proof(&root, &code), etag).await.unwrap();
    assert!(proven.verified && proven.verification_code.is_none());
    assert_eq!((proven.created, proven.updated), (NOW, NOW.plus_ms(1000)));
    let again = resources.verify_certificate(&owner, "textile-rootCA", &proof(&root, &code), None).await;
    assert_eq!(refusal(again), "certificate 'textile-rootCA' has no verification code; generate one first");
    let heard = ["1 certificates, 0 verified", "1 certificates, 0 verified", "1 certificates, 1 verified"];
    assert_eq!(world.ears.heard(), heard);
}

#[tokio::test]
async fn vouched_for_replaced_and_deleted() {
    let (world, owner) = world_with_dps().await;
    let resources = &world.resources;
    let first = resources
        .put_certificate(&owner, "root", spec(&authority(30).certificate().to_pem(), true), None)
        .await
        .unwrap();
    assert!(first.certificate.verified && first.certificate.verification_code.is_none());
    let next = authority(60).certificate().to_pem();
    let blind = resources.put_certificate(&owner, "ROOT", spec(&next, false), None).await;
    assert_eq!(
        refusal(blind),
        "certificate 'root' exists already; give its etag (If-Match) to replace it, or choose another name"
    );
    let etag = first.certificate.etag.to_string();
    let second = resources.put_certificate(&owner, "ROOT", spec(&next, false), Some(&etag)).await.unwrap();
    assert!(!second.created && !second.certificate.verified, "another certificate is not vouched for");
    assert_eq!(second.certificate.name.as_str(), "root");
    let (later, ears) = world.reopened().await;
    assert_eq!(later.certificate(&owner, "root").unwrap(), second.certificate);
    assert_eq!(ears.heard(), ["dps gate with 0 links", "1 certificates, 0 verified"]);
    let stale = resources.delete_certificate(&owner, "root", Some(&etag)).await;
    assert!(refusal(stale).starts_with("certificate 'root' has changed"));
    resources.delete_certificate(&owner, "Root", Some(second.certificate.etag.as_str())).await.unwrap();
    assert_eq!(world.ears.heard().last().map(String::as_str), Some("0 certificates, 0 verified"));
    assert_eq!(refusal(resources.certificate(&owner, "root")), "certificate 'root' was not found in 'gate'");
}

#[tokio::test]
async fn a_ca_that_does_not_say_so_is_warned_of() {
    let (world, owner) = world_with_dps().await;
    let up = world.resources.put_certificate(&owner, "intermediate", spec(V1_CA, true), None).await.unwrap();
    assert!(
        up.warning.unwrap().starts_with("certificate `TextileIoT-IntermediateCA` has no basicConstraints (CA:TRUE)")
    );
    let facts = facts(&up.certificate).unwrap();
    assert!(facts.warning.is_some());
    assert_eq!(facts.subject, "TextileIoT-IntermediateCA");
    assert_eq!(facts.expiry.iso(), "2126-10-28T23:51:39.0000000Z");
    assert_eq!(facts.thumbprint.len(), 40);
}

#[tokio::test]
async fn refusals_name_the_cause() {
    let (world, owner) = world_with_dps().await;
    let root = authority(2).certificate().to_pem();
    let two = format!("{root}{root}");
    for (name, text, refused) in [
        (
            "root",
            "not a certificate!",
            "the certificate cannot be used: it is neither a PEM certificate nor base64 of one",
        ),
        ("root", &two, "the certificate cannot be used: the text holds 2 certificates, at most 1 may be given here"),
        (
            "root",
            DEVICE,
            "certificate `my-x509-device` is not one of a CA: its basicConstraints say CA:FALSE; upload the certificate that issued it",
        ),
        (
            "root",
            CANNOT_SIGN,
            "certificate `no-cert-sign` is not one of a CA: its keyUsage lacks keyCertSign; upload the certificate that issued it",
        ),
        ("a b", &root, "certificate name `a b` may not contain ' ': letters, digits and - . _ only"),
    ] {
        assert_eq!(refusal(world.resources.put_certificate(&owner, name, spec(text, true), None).await), refused);
    }
    let gone = CertificateOwner::Hub(HubKey(1));
    let orphan = world.resources.put_certificate(&gone, "root", spec(&root, true), None).await;
    assert_eq!(refusal(orphan), "hub '0000000000000001' was not found in 'this server'");
    world.clock.advance_ms(5 * DAY_S * 1000);
    let late = world.resources.put_certificate(&owner, "root", spec(&root, true), None).await;
    assert_eq!(
        refusal(late),
        "the certificate cannot be used: certificate `TextileIoT-RootCA` expired 3 days ago: renew it"
    );
    assert_eq!(world.ears.heard(), [""; 0]);
}

#[tokio::test]
async fn there_may_be_25() {
    let world = World::with_group().await;
    let owner = CertificateOwner::Hub(world.hub("plant").await.key);
    for i in 0..25 {
        world.resources.put_certificate(&owner, &format!("ca-{i}"), spec(V1_CA, false), None).await.unwrap();
    }
    let one_more = world.resources.put_certificate(&owner, "ca-25", spec(V1_CA, false), None).await;
    assert_eq!(refusal(one_more), "there may be at most 25 CA certificates");
    assert_eq!(world.resources.directory().certificates(&owner).len(), 25);
}
