//! Attestations and terms, new and changed.

use super::*;
use AttestationType::{SymmetricKey, Tpm, X509};
use std::path::PathBuf;

fn pem() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.pem");
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n\n").unwrap();
    (folder, path)
}

fn entry() -> Value {
    json!({"certificate": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"})
}

fn keys(primary: Option<&str>) -> Evidence {
    Evidence { primary_key: primary.map(str::to_owned), ..Evidence::default() }
}

fn of(path: &Path) -> Evidence {
    Evidence { certificate_path: Some(path.to_owned()), ..Evidence::default() }
}

fn root(name: &str) -> RootNames {
    RootNames { root_ca_name: Some(name.to_owned()), ..RootNames::default() }
}

#[test]
fn files_of_certificates() {
    let (folder, path) = pem();
    assert_eq!(certificate(&path).unwrap(), entry());
    let der = folder.path().join("c.der");
    std::fs::write(&der, [0x30, 0x82, 0xff]).unwrap();
    assert_eq!(certificate(&der).unwrap(), json!({"certificate": "MIL/"}));
    for (name, bytes) in [("empty", 0), ("long", CERTIFICATE_FILE_BYTES_MAX + 1)] {
        let path = folder.path().join(name);
        std::fs::write(&path, vec![b'x'; bytes]).unwrap();
        assert!(read_certificate(&path).is_err(), "{name}");
    }
    assert!(read_certificate(&folder.path().join("absent")).is_err());
}

#[test]
fn a_device_has_keys_or_certificates() {
    let (_folder, path) = pem();
    for (kind, evidence, expected) in [
        (SymmetricKey, keys(Some("a")), Ok(json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": "a"}}))),
        (X509, of(&path), Ok(json!({"type": "x509", "x509": {"clientCertificates": {"primary": entry()}}}))),
        (SymmetricKey, of(&path), Err("a certificate is given, but `--attestation-type` is `symmetricKey`")),
        (X509, keys(Some("a")), Err("a key is given, but `--attestation-type` is `x509`")),
        (X509, keys(None), Err("`--attestation-type x509` needs `--certificate-path`")),
    ] {
        let found = of_device(kind, &evidence, &TpmKeys::default()).map_err(|failure| failure.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }
}

#[test]
fn a_group_has_keys_a_signer_or_named_roots() {
    let (_folder, path) = pem();
    let none = RootNames::default;
    for (kind, evidence, roots, expected) in [
        (None, of(&path), none(), Ok(json!({"type": "x509", "x509": {"signingCertificates": {"primary": entry()}}}))),
        (Some(X509), keys(None), root("r"), Ok(json!({"type": "x509", "x509": {"caReferences": {"primary": "r"}}}))),
        (None, of(&path), root("r"), Err("a group is vouched for by `--certificate-path` or by `--ca-name`, not both")),
        (None, keys(Some("a")), root("r"), Err("a group has keys or certificates, not both")),
        (Some(Tpm), keys(None), none(), Err("a group cannot be one by TPM")),
        (Some(X509), keys(None), none(), Err("`--attestation-type x509` needs `--ca-name` or `--certificate-path`")),
        (
            Some(SymmetricKey),
            keys(None),
            root("r"),
            Err("a certificate is given, but `--attestation-type` is `symmetricKey`"),
        ),
    ] {
        let found = of_group(kind, &evidence, &roots).map_err(|failure| failure.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }
}

#[test]
fn an_attestation_changes_in_what_is_named() {
    let (_folder, path) = pem();
    let info = json!({"info": {"subjectName": "CN=x"}});
    let signed = json!({"type": "x509", "x509": {"signingCertificates": {"primary": info, "secondary": info}, "caReferences": null}});
    let referred = json!({"type": "x509", "x509": {"caReferences": {"primary": "a", "secondary": null}}});
    let symmetric = json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": "1", "secondaryKey": "2"}});
    let none = RootNames::default;
    let keep = Removal::default;
    let remove = |primary, secondary| Removal {
        remove_certificate: Some(primary),
        remove_secondary_certificate: Some(secondary),
    };
    for (shown, evidence, roots, removal, expected) in [
        (
            &symmetric,
            keys(Some("9")),
            none(),
            keep(),
            Ok(json!({"symmetricKey": {"primaryKey": "9", "secondaryKey": "2"}})),
        ),
        (
            &symmetric,
            of(&path),
            none(),
            keep(),
            Err("the enrollment is one with keys: it has no certificates to change"),
        ),
        (
            &symmetric,
            keys(None),
            none(),
            remove(true, false),
            Err("the enrollment is one with keys: it has no certificates to change"),
        ),
        (
            &signed,
            keys(None),
            none(),
            keep(),
            Ok(json!({"x509": {"signingCertificates": {"primary": info, "secondary": info}}})),
        ),
        (
            &signed,
            keys(None),
            none(),
            remove(true, false),
            Ok(json!({"x509": {"signingCertificates": {"secondary": info}}})),
        ),
        (&signed, keys(None), none(), remove(true, true), Err("nothing would be left to prove a device with")),
        (
            &signed,
            of(&path),
            none(),
            remove(false, true),
            Ok(json!({"x509": {"signingCertificates": {"primary": entry()}}})),
        ),
        (&signed, keys(None), root("r"), keep(), Ok(json!({"x509": {"caReferences": {"primary": "r"}}}))),
        (
            &signed,
            keys(Some("a")),
            none(),
            keep(),
            Err("the enrollment is one with certificates: it has no keys to change"),
        ),
        (
            &referred,
            keys(None),
            root("r"),
            keep(),
            Ok(json!({"x509": {"caReferences": {"primary": "r", "secondary": null}}})),
        ),
        (&referred, keys(None), none(), remove(true, false), Err("nothing would be left to prove a device with")),
        (
            &referred,
            of(&path),
            root("r"),
            keep(),
            Err("a group is vouched for by `--certificate-path` or by `--ca-name`, not both"),
        ),
    ] {
        let mut attestation = shown.clone();
        let found = change(&mut attestation, &evidence, &roots, &removal, Certificates::OfSigner);
        let found = found.map(|()| attestation).map_err(|failure| failure.to_string());
        let expected = expected.map_err(str::to_owned).map(|mut expected| {
            expected["type"] = shown["type"].clone();
            expected
        });
        assert_eq!(found, expected, "{shown}");
    }
}

#[test]
fn terms_that_contradict_themselves_are_refused() {
    use AllocationPolicy::{Custom, Hashed, Static};
    let hubs = |hubs: &[&str]| hubs.iter().map(|hub| (*hub).to_owned()).collect::<Vec<_>>();
    let webhook = Some("https://w".to_owned());
    for (terms, expected) in [
        (Terms { iot_hubs: hubs(&["a"]), ..Terms::default() }, "`--iot-hubs` needs `--allocation-policy`"),
        (
            Terms { allocation_policy: Some(Static), ..Terms::default() },
            "`--allocation-policy static` needs exactly one hub in `--iot-hubs`",
        ),
        (
            Terms { allocation_policy: Some(Static), iot_hubs: hubs(&["a b"]), ..Terms::default() },
            "`--allocation-policy static` needs exactly one hub in `--iot-hubs`",
        ),
        (
            Terms { allocation_policy: Some(Custom), webhook_url: webhook.clone(), ..Terms::default() },
            "`--allocation-policy custom` needs `--webhook-url` and `--api-version`",
        ),
        (
            Terms { allocation_policy: Some(Hashed), webhook_url: webhook, ..Terms::default() },
            "`--webhook-url` and `--api-version` are for `--allocation-policy custom`",
        ),
    ] {
        assert_eq!(new_terms(&terms).unwrap_err().to_string(), expected);
    }
    let terms = Terms { allocation_policy: Some(Hashed), iot_hubs: hubs(&["a b", "c"]), ..Terms::default() };
    assert_eq!(new_terms(&terms).unwrap()["iotHubs"], json!(["a", "b", "c"]));
    for (policy, flags) in [
        (ReprovisionPolicy::Migrate, (true, true)),
        (ReprovisionPolicy::Reset, (true, false)),
        (ReprovisionPolicy::Never, (false, false)),
    ] {
        assert_eq!(reprovision(policy), json!({"updateHubAssignment": flags.0, "migrateDeviceData": flags.1}));
    }
}
