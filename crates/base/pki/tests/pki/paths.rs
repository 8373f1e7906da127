//! The matrix: every rule with a path that keeps it and one that breaks it.

use crate::made::{DAY_S, Made, NOW_S, ca, dated, ders, device, key, name, names, registered, rsa_key, with};
use crate::openssl::{Bench, soon};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, SanType,
};
use roadstead_pki::path::IssuerFault;
use roadstead_pki::{
    CommonNameFault, PathRefusal, Registered, SignatureFault, Unfit, UnfitCertificate, check_ca, judge,
};

fn unfit(certificate: &str, fault: Unfit) -> PathRefusal {
    UnfitCertificate { certificate: certificate.into(), fault }.into()
}

fn bad_issuer(certificate: &str, issuer: &str, fault: IssuerFault) -> PathRefusal {
    PathRefusal::Issuer { certificate: certificate.into(), issuer: issuer.into(), fault }
}

fn unknown_issuer(certificate: &str, issuer: &str) -> PathRefusal {
    PathRefusal::UnknownIssuer { certificate: certificate.into(), issuer: format!("CN={issuer}") }
}

#[test]
fn what_a_leaf_may_be() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, CodeSigning, ServerAuth};
    let root = Made::root(ca("root"));
    let registered = registered(&[&root], &[], &[]);
    let eku = |purposes: &[ExtendedKeyUsagePurpose]| {
        with(device("dev1"), |params| params.extended_key_usages = purposes.to_vec())
    };
    let extension = |critical| {
        with(device("dev1"), |params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
            extension.set_criticality(critical);
            params.custom_extensions = vec![extension];
        })
    };
    let named = |value: DnValue| {
        with(device("x"), |params| {
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, value);
        })
    };
    let common_name = |certificate: &str, fault| PathRefusal::CommonName { certificate: certificate.into(), fault };
    let cases: Vec<(&str, CertificateParams, Result<(), PathRefusal>)> = vec![
        ("no extension", device("dev1"), Ok(())),
        ("clientAuth", eku(&[ClientAuth]), Ok(())),
        ("any purpose", eku(&[Any]), Ok(())),
        ("both purposes", eku(&[ServerAuth, ClientAuth]), Ok(())),
        ("another purpose", eku(&[CodeSigning]), Ok(())),
        ("CA:TRUE", ca("dev1"), Ok(())),
        ("CA:FALSE", with(device("dev1"), |params| params.is_ca = IsCa::ExplicitNoCa), Ok(())),
        ("unknown extension", extension(false), Ok(())),
        (
            "alternative names",
            with(device("dev1"), |params| {
                params.subject_alt_names = vec![SanType::DnsName("other".try_into().unwrap())];
            }),
            Ok(()),
        ),
        ("printable string", named(DnValue::PrintableString("dev1".try_into().unwrap())), Ok(())),
        ("last second", dated(device("dev1"), -DAY_S, 0), Ok(())),
        ("first second", dated(device("dev1"), 0, DAY_S), Ok(())),
        ("serverAuth only", eku(&[ServerAuth]), Err(unfit("dev1", Unfit::ServerOnly))),
        ("serverAuth and another", eku(&[ServerAuth, CodeSigning]), Err(unfit("dev1", Unfit::ServerOnly))),
        (
            "unknown critical extension",
            extension(true),
            Err(unfit("dev1", Unfit::UnknownCritical { oid: "1.3.6.1.4.1.99999.1".into() })),
        ),
        ("expired", dated(device("dev1"), -DAY_S, -1), Err(unfit("dev1", Unfit::Expired { by_s: 1 }))),
        ("not yet valid", dated(device("dev1"), 60, DAY_S), Err(unfit("dev1", Unfit::NotYetValid { in_s: 60 }))),
        (
            "no common name",
            with(device("x"), |params| {
                params.distinguished_name = rcgen::DistinguishedName::new();
                params.distinguished_name.push(DnType::OrganizationName, "plant");
            }),
            Err(common_name("O=plant", CommonNameFault::Missing)),
        ),
        ("common name with NUL", device("dev1\0.evil"), Err(common_name("CN=dev1\\0.evil", CommonNameFault::NotAscii))),
        ("common name beyond ASCII", device("gerät"), Err(common_name("CN=gerät", CommonNameFault::NotAscii))),
        (
            "two common names",
            with(device("dev1"), |params| {
                params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 3]), "dev2");
            }),
            Err(common_name("CN=dev1, CN=dev2", CommonNameFault::Several { count: 2 })),
        ),
    ];
    for (case, params, expected) in cases {
        let leaf = root.sign(params);
        assert_eq!(judge(&ders(&[&leaf]), &registered, NOW_S).map(drop), expected, "{case}");
    }
}

