//! Versions of records, as clients carry them in `If-Match`.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::clock::Random;

/// A record's version, without quotes: `NzQ1NTM2MDQ4`. Two equal etags mean the same stored record.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Etag(Box<str>);

impl Etag {
    /// A new, unpredictable version.
    pub fn fresh(random: &dyn Random) -> Self {
        let mut bytes = [0; 9];
        random.fill(&mut bytes);
        Self(STANDARD.encode(bytes).into())
    }

    /// A twin's version as Azure prints it: base64 of a counter in eight bytes, `AAAAAAAAAAE=` for 1.
    pub fn counted(counter: u64) -> Self {
        Self(STANDARD.encode(counter.to_be_bytes()).into())
    }

    /// The one after a [counted](Etag::counted) etag. One that is not counted is followed by the first.
    #[must_use]
    pub fn next(&self) -> Self {
        let counter = STANDARD.decode(self.as_str()).ok().and_then(|bytes| bytes.try_into().ok());
        Self::counted(counter.map_or(0, u64::from_be_bytes).wrapping_add(1))
    }

    /// An etag as a client sends it: `"abc"`, `abc` or `W/"abc"` all mean `abc`. Without quotes `W/` is part of the etag, as
    /// base64 may begin so.
    pub fn from_client(text: &str) -> Self {
        let text = text.trim();
        let strong = text.strip_prefix("W/").filter(|rest| rest.starts_with('"')).unwrap_or(text);
        Self(strong.trim_matches('"').into())
    }

    /// The text without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_etags_count() {
        for (etag, next) in [
            (Etag::counted(1), Etag::counted(2)),
            (Etag::counted(255), Etag::counted(256)),
            (Etag::counted(u64::MAX), Etag::counted(0)),
            (Etag::from_client("NzQ1NTM2MDQ4"), Etag::counted(1)),
            (Etag::from_client(""), Etag::counted(1)),
        ] {
            assert_eq!(etag.next(), next);
        }
        assert_eq!(Etag::counted(1).as_str(), "AAAAAAAAAAE=");
    }

    #[test]
    fn an_etag_is_found_in_every_form_that_clients_send() {
        for etag in ["AAAAAAAAAAE=", "W/lHiWBckK+g", "/W/W"] {
            for sent in [etag.to_owned(), format!("\"{etag}\""), format!("W/\"{etag}\""), format!(" \"{etag}\" ")] {
                assert_eq!(Etag::from_client(&sent).as_str(), etag, "{sent}");
            }
        }
        assert_eq!(Etag::from_client("\"*\"").as_str(), "*");
    }
}
