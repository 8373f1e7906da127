//! What we issue is good for us, for openssl and for webpki.

use crate::made::NOW_S;
use crate::openssl::Bench;
use roadstead_pki::certificate::{BasicConstraints, ExtendedKeyUsage, KeyUsage, PublicKey};
use roadstead_pki::{Authority, IssueError, KeyKind, Registered, Validity, check_proof, judge};
use std::sync::Arc;

const YEAR: Validity = Validity { now_s: NOW_S, lifetime_s: 365 * 86_400 };
const DECADE: Validity = Validity { now_s: NOW_S, lifetime_s: 3650 * 86_400 };

#[test]
fn a_hierarchy_stands() {
    for (kind, public_key) in [(KeyKind::P256, PublicKey::P256), (KeyKind::Rsa2048, PublicKey::Rsa { bits: 2048 })] {
        let root = Authority::root("Plant Root", kind, DECADE).unwrap();
        let line = root.intermediate("Line 3", kind, YEAR).unwrap();
        let device = line.device("dev-01", kind, DECADE).unwrap();
        let path = judge(
            &[device.certificate.der(), line.certificate().der()],
            &Registered::new([Arc::clone(root.certificate())], [], []),
            NOW_S,
        );
        assert_eq!(crate::made::names(&path.unwrap()), ["dev-01", "Line 3", "Plant Root"]);
        assert_eq!(device.certificate.public_key(), public_key);
        assert_eq!(device.certificate.not_after_s(), line.certificate().not_after_s(), "never outlives its issuer");
        assert_eq!(device.certificate.not_before_s(), NOW_S - 300);
        assert_eq!(device.certificate.basic_constraints(), Some(BasicConstraints { ca: false, path_len: None }));
        assert_eq!(device.certificate.key_usage(), Some(KeyUsage { digital_signature: true, key_cert_sign: false }));
        assert_eq!(
            device.certificate.extended_key_usage(),
            Some(ExtendedKeyUsage { client_auth: true, server_auth: false, any: false })
        );
        assert_eq!(line.certificate().basic_constraints(), Some(BasicConstraints { ca: true, path_len: None }));
        assert_eq!(line.certificate().key_usage(), Some(KeyUsage { digital_signature: false, key_cert_sign: true }));
        let proof = root.device("A5E1C0FFEE", kind, YEAR).unwrap();
        assert_eq!(check_proof(root.certificate(), &proof.certificate, "A5E1C0FFEE", NOW_S), Ok(()));
    }
}

#[test]
fn openssl_agrees_strictly() {
    let root = Authority::root("Plant Root", KeyKind::P256, DECADE).unwrap();
    let line = root.intermediate("Line 3", KeyKind::P256, DECADE).unwrap();
    let names = ["dev.localhost", "localhost", "127.0.0.1", "::1", "*.hub.example"].map(String::from);
    let server = line.server(&names, KeyKind::P256, YEAR).unwrap();
    let device = line.device("dev-01", KeyKind::Rsa2048, YEAR).unwrap();
    let bench = Bench::new();
    bench
        .write("root.pem", &root.certificate().to_pem())
        .write("line.pem", &line.certificate().to_pem())
        .write("server.pem", &server.certificate.to_pem())
        .write("device.pem", &device.certificate.to_pem())
        .write("device.key", &device.key_pem);
    let verify = format!("openssl verify -x509_strict -attime {NOW_S} -CAfile root.pem -untrusted line.pem");
    bench
        .run(&format!("{verify} -purpose sslclient device.pem"))
        .run(&format!("{verify} -purpose sslserver -verify_hostname dev.localhost server.pem"))
        .run(&format!("{verify} -purpose sslserver -verify_hostname h1.hub.example server.pem"))
        .run(&format!("{verify} -purpose sslserver -verify_ip 127.0.0.1 server.pem"))
        .run(&format!("{verify} -purpose sslserver -verify_ip ::1 server.pem"))
        .run("openssl pkey -in device.key -pubout > a; openssl x509 -in device.pem -noout -pubkey > b; cmp a b");
    assert_eq!(server.certificate.common_name(), Ok("dev.localhost"));
}