#[test]
fn what_an_issuer_must_be() {
    let root = Made::root(ca("root"));
    let usage = |usages: &[KeyUsagePurpose]| with(ca("sub"), |params| params.key_usages = usages.to_vec());
    let critical = with(ca("sub"), |params| {
        // name constraints, which nothing here understands
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], vec![0x30, 0x00]);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
    });
    let server = with(ca("sub"), |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let no_ca = with(ca("sub"), |params| params.is_ca = IsCa::ExplicitNoCa);
    let none = with(ca("sub"), |params| params.is_ca = IsCa::NoCa);
    // parameters, verdict when only sent, verdict when registered
    for (case, params, sent, registered_too) in [
        ("CA:TRUE", ca("sub"), None, None),
        ("keyCertSign", usage(&[KeyUsagePurpose::KeyCertSign]), None, None),
        ("no basicConstraints", none, Some(IssuerFault::NoBasicConstraints), None),
        ("CA:FALSE", no_ca, Some(IssuerFault::NotCa), Some(IssuerFault::NotCa)),
        (
            "no keyCertSign",
            usage(&[KeyUsagePurpose::DigitalSignature]),
            Some(IssuerFault::NoKeyCertSign),
            Some(IssuerFault::NoKeyCertSign),
        ),
        (
            "expired",
            dated(ca("sub"), -DAY_S, -7200),
            Some(Unfit::Expired { by_s: 7200 }.into()),
            Some(Unfit::Expired { by_s: 7200 }.into()),
        ),
        (
            "not yet valid",
            dated(ca("sub"), 5, DAY_S),
            Some(Unfit::NotYetValid { in_s: 5 }.into()),
            Some(Unfit::NotYetValid { in_s: 5 }.into()),
        ),
        (
            "critical name constraints",
            critical,
            Some(Unfit::UnknownCritical { oid: "2.5.29.30".into() }.into()),
            Some(Unfit::UnknownCritical { oid: "2.5.29.30".into() }.into()),
        ),
        ("serverAuth only", server, Some(Unfit::ServerOnly.into()), Some(Unfit::ServerOnly.into())),
    ] {
        let sub = root.sign(params);
        let leaf = sub.sign(device("dev1"));
        let uploaded = check_ca(&sub.certificate(), NOW_S);
        assert_eq!(uploaded, registered_too.clone().map_or(Ok(()), Err), "{case}, at upload");
        let expect = |fault: Option<IssuerFault>| fault.map_or(Ok(()), |fault| Err(bad_issuer("dev1", "sub", fault)));
        let judged = |sent: &[&Made], registered: Registered| judge(&ders(sent), &registered, NOW_S).map(drop);
        assert_eq!(judged(&[&leaf, &sub], registered(&[&root], &[], &[])), expect(sent.clone()), "{case}, sent");
        assert_eq!(judged(&[&leaf], registered(&[&sub], &[], &[])), expect(registered_too.clone()), "{case}, anchor");
        assert_eq!(
            judged(&[&leaf], registered(&[&root], &[&sub], &[])),
            expect(registered_too.clone()),
            "{case}, signer"
        );
        // An issuer that is of no use is no better for being unverified: the refusal names its fault or its absence.
        let unverified = judged(&[&leaf], registered(&[&root], &[], &[&sub]));
        let expected = match registered_too {
            None => PathRefusal::Unverified { ca: "CN=sub".into() },
            Some(_) => unknown_issuer("dev1", "sub"),
        };
        assert_eq!(unverified, Err(expected), "{case}, unverified");
    }
}

