//! Bounds of what is read of a TPM.

/// Characters of a public key in base64. That of an RSA key of 2048 bits has 424; TPM2B_PUBLIC of any key has at most a few
/// hundred bytes more. Ours.
pub const PUBLIC_CHARS_MAX: usize = 2048;
