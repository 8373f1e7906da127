//! Certificate requests as openssl makes them, and what of them is refused.

use crate::made::NOW_S;
use crate::openssl::Bench;
use roadstead_pki::certificate::{BasicConstraints, ExtendedKeyUsage, KeyUsage, PublicKey};
use roadstead_pki::limits::REQUEST_TEXT_BYTES_MAX;
use roadstead_pki::{Authority, CommonNameFault, KeyKind, Request, RequestFault, SignatureFault, Validity};

const YEAR: Validity = Validity { now_s: NOW_S, lifetime_s: 365 * 86_400 };
const EC: &str = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out r.csr";

#[test]
fn what_openssl_asks_for_is_issued_with_our_extensions() {
    let root = Authority::root("Plant Root", KeyKind::P256, YEAR).unwrap();
    for (key, kind) in [
        ("ec -pkeyopt ec_paramgen_curve:P-256", PublicKey::P256),
        ("ec -pkeyopt ec_paramgen_curve:P-384", PublicKey::P384),
        ("rsa:2048", PublicKey::Rsa { bits: 2048 }),
    ] {
        let bench = Bench::new();
        bench.run(&format!(
            "openssl req -new -newkey {key} -nodes -keyout k -out r.csr -subj '/O=Acme/CN=dev-01' \
                -addext extendedKeyUsage=serverAuth -addext keyUsage=keyEncipherment -addext subjectAltName=DNS:evil.example \
                -addext basicConstraints=CA:FALSE -addext 1.2.3.4=ASN1:UTF8:mine"
        ));
        let request = Request::from_pem(&bench.read("r.csr")).unwrap();
        assert_eq!((request.common_name(), request.public_key()), ("dev-01", kind));
        let made = root.device_from_request(&request, YEAR).unwrap();
        assert_eq!(made.subject(), "CN=dev-01", "nothing of the name but the id");
        assert_eq!(made.public_key(), kind);
        assert_eq!(made.check_signed_by(root.certificate()), Ok(()));
        assert_eq!(made.basic_constraints(), Some(BasicConstraints { ca: false, path_len: None }));
        assert_eq!(made.key_usage(), Some(KeyUsage { digital_signature: true, key_cert_sign: false }));
        let client = ExtendedKeyUsage { client_auth: true, server_auth: false, any: false };
        assert_eq!(made.extended_key_usage(), Some(client));
        assert_eq!(made.serial().len(), 36, "18 bytes");
        bench
            .write("root.pem", &root.certificate().to_pem())
            .write("device.pem", &made.to_pem())
            .run(&format!("openssl verify -x509_strict -attime {NOW_S} -CAfile root.pem -purpose sslclient device.pem"))
            .run("openssl x509 -in device.pem -noout -text > t; ! grep -e evil -e 1.2.3.4 -e Encipherment t")
            .run("openssl pkey -in k -pubout > a; openssl x509 -in device.pem -noout -pubkey > b; cmp a b");
    }
}

#[test]
fn what_is_no_fit_request_is_refused() {
    let (none, several) = (CommonNameFault::Missing, CommonNameFault::Several { count: 2 });
    for (make, fault) in [
        (format!("{EC} -subj /CN=x -addext basicConstraints=critical,CA:TRUE"), RequestFault::AsksForCa),
        (format!("{EC} -subj /CN=x -addext keyUsage=keyCertSign"), RequestFault::AsksForCa),
        (format!("{EC} -subj /O=Acme"), RequestFault::CommonName(none)),
        (format!("{EC} -subj /CN=a/CN=b"), RequestFault::CommonName(several)),
        (format!("{EC} -utf8 -subj /CN=gerät"), RequestFault::CommonName(CommonNameFault::NotAscii)),
        (EC.replace("P-256", "P-521") + " -subj /CN=x", RequestFault::Key),
        (EC.replace("P-256", "secp256k1") + " -subj /CN=x", RequestFault::Key),
        ("openssl req -new -newkey rsa:1024 -nodes -keyout k -out r.csr -subj /CN=x".to_owned(), RequestFault::Key),
        ("openssl req -new -newkey rsa:4104 -nodes -keyout k -out r.csr -subj /CN=x".to_owned(), RequestFault::Key),
        ("openssl req -new -newkey ed25519 -nodes -keyout k -out r.csr -subj /CN=x".to_owned(), RequestFault::Key),
        (format!("{EC} -subj /CN=x -sha1"), RequestFault::Signature(SignatureFault::Weak { hash: "SHA-1" })),
        (
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out r.csr -subj /CN=x".to_owned(),
            RequestFault::NotText,
        ),
    ] {
        let bench = Bench::new();
        bench.run(&make);
        assert_eq!(Request::from_pem(&bench.read("r.csr")), Err(fault), "{make}");
    }
}

#[test]
fn a_request_that_was_changed_proves_nothing() {
    let bench = Bench::new();
    bench.run(&format!("{EC} -subj /CN=dev-01")).run(
        "openssl req -in r.csr -outform DER -out r.der
         perl -0pe 's/dev-01/dev-02/' < r.der > s.der; openssl req -inform DER -in s.der -out s.csr
         printf '\\000' | cat r.der - > t.der
         (echo '-----BEGIN CERTIFICATE REQUEST-----'; base64 t.der; echo '-----END CERTIFICATE REQUEST-----') > t.csr",
    );
    let good = bench.read("r.csr");
    assert!(Request::from_pem(&good).is_ok());
    let wrong = Request::from_pem(&bench.read("s.csr"));
    assert_eq!(wrong, Err(RequestFault::Signature(SignatureFault::Wrong)));
    let trailing = Request::from_pem(&bench.read("t.csr"));
    assert!(matches!(trailing, Err(RequestFault::NotDer(_))), "{trailing:?}");
    assert_eq!(Request::from_pem(&format!("{good}{good}")), Err(RequestFault::NotText));
    assert_eq!(Request::from_pem("dev-01"), Err(RequestFault::NotText));
    let long = format!("{good}{}", " ".repeat(REQUEST_TEXT_BYTES_MAX));
    assert_eq!(Request::from_pem(&long), Err(RequestFault::TooLong { bytes: long.len() }));
    for len in 0..good.len() - 30 {
        assert!(Request::from_pem(&good[..len]).is_err(), "cut at {len}");
    }
}
