//! Strict DER, and what each version of X.509 may hold.

use crate::made::{Made, NOW_S, ca, device, registered, rsa_key, with};
use rcgen::{CustomExtension, IsCa};
use roadstead_pki::{Certificate, CertificateError, DerFault, PathRefusal, judge};

#[test]
fn only_der_is_read() {
    let root = Made::root(ca("root"));
    let sub = root.sign(ca("sub"));
    let leaf = sub.sign(device("dev1"));
    let ours = registered(&[&root], &[], &[]);
    let not_der = |position, fault| Err(PathRefusal::Unreadable { position, fault: CertificateError::NotDer(fault) });
    let trailing = |der: &[u8]| [der, &[0]].concat();
    // SEQUENCE with a length of two bytes becomes one of three, or of indefinite form.
    let long_length = |der: &[u8]| [&[der[0], 0x83, 0x00], &der[2..]].concat();
    let indefinite = |der: &[u8]| [&[der[0], 0x80], &der[4..], &[0, 0]].concat();
    for (case, sent, expected) in [
        ("trailing byte", vec![trailing(&leaf.der), sub.der.clone()], not_der(1, DerFault::TrailingBytes)),
        ("long length", vec![long_length(&leaf.der), sub.der.clone()], not_der(1, DerFault::Length)),
        ("indefinite length", vec![indefinite(&leaf.der), sub.der.clone()], not_der(1, DerFault::Length)),
        ("empty", vec![Vec::new()], not_der(1, DerFault::Truncated)),
        ("needed issuer", vec![leaf.der.clone(), trailing(&sub.der)], not_der(2, DerFault::TrailingBytes)),
        ("junk behind", vec![leaf.der.clone(), sub.der.clone(), b"junk".to_vec()], Ok(())),
    ] {
        assert_eq!(judge(&sent, &ours, NOW_S).map(drop), expected, "{case}");
    }
}

/// Replaces the first `from` inside the signed part and mends the lengths of both sequences around it.
fn spliced(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = der.windows(from.len()).position(|window| window == from).unwrap();
    let mut changed = [&der[..at], to, &der[at + from.len()..]].concat();
    for header in [0, 4] {
        assert_eq!(changed[header..header + 2], [0x30, 0x82]);
        let old = usize::from(u16::from_be_bytes([der[header + 2], der[header + 3]]));
        let new = u16::try_from(old + to.len() - from.len()).unwrap();
        changed[header + 2..header + 4].copy_from_slice(&new.to_be_bytes());
    }
    changed
}

#[test]
fn versions_hold_what_they_may() {
    const V3: &[u8] = &[0xa0, 0x03, 0x02, 0x01, 0x02];
    let v3 = Made::root_with(ca("root"), rsa_key()).der;
    let later = |version| CertificateError::FieldsOfLaterVersion { version };
    for (case, version, expected) in [
        ("v3", V3, Ok(3)),
        ("v1 with extensions", &[][..], Err(later(1))),
        ("v2 with extensions", &[0xa0, 0x03, 0x02, 0x01, 0x01], Err(later(2))),
        ("v1 written out", &[0xa0, 0x03, 0x02, 0x01, 0x00], Err(CertificateError::NotDer(DerFault::Value))),
        ("v4", &[0xa0, 0x03, 0x02, 0x01, 0x03], Err(CertificateError::NotX509)),
    ] {
        let changed = spliced(&v3, V3, version);
        assert_eq!(Certificate::from_der(&changed).map(|certificate| certificate.version()), expected, "{case}");
    }
}

#[test]
fn deciding_extensions_are_read_or_refused() {
    let bad = |oid: &str| Err(CertificateError::BadExtension { oid: oid.into() });
    for (case, oid, content, critical, expected) in [
        ("basicConstraints", &[2, 5, 29, 19][..], &[0x30, 0x03, 0x01, 0x01, 0xff][..], true, Ok(())),
        ("boolean of BER", &[2, 5, 29, 19], &[0x30, 0x03, 0x01, 0x01, 0x01], true, bad("2.5.29.19")),
        ("trailing byte", &[2, 5, 29, 19], &[0x30, 0x00, 0x00], true, bad("2.5.29.19")),
        ("negative pathLen", &[2, 5, 29, 19], &[0x30, 0x06, 1, 1, 0xff, 2, 1, 0xff], true, bad("2.5.29.19")),
        ("empty", &[2, 5, 29, 19], &[], false, bad("2.5.29.19")),
        ("keyUsage of another type", &[2, 5, 29, 15], &[0x05, 0x00], false, bad("2.5.29.15")),
        ("extendedKeyUsage of another type", &[2, 5, 29, 37], &[0x05, 0x00], false, bad("2.5.29.37")),
        ("critical names that cannot be read", &[2, 5, 29, 17], &[0x05, 0x00], true, bad("2.5.29.17")),
        ("names that cannot be read", &[2, 5, 29, 17], &[0x05, 0x00], false, Ok(())),
    ] {
        let params = with(device("dev1"), |params| {
            params.is_ca = IsCa::NoCa;
            let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
            extension.set_criticality(critical);
            params.custom_extensions = vec![extension];
        });
        assert_eq!(Certificate::from_der(&Made::root(params).der).map(drop), expected, "{case}");
    }
}

#[test]
fn the_signature_algorithm_is_one() {
    let made = Made::root_with(ca("root"), rsa_key());
    // sha256WithRSAEncryption in the signed part becomes sha384WithRSAEncryption; the one outside stays.
    let oid = |last| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last];
    let changed = spliced(&made.der, &oid(0x0b), &oid(0x0c));
    assert_eq!(Certificate::from_der(&changed), Err(CertificateError::AlgorithmMismatch));
}
