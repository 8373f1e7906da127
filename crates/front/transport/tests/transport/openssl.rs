//! `openssl s_client`, with certificates made by the commands of the "Raspberry Pi to DPS" guide, word for word.

use std::{path::Path, process::Stdio};

use rustls_pki_types::{CertificateDer, pem::PemObject};
use tokio::process::Command;

use crate::rig::{HELLO, Server, serve_freely};

const COMMANDS: [&str; 8] = [
    "openssl genrsa -out rootCA.key 2048",
    "openssl req -x509 -new -nodes -key rootCA.key -sha256 -days 1024 -out rootCA.pem -subj /CN=TextileIoT-RootCA",
    "openssl genrsa -out intermediateCA.key 2048",
    "openssl req -new -key intermediateCA.key -out intermediateCA.csr -subj /CN=TextileIoT-IntermediateCA",
    "openssl x509 -req -in intermediateCA.csr -CA rootCA.pem -CAkey rootCA.key -CAcreateserial -out intermediateCA.pem -days 500 -sha256",
    "openssl genrsa -out device.key 2048",
    "openssl req -new -key device.key -out device.csr -subj /CN=esp32-device",
    "openssl x509 -req -in device.csr -CA intermediateCA.pem -CAkey intermediateCA.key -CAcreateserial -out device.pem -days 365 -sha256",
];

async fn openssl(folder: &Path, command: &str) -> std::process::Output {
    let mut words = command.split(' ');
    let mut process = Command::new(words.next().unwrap());
    process.args(words).current_dir(folder).stdin(Stdio::null()).output().await.unwrap()
}

async fn make_certificates(folder: &Path) {
    for command in COMMANDS {
        let output = openssl(folder, command).await;
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What the server saw of a client that presented these options.
async fn presented(server: &mut Server, folder: &Path, options: &str) -> Vec<Vec<u8>> {
    let command = format!("openssl s_client -connect {} -quiet {options}", server.address);
    let output = openssl(folder, &command).await;
    assert!(output.stdout.starts_with(HELLO), "{options}: {}", String::from_utf8_lossy(&output.stderr));
    server.peers.recv().await.unwrap().certificates.to_vec()
}

fn der(folder: &Path, file: &str) -> Vec<u8> {
    CertificateDer::from_pem_file(folder.join(file)).unwrap().to_vec()
}

#[tokio::test]
async fn certificates_without_extensions_prove_their_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_certificates(folder).await;
    let (leaf, intermediate) = (der(folder, "device.pem"), der(folder, "intermediateCA.pem"));
    let mut server = serve_freely();
    for version in ["-tls1_2", "-tls1_3"] {
        let alone = format!("{version} -cert device.pem -key device.key");
        assert_eq!(presented(&mut server, folder, &alone).await, std::slice::from_ref(&leaf), "{version}");
        let chain = format!("{alone} -cert_chain intermediateCA.pem");
        assert_eq!(presented(&mut server, folder, &chain).await, [leaf.clone(), intermediate.clone()], "{version}");
        assert!(presented(&mut server, folder, version).await.is_empty(), "{version}");
    }
}
