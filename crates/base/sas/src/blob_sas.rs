//! The signature with which a device may upload one file: the query that it appends to the blob's address.
//!
//! It looks like one of Azure Storage's, since SDKs pass it on unread, but is signed with a key of our own.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{key::SasKey, limits::BLOB_SIGNATURE_BYTES_MAX, percent};

/// What all of these signatures say of themselves: the storage version whose form they have.
const VERSION: &str = "2021-06-08";

/// The key that signs one hub's uploads.
#[derive(Debug, Clone)]
pub struct UploadKey(SasKey);

/// What a signature lets do with its blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRights {
    /// `r`
    pub read: bool,
    /// `w`: put, put blocks, commit.
    pub write: bool,
}

/// Why a signature does not open a blob. Worded for the uploader; carries no part of the signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobSasError {
    /// The query has no signature, or only parts of one.
    #[error("the address carries no signature: `{field}` is missing; append the sasToken as it was given")]
    Missing {
        /// `sig`
        field: &'static str,
    },
    /// A field is there twice, is too long, or cannot be read.
    #[error("`{field}` of the signature cannot be read")]
    Unreadable {
        /// `se`
        field: &'static str,
    },
    /// Signed for another blob or hub, with another key, or altered since.
    #[error("the signature is not for this blob, or was altered")]
    Mismatch,
    /// Past its `se`.
    #[error("the signature expired at {expiry}; ask for another")]
    Expired {
        /// As in the query: `2026-11-22T04:00:00Z`.
        expiry: String,
    },
    /// The signature is good, but not for this.
    #[error("the signature does not allow to {what} the blob (sp={sp})")]
    Lacks {
        /// `write`
        what: &'static str,
        /// As in the query.
        sp: String,
    },
}

impl UploadKey {
    /// The key of one hub, from a secret of the installation. `hub`: what names the hub's data for ever.
    pub fn derive(installation: &[u8], hub: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, installation);
        let derived = hmac::sign(&key, ["uploads of a hub\n", hub].concat().as_bytes());
        Self(SasKey::from_bytes(derived.as_ref().to_vec()))
    }

    /// Signs one blob, `dev1/logs/1.txt`, until `expiry`: `2026-11-22T04:00:00Z`, UTC.
    ///
    /// Shape: `?sv=2021-06-08&sr=b&sig=…%3D&se=2026-11-22T04%3A00%3A00Z&sp=rw`. Source: `reference/hub-device.md` 2.3
    pub fn sign(&self, blob: &str, rights: BlobRights, expiry: &str) -> String {
        let sp = rights.to_string();
        let sig = hmac::sign(&self.0.hmac(), signed_text(VERSION, blob, &sp, expiry).as_bytes());
        let (sig, se) = (percent::encode(&STANDARD.encode(sig)), percent::encode(expiry));
        format!("?sv={VERSION}&sr=b&sig={sig}&se={se}&sp={sp}")
    }

    /// A seal of 32 bytes on a text of another kind, which [`UploadKey::unseal`] knows again.
    pub fn seal(&self, text: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.0.hmac(), ["sealed\n", text].concat().as_bytes());
        tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Whether this is the seal of the text, in constant time.
    pub fn unseal(&self, text: &str, seal: &[u8; 32]) -> bool {
        hmac::verify(&self.0.hmac(), ["sealed\n", text].concat().as_bytes(), seal).is_ok()
    }

    /// Judges the query of a request for `blob`, its arguments decoded. Others than those of a signature are passed over.
    /// `now` has the form of an expiry. The comparison takes constant time.
    ///
    /// Errors: [`BlobSasError`]; that of a signature that does not match before that of one that expired.
    pub fn judge<'a>(
        &self,
        blob: &str,
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: &str,
    ) -> Result<BlobRights, BlobSasError> {
        let [sv, sr, sig, se, sp] = fields(query)?;
        if sr != "b" {
            return Err(BlobSasError::Unreadable { field: "sr" });
        }
        let sig = STANDARD.decode(sig).map_err(|_| BlobSasError::Unreadable { field: "sig" })?;
        hmac::verify(&self.0.hmac(), signed_text(sv, blob, sp, se).as_bytes(), &sig)
            .map_err(|_| BlobSasError::Mismatch)?;
        // Both were printed by us, in one form: as texts they are in the order of time.
        if now >= se {
            return Err(BlobSasError::Expired { expiry: se.to_owned() });
        }
        Ok(BlobRights { read: sp.contains('r'), write: sp.contains('w') })
    }
}

impl BlobRights {
    /// Errors: `Lacks`.
    pub fn check_read(self) -> Result<(), BlobSasError> {
        if self.read { Ok(()) } else { Err(BlobSasError::Lacks { what: "read", sp: self.to_string() }) }
    }

    /// Errors: `Lacks`.
    pub fn check_write(self) -> Result<(), BlobSasError> {
        if self.write { Ok(()) } else { Err(BlobSasError::Lacks { what: "write", sp: self.to_string() }) }
    }
}

impl fmt::Display for BlobRights {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.read { "r" } else { "" })?;
        out.write_str(if self.write { "w" } else { "" })
    }
}

fn signed_text(version: &str, blob: &str, sp: &str, se: &str) -> String {
    // No field but the last has a line feed in what we sign, so no two signed things are one text.
    [version, "\n", sp, "\n", se, "\n", blob].concat()
}