#[test]
fn an_authority_comes_back_from_its_files() {
    let root = Authority::root("Plant Root", KeyKind::P256, DECADE).unwrap();
    let again = Authority::from_pem(&root.certificate().to_pem(), &root.key_pem()).unwrap();
    let device = again.device("dev-01", KeyKind::P256, YEAR).unwrap();
    assert_eq!(device.certificate.check_signed_by(root.certificate()), Ok(()));
    let other = Authority::root("Plant Root", KeyKind::P256, DECADE).unwrap();
    let mixed = Authority::from_pem(&root.certificate().to_pem(), &other.key_pem());
    assert!(matches!(mixed, Err(IssueError::KeyMismatch)), "{mixed:?}");
    assert!(!format!("{root:?} {device:?}").contains("PRIVATE"));
}

#[test]
fn openssl_files_serve_as_authority() {
    let bench = Bench::new();
    bench.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 1024 \
            -subj '/C=IN/O=Textile, Inc./CN=TextileIoT-RootCA'
         openssl rsa -in root.key -traditional -out pkcs1.key
         openssl req -new -newkey rsa:2048 -nodes -keyout sub.key -subj /CN=sub -out sub.csr",
    );
    let certificate = bench.certificate("root.pem");
    let validity = Validity { now_s: certificate.not_before_s() + 60, lifetime_s: 86_400 };
    for key in ["root.key", "pkcs1.key"] {
        let root = Authority::from_pem(&bench.read("root.pem"), &bench.read(key)).unwrap();
        let sub = root.intermediate_from_request(&bench.read("sub.csr"), validity).unwrap();
        let below = Authority::from_pem(&sub.to_pem(), &bench.read("sub.key")).unwrap();
        let device = below.device("dev-01", KeyKind::P256, validity).unwrap();
        let registered = Registered::new([Arc::clone(&certificate)], [], []);
        let path = judge(&[device.certificate.der(), sub.der()], &registered, validity.now_s).unwrap();
        assert_eq!(crate::made::names(&path), ["dev-01", "sub", "TextileIoT-RootCA"], "{key}");
    }
    let forged = bench.read("sub.csr").replacen("MII", "MIJ", 1);
    let root = Authority::from_pem(&bench.read("root.pem"), &bench.read("root.key")).unwrap();
    assert!(root.intermediate_from_request(&forged, validity).is_err());
}

#[test]
fn nonsense_is_not_issued() {
    let root = Authority::root("root", KeyKind::P256, DECADE).unwrap();
    let long = "x".repeat(65);
    for name in ["", "gerät", "dev\0", &long] {
        let refused = root.device(name, KeyKind::P256, YEAR);
        assert!(matches!(refused, Err(IssueError::CommonName)), "{name:?}: {refused:?}");
    }
    let too_many: Vec<_> = (0..101).map(|index| format!("h{index}.example")).collect();
    for names in [vec![], vec![String::new()], vec!["gerät.example".to_owned()], too_many] {
        let refused = root.server(&names, KeyKind::P256, YEAR);
        assert!(matches!(refused, Err(IssueError::ServerNames)), "{names:?}: {refused:?}");
    }
    for (now_s, lifetime_s) in [(NOW_S, 0), (NOW_S, -1), (NOW_S + 3651 * 86_400, 1), (i64::MAX, 1), (i64::MIN, 1)] {
        let refused = root.device("dev-01", KeyKind::P256, Validity { now_s, lifetime_s });
        assert!(matches!(refused, Err(IssueError::Validity)), "{now_s} {lifetime_s}: {refused:?}");
    }
    let long_host = format!("{long}.example");
    let server = root.server(std::slice::from_ref(&long_host), KeyKind::P256, YEAR);
    assert!(server.is_err() || server.unwrap().certificate.common_name() == Ok("server"));
}
