//! What a client may cost.

use crate::made::{Made, NOW_S, ca, ders, device, key, registered};
use rcgen::{KeyPair, SerialNumber};
use roadstead_pki::limits::{SENT_BYTES_MAX, SENT_CERTIFICATES_MAX};
use roadstead_pki::{PathRefusal, judge};
use std::sync::Arc;

fn over_budget() -> Result<(), PathRefusal> {
    Err(PathRefusal::OverBudget { certificate: "dev1".into() })
}

#[test]
fn sent_certificates_are_counted_and_weighed() {
    let root = Made::root(ca("root"));
    let leaf = root.sign(device("dev1"));
    let ours = registered(&[&root], &[], &[]);
    let count = |certificates: usize| vec![leaf.der.clone(); certificates];
    assert_eq!(judge(&count(SENT_CERTIFICATES_MAX), &ours, NOW_S).map(drop), Ok(()));
    let too_many = PathRefusal::TooMany { certificates: SENT_CERTIFICATES_MAX + 1 };
    assert_eq!(judge(&count(SENT_CERTIFICATES_MAX + 1), &ours, NOW_S).map(drop), Err(too_many));
    let weigh = |bytes: usize| vec![leaf.der.clone(), vec![0; bytes - leaf.der.len()]];
    assert_eq!(judge(&weigh(SENT_BYTES_MAX), &ours, NOW_S).map(drop), Ok(()));
    let too_large = PathRefusal::TooLarge { bytes: SENT_BYTES_MAX + 1 };
    assert_eq!(judge(&weigh(SENT_BYTES_MAX + 1), &ours, NOW_S).map(drop), Err(too_large));
}

/// Thirty namesakes of the issuer cost thirty checks, and the true one is still found, unless their keys are slow.
#[test]
fn a_flock_of_decoys_is_affordable() {
    let root = Made::root(ca("root"));
    let sub = root.sign(ca("sub"));
    let leaf = sub.sign(device("dev1"));
    let slow = || Arc::new(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap());
    for (case, decoys, more, expected) in [
        ("P-256", (0..30).map(|_| Made::root(ca("sub"))).collect::<Vec<_>>(), 0, Ok(())),
        ("P-521", (0..30).map(|_| Made::root_with(ca("sub"), slow())).collect(), 0, Ok(())),
        (
            "P-521, a second signature each",
            (0..30).map(|_| Made::root_with(ca("sub"), slow())).collect(),
            1,
            over_budget(),
        ),
    ] {
        // The leaf of a CA of the same name tries every namesake once more.
        let between = (0..more).map(|_| sub.sign(ca("sub"))).collect::<Vec<_>>();
        let leaf = between.last().map_or_else(|| leaf.certificate(), |last| last.sign(device("dev1")).certificate());
        let mut sent = vec![leaf.der().to_vec()];
        sent.extend(ders(&decoys.iter().skip(more).collect::<Vec<_>>()));
        sent.extend(ders(&between.iter().collect::<Vec<_>>()));
        sent.push(sub.der.clone());
        assert_eq!(judge(&sent, &registered(&[&root], &[], &[]), NOW_S).map(drop), expected, "{case}");
    }
}

/// CAs of one name that each signed the next: every pair must be tried.
#[test]
fn namesakes_that_sign_each_other_exhaust_the_signature_checks() {
    let root = Made::root(ca("n"));
    let mut chain = vec![root];
    for _ in 0..30 {
        let next = chain.last().unwrap().sign(ca("n"));
        chain.push(next);
    }
    let leaf = chain.last().unwrap().sign(device("dev1"));
    let mut sent = vec![&leaf];
    sent.extend(chain.iter().skip(1));
    assert_eq!(judge(&ders(&sent), &registered(&[&chain[0]], &[], &[]), NOW_S).map(drop), over_budget());
}

/// Parallel twins on every level: few signatures, but four to the power of seven paths. There is no path at all then,
/// since what the paths pass through could not be told for sure.
#[test]
fn parallel_twins_exhaust_the_steps() {
    let levels = 7;
    let keys: Vec<_> = (0..levels).map(|_| key()).collect();
    let root = Made::root(ca("root"));
    let mut sent: Vec<Made> = Vec::new();
    let mut above = 0;
    for (level, key) in keys.iter().enumerate() {
        let from = sent.len();
        for twin in 0..4u8 {
            let mut params = ca(&format!("level {level}"));
            params.serial_number = Some(SerialNumber::from(vec![twin + 1]));
            let issuer = if level == 0 { &root } else { &sent[above] };
            sent.push(issuer.sign_with(params, key.clone()));
        }
        above = from;
    }
    let leaf = sent[above].sign(device("dev1"));
    let mut all = vec![&leaf];
    all.extend(&sent);
    assert_eq!(judge(&ders(&all), &registered(&[&root], &[], &[]), NOW_S).map(drop), over_budget());
    // One twin less on each level is still affordable.
    let fewer: Vec<_> = sent.iter().enumerate().filter(|(index, _)| index % 4 < 2).map(|(_, made)| made).collect();
    let mut all = vec![&leaf];
    all.extend(fewer);
    assert_eq!(judge(&ders(&all), &registered(&[&root], &[], &[]), NOW_S).map(drop), Ok(()));
}