#[test]
fn the_anchor_counts_as_an_issuer() {
    for (case, params, fault) in [
        ("expired", dated(ca("root"), -DAY_S, -1), IssuerFault::from(Unfit::Expired { by_s: 1 })),
        ("CA:FALSE", with(ca("root"), |params| params.is_ca = IsCa::ExplicitNoCa), IssuerFault::NotCa),
    ] {
        let root = Made::root(params);
        let leaf = root.sign(device("dev1"));
        let judged = judge(&ders(&[&leaf]), &registered(&[&root], &[], &[]), NOW_S).map(drop);
        assert_eq!(judged, Err(bad_issuer("dev1", "root", fault)), "{case}");
    }
}

#[test]
fn tolerance_is_for_that_very_certificate() {
    let root = Made::root(ca("root"));
    let none = || with(ca("sub"), |params| params.is_ca = IsCa::NoCa);
    let sub = root.sign(none());
    let twin = root.sign_with(none(), sub.key());
    let leaf = sub.sign(device("dev1"));
    let path = judge(&ders(&[&leaf, &twin]), &registered(&[&root], &[&sub], &[]), NOW_S).unwrap();
    assert_eq!(names(&path), ["dev1", "sub", "root"]);
    assert!(path.passes_through(sub.certificate().sha256()), "through the registered one, not its twin");
    assert_eq!(path.tolerated().map(|issuer| issuer.sha256()).collect::<Vec<_>>(), [sub.certificate().sha256()]);
    let unrelated = root.sign(none());
    let refused = judge(&ders(&[&leaf, &sub]), &registered(&[&root], &[&unrelated], &[]), NOW_S);
    assert_eq!(refused.map(drop), Err(bad_issuer("dev1", "sub", IssuerFault::NoBasicConstraints)));
}

#[test]
fn path_len_is_kept() {
    let limited = |common_name: &str, len| {
        with(ca(common_name), |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(len)))
    };
    for (path_len, subs, allowed) in [(0, 0, true), (0, 1, false), (1, 1, true), (1, 2, false), (2, 2, true)] {
        let root = Made::root(limited("root", path_len));
        let mut chain = vec![root];
        for index in 0..subs {
            let next = chain.last().unwrap().sign(ca(&format!("sub{index}")));
            chain.push(next);
        }
        let leaf = chain.last().unwrap().sign(device("dev1"));
        let mut sent = vec![&leaf];
        sent.extend(chain.iter().skip(1));
        let judged = judge(&ders(&sent), &registered(&[&chain[0]], &[], &[]), NOW_S).map(drop);
        let fault = IssuerFault::PathLen { path_len: path_len.into(), found: subs };
        let expected = if allowed { Ok(()) } else { Err(bad_issuer("sub0", "root", fault)) };
        assert_eq!(judged, expected, "pathLen {path_len} over {subs} intermediates");
    }
    // A CA that issued itself a new key does not count.
    let root = Made::root(limited("root", 0));
    let renewed = root.sign(ca("root"));
    let leaf = renewed.sign(device("dev1"));
    let path = judge(&ders(&[&leaf, &renewed]), &registered(&[&root], &[], &[]), NOW_S).unwrap();
    assert_eq!(names(&path), ["dev1", "root", "root"]);
}

#[test]
fn depth_ends_at_ten() {
    for (certificates, allowed) in [(2, true), (10, true), (11, false)] {
        let mut chain = vec![Made::root(ca("ca0"))];
        for index in 1..certificates - 1 {
            let next = chain.last().unwrap().sign(ca(&format!("ca{index}")));
            chain.push(next);
        }
        let leaf = chain.last().unwrap().sign(device("dev1"));
        let mut sent = vec![&leaf];
        sent.extend(chain.iter().skip(1));
        let judged = judge(&ders(&sent), &registered(&[&chain[0]], &[], &[]), NOW_S);
        let expected =
            if allowed { Ok(certificates) } else { Err(PathRefusal::TooLong { certificate: "dev1".into() }) };
        assert_eq!(judged.map(|path| path.certificates().len()), expected, "{certificates}");
    }
}

