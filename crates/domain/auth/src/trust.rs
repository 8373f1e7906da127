//! The certificates that administrators registered with a hub or a DPS instance.

use std::sync::Arc;

use roadstead_model::{CaCertificate, Thumbprint, UnixSeconds};
use roadstead_pki::{Certificate, Registered, judge};

use crate::{certificate::thumbprint, refusal::AuthRefusal};

/// What an owner (a hub or a DPS instance) holds against a device's certificates: its uploaded CAs, the signing certificates
/// of enrollment groups and, for a hub, what the DPS instances linked to it hold. Read once, then shared.
#[derive(Debug, Default)]
pub struct Trust {
    certificates: Certificates,
    linked: Certificates,
    own: Registered,
    /// Own and linked; `None` when nothing is linked.
    all: Option<Registered>,
}

#[derive(Debug, Default, Clone)]
struct Certificates {
    verified: Vec<Arc<Certificate>>,
    signers: Vec<Arc<Certificate>>,
    unverified: Vec<Arc<Certificate>>,
}

/// How a device's certificate leads to a verified CA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// SHA-256 of the leaf, then of every other certificate it rests on. Revoking any of them calls for a new judgement.
    pub thumbprints: Vec<Thumbprint>,
    /// SHA-256 of the registered certificates that it passes, those nearest the leaf first.
    pub registered: Vec<Thumbprint>,
    /// Names for messages, leaf first: `["esp32-device", "TextileIoT-IntermediateCA"]`.
    pub names: Vec<String>,
}

impl Trust {
    /// An owner's uploaded CAs and the signing certificates (DER) of its enrollment groups. An unverified CA counts for
    /// nothing but the wording of a refusal. What cannot be read is left out: it was checked when it was uploaded.
    pub fn new<'a>(
        uploaded: impl IntoIterator<Item = &'a CaCertificate>,
        signers: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let read = |der: &[u8]| Certificate::from_der(der).ok().map(Arc::new);
        let mut certificates = Certificates::default();
        for ca in uploaded {
            let list = if ca.verified { &mut certificates.verified } else { &mut certificates.unverified };
            list.extend(read(&ca.der));
        }
        certificates.signers.extend(signers.into_iter().filter_map(read));
        Self { own: certificates.index(), certificates, linked: Certificates::default(), all: None }
    }

    /// Adds to a hub's trust what the DPS instances linked to it hold. It counts only for devices that DPS enrolled
    /// ([`Self::find_path_through`]), never for those that a hub administrator registered with the hub's own CAs.
    #[must_use]
    pub fn with_linked<'a>(self, linked: impl IntoIterator<Item = &'a Self>) -> Self {
        let (mut all, mut others) = (self.certificates.clone(), Certificates::default());
        for trust in linked {
            others.add(&trust.certificates);
        }
        all.add(&others);
        Self { all: Some(all.index()), linked: others, ..self }
    }

    /// How a chain (DER, leaf first) leads to a verified CA of this owner.
    ///
    /// Errors: [`AuthRefusal::Path`].
    pub fn find_path(&self, chain: &[Vec<u8>], now: UnixSeconds) -> Result<Path, AuthRefusal> {
        Ok(Path::of(&judge(chain, &self.own, now.0)?))
    }

    /// How a chain leads through a registered certificate, named by its SHA-256, to a verified CA of this owner or of one
    /// linked to it.
    ///
    /// Errors: [`AuthRefusal::Path`], [`AuthRefusal::NotThrough`].
    pub fn find_path_through(
        &self,
        chain: &[Vec<u8>],
        through: &Thumbprint,
        now: UnixSeconds,
    ) -> Result<Path, AuthRefusal> {
        let path = Path::of(&judge(chain, self.all.as_ref().unwrap_or(&self.own), now.0)?);
        if path.registered.contains(through) {
            Ok(path)
        } else {
            Err(AuthRefusal::NotThrough { through: through.clone(), path: path.names })
        }
    }

    /// SHA-256 of every certificate that counts here, linked ones included. What is missing from it after a change was revoked.
    pub fn thumbprints(&self) -> impl Iterator<Item = Thumbprint> {
        let lists =
            [&self.certificates.verified, &self.certificates.signers, &self.linked.verified, &self.linked.signers];
        lists.into_iter().flatten().map(|certificate| thumbprint(certificate.sha256()))
    }
}

impl Certificates {
    fn add(&mut self, other: &Self) {
        self.verified.extend_from_slice(&other.verified);
        self.signers.extend_from_slice(&other.signers);
        self.unverified.extend_from_slice(&other.unverified);
    }

    fn index(&self) -> Registered {
        let Self { verified, signers, unverified } = self.clone();
        Registered::new(verified, signers, unverified)
    }
}

impl Path {
    fn of(path: &roadstead_pki::Path) -> Self {
        let registered: Vec<Thumbprint> = path.registered().iter().copied().map(thumbprint).collect();
        let mut thumbprints: Vec<Thumbprint> = path.certificates().iter().map(|c| thumbprint(c.sha256())).collect();
        let beside: Vec<Thumbprint> = registered.iter().filter(|print| !thumbprints.contains(print)).cloned().collect();
        thumbprints.extend(beside);
        Self { thumbprints, registered, names: path.certificates().iter().map(|c| c.shown_name()).collect() }
    }
}