fn fields<'a>(query: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<[&'a str; 5], BlobSasError> {
    const NAMES: [&str; 5] = ["sv", "sr", "sig", "se", "sp"];
    let mut found = [None; 5];
    for (name, value) in query {
        let Some(at) = NAMES.iter().position(|known| *known == name) else { continue };
        let unreadable = value.len() > BLOB_SIGNATURE_BYTES_MAX || value.contains('\n');
        if unreadable || found[at].replace(value).is_some() {
            return Err(BlobSasError::Unreadable { field: NAMES[at] });
        }
    }
    let mut values = [""; 5];
    for (at, field) in NAMES.into_iter().enumerate() {
        values[at] = found[at].filter(|value| !value.is_empty()).ok_or(BlobSasError::Missing { field })?;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-22T03:00:00Z";
    const LATER: &str = "2026-11-22T04:00:00Z";
    const READ_WRITE: BlobRights = BlobRights { read: true, write: true };

    fn key() -> UploadKey {
        UploadKey::derive(&[7; 32], "0000000000000007")
    }

    fn parsed(token: &str) -> Vec<(String, String)> {
        let decode = |text: &str| percent::decode(text).unwrap().into_owned();
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decode(name), decode(value))).unwrap();
        token.strip_prefix('?').unwrap().split('&').map(pair).collect()
    }

    fn judge(key: &UploadKey, blob: &str, query: &[(String, String)], now: &str) -> Result<BlobRights, BlobSasError> {
        key.judge(blob, query.iter().map(|(name, value)| (name.as_str(), value.as_str())), now)
    }

    #[test]
    fn looks_like_azures() {
        let token = key().sign("dev1/logs/1.txt", READ_WRITE, LATER);
        let (head, tail) = token.split_once("&sig=").unwrap();
        assert_eq!(head, "?sv=2021-06-08&sr=b");
        assert!(tail.ends_with("%3D&se=2026-11-22T04%3A00%3A00Z&sp=rw"), "{token}");
    }

    #[test]
    fn opens_its_blob_until_it_expires() {
        let query = parsed(&key().sign("dev1/logs/1.txt", READ_WRITE, LATER));
        assert_eq!(judge(&key(), "dev1/logs/1.txt", &query, NOW), Ok(READ_WRITE));
        let mut shuffled: Vec<_> = query.iter().rev().cloned().collect();
        shuffled.push(("comp".to_owned(), "block".to_owned()));
        assert_eq!(judge(&key(), "dev1/logs/1.txt", &shuffled, NOW), Ok(READ_WRITE));
        let expired = Err(BlobSasError::Expired { expiry: LATER.to_owned() });
        assert_eq!(judge(&key(), "dev1/logs/1.txt", &query, LATER), expired);
        let read = BlobRights { read: true, write: false };
        let query = parsed(&key().sign("a", read, LATER));
        assert_eq!(judge(&key(), "a", &query, NOW), Ok(read));
        assert_eq!(read.check_read(), Ok(()));
        let refused = read.check_write().unwrap_err().to_string();
        assert_eq!(refused, "the signature does not allow to write the blob (sp=r)");
    }

    #[test]
    fn opens_nothing_else() {
        let query = parsed(&key().sign("dev1/logs/1.txt", READ_WRITE, LATER));
        for blob in ["dev1/logs/2.txt", "dev2/logs/1.txt", "dev1/Logs/1.txt", "dev1/logs/1.txt/", ""] {
            assert_eq!(judge(&key(), blob, &query, NOW), Err(BlobSasError::Mismatch), "{blob}");
        }
        let others = [UploadKey::derive(&[7; 32], "0000000000000008"), UploadKey::derive(&[8; 32], "0000000000000007")];
        for other in others {
            assert_eq!(judge(&other, "dev1/logs/1.txt", &query, NOW), Err(BlobSasError::Mismatch));
        }
        for (field, value) in [
            ("se", "2027-11-22T04:00:00Z"),
            ("sp", "r"),
            ("sv", "2022-06-08"),
            ("sig", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("sig", "AAAA"),
        ] {
            let mut altered = query.clone();
            altered.iter_mut().filter(|(name, _)| name == field).for_each(|(_, old)| value.clone_into(old));
            assert_eq!(judge(&key(), "dev1/logs/1.txt", &altered, NOW), Err(BlobSasError::Mismatch), "{field}={value}");
        }
    }

    #[test]
    fn seals_are_of_one_text_and_never_signatures() {
        let seal = key().seal("a");
        assert!(key().unseal("a", &seal) && !key().unseal("b", &seal));
        assert!(!UploadKey::derive(&[7; 32], "8").unseal("a", &seal));
        let text = signed_text(VERSION, "a", "rw", LATER);
        assert!(!key().unseal(&text, &hmac::sign(&key().0.hmac(), text.as_bytes()).as_ref().try_into().unwrap()));
    }

    #[test]
    fn half_a_signature_is_none() {
        let query = parsed(&key().sign("a", READ_WRITE, LATER));
        for (at, field) in ["sv", "sr", "sig", "se", "sp"].into_iter().enumerate() {
            let mut without = query.clone();
            without.remove(at);
            assert_eq!(judge(&key(), "a", &without, NOW), Err(BlobSasError::Missing { field }));
            let mut twice = query.clone();
            twice.push(query[at].clone());
            assert_eq!(judge(&key(), "a", &twice, NOW), Err(BlobSasError::Unreadable { field }));
        }
        for (field, value) in [("sr", "c"), ("sig", "*"), ("se", "a\nb")] {
            let mut altered = query.clone();
            altered.iter_mut().filter(|(name, _)| name == field).for_each(|(_, old)| value.clone_into(old));
            assert_eq!(judge(&key(), "a", &altered, NOW), Err(BlobSasError::Unreadable { field }));
        }
        assert_eq!(judge(&key(), "a", &[], NOW), Err(BlobSasError::Missing { field: "sv" }));
    }
}
