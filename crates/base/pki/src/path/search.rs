//! The backtracking search behind [`judge`](super::judge).

use super::{IssuerFault, Path, PathRefusal, Registered, Role, check_ca};
use crate::certificate::{Certificate, PublicKey};
use crate::limits::{P521_KEY_CHECKS, PATH_CERTIFICATES_MAX, PATH_STEPS_MAX, SIGNATURE_CHECKS_MAX, SLOW_KEY_CHECKS};
use crate::name::shown;
use crate::signature::SignatureFault;
use crate::thumbprint::Thumbprint;
use crate::unfit::{Unfit, path_fault};
use std::collections::HashMap;
use std::sync::Arc;

pub(super) struct Search<'a> {
    registered: &'a Registered,
    sent: &'a [Arc<Certificate>],
    now_s: i64,
    steps: usize,
    checks: usize,
    /// Verified signatures, by SHA-256 of the signed and of the signer.
    signatures: HashMap<(Thumbprint, Thumbprint), Result<(), SignatureFault>>,
    best: Vec<Arc<Certificate>>,
    /// Registered certificates on some path, with their least distance from the leaf.
    passed: Vec<(usize, Thumbprint)>,
    reached: Vec<Arc<Certificate>>,
    unfit: Vec<Edge<IssuerFault>>,
    unsigned: Vec<Edge<SignatureFault>>,
    /// Where nobody had the issuer's name but who is on the path already, with the length of the path so far.
    ends: Vec<(usize, Arc<Certificate>)>,
    too_long: bool,
}

/// A step that was not taken.
struct Edge<Fault> {
    certificate: Arc<Certificate>,
    issuer: Arc<Certificate>,
    fault: Fault,
}

/// The search cost more than any honest device's does.
struct OverBudget;

impl<'a> Search<'a> {
    pub(super) fn run(
        leaf: Arc<Certificate>,
        sent: &'a [Arc<Certificate>],
        registered: &'a Registered,
        now_s: i64,
    ) -> Result<Path, PathRefusal> {
        let mut search = Self {
            registered,
            sent,
            now_s,
            steps: 0,
            checks: 0,
            signatures: HashMap::new(),
            best: Vec::new(),
            passed: Vec::new(),
            reached: Vec::new(),
            unfit: Vec::new(),
            unsigned: Vec::new(),
            ends: Vec::new(),
            too_long: false,
        };
        let mut chain = vec![Arc::clone(&leaf)];
        match search.extend(&mut chain) {
            Ok(()) if search.best.is_empty() => Err(search.refusal(&leaf)),
            Ok(()) => {
                search.passed.sort_unstable_by_key(|(distance, _)| *distance);
                let passed = search.passed.into_iter().map(|(_, sha256)| sha256).collect();
                Ok(Path { certificates: search.best, passed })
            }
            Err(OverBudget) => Err(PathRefusal::OverBudget { certificate: leaf.shown_name() }),
        }
    }

    /// Tries every issuer of the last certificate in `chain`, and theirs.
    fn extend(&mut self, chain: &mut Vec<Arc<Certificate>>) -> Result<(), OverBudget> {
        let Some(tip) = chain.last().cloned() else { return Ok(()) };
        if !self.reached.iter().any(|reached| reached.sha256() == tip.sha256()) {
            self.reached.push(Arc::clone(&tip));
        }
        let mut has_candidate = false;
        for (issuer, role) in self.candidates(&tip) {
            self.steps += 1;
            if self.steps > PATH_STEPS_MAX {
                return Err(OverBudget);
            }
            // A name and key that the path has already can be left out of it: no path is lost, and loops end.
            if chain.iter().any(|link| is_same_holder(link, &issuer)) {
                continue;
            }
            has_candidate = true;
            if let Some(fault) = issuer_fault(&issuer, role, chain, self.now_s) {
                self.unfit.push(Edge { certificate: Arc::clone(&tip), issuer, fault });
                continue;
            }
            if let Err(fault) = self.check_signature(&tip, &issuer)? {
                self.unsigned.push(Edge { certificate: Arc::clone(&tip), issuer, fault });
                continue;
            }
            if chain.len() == PATH_CERTIFICATES_MAX {
                self.too_long = true;
                continue;
            }
            chain.push(issuer);
            if role == Role::Anchor {
                self.note_path(chain);
            }
            self.extend(chain)?;
            chain.pop();
        }
        if !has_candidate {
            self.ends.push((chain.len(), tip));
        }
        Ok(())
    }

    /// Certificates with the name of the issuer of `tip`, those that can end the path first.
    fn candidates(&self, tip: &Certificate) -> Vec<(Arc<Certificate>, Role)> {
        let mut candidates = self.registered.by_subject.get(tip.issuer_der()).cloned().unwrap_or_default();
        candidates.sort_by_key(|(_, role)| std::cmp::Reverse(*role));
        let is_namesake = |sent: &&Arc<Certificate>| {
            sent.subject_der() == tip.issuer_der() && !self.registered.seen.contains(&sent.sha256())
        };
        candidates.extend(self.sent.iter().filter(is_namesake).map(|sent| (Arc::clone(sent), Role::Sent)));
        candidates
    }

    fn check_signature(
        &mut self,
        signed: &Certificate,
        signer: &Certificate,
    ) -> Result<Result<(), SignatureFault>, OverBudget> {
        let pair = (signed.sha256(), signer.sha256());
        if let Some(known) = self.signatures.get(&pair) {
            return Ok(known.clone());
        }
        self.checks += checks_of(signer.public_key());
        if self.checks > SIGNATURE_CHECKS_MAX {
            return Err(OverBudget);
        }
        let result = signed.check_signed_by(signer);
        self.signatures.insert(pair, result.clone());
        Ok(result)
    }

