//! The literal commands of the seed documents: v1 certificates, an intermediate without basicConstraints, a client that
//! sends its leaf alone.

use crate::openssl::{Bench, soon};
use roadstead_pki::certificate::PublicKey;
use roadstead_pki::path::IssuerFault;
use roadstead_pki::{PathRefusal, Registered, Unfit, check_leaf, check_proof, judge};
use std::sync::OnceLock;

/// Seed 000, steps 2 to 7.
const SEED_000: &str = r#"
openssl genrsa -out rootCA.key 2048
openssl req -x509 -new -nodes \
    -key rootCA.key \
    -sha256 -days 1024 \
    -out rootCA.pem \
    -subj "/CN=TextileIoT-RootCA"
openssl genrsa -out intermediateCA.key 2048
openssl req -new -key intermediateCA.key \
  -out intermediateCA.csr \
  -subj "/CN=TextileIoT-IntermediateCA"
openssl x509 -req -in intermediateCA.csr \
  -CA rootCA.pem -CAkey rootCA.key -CAcreateserial \
  -out intermediateCA.pem -days 500 -sha256
openssl genrsa -out device.key 2048
openssl req -new -key device.key \
  -out device.csr \
  -subj "/CN=esp32-device"
openssl x509 -req -in device.csr \
  -CA intermediateCA.pem -CAkey intermediateCA.key -CAcreateserial \
  -out device.pem -days 365 -sha256
openssl req -new -key rootCA.key \
  -out verification.csr \
  -subj "/CN=verification-cert-textile-rootCA-xyz..."
openssl x509 -req -in verification.csr \
  -CA rootCA.pem -CAkey rootCA.key -CAcreateserial \
  -out verification.pem -days 365 -sha256
"#;

/// A device that signs a certificate for another one with its own key, as openssl lets anybody do.
const MINT: &str = r#"
openssl genrsa -out victim.key 2048
openssl req -new -key victim.key -out victim.csr -subj "/CN=victim-device"
openssl x509 -req -in victim.csr -CA device.pem -CAkey device.key -CAcreateserial -out victim.pem -days 365 -sha256
"#;

fn seed_000() -> &'static Bench {
    static BENCH: OnceLock<Bench> = OnceLock::new();
    BENCH.get_or_init(|| {
        let bench = Bench::new();
        bench.run(SEED_000).run(MINT);
        bench
    })
}

#[test]
fn openssl_makes_what_the_design_says() {
    let bench = seed_000();
    for (file, subject, version) in [
        ("rootCA.pem", "CN=TextileIoT-RootCA", 3),
        ("intermediateCA.pem", "CN=TextileIoT-IntermediateCA", 1),
        ("device.pem", "CN=esp32-device", 1),
        ("verification.pem", "CN=verification-cert-textile-rootCA-xyz...", 1),
    ] {
        let certificate = bench.certificate(file);
        assert_eq!((certificate.subject(), certificate.version()), (subject, version), "{file}");
        assert_eq!(certificate.public_key(), PublicKey::Rsa { bits: 2048 }, "{file}");
        assert_eq!(certificate.basic_constraints().is_some(), file == "rootCA.pem", "{file}");
    }
    assert!(bench.certificate("rootCA.pem").is_self_signed());
    assert!(!bench.certificate("device.pem").is_self_signed());
}

#[test]
fn facts_agree_with_openssl() {
    let bench = seed_000();
    let device = bench.certificate("device.pem");
    bench.run(
        "openssl x509 -in device.pem -noout -serial | cut -d= -f2 > serial
         openssl x509 -in device.pem -noout -fingerprint -sha1 | cut -d= -f2 > sha1
         openssl x509 -in device.pem -noout -fingerprint -sha256 | cut -d= -f2 > sha256",
    );
    assert_eq!(device.serial(), bench.read("serial").trim());
    assert_eq!(device.sha1().to_string(), bench.read("sha1").trim().replace(':', ""));
    assert_eq!(device.sha256().to_string(), bench.read("sha256").trim().replace(':', ""));
    assert_eq!(device.to_pem(), bench.read("device.pem"));
    assert_eq!(device.not_after_s() - device.not_before_s(), 365 * 86_400);
}