#[test]
fn decoys_do_not_mislead() {
    let root = Made::root(ca("root"));
    let sub = root.sign(ca("sub"));
    let leaf = sub.sign(device("dev1"));
    let stranger = Made::root(ca("root"));
    let false_sub = stranger.sign(ca("sub"));
    let expired_sub = root.sign_with(dated(ca("sub"), -DAY_S, -1), sub.key());
    let ours = registered(&[&root], &[], &[]);
    for (case, sent) in [
        ("in order", vec![&leaf, &sub]),
        ("with the root", vec![&leaf, &sub, &root]),
        ("shuffled", vec![&leaf, &root, &sub]),
        ("twice", vec![&leaf, &sub, &sub, &leaf]),
        ("namesake first", vec![&leaf, &false_sub, &stranger, &sub]),
        ("expired twin first", vec![&leaf, &expired_sub, &sub]),
    ] {
        let path = judge(&ders(&sent), &ours, NOW_S);
        assert_eq!(path.map(|path| names(&path)), Ok(vec!["dev1".into(), "sub".into(), "root".into()]), "{case}");
    }
    let expired_decoy = stranger.sign(dated(ca("sub"), -DAY_S, -1));
    let wrong = |issuer: &str, certificate: &str| PathRefusal::Signature {
        certificate: certificate.into(),
        issuer: format!("CN={issuer}"),
        fault: SignatureFault::Wrong,
    };
    for (case, sent, expected) in [
        ("only the namesake", vec![&leaf, &false_sub], wrong("sub", "dev1")),
        ("only an expired namesake", vec![&leaf, &expired_decoy], wrong("sub", "dev1")),
        ("a root of the same name", vec![&false_sub.sign(device("dev1")), &false_sub, &stranger], wrong("root", "sub")),
        ("only the expired twin", vec![&leaf, &expired_sub], {
            bad_issuer("dev1", "sub", Unfit::Expired { by_s: 1 }.into())
        }),
        ("nothing more", vec![&leaf], unknown_issuer("dev1", "sub")),
    ] {
        assert_eq!(judge(&ders(&sent), &ours, NOW_S).map(drop), Err(expected), "{case}");
    }
}

#[test]
fn cross_signed_twins_and_what_a_path_passes() {
    let (old_root, new_root) = (Made::root(ca("old root")), Made::root(ca("new root")));
    let sub = old_root.sign(ca("sub"));
    let cross = new_root.sign_with(ca("sub"), sub.key());
    let leaf = sub.sign(device("dev1"));
    let print = |made: &Made| made.certificate().sha256();
    for (case, sent, anchors, signers, passed) in [
        ("old way", vec![&leaf, &sub], vec![&old_root], vec![], vec![&old_root]),
        ("new way, twin sent", vec![&leaf, &sub, &cross], vec![&new_root], vec![], vec![&new_root]),
        ("new way, twin registered", vec![&leaf, &sub], vec![&new_root], vec![&cross], vec![&cross, &new_root]),
        ("both", vec![&leaf, &sub, &cross], vec![&old_root, &new_root], vec![], vec![&old_root, &new_root]),
        ("above an anchor", vec![&leaf], vec![&sub, &old_root], vec![], vec![&sub, &old_root]),
        ("signer above the last anchor", vec![&leaf, &sub], vec![&sub], vec![&old_root], vec![&sub]),
        ("signer that is an anchor", vec![&leaf], vec![&sub], vec![&sub], vec![&sub]),
    ] {
        let path = judge(&ders(&sent), &registered(&anchors, &signers, &[]), NOW_S).unwrap();
        let passed: Vec<_> = passed.into_iter().map(print).collect();
        assert_eq!(path.registered(), passed, "{case}");
        assert!(passed.iter().all(|sha256| path.passes_through(*sha256)), "{case}");
        assert!(!path.passes_through(print(&leaf)), "{case}");
    }
}

