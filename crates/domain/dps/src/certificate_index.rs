//! Which certificates individual enrollments hold: one certificate enrolls by one entry only.

use std::collections::HashSet;

use parking_lot::Mutex;
use roadstead_auth::certificate::thumbprint;
use roadstead_model::{Attestation, Enrollment, IdScope, Thumbprint};
use roadstead_pki::Certificate;
use roadstead_store::{Records, StoreError};
use tokio::sync::OnceCell;

use crate::{error::DpsError, limits::PAGE_ITEMS_MAX, provisioning::ReadCertificate};

/// Certificates that may be enrolled, by the first eight bytes of their SHA-256; a hit is looked up in the records. Filled
/// when the first certificate is enrolled, so that an instance starts without reading a million enrollments.
#[derive(Debug, Default)]
pub(crate) struct CertificateIndex {
    filled: OnceCell<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    maybe: HashSet<u64>,
    /// Those that are being written.
    reserved: HashSet<Thumbprint>,
}

/// Certificates set aside for an enrollment that is being written.
#[derive(Debug)]
pub(crate) struct Reservation<'a> {
    index: &'a CertificateIndex,
    certificates: Vec<Thumbprint>,
}

impl CertificateIndex {
    /// Sets certificates aside for `owner` (a registration id in lower case).
    ///
    /// Errors: `CertificateTaken`; `Concurrent` when another request is about to enroll one of them; `Internal`.
    pub(crate) async fn reserve(
        &self,
        records: &dyn Records,
        scope: &IdScope,
        owner: &str,
        certificates: &[ReadCertificate],
    ) -> Result<Reservation<'_>, DpsError> {
        self.fill(records, scope).await?;
        let mut reservation = Reservation { index: self, certificates: Vec::new() };
        for ReadCertificate { member, certificate } in certificates {
            let print = thumbprint(certificate.sha256());
            if reservation.certificates.contains(&print) {
                continue;
            }
            let maybe_taken = {
                let mut state = self.state.lock();
                if !state.reserved.insert(print.clone()) {
                    return Err(DpsError::Concurrent { id: owner.to_owned() });
                }
                state.maybe.contains(&short(&print))
            };
            reservation.certificates.push(print);
            if maybe_taken && let Some(other) = find_owner(records, scope, certificate, owner).await? {
                let owner = format!("enrollment `{}`", other.registration_id);
                return Err(DpsError::CertificateTaken { member, owner });
            }
        }
        Ok(reservation)
    }

    async fn fill(&self, records: &dyn Records, scope: &IdScope) -> Result<(), StoreError> {
        let fill = || async {
            let mut after: Option<String> = None;
            loop {
                let page = records.list_enrollments(scope, after.as_deref(), PAGE_ITEMS_MAX).await?;
                let prints = page.items.iter().flat_map(ders).filter_map(|der| Certificate::from_der(der).ok());
                self.state.lock().maybe.extend(prints.map(|read| short(&thumbprint(read.sha256()))));
                if page.next.is_none() {
                    return Ok(());
                }
                after = page.next;
            }
        };
        self.filled.get_or_try_init(fill).await.copied()
    }
}

impl Reservation<'_> {
    /// The enrollment was written.
    pub(crate) fn keep(self) {
        self.index.state.lock().maybe.extend(self.certificates.iter().map(short));
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut state = self.index.state.lock();
        for certificate in &self.certificates {
            state.reserved.remove(certificate);
        }
    }
}

async fn find_owner(
    records: &dyn Records,
    scope: &IdScope,
    certificate: &Certificate,
    but: &str,
) -> Result<Option<Enrollment>, StoreError> {
    let mut after: Option<String> = None;
    loop {
        let page = records.list_enrollments(scope, after.as_deref(), PAGE_ITEMS_MAX).await?;
        let is_owner = |enrollment: &Enrollment| {
            enrollment.registration_id.key() != but && ders(enrollment).any(|der| der == certificate.der())
        };
        if let Some(owner) = page.items.into_iter().find(is_owner) {
            return Ok(Some(owner));
        }
        if page.next.is_none() {
            return Ok(None);
        }
        after = page.next;
    }
}

fn ders(enrollment: &Enrollment) -> impl Iterator<Item = &[u8]> {
    let entries = match &enrollment.attestation {
        Attestation::SymmetricKey(_) | Attestation::Tpm(_) => [None, None],
        Attestation::ClientCertificate { primary, secondary } => [primary.as_ref(), secondary.as_ref()],
    };
    entries.into_iter().flatten().map(|entry| &*entry.der)
}

fn short(thumbprint: &Thumbprint) -> u64 {
    let digits = thumbprint.as_str().get(..16).unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or_default()
}