#[test]
fn the_seed_chain_is_judged_as_ruled() {
    let bench = seed_000();
    let file = |name: &str| bench.certificate(name);
    let now_s = soon(&file("device.pem"));
    let no_constraints = PathRefusal::Issuer {
        certificate: "esp32-device".into(),
        issuer: "TextileIoT-IntermediateCA".into(),
        fault: IssuerFault::NoBasicConstraints,
    };
    let unknown = PathRefusal::UnknownIssuer {
        certificate: "esp32-device".into(),
        issuer: "CN=TextileIoT-IntermediateCA".into(),
    };
    let unverified = |ca: &str| PathRefusal::Unverified { ca: ca.into() };
    let (leaf, full) = (&["device.pem"][..], &["device.pem", "intermediateCA.pem"][..]);
    let whole = &["esp32-device", "TextileIoT-IntermediateCA", "TextileIoT-RootCA"][..];
    let to_intermediate = &["esp32-device", "TextileIoT-IntermediateCA"][..];
    // sent, verified CAs, group signing certificates, unverified CAs
    for (sent, anchors, signers, unverified_cas, expected) in [
        (leaf, &["rootCA.pem"][..], &[][..], &[][..], Err(unknown.clone())),
        (full, &["rootCA.pem"], &[], &[], Err(no_constraints.clone())),
        (&["device.pem", "intermediateCA.pem", "rootCA.pem"], &["rootCA.pem"], &[], &[], Err(no_constraints.clone())),
        (full, &[], &[], &[], Err(no_constraints)),
        (leaf, &["rootCA.pem", "intermediateCA.pem"], &[], &[], Ok(whole)),
        (full, &["rootCA.pem", "intermediateCA.pem"], &[], &[], Ok(whole)),
        (leaf, &["rootCA.pem"], &["intermediateCA.pem"], &[], Ok(whole)),
        (full, &["rootCA.pem"], &["intermediateCA.pem"], &[], Ok(whole)),
        (leaf, &["intermediateCA.pem"], &[], &[], Ok(to_intermediate)),
        (leaf, &["rootCA.pem"], &[], &["intermediateCA.pem"], Err(unverified("CN=TextileIoT-IntermediateCA"))),
        (full, &["rootCA.pem"], &[], &["intermediateCA.pem"], Err(unverified("CN=TextileIoT-IntermediateCA"))),
        (leaf, &[], &["intermediateCA.pem"], &["rootCA.pem"], Err(unverified("CN=TextileIoT-RootCA"))),
        (
            leaf,
            &[],
            &["intermediateCA.pem"],
            &[],
            Err(PathRefusal::UnknownIssuer {
                certificate: "TextileIoT-IntermediateCA".into(),
                issuer: "CN=TextileIoT-RootCA".into(),
            }),
        ),
        (leaf, &[], &[], &[], Err(unknown)),
        (&[], &["rootCA.pem"], &[], &[], Err(PathRefusal::NoCertificate)),
    ] {
        let registered = Registered::new(
            anchors.iter().map(|name| file(name)),
            signers.iter().map(|name| file(name)),
            unverified_cas.iter().map(|name| file(name)),
        );
        let sent: Vec<_> = sent.iter().map(|name| bench.der(name)).collect();
        let found = judge(&sent, &registered, now_s).map(|path| crate::made::names(&path));
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(found, expected, "anchors {anchors:?}, signers {signers:?}, unverified {unverified_cas:?}");
    }
}

