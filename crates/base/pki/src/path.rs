//! Whether a device's certificate leads to a CA that an administrator verified.
//!
//! The candidates are the certificates that the device sent and those that an administrator registered. Names are
//! equal when their DER is. Every certificate of a path must be within its dates, without unknown critical extensions,
//! not for servers only, and with a key and signature that cannot be forged; every issuer must be a CA by
//! `basicConstraints`, may sign certificates, and keeps its `pathLen`. **One tolerance: an issuer without
//! `basicConstraints` counts when an administrator registered that very certificate**, never because it arrived in a
//! handshake, since any device could then mint certificates for others. An explicit `CA:FALSE` never counts.
//!
//! The search is exhaustive within its budget, so that [`Path::passes_through`] does not depend on what else was sent:
//! over the budget there is no path at all.
//!
//! Source: `DESIGN.md` section 9

mod refusal;
mod search;

pub use refusal::{IssuerFault, PathRefusal};

use crate::certificate::{Certificate, CertificateError};
use crate::limits::{SENT_BYTES_MAX, SENT_CERTIFICATES_MAX};
use crate::thumbprint::Thumbprint;
use crate::unfit::{UnfitCertificate, path_fault};
use search::Search;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What administrators registered with a hub or a DPS instance, indexed for [`judge`]: make it once and keep it.
#[derive(Debug, Clone, Default)]
pub struct Registered {
    by_subject: HashMap<Vec<u8>, Vec<(Arc<Certificate>, Role)>>,
    seen: HashSet<Thumbprint>,
    unverified_by_subject: HashMap<Vec<u8>, Vec<Arc<Certificate>>>,
    unverified: HashSet<Thumbprint>,
}

/// By whom a certificate came here. Later ones count for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    /// The device sent it.
    Sent,
    /// An administrator registered it as a signer: a path may go through it and must go on.
    Signer,
    /// An administrator verified it: a path may end here.
    Anchor,
}

impl Registered {
    /// The verified CAs, the signing certificates of enrollment groups, and the CAs that are uploaded but not verified.
    /// The last count for nothing; they only make a refusal say so.
    pub fn new(
        anchors: impl IntoIterator<Item = Arc<Certificate>>,
        signers: impl IntoIterator<Item = Arc<Certificate>>,
        unverified: impl IntoIterator<Item = Arc<Certificate>>,
    ) -> Self {
        let mut registered = Self::default();
        let anchors = anchors.into_iter().map(|certificate| (certificate, Role::Anchor));
        for (certificate, role) in anchors.chain(signers.into_iter().map(|certificate| (certificate, Role::Signer))) {
            if registered.seen.insert(certificate.sha256()) {
                let namesakes = registered.by_subject.entry(certificate.subject_der().to_vec()).or_default();
                namesakes.push((certificate, role));
            }
        }
        for certificate in unverified {
            if !registered.seen.contains(&certificate.sha256()) && registered.unverified.insert(certificate.sha256()) {
                let subject = certificate.subject_der().to_vec();
                registered.unverified_by_subject.entry(subject).or_default().push(certificate);
            }
        }
        registered
    }
}

/// A device's certificate and how it leads to a verified CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    certificates: Vec<Arc<Certificate>>,
    passed: Vec<Thumbprint>,
}

impl Path {
    /// The longest of the paths: the leaf first, each signed by the next, a verified CA last.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    /// SHA-256 of every registered certificate that some path goes through, those nearest the leaf first. An enrollment
    /// group matches when its certificate is among them, and the first match decides.
    ///
    /// Source: Azure docs (`reference/dps.md` 2.4)
    pub fn registered(&self) -> &[Thumbprint] {
        &self.passed
    }

    /// Whether some path goes through the registered certificate with this SHA-256.
    pub fn passes_through(&self, sha256: Thumbprint) -> bool {
        self.passed.contains(&sha256)
    }

    /// The issuers that are CAs only because an administrator registered them: worth a warning.
    pub fn tolerated(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.certificates.iter().skip(1).filter(|issuer| issuer.basic_constraints().is_none())
    }
}

/// Whether `ca` can serve as a registered CA at `now_s`: for telling at upload. A CA without `basicConstraints` passes
/// here by the tolerance, which is worth a warning: see [`Certificate::basic_constraints`].
///
/// Errors: [`IssuerFault`], whose text goes on from the CA's name.
pub fn check_ca(ca: &Certificate, now_s: i64) -> Result<(), IssuerFault> {
    search::issuer_fault(ca, Role::Anchor, &[], now_s).map_or(Ok(()), Err)
}

/// Finds how `sent` (DER, the device's own certificate first, the rest in any order) leads to a verified CA at `now_s`
/// (Unix seconds). The leaf speaks for one device: it has one common name, see [`Certificate::common_name`].
///
/// A self-signed leaf has no path; enroll it by its thumbprint, see [`check_leaf`](crate::check_leaf).
/// Sent certificates beyond the leaf that cannot be read are passed over.
///
/// Errors: [`PathRefusal`], whose text names the certificate, the cause and the remedy.
pub fn judge(sent: &[impl AsRef<[u8]>], registered: &Registered, now_s: i64) -> Result<Path, PathRefusal> {
    if sent.len() > SENT_CERTIFICATES_MAX {
        return Err(PathRefusal::TooMany { certificates: sent.len() });
    }
    let bytes = sent.iter().map(|der| der.as_ref().len()).sum();
    if bytes > SENT_BYTES_MAX {
        return Err(PathRefusal::TooLarge { bytes });
    }
    let Some((leaf, issuers)) = sent.split_first() else { return Err(PathRefusal::NoCertificate) };
    let leaf = Certificate::from_der(leaf.as_ref()).map_err(|fault| PathRefusal::Unreadable { position: 1, fault })?;
    if let Some(fault) = path_fault(&leaf, now_s) {
        return Err(UnfitCertificate { certificate: leaf.shown_name(), fault }.into());
    }
    if let Err(fault) = leaf.common_name() {
        return Err(PathRefusal::CommonName { certificate: leaf.shown_name(), fault });
    }
    let mut unreadable: Option<(usize, CertificateError)> = None;
    let mut issuer_certificates = Vec::with_capacity(issuers.len());
    for (index, der) in issuers.iter().enumerate() {
        match Certificate::from_der(der.as_ref()) {
            Ok(certificate) => issuer_certificates.push(Arc::new(certificate)),
            Err(fault) => unreadable = unreadable.or(Some((index + 2, fault))),
        }
    }
    let refusal = match Search::run(Arc::new(leaf), &issuer_certificates, registered, now_s) {
        Ok(path) => return Ok(path),
        Err(refusal) => refusal,
    };
    match (unreadable, &refusal) {
        (Some((position, fault)), PathRefusal::UnknownIssuer { .. }) => {
            Err(PathRefusal::Unreadable { position, fault })
        }
        _ => Err(refusal),
    }
}
