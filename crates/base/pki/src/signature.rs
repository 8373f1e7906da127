//! Whether one certificate's key signed another certificate.

use crate::certificate::Certificate;
use crate::der;

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Another key made it, or the certificate was changed.
    #[error("its signature was not made by that key")]
    Wrong,
    /// Made with SHA-1, MD5 or MD2.
    #[error("its signature is made with {hash}, which can be forged")]
    Weak {
        /// `SHA-1`, `MD5` or `MD2`.
        hash: &'static str,
    },
    /// An algorithm that nothing here verifies.
    #[error("its signature algorithm {oid} is not supported")]
    Unsupported {
        /// Dotted object identifier.
        oid: String,
    },
}

/// Object identifiers of signatures that can be forged.
const WEAK: [(&[u8], &str); 6] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x02], "MD2"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04], "MD5"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], "SHA-1"),
    (&[0x2b, 0x0e, 0x03, 0x02, 0x1d], "SHA-1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], "SHA-1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03], "SHA-1"),
];

impl Certificate {
    /// Verifies this certificate's signature with the key of `issuer`, names and dates unseen.
    ///
    /// Errors: [`SignatureFault`].
    pub fn check_signed_by(&self, issuer: &Certificate) -> Result<(), SignatureFault> {
        verify(
            self.signature_algorithm(),
            self.signature_bytes(),
            self.signed_bytes(),
            (issuer.key_algorithm(), issuer.key_bytes()),
        )
    }
}

/// Verifies a signature over `signed` with a key: the contents of its `AlgorithmIdentifier`, and its bytes. `algorithm` are the
/// contents of the signature's.
pub(crate) fn verify(
    algorithm: &[u8],
    signature: &[u8],
    signed: &[u8],
    (key_algorithm, key): (&[u8], &[u8]),
) -> Result<(), SignatureFault> {
    let mut known =
        webpki::ALL_VERIFICATION_ALGS.iter().filter(|known| *known.signature_alg_id() == *algorithm).peekable();
    if known.peek().is_none() {
        return Err(unverifiable(algorithm));
    }
    known
        .find(|known| *known.public_key_alg_id() == *key_algorithm)
        .ok_or(SignatureFault::Wrong)?
        .verify_signature(key, signed, signature)
        .map_err(|_| SignatureFault::Wrong)
}

fn unverifiable(algorithm: &[u8]) -> SignatureFault {
    let oid = der::Reader::new(algorithm).next().map(|oid| oid.contents).unwrap_or_default();
    match WEAK.iter().find(|(weak, _)| *weak == oid) {
        Some((_, hash)) => SignatureFault::Weak { hash },
        None => SignatureFault::Unsupported { oid: der::oid_text(oid) },
    }
}