#[test]
fn loops_end() {
    let (key_a, key_b) = (key(), key());
    let a = Made::root_with(ca("a"), key_a.clone());
    let b = a.sign_with(ca("b"), key_b);
    let a_by_b = b.sign_with(ca("a"), key_a);
    let leaf = a.sign(device("dev1"));
    let judged = judge(&ders(&[&leaf, &a_by_b, &b, &a]), &Registered::default(), NOW_S).map(drop);
    assert_eq!(judged, Err(PathRefusal::UnknownRoot { ca: "CN=a".into() }));
    let judged = judge(&ders(&[&leaf, &a_by_b, &b]), &Registered::default(), NOW_S).map(drop);
    assert_eq!(judged, Err(PathRefusal::UnknownRoot { ca: "CN=b".into() }));
    let path = judge(&ders(&[&leaf, &a_by_b]), &registered(&[&b], &[], &[]), NOW_S).unwrap();
    assert_eq!(names(&path), ["dev1", "a", "b"]);
}

#[test]
fn a_leaf_is_not_its_own_ca() {
    let own = Made::root(ca("dev1"));
    let refused = PathRefusal::SelfSigned { certificate: "dev1".into() };
    for registered in [registered(&[&own], &[], &[]), registered(&[], &[], &[&own]), Registered::default()] {
        assert_eq!(judge(&ders(&[&own]), &registered, NOW_S).map(drop), Err(refused.clone()));
    }
}

#[test]
fn names_match_byte_by_byte() {
    let root = Made::root(ca("root"));
    let printable = with(ca("root"), |params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        let text = DnValue::PrintableString("root".try_into().unwrap());
        params.distinguished_name.push(DnType::CommonName, text);
    });
    let same_key = Made::root_with(printable, root.key());
    let leaf = root.sign(device("dev1"));
    let judged = judge(&ders(&[&leaf]), &registered(&[&same_key], &[], &[]), NOW_S).map(drop);
    let refused = PathRefusal::NameEncoding { certificate: "dev1".into(), issuer: "CN=root".into() };
    assert_eq!(judged, Err(refused));
    let capital = Made::root_with(with(ca("x"), |params| params.distinguished_name = name("Root")), root.key());
    let judged = judge(&ders(&[&leaf]), &registered(&[&capital], &[], &[]), NOW_S).map(drop);
    assert_eq!(judged, Err(unknown_issuer("dev1", "root")));
}

#[test]
fn unverified_cas_count_for_nothing_and_are_named() {
    let root = Made::root(ca("root"));
    let sub = root.sign(ca("sub"));
    let leaf = sub.sign(device("dev1"));
    let refused = |ca: &str| Err(PathRefusal::Unverified { ca: format!("CN={ca}") });
    for (case, sent, anchors, signers, unverified, expected) in [
        ("root", vec![&leaf, &sub], vec![], vec![], vec![&root], refused("root")),
        ("root, sent too", vec![&leaf, &sub, &root], vec![], vec![], vec![&root], refused("root")),
        ("intermediate", vec![&leaf], vec![&root], vec![], vec![&sub], refused("sub")),
        ("intermediate, sent too", vec![&leaf, &sub], vec![], vec![], vec![&sub], refused("sub")),
        ("root over a signer", vec![&leaf], vec![], vec![&sub], vec![&root], refused("root")),
        ("of no matter", vec![&leaf, &sub], vec![&root], vec![], vec![&sub], Ok(())),
        ("verified as well", vec![&leaf, &sub], vec![&root], vec![], vec![&root], Ok(())),
    ] {
        let judged = judge(&ders(&sent), &registered(&anchors, &signers, &unverified), NOW_S).map(drop);
        assert_eq!(judged, expected, "{case}");
    }
    let unrelated = Made::root(ca("root"));
    let judged = judge(&ders(&[&leaf, &sub]), &registered(&[], &[], &[&unrelated]), NOW_S).map(drop);
    assert_eq!(judged, Err(unknown_issuer("sub", "root")));
}

