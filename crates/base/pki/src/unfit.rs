//! What a certificate lacks by itself, whoever signed it.

use crate::certificate::{Certificate, PublicKey};
use crate::limits::RSA_BITS_MIN;
use std::fmt;

/// Why a certificate is of no use, whoever signed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// `now` is after its last second.
    #[error("expired {} ago: renew it", Span(*.by_s))]
    Expired {
        /// Seconds since.
        by_s: i64,
    },
    /// `now` is before its first second.
    #[error("is not valid before {} from now: set the clock of the machine that made it, or this one's", Span(*.in_s))]
    NotYetValid {
        /// Seconds until.
        in_s: i64,
    },
    /// Its RSA key is too short.
    #[error("has an RSA key of {bits} bits: at least {RSA_BITS_MIN} are needed")]
    ShortKey {
        /// Bits of the modulus.
        bits: usize,
    },
    /// It demands understanding of an extension that nothing here understands.
    #[error("has a critical extension {oid} that is not supported")]
    UnknownCritical {
        /// Dotted object identifier.
        oid: String,
    },
    /// Its `extendedKeyUsage` makes it a server's.
    #[error("is for TLS servers only (extendedKeyUsage has serverAuth and no clientAuth)")]
    ServerOnly,
}

/// A certificate and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("certificate `{certificate}` {fault}")]
pub struct UnfitCertificate {
    /// Its common name or subject, fit for messages.
    pub certificate: String,
    /// What it lacks.
    pub fault: Unfit,
}

/// Judges the leaf of an enrollment or device that names this very certificate by its thumbprint: the dates count,
/// nothing else does.
///
/// Errors: [`UnfitCertificate`]. Source: `DESIGN.md` section 9; `reference/dps.md` 2.4; `reference/hub-device.md` 4.2
pub fn check_leaf(leaf: &Certificate, now_s: i64) -> Result<(), UnfitCertificate> {
    match dates_fault(leaf, now_s) {
        None => Ok(()),
        Some(fault) => Err(UnfitCertificate { certificate: leaf.shown_name(), fault }),
    }
}

/// What any certificate of a path lacks at `now_s`.
pub(crate) fn path_fault(certificate: &Certificate, now_s: i64) -> Option<Unfit> {
    if let PublicKey::Rsa { bits: bits @ ..RSA_BITS_MIN } = certificate.public_key() {
        return Some(Unfit::ShortKey { bits });
    }
    if let Some(oid) = certificate.unknown_critical() {
        return Some(Unfit::UnknownCritical { oid: oid.to_owned() });
    }
    if certificate.extended_key_usage().is_some_and(|usage| usage.server_auth && !usage.client_auth && !usage.any) {
        return Some(Unfit::ServerOnly);
    }
    dates_fault(certificate, now_s)
}

pub(crate) fn dates_fault(certificate: &Certificate, now_s: i64) -> Option<Unfit> {
    if now_s > certificate.not_after_s() {
        Some(Unfit::Expired { by_s: now_s.saturating_sub(certificate.not_after_s()) })
    } else if now_s < certificate.not_before_s() {
        Some(Unfit::NotYetValid { in_s: certificate.not_before_s().saturating_sub(now_s) })
    } else {
        None
    }
}

/// Seconds for people: `3 days`, `5 h 12 min`, `40 s`.
struct Span(i64);

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minutes, hours, days) = (self.0 / 60, self.0 / 3600, self.0 / 86400);
        match self.0 {
            ..120 => write!(out, "{} s", self.0),
            120..3600 => write!(out, "{minutes} min"),
            3600..172_800 => write!(out, "{hours} h {} min", minutes % 60),
            _ => write!(out, "{days} days"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        for (seconds, text) in
            [(1, "1 s"), (119, "119 s"), (120, "2 min"), (3599, "59 min"), (18_720, "5 h 12 min"), (259_200, "3 days")]
        {
            assert_eq!(Span(seconds).to_string(), text);
        }
    }
}
