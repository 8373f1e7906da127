//! Why there is no path, in words that say what to do.

use crate::certificate::CertificateError;
use crate::limits::{PATH_CERTIFICATES_MAX, SENT_BYTES_MAX, SENT_CERTIFICATES_MAX};
use crate::name::CommonNameFault;
use crate::signature::SignatureFault;
use crate::unfit::{Unfit, UnfitCertificate};

/// Why a certificate was not believed. Names in it are escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathRefusal {
    /// The client sent none.
    #[error("the device sent no certificate")]
    NoCertificate,
    /// More than [`SENT_CERTIFICATES_MAX`].
    #[error("the device sent {certificates} certificates, more than {SENT_CERTIFICATES_MAX}")]
    TooMany {
        /// How many.
        certificates: usize,
    },
    /// More than [`SENT_BYTES_MAX`].
    #[error("the device sent {bytes} bytes of certificates, more than {SENT_BYTES_MAX}")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// A certificate that was needed cannot be read.
    #[error("certificate number {position} that the device sent: {fault}")]
    Unreadable {
        /// Counted from 1, the device's own.
        position: usize,
        /// What is wrong with it.
        fault: CertificateError,
    },
    /// The device's certificate, or an issuer on its path, is of no use by itself.
    #[error(transparent)]
    Unfit(#[from] UnfitCertificate),
    /// The device's certificate does not name one device.
    #[error("certificate `{certificate}` {fault}")]
    CommonName {
        /// The device's certificate.
        certificate: String,
        /// What is wrong with its subject.
        fault: CommonNameFault,
    },
    /// The device's certificate is signed by itself.
    #[error("certificate `{certificate}` is self-signed: enroll it by its thumbprint, or let a verified CA sign it")]
    SelfSigned {
        /// The device's certificate.
        certificate: String,
    },
    /// The path breaks off: nobody has the next issuer.
    #[error(
        "issuer `{issuer}` of `{certificate}` is neither sent by the device nor registered: \
         upload and verify it, or let the device send it"
    )]
    UnknownIssuer {
        /// The certificate at which the path breaks off.
        certificate: String,
        /// Its issuer's name.
        issuer: String,
    },
    /// A candidate has the issuer's name, in other bytes.
    #[error(
        "issuer `{issuer}` of `{certificate}` is known, but its name is encoded otherwise there \
         (names must be equal byte by byte): make `{certificate}` again with the CA's very name"
    )]
    NameEncoding {
        /// The certificate at which the path breaks off.
        certificate: String,
        /// Its issuer's name.
        issuer: String,
    },
    /// The path ends at a CA that is self-signed, or part of a loop, and not verified here.
    #[error("the path ends at `{ca}`, which is no verified CA here: upload and verify it")]
    UnknownRoot {
        /// The CA.
        ca: String,
    },
    /// A CA that is uploaded and not verified would complete the path.
    #[error("CA `{ca}` is uploaded but not verified, so it counts for nothing: verify it")]
    Unverified {
        /// The CA.
        ca: String,
    },
    /// The true issuer of a certificate may not be one.
    #[error("issuer `{issuer}` of `{certificate}` {fault}")]
    Issuer {
        /// The certificate that it signed.
        certificate: String,
        /// The issuer.
        issuer: String,
        /// Why it may not.
        fault: IssuerFault,
    },
    /// No candidate that bears the issuer's name made the signature.
    #[error("certificate `{certificate}` names `{issuer}` as its issuer, but {fault}")]
    Signature {
        /// The certificate.
        certificate: String,
        /// Its issuer's name.
        issuer: String,
        /// What is wrong with the signature.
        fault: SignatureFault,
    },
    /// The path is longer than [`PATH_CERTIFICATES_MAX`].
    #[error("the path from `{certificate}` is longer than {PATH_CERTIFICATES_MAX} certificates")]
    TooLong {
        /// The device's certificate.
        certificate: String,
    },
    /// Too many candidates to try: no honest device sends so many namesakes.
    #[error("the issuers of `{certificate}` are too many to try: send only the certificates of its path")]
    OverBudget {
        /// The device's certificate.
        certificate: String,
    },
}

/// Why a certificate may not issue others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFault {
    /// `basicConstraints` is absent and nobody registered the certificate.
    #[error(
        "has no basicConstraints, so it is a CA only if an administrator registers it: \
         upload and verify it, or make it again with CA:TRUE"
    )]
    NoBasicConstraints,
    /// `basicConstraints` says `CA:FALSE`.
    #[error("is not a CA (basicConstraints says CA:FALSE)")]
    NotCa,
    /// `keyUsage` lacks `keyCertSign`.
    #[error("may not sign certificates (keyUsage lacks keyCertSign)")]
    NoKeyCertSign,
    /// More CAs lie below it than its `pathLen` allows.
    #[error("allows {path_len} CAs below it (pathLen), and there are {found}")]
    PathLen {
        /// Allowed.
        path_len: u32,
        /// Found.
        found: usize,
    },
    /// It is of no use at all.
    #[error("{0}")]
    Unfit(#[from] Unfit),
}