#[test]
fn keys_and_signatures_of_every_kind() {
    let bench = Bench::new();
    bench.write("ca.ext", "basicConstraints=critical,CA:TRUE\n").run(
        r#"
        sign() { # name, hash, options of the signature
            name=$1; hash=$2; shift 2
            openssl req -new -key dev.key -subj /CN=$name -out $name.csr
            openssl x509 -req -in $name.csr -CA ca-$name.pem -CAkey ca-$name.key -set_serial 7 -$hash "$@" -days 30 \
                -out $name.pem
        }
        root() { openssl req -x509 -new -key ca-$1.key -subj "/CN=ca $1" -days 30 -out ca-$1.pem; }
        openssl ecparam -genkey -name prime256v1 -noout -out dev.key
        for bits in 2048 4096; do openssl genrsa -out ca-rsa$bits.key $bits; root rsa$bits; done
        for curve in prime256v1 secp384r1 secp521r1 secp256k1; do
            openssl ecparam -genkey -name $curve -noout -out ca-$curve.key; root $curve; done
        openssl genpkey -algorithm ed25519 -out ca-ed25519.key; root ed25519
        openssl genrsa -out ca-rsa1024.key 1024; root rsa1024
        for copy in sha1 md5 sha512 pss; do
            cp ca-rsa2048.key ca-$copy.key; cp ca-rsa2048.pem ca-$copy.pem; done
        cp ca-prime256v1.key ca-ecsha1.key; cp ca-prime256v1.pem ca-ecsha1.pem
        for name in rsa2048 rsa4096 prime256v1 secp384r1 secp521r1 secp256k1 rsa1024; do sign $name sha256; done
        sign sha512 sha512; sign sha1 sha1; sign md5 md5; sign ecsha1 sha1
        sign pss sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
        openssl req -new -key dev.key -subj /CN=ed25519 -out ed25519.csr
        openssl x509 -req -in ed25519.csr -CA ca-ed25519.pem -CAkey ca-ed25519.key -set_serial 7 -days 30 -out ed25519.pem
        "#,
    );
    let weak = |hash| SignatureFault::Weak { hash };
    let signature = |name: &str, ca: &str, fault| PathRefusal::Signature {
        certificate: name.into(),
        issuer: format!("CN=ca {ca}"),
        fault,
    };
    for (name, expected) in [
        ("rsa2048", Ok(())),
        ("rsa4096", Ok(())),
        ("sha512", Ok(())),
        ("pss", Ok(())),
        ("prime256v1", Ok(())),
        ("secp384r1", Ok(())),
        ("secp521r1", Ok(())),
        ("ed25519", Ok(())),
        ("sha1", Err(signature("sha1", "rsa2048", weak("SHA-1")))),
        ("md5", Err(signature("md5", "rsa2048", weak("MD5")))),
        ("ecsha1", Err(signature("ecsha1", "prime256v1", weak("SHA-1")))),
        ("secp256k1", Err(signature("secp256k1", "secp256k1", SignatureFault::Wrong))),
    ] {
        let ca = bench.certificate(&format!("ca-{name}.pem"));
        let now_s = soon(&ca);
        let judged = judge(&[bench.der(&format!("{name}.pem"))], &Registered::new([ca], [], []), now_s);
        assert_eq!(judged.map(drop), expected, "{name}");
    }
    // A key of 1024 bits is refused before its signature is looked at, whoever has it.
    let ca = bench.certificate("ca-rsa1024.pem");
    let (now_s, short) = (soon(&ca), Unfit::ShortKey { bits: 1024 });
    let judged = judge(&[ca.der()], &Registered::default(), now_s).map(drop);
    assert_eq!(judged, Err(unfit("ca rsa1024", short.clone())));
    let judged = judge(&[bench.der("rsa1024.pem")], &Registered::new([ca], [], []), now_s).map(drop);
    assert_eq!(judged, Err(bad_issuer("rsa1024", "ca rsa1024", short.into())));
}

#[test]
fn rsa_leaves_pass_too() {
    let root = Made::root_with(ca("root"), rsa_key());
    let leaf = root.sign_with(device("dev1"), rsa_key());
    assert!(judge(&ders(&[&leaf]), &registered(&[&root], &[], &[]), NOW_S).is_ok());
}
