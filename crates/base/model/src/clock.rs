//! Time and randomness as arguments: rules take `now`, and whoever needs chance is handed a [`Random`].

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct UnixMillis(pub i64);

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct UnixSeconds(pub i64);

impl UnixMillis {
    /// Whole seconds, rounded down.
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0.div_euclid(1000))
    }

    /// This instant moved by `ms` milliseconds; saturates at the ends of time.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Azure's "never".
    pub const NEVER: &'static str = "0001-01-01T00:00:00Z";

    /// As Azure prints times: `2026-11-21T20:02:50.5160000Z`, seven fractional digits.
    ///
    /// An instant outside the years -9999 to 9999 prints as `0001-01-01T00:00:00.0000000Z`, Azure's "never".
    pub fn iso(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S.%3f0000Z").to_string(),
            Err(_) => "0001-01-01T00:00:00.0000000Z".to_owned(),
        }
    }

    /// The whole second, as storage signatures print it: `2026-11-21T20:02:50Z`. "Never" as in [`UnixMillis::iso`].
    pub fn iso_seconds(self) -> String {
        let mut text = self.iso();
        text.truncate("2026-11-21T20:02:50".len());
        text.push('Z');
        text
    }

    /// As HTTP prints times: `Sat, 21 Nov 2026 20:02:50 GMT`. Source: RFC 9110, 5.6.7.
    ///
    /// An instant outside the years -9999 to 9999 prints as the year 1970.
    pub fn http_date(self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Parses an ISO 8601 time with a zone. `None` when the text is not one.
    pub fn parse_iso(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }
}

impl UnixSeconds {
    /// The same instant in milliseconds; saturates at the ends of time.
    pub fn millis(self) -> UnixMillis {
        UnixMillis(self.0.saturating_mul(1000))
    }
}

/// Where "now" comes from. Only the composition root reads the machine's clock.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> UnixMillis;
}

/// Where unpredictable bytes come from: keys, verification codes, etags, operation ids.
pub trait Random: Send + Sync {
    /// Fills `bytes` with cryptographically strong randomness.
    fn fill(&self, bytes: &mut [u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_seven_fractional_digits() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.0000000Z"),
            (1_795_291_370_516, "2026-11-21T20:02:50.5160000Z"),
            (i64::MAX, "0001-01-01T00:00:00.0000000Z"),
        ] {
            assert_eq!(UnixMillis(ms).iso(), text);
        }
    }

    #[test]
    fn prints_whole_seconds() {
        let at = UnixMillis(1_795_291_370_999);
        assert_eq!(at.iso_seconds(), "2026-11-21T20:02:50Z");
        assert_eq!(at.http_date(), "Sat, 21 Nov 2026 20:02:50 GMT");
        assert_eq!(UnixMillis(i64::MAX).iso_seconds(), "0001-01-01T00:00:00Z");
        assert_eq!(UnixMillis(i64::MAX).http_date(), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn reads_back_what_it_prints_and_refuses_the_rest() {
        let at = UnixMillis(1_795_291_370_516);
        assert_eq!(UnixMillis::parse_iso(&at.iso()), Some(at));
        assert_eq!(
            UnixMillis::parse_iso("2026-11-21T20:02:50+01:00").map(UnixMillis::iso).as_deref(),
            Some("2026-11-21T19:02:50.0000000Z")
        );
        for bad in ["", "yesterday", "2026-11-21", "2026-13-21T20:02:50Z"] {
            assert_eq!(UnixMillis::parse_iso(bad), None, "{bad}");
        }
    }
}
