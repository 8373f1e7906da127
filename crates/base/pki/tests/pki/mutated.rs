//! Bytes that an attacker chose.

use crate::made::{Made, NOW_S, ca, device, registered};
use crate::openssl::Bench;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use roadstead_pki::{Certificate, Registered, Request, judge, parse_certificates};
use std::sync::OnceLock;

/// A v3 device, its CA, a v1 certificate, and one with many extensions.
fn samples() -> &'static (Vec<Vec<u8>>, Registered) {
    static SAMPLES: OnceLock<(Vec<Vec<u8>>, Registered)> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let root = Made::root(ca("root"));
        let leaf = root.sign(device("dev1"));
        let bench = Bench::new();
        bench.run(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout a.key -out a.pem -subj /C=DE/O=plant/CN=a \
                -addext subjectAltName=DNS:a,IP:127.0.0.1 -addext keyUsage=critical,keyCertSign \
                -addext extendedKeyUsage=clientAuth,serverAuth -addext crlDistributionPoints=URI:http://a/ \
                -addext certificatePolicies=1.2.3
             openssl req -new -key a.key -subj /CN=b -out b.csr
             openssl x509 -req -in b.csr -CA a.pem -CAkey a.key -set_serial 1 -out b.pem",
        );
        let ours = registered(&[&root], &[], &[]);
        (vec![leaf.der, root.der, bench.der("a.pem"), bench.der("b.pem")], ours)
    })
}

/// Always the same, so that a saved case of a failure is the same case again:
/// `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /O=plant/CN=dev1 -addext basicConstraints=CA:FALSE`.
const REQUEST: &str = include_str!("../fixtures/request.csr");

/// [`REQUEST`] as DER.
fn request() -> &'static Vec<u8> {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let text: String = REQUEST.lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(text).unwrap()
    })
}

fn request_pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n", STANDARD.encode(der))
}

fn mutate(der: &mut Vec<u8>, changes: &[(prop::sample::Index, u8, u8)]) {
    for (index, kind, byte) in changes {
        let at = index.index(der.len().max(1)).min(der.len().saturating_sub(1));
        match kind % 4 {
            0 => der[at] = *byte,
            1 => der[at] ^= 1 << (byte % 8),
            2 => der.insert(at, *byte),
            _ if der.len() > 1 => drop(der.remove(at)),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn parse_never_panics(
        sample in 0usize..4,
        changes in prop::collection::vec(any::<(prop::sample::Index, u8, u8)>(), 1..4),
    ) {
        let (samples, registered) = samples();
        let mut der = samples[sample].clone();
        mutate(&mut der, &changes);
        if let Ok(certificate) = Certificate::from_der(&der) {
            // Whatever is read is the whole of it, and says its facts without panicking.
            prop_assert_eq!(certificate.der(), &der[..]);
            prop_assert_eq!(Certificate::from_text(&certificate.to_pem()), Ok(certificate.clone()));
            let _ = (certificate.shown_name(), certificate.is_self_signed());
        }
        let judged = judge(&[&der], registered, NOW_S);
        prop_assert!(judged.is_err() || der == samples[0], "a changed leaf is not believed: {:?}", judged);
    }

    #[test]
    fn no_changed_request_is_believed(
        changes in prop::collection::vec(any::<(prop::sample::Index, u8, u8)>(), 0..3),
    ) {
        let mut der = request().clone();
        mutate(&mut der, &changes);
        let read = Request::from_pem(&request_pem(&der));
        prop_assert_eq!(read.is_ok(), der == *request(), "{:?}", read);
    }

    #[test]
    fn any_text_and_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,100}") {
        let _ = Certificate::from_der(&bytes);
        let _ = parse_certificates(&text);
        let _ = Request::from_pem(&request_pem(&bytes));
        let _ = parse_certificates(&format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----"));
    }
}
