//! Digests that name a certificate.

use crate::der;
use aws_lc_rs::digest;
use std::fmt;

/// The digest of a certificate's DER. Prints as upper-case hex without separators.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thumbprint {
    /// 40 hex digits. Azure shows it and still takes it for devices.
    Sha1([u8; 20]),
    /// 64 hex digits.
    Sha256([u8; 32]),
}

impl Thumbprint {
    /// A thumbprint as users write it: 40 or 64 hex digits in either case, colons and spaces overlooked.
    /// `None` for anything else. Source: `reference/hub-device.md` 4.2
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = Vec::with_capacity(64);
        for char in text.chars().filter(|char| !matches!(char, ':' | ' ')) {
            digits.push(char.to_digit(16).filter(|_| digits.len() < 64)? as u8);
        }
        let bytes: Vec<u8> =
            digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
        match digits.len() {
            40 => bytes.try_into().ok().map(Self::Sha1),
            64 => bytes.try_into().ok().map(Self::Sha256),
            _ => None,
        }
    }

    pub(crate) fn sha1_of(der: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der);
        Self::Sha1(digest.as_ref().try_into().expect("SHA-1 has 20 bytes"))
    }

    pub(crate) fn sha256_of(der: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, der);
        Self::Sha256(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match self {
            Self::Sha1(bytes) => &bytes[..],
            Self::Sha256(bytes) => &bytes[..],
        };
        out.write_str(&der::hex(bytes))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_users_write() {
        let sha1 = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709";
        let sha256 = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        let colons: Vec<String> =
            sha1.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_lowercase()).collect();
        for (text, expected) in [
            (sha1.to_owned(), Some(sha1)),
            (colons.join(":"), Some(sha1)),
            (colons.join(" "), Some(sha1)),
            (sha256.to_lowercase(), Some(sha256)),
            (String::new(), None),
            (sha1[1..].to_owned(), None),
            (format!("{sha256}0"), None),
            (sha1.replace('D', "G"), None),
            ("ä".repeat(40), None),
        ] {
            assert_eq!(Thumbprint::parse(&text).map(|print| print.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(Thumbprint::sha1_of(b"").to_string(), sha1);
        assert_eq!(Thumbprint::sha256_of(b"").to_string(), sha256);
    }
}
