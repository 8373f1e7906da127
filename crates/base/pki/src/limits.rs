//! Every bound of this crate. The budgets of the path builder are rulings of `DESIGN.md` section 9; Azure publishes none.

/// Certificates a client may send in one handshake, leaf included.
pub const SENT_CERTIFICATES_MAX: usize = 32;

/// Bytes of DER a client may send in one handshake, all certificates together.
pub const SENT_BYTES_MAX: usize = 64 * 1024;

/// Certificates in a path, leaf and anchor included.
pub const PATH_CERTIFICATES_MAX: usize = 10;

/// Signatures verified for one answer, slow keys counted several times so that the answer comes within 50 ms.
pub const SIGNATURE_CHECKS_MAX: usize = 200;

/// What a check with a P-384 or RSA key over 4096 bits counts. Measured, one 2.5 GHz core: 0.35 and 0.29 ms, against
/// 0.1 ms for P-256 and 0.085 ms for RSA-4096.
pub const SLOW_KEY_CHECKS: usize = 3;

/// What a check with a P-521 key counts. Measured: 0.65 ms.
pub const P521_KEY_CHECKS: usize = 6;

/// Candidates looked at for one answer. An honest fleet needs fewer than 20; parallel twins on every level would
/// otherwise multiply without costing a signature check.
pub const PATH_STEPS_MAX: usize = 4000;

/// Shortest RSA key, in bits.
pub const RSA_BITS_MIN: usize = 2048;

/// Nesting of DER values. A certificate needs about 8.
pub const DER_DEPTH_MAX: usize = 16;

/// Bytes of one certificate text that is uploaded: PEM, base64 of PEM, or base64 of DER, comments included.
/// `guess (?)`: Azure publishes none; an RSA-8192 certificate is 5 KiB of PEM.
pub const UPLOAD_TEXT_BYTES_MAX: usize = 64 * 1024;

/// Certificates in one uploaded text.
pub const UPLOAD_CERTIFICATES_MAX: usize = 32;

/// Characters of a name that a message shows.
pub const SHOWN_NAME_CHARS_MAX: usize = 128;

/// Longest common name issued, in characters. Source: RFC 5280 appendix A, `ub-common-name`; `reference/dps.md` 2.3.
pub const COMMON_NAME_CHARS_MAX: usize = 64;

/// Names and addresses in one server certificate.
pub const SERVER_NAMES_MAX: usize = 100;

/// Seconds by which an issued certificate begins before it was made, for devices whose clock is slow.
/// Source: the five minutes that Azure forgives a SAS token.
pub const BACKDATE_S: i64 = 300;

/// Bytes of one certificate request in PEM, comments included. Ours: one for an RSA key of 4096 bits has 1.7 KiB.
pub const REQUEST_TEXT_BYTES_MAX: usize = 16 * 1024;

/// Longest RSA key of a request, in bits: each connect of its device costs a check. Source: docs, DPS X.509 attestation (4096).
pub const REQUEST_RSA_BITS_MAX: usize = 4096;

/// Bytes of a serial number, of which all bits but two are random. Source: RFC 5280 4.1.2.2 (at most 20); CA/Browser Forum
/// baseline requirements (at least 64 random bits).
pub const SERIAL_BYTES: usize = 18;
