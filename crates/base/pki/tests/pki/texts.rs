//! The texts in which certificates are uploaded.

use crate::made::{Made, ca};
use crate::openssl::Bench;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roadstead_pki::limits::{UPLOAD_CERTIFICATES_MAX, UPLOAD_TEXT_BYTES_MAX};
use roadstead_pki::{Certificate, CertificateError, parse_certificates};

#[test]
fn every_form_is_read() {
    let certificate = Made::root(ca("root")).certificate();
    let pem = certificate.to_pem();
    let der_base64 = STANDARD.encode(certificate.der());
    for (form, text) in [
        ("PEM", pem.clone()),
        ("PEM with CRLF", pem.replace('\n', "\r\n")),
        ("PEM with comments", format!("Bag Attributes\nsubject=CN = root\n\n{pem}\n\ntrailing words\n")),
        ("PEM beside its key", format!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n{pem}")),
        ("base64 of PEM", STANDARD.encode(&pem)),
        ("base64 of DER", der_base64.clone()),
        ("base64 of DER, broken into lines", format!(" {}\n{}\r\n", &der_base64[..64], &der_base64[64..])),
    ] {
        assert_eq!(Certificate::from_text(&text).as_ref(), Ok(&*certificate), "{form}");
    }
}

#[test]
fn other_texts_are_refused() {
    let certificate = Made::root(ca("root")).certificate();
    let pem = certificate.to_pem();
    let key_only = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (form, text, expected) in [
        ("nothing", String::new(), CertificateError::NotText),
        ("prose", "no certificate here".into(), CertificateError::NotText),
        ("a key", key_only.into(), CertificateError::NoCertificate),
        ("a broken PEM", pem.replace("-----END", "-----"), CertificateError::NotText),
        ("two", format!("{pem}{pem}"), CertificateError::TooMany { count: 2, max: 1 }),
        (
            "many",
            pem.repeat(UPLOAD_CERTIFICATES_MAX + 1),
            CertificateError::TooMany { count: UPLOAD_CERTIFICATES_MAX + 1, max: UPLOAD_CERTIFICATES_MAX },
        ),
        ("long", " ".repeat(UPLOAD_TEXT_BYTES_MAX + 1), CertificateError::TooLong { bytes: UPLOAD_TEXT_BYTES_MAX + 1 }),
        (
            "an empty sequence",
            STANDARD.encode([0x30, 0x00]),
            CertificateError::NotDer(roadstead_pki::DerFault::Truncated),
        ),
        ("an integer", STANDARD.encode([0x02, 0x01, 0x05]), CertificateError::NotX509),
    ] {
        assert_eq!(Certificate::from_text(&text), Err(expected), "{form}");
    }
    assert_eq!(parse_certificates(&format!("{pem}{pem}")).map(|list| list.len()), Ok(2));
}

#[test]
fn requests_and_extensions_twice_are_no_certificates() {
    let bench = Bench::new();
    bench.run(
        "openssl req -new -newkey rsa:2048 -nodes -keyout dev.key -subj /CN=dev1 -outform DER -out dev.csr
         base64 dev.csr > dev.b64",
    );
    assert!(Certificate::from_text(&bench.read("dev.b64")).is_err());
    let mut params = ca("root");
    let extension = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    params.custom_extensions = vec![extension.clone(), extension];
    let twice = Certificate::from_der(&Made::root(params).der);
    assert_eq!(twice, Err(CertificateError::DuplicateExtension { oid: "1.3.6.1.4.1.99999.1".into() }));
}
