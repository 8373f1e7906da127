//! Proof that who uploaded a CA certificate holds its key.

use crate::certificate::Certificate;
use crate::name::{CommonNameFault, shown};
use crate::signature::SignatureFault;
use crate::unfit::{Unfit, dates_fault, path_fault};

/// Why a certificate proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefusal {
    /// Its subject has not one common name.
    #[error("the verification certificate {0}")]
    CommonName(#[from] CommonNameFault),
    /// Its common name is not the code.
    #[error("the verification certificate is for `{found}`: its common name (CN) must be the verification code")]
    WrongCode {
        /// Its common name.
        found: String,
    },
    /// It is outside its dates.
    #[error("the verification certificate {0}")]
    Unfit(#[from] Unfit),
    /// The CA itself is expired or too weak.
    #[error("the CA certificate {0}")]
    UnfitCa(Unfit),
    /// Another CA issued it.
    #[error("the verification certificate is issued by `{issuer}`, not by `{ca}`")]
    WrongIssuer {
        /// Its issuer's name.
        issuer: String,
        /// The CA's name.
        ca: String,
    },
    /// The CA's key did not sign it.
    #[error("the verification certificate bears the CA's name, but {0}")]
    Signature(#[from] SignatureFault),
}

/// Whether `proof` shows possession of the key of `ca`: its common name is `code` and that key signed it. Both may be
/// v1 certificates without extensions.
///
/// Errors: [`ProofRefusal`]. Source: Azure docs (`reference/dps.md` 2.4); `DESIGN.md` section 5
pub fn check_proof(ca: &Certificate, proof: &Certificate, code: &str, now_s: i64) -> Result<(), ProofRefusal> {
    let found = proof.common_name()?;
    if found != code {
        return Err(ProofRefusal::WrongCode { found: shown(found) });
    }
    if proof.issuer_der() != ca.subject_der() {
        return Err(ProofRefusal::WrongIssuer { issuer: shown(proof.issuer()), ca: shown(ca.subject()) });
    }
    if let Some(fault) = path_fault(ca, now_s) {
        return Err(ProofRefusal::UnfitCa(fault));
    }
    if let Some(fault) = dates_fault(proof, now_s) {
        return Err(fault.into());
    }
    Ok(proof.check_signed_by(ca)?)
}