#[test]
fn the_refusal_says_what_to_do() {
    let bench = seed_000();
    let registered = Registered::new([bench.certificate("rootCA.pem")], [], []);
    let now_s = soon(&bench.certificate("device.pem"));
    let refusal = |sent: &[Vec<u8>], now_s| judge(sent, &registered, now_s).unwrap_err().to_string();
    let (leaf, intermediate) = (bench.der("device.pem"), bench.der("intermediateCA.pem"));
    assert_eq!(
        refusal(std::slice::from_ref(&leaf), now_s),
        "issuer `CN=TextileIoT-IntermediateCA` of `esp32-device` is neither sent by the device nor registered: \
         upload and verify it, or let the device send it"
    );
    assert_eq!(
        refusal(&[leaf.clone(), intermediate], now_s),
        "issuer `TextileIoT-IntermediateCA` of `esp32-device` has no basicConstraints, so it is a CA only if an \
         administrator registers it: upload and verify it, or make it again with CA:TRUE"
    );
    assert_eq!(refusal(&[leaf], now_s + 368 * 86_400), "certificate `esp32-device` expired 3 days ago: renew it");
}

#[test]
fn a_device_key_mints_nothing() {
    let bench = seed_000();
    let file = |name: &str| bench.certificate(name);
    let now_s = soon(&file("victim.pem"));
    assert!(file("victim.pem").check_signed_by(&file("device.pem")).is_ok(), "the attack is well made");
    let ours = Registered::new([file("rootCA.pem"), file("intermediateCA.pem")], [], []);
    assert!(judge(&[bench.der("device.pem")], &ours, now_s).is_ok());
    let minted = PathRefusal::Issuer {
        certificate: "victim-device".into(),
        issuer: "esp32-device".into(),
        fault: IssuerFault::NoBasicConstraints,
    };
    for sent in [
        vec!["victim.pem", "device.pem"],
        vec!["victim.pem", "device.pem", "intermediateCA.pem"],
        vec!["victim.pem", "device.pem", "intermediateCA.pem", "rootCA.pem"],
    ] {
        let ders: Vec<_> = sent.iter().map(|name| bench.der(name)).collect();
        assert_eq!(judge(&ders, &ours, now_s), Err(minted.clone()), "{sent:?}");
    }
    assert!(matches!(judge(&[bench.der("victim.pem")], &ours, now_s), Err(PathRefusal::UnknownIssuer { .. })));
}

#[test]
fn the_seed_proof_of_possession_holds() {
    let bench = seed_000();
    let file = |name: &str| bench.certificate(name);
    let code = "verification-cert-textile-rootCA-xyz...";
    let now_s = soon(&file("verification.pem"));
    assert_eq!(check_proof(&file("rootCA.pem"), &file("verification.pem"), code, now_s), Ok(()));
}

/// Seeds 003 and 004: a self-signed device certificate, RSA-4096, `usr_cert`.
#[test]
fn the_self_signed_seed_is_for_thumbprints() {
    let bench = Bench::new();
    bench.run(
        "openssl req -outform PEM -x509 -sha256 -newkey rsa:4096 -keyout ./python-device.key.pem \
         -out ./python-device.pem -days 365 -extensions usr_cert -subj \"/CN=Python-device-01\" -passout pass:1234",
    );
    let device = bench.certificate("python-device.pem");
    let now_s = soon(&device);
    assert_eq!(device.common_name(), Ok("Python-device-01"));
    assert_eq!(device.public_key(), PublicKey::Rsa { bits: 4096 });
    assert!(device.is_self_signed());
    assert_eq!(check_leaf(&device, now_s), Ok(()));
    for (now_s, fault) in [
        (device.not_after_s(), None),
        (device.not_after_s() + 1, Some(Unfit::Expired { by_s: 1 })),
        (device.not_before_s(), None),
        (device.not_before_s() - 7, Some(Unfit::NotYetValid { in_s: 7 })),
    ] {
        assert_eq!(check_leaf(&device, now_s).map_err(|unfit| unfit.fault), fault.map_or(Ok(()), Err), "{now_s}");
    }
    let refused = PathRefusal::SelfSigned { certificate: "Python-device-01".into() };
    assert_eq!(judge(&[device.der()], &Registered::default(), now_s), Err(refused));
}
