//! Every step of the seeds, on a temporary folder.

use super::*;
use crate::args::{Cli, Command};
use clap::Parser;
use roadstead_pki::check_proof;
use std::os::unix::fs::PermissionsExt;

const NOW: UnixMillis = UnixMillis(1_795_271_400_000);

/// Runs a command line; `DIR` stands for the folder, in the line and in what comes back.
fn type_in(folder: &Path, line: &str) -> Result<String, String> {
    let dir = folder.display().to_string();
    let words = line.split_whitespace().map(|word| word.replace("DIR", &dir));
    let Command::Ca(command) = Cli::try_parse_from(words).unwrap().command else { panic!("{line}") };
    let made = match &command {
        CaCommand::Root(root) => make_root(root, NOW),
        CaCommand::Intermediate(intermediate) => make_intermediate(intermediate, NOW),
        CaCommand::Device(device) => make_device(device, NOW),
        CaCommand::Verify(verify) => prove(verify, NOW),
    };
    made.map(|made| (made.lines() + &made.next).replace(&dir, "DIR"))
        .map_err(|failure| failure.text(false).replace(&dir, "DIR"))
}

fn certificates(folder: &Path, name: &str) -> Vec<Certificate> {
    parse_certificates(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn from_a_root_to_a_device_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    insta::assert_snapshot!(type_in(folder, "roadstead ca root --name TextileIoT-RootCA --out DIR").unwrap(), @"
    DIR/root.key  private key, for nobody else to read
    DIR/root.pem  certificate of TextileIoT-RootCA, valid until 2036-11-18
    next: a CA below it, which issues the devices' certificates
      roadstead ca intermediate --root DIR/root.pem --name TextileIoT-RootCA-Intermediate --out DIR
    and let DPS trust the root
      roadstead iot dps certificate create --dps-name DPS --certificate-name TextileIoT-RootCA --path DIR/root.pem
    ");
    insta::assert_snapshot!(type_in(folder, "roadstead ca intermediate --root DIR/root.pem --name TextileIoT-IntermediateCA").unwrap(), @"
    DIR/intermediate.key  private key, for nobody else to read
    DIR/intermediate.pem  certificate of TextileIoT-IntermediateCA, valid until 2031-11-20
    DIR/intermediate.chain.pem  the certificate and the CAs above it
    next: a device's key and certificate
      roadstead ca device --issuer DIR/intermediate.pem --id my-device --with-chain
    and let every device of this CA enroll
      roadstead iot dps enrollment-group create --dps-name DPS --enrollment-id my-group --certificate-path DIR/intermediate.pem
    ");
    let device =
        type_in(folder, "roadstead ca device --issuer DIR/intermediate.pem --id esp32-device --with-chain").unwrap();
    let thumbprint = certificates(folder, "esp32-device.pem")[0].sha256().to_string();
    insta::assert_snapshot!(device.replace(&thumbprint, "THUMBPRINT"), @"
    DIR/esp32-device.key  private key, for nobody else to read
    DIR/esp32-device.pem  certificate of esp32-device, valid until 2027-11-21
    DIR/esp32-device.chain.pem  the certificate and the CAs above it
    next: give the device both files
      certificate DIR/esp32-device.chain.pem
      key         DIR/esp32-device.key
      thumbprint  THUMBPRINT
    ");
    insta::assert_snapshot!(type_in(folder, "roadstead ca verify --ca DIR/root.pem --code CN=verification-cert-x --out DIR/verification.pem").unwrap(), @"
    DIR/verification.pem  certificate of verification-cert-x, valid until 2026-12-21
    next: show it
      roadstead iot dps certificate verify --dps-name DPS --certificate-name NAME --path DIR/verification.pem
    ");

    let chain = certificates(folder, "esp32-device.chain.pem");
    let names: Vec<_> = chain.iter().map(|certificate| certificate.common_name().unwrap()).collect();
    assert_eq!(names, ["esp32-device", "TextileIoT-IntermediateCA", "TextileIoT-RootCA"]);
    let root = certificates(folder, "root.pem").remove(0);
    check_proof(&root, &certificates(folder, "verification.pem")[0], "verification-cert-x", NOW.seconds().0).unwrap();
    for key in ["root.key", "intermediate.key", "esp32-device.key"] {
        assert_eq!(std::fs::metadata(folder.join(key)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_key_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    type_in(folder, "roadstead ca root --name a --out DIR").unwrap();
    let key = std::fs::read(folder.join("root.key")).unwrap();
    insta::assert_snapshot!(type_in(folder, "roadstead ca root --name b --out DIR").unwrap_err(), @"
    error: DIR/root.key is there already and is not overwritten

    hint: choose another folder with `--out`, or move the file away
    ");
    std::fs::remove_file(folder.join("root.pem")).unwrap();
    type_in(folder, "roadstead ca root --name b --out DIR").unwrap_err();
    assert_eq!(std::fs::read(folder.join("root.key")).unwrap(), key);
}

#[test]
fn what_cannot_be_made_is_refused_with_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    type_in(folder, "roadstead ca root --name a --out DIR/a").unwrap();
    type_in(folder, "roadstead ca root --name b --out DIR/b").unwrap();
    let refused = [
        "roadstead ca device --issuer DIR/absent.pem --id d",
        "roadstead ca device --issuer DIR/a/root.pem --issuer-key DIR/b/root.key --id d",
        "roadstead ca device --issuer DIR/a/root.pem --id ../d",
        "roadstead ca device --issuer DIR/a/root.pem --id gerät",
    ]
    .map(|line| type_in(folder, line).unwrap_err());
    insta::assert_snapshot!(refused.join("\n"), @"
    error: cannot read the CA's certificate, DIR/absent.pem: No such file or directory (os error 2)

    hint: `roadstead ca root --name NAME --out DIR` makes a CA; a key elsewhere is named with a flag of its own

    error: DIR/a/root.pem and DIR/b/root.key are no CA: the key does not belong to the CA certificate

    hint: the key must be the CA's own, in PEM and without a passphrase: `openssl pkey -in KEY` takes one away

    error: `../d` cannot be the name of a file

    hint: ids of devices have letters, digits and `- . _ :`

    error: no certificate was made: the common name must have 1 to 64 characters of printable ASCII
    ");
    assert!(!folder.join("a/gerät.key").exists());
}

#[test]
fn rsa_keys_sign_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    type_in(folder, "roadstead ca root --name r --key-type rsa2048 --days 30 --out DIR").unwrap();
    type_in(folder, "roadstead ca device --issuer DIR/root.pem --id d --key-type RSA2048 --with-chain").unwrap();
    let chain = certificates(folder, "d.chain.pem");
    assert_eq!(chain.len(), 2);
    assert!(chain[0].not_after_s() <= chain[1].not_after_s(), "no longer than its issuer");
}
