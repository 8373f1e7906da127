//! Proof of possession.

use crate::made::{DAY_S, Made, NOW_S, ca, dated, device};
use roadstead_pki::{CommonNameFault, ProofRefusal, SignatureFault, Unfit, check_proof};

const CODE: &str = "A5E1C0FFEE";

#[test]
fn proofs() {
    let root = Made::root(ca("root"));
    let namesake = Made::root(ca("root"));
    let stranger = Made::root(ca("stranger"));
    let old_root = Made::root(dated(ca("root"), -DAY_S, -1));
    for (case, ca, proof, expected) in [
        ("made with the CA's key", &root, root.sign(device(CODE)), Ok(())),
        (
            "another code",
            &root,
            root.sign(device("A5E1C0FFEF")),
            Err(ProofRefusal::WrongCode { found: "A5E1C0FFEF".into() }),
        ),
        (
            "another case",
            &root,
            root.sign(device("a5e1c0ffee")),
            Err(ProofRefusal::WrongCode { found: "a5e1c0ffee".into() }),
        ),
        ("no code", &root, root.sign(device("")), Err(ProofRefusal::CommonName(CommonNameFault::Missing))),
        (
            "another CA",
            &root,
            stranger.sign(device(CODE)),
            Err(ProofRefusal::WrongIssuer { issuer: "CN=stranger".into(), ca: "CN=root".into() }),
        ),
        (
            "a CA of the same name",
            &root,
            namesake.sign(device(CODE)),
            Err(ProofRefusal::Signature(SignatureFault::Wrong)),
        ),
        (
            "signed by itself",
            &root,
            Made::root(device(CODE)),
            Err(ProofRefusal::WrongIssuer { issuer: format!("CN={CODE}"), ca: "CN=root".into() }),
        ),
        (
            "expired proof",
            &root,
            root.sign(dated(device(CODE), -DAY_S, -1)),
            Err(ProofRefusal::Unfit(Unfit::Expired { by_s: 1 })),
        ),
        ("expired CA", &old_root, old_root.sign(device(CODE)), Err(ProofRefusal::UnfitCa(Unfit::Expired { by_s: 1 }))),
    ] {
        assert_eq!(check_proof(&ca.certificate(), &proof.certificate(), CODE, NOW_S), expected, "{case}");
    }
}