    /// `chain` ends at a verified CA.
    fn note_path(&mut self, chain: &[Arc<Certificate>]) {
        if chain.len() > self.best.len() {
            self.best = chain.to_vec();
        }
        for (distance, certificate) in chain.iter().enumerate().skip(1) {
            let sha256 = certificate.sha256();
            match self.passed.iter_mut().find(|(_, passed)| *passed == sha256) {
                Some((least, _)) => *least = distance.min(*least),
                None if self.registered.seen.contains(&sha256) => self.passed.push((distance, sha256)),
                None => {}
            }
        }
    }

    /// The most telling cause, once the search has found no path.
    fn refusal(mut self, leaf: &Certificate) -> PathRefusal {
        if let Some(ca) = self.missing_verification(leaf) {
            return PathRefusal::Unverified { ca: shown(ca.subject()) };
        }
        for Edge { certificate, issuer, fault } in std::mem::take(&mut self.unfit) {
            // Nothing verifies the signature of a key that is too short.
            let is_unverifiable = matches!(fault, IssuerFault::Unfit(Unfit::ShortKey { .. }));
            match self.check_signature(&certificate, &issuer) {
                Ok(Err(fault)) if !is_unverifiable => self.unsigned.push(Edge { certificate, issuer, fault }),
                Ok(_) => {
                    let (certificate, issuer) = (certificate.shown_name(), issuer.shown_name());
                    return PathRefusal::Issuer { certificate, issuer, fault };
                }
                Err(OverBudget) => break,
            }
        }
        if leaf.is_self_signed() {
            return PathRefusal::SelfSigned { certificate: leaf.shown_name() };
        }
        if self.too_long {
            return PathRefusal::TooLong { certificate: leaf.shown_name() };
        }
        self.unsigned.sort_by_key(|edge| edge.fault == SignatureFault::Wrong);
        let unsigned = self.unsigned.first();
        if let Some(Edge { certificate, issuer, fault }) =
            unsigned.filter(|edge| edge.fault != SignatureFault::Wrong || self.ends.is_empty())
        {
            return PathRefusal::Signature {
                certificate: certificate.shown_name(),
                issuer: shown(issuer.subject()),
                fault: fault.clone(),
            };
        }
        let end = self.ends.iter().max_by_key(|(length, end)| (end.is_self_issued(), *length));
        let end = end.map_or(leaf, |(_, end)| end);
        if !self.candidates(end).is_empty() || end.is_self_issued() {
            return PathRefusal::UnknownRoot { ca: shown(end.subject()) };
        }
        let (certificate, issuer) = (end.shown_name(), shown(end.issuer()));
        if self.is_named(end.issuer()) {
            PathRefusal::NameEncoding { certificate, issuer }
        } else {
            PathRefusal::UnknownIssuer { certificate, issuer }
        }
    }

    /// Whether a candidate's subject reads as `name`, in whichever bytes.
    fn is_named(&self, name: &str) -> bool {
        let registered = self.registered.by_subject.values().flatten().map(|(certificate, _)| certificate);
        registered.chain(self.sent).any(|certificate| certificate.subject() == name)
    }

    /// An unverified CA that is on the way, or signed a certificate that is.
    fn missing_verification(&mut self, leaf: &Certificate) -> Option<Arc<Certificate>> {
        let registered = self.registered;
        for tip in std::mem::take(&mut self.reached) {
            if tip.sha256() != leaf.sha256() && registered.unverified.contains(&tip.sha256()) {
                return Some(tip);
            }
            for ca in registered.unverified_by_subject.get(tip.issuer_der()).into_iter().flatten() {
                let is_ca = ca.sha256() != tip.sha256()
                    && check_ca(ca, self.now_s).is_ok()
                    && matches!(self.check_signature(&tip, ca), Ok(Ok(())));
                if is_ca {
                    return Some(Arc::clone(ca));
                }
            }
        }
        None
    }
}

/// How many checks a verification with this key counts for.
fn checks_of(key: PublicKey) -> usize {
    match key {
        PublicKey::P521 => P521_KEY_CHECKS,
        PublicKey::P384 | PublicKey::Rsa { bits: 4097.. } => SLOW_KEY_CHECKS,
        PublicKey::P256 | PublicKey::Ed25519 | PublicKey::Rsa { .. } | PublicKey::Other => 1,
    }
}

fn is_same_holder(left: &Certificate, right: &Certificate) -> bool {
    left.subject_der() == right.subject_der() && left.key_info_der() == right.key_info_der()
}

/// Why `issuer` may not sign the last certificate of `chain`, signature unseen.
pub(super) fn issuer_fault(
    issuer: &Certificate,
    role: Role,
    chain: &[Arc<Certificate>],
    now_s: i64,
) -> Option<IssuerFault> {
    match issuer.basic_constraints() {
        None if role == Role::Sent => return Some(IssuerFault::NoBasicConstraints),
        Some(constraints) if !constraints.ca => return Some(IssuerFault::NotCa),
        _ => {}
    }
    if issuer.key_usage().is_some_and(|usage| !usage.key_cert_sign) {
        return Some(IssuerFault::NoKeyCertSign);
    }
    if let Some(path_len) = issuer.basic_constraints().and_then(|constraints| constraints.path_len) {
        let found = chain.iter().skip(1).filter(|ca| !ca.is_self_issued()).count();
        if found > path_len as usize {
            return Some(IssuerFault::PathLen { path_len, found });
        }
    }
    path_fault(issuer, now_s).map(IssuerFault::Unfit)
}
