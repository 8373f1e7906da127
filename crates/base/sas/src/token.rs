//! The token itself.

use crate::key::SasKey;
use crate::limits::{CLOCK_SKEW_S, TOKEN_BYTES_MAX};
use crate::percent;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// What every token begins with, one space included.
const PREFIX: &str = "SharedAccessSignature ";

/// A token as received, read but not yet believed.
///
/// Shape: `SharedAccessSignature sr=hub1.example%2Fdevices%2Fdev1&sig=R9CvFy…R0A%3D&se=2000000000[&skn=iothubowner]`,
/// fields in any order. `Debug` shows no signature.
#[derive(Clone)]
pub struct SasToken<'a> {
    sr: &'a str,
    resource: Cow<'a, str>,
    se: &'a str,
    expiry_s: i64,
    sig: [u8; 32],
    key_name: Cow<'a, str>,
}

/// Why a text is not a token. Carries no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SasError {
    /// Longer than [`TOKEN_BYTES_MAX`].
    #[error("the token has {bytes} bytes, more than {TOKEN_BYTES_MAX}")]
    TooLong {
        /// Length received.
        bytes: usize,
    },
    /// Some other authorization scheme, or none.
    #[error("the token does not begin with `SharedAccessSignature `")]
    NoPrefix,
    /// `sr`, `sig` or `se` is absent or empty.
    #[error("the token has no `{field}`")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// A field is there twice.
    #[error("the token has `{field}` twice")]
    Duplicate {
        /// The field's name.
        field: &'static str,
    },
    /// `se` is not a whole number of seconds, `sig` is not base64 of 32 bytes, or `sr` or `skn` decodes to no UTF-8.
    #[error("the token's `{field}` cannot be read")]
    Unreadable {
        /// The field's name.
        field: &'static str,
    },
}

/// The token is too old, clock skew already forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the token expired {by_s} s ago (se={expiry_s}, {CLOCK_SKEW_S} s of clock skew are forgiven); renew it, or correct the clock of its maker"
)]
pub struct Expired {
    /// Seconds between the token's expiry and now.
    pub by_s: i64,
    /// The token's `se`, Unix seconds.
    pub expiry_s: i64,
}

impl<'a> SasToken<'a> {
    /// Reads a token. Unknown fields are passed over.
    ///
    /// Errors: [`SasError`]. Source: `reference/hub-device.md` 4.1, `reference/hub-service.md` 1.2
    pub fn parse(text: &'a str) -> Result<Self, SasError> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(SasError::TooLong { bytes: text.len() });
        }
        let fields = text.strip_prefix(PREFIX).ok_or(SasError::NoPrefix)?;
        let (mut sr, mut sig, mut se, mut skn) = (None, None, None, None);
        for field in fields.split('&') {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            let (slot, field) = match name {
                "sr" => (&mut sr, "sr"),
                "sig" => (&mut sig, "sig"),
                "se" => (&mut se, "se"),
                "skn" => (&mut skn, "skn"),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(SasError::Duplicate { field });
            }
        }
        let present =
            |value: Option<&'a str>, field| value.filter(|value| !value.is_empty()).ok_or(SasError::Missing { field });
        let (sr, sig, se) = (present(sr, "sr")?, present(sig, "sig")?, present(se, "se")?);
        Ok(Self {
            sr,
            resource: percent::decode(sr).ok_or(SasError::Unreadable { field: "sr" })?,
            se,
            expiry_s: parse_seconds(se).ok_or(SasError::Unreadable { field: "se" })?,
            sig: parse_signature(sig).ok_or(SasError::Unreadable { field: "sig" })?,
            key_name: percent::decode(skn.unwrap_or("")).ok_or(SasError::Unreadable { field: "skn" })?,
        })
    }

    /// What the token is for, percent-decoded: `hub1.example/devices/dev1`. See [`covers`](crate::covers).
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// `se`, Unix seconds.
    pub fn expiry_s(&self) -> i64 {
        self.expiry_s
    }

    /// `skn`: the policy whose key signed, `iothubowner`. Absent and empty are both `None`.
    pub fn key_name(&self) -> Option<&str> {
        Some(&*self.key_name).filter(|name| !name.is_empty())
    }

    /// Whether `key` made this signature over `sr` as received, percent-decoded, or lower-cased, tried in that order.
    /// Each comparison takes constant time.
    ///
    /// Source: `reference/hub-device.md` 4.1
    pub fn signed_by(&self, key: &SasKey) -> bool {
        let key = key.hmac();
        let lower = self.sr.to_ascii_lowercase();
        let signs = |resource: &str| hmac::verify(&key, signed_text(resource, self.se).as_bytes(), &self.sig).is_ok();
        signs(self.sr) || (self.resource != self.sr && signs(&self.resource)) || (lower != self.sr && signs(&lower))
    }

    /// Refuses a token whose `se` lies more than [`CLOCK_SKEW_S`] before `now_s` (Unix seconds).
    ///
    /// Errors: [`Expired`]. Source: `reference/hub-device.md` 4.1
    pub fn check_expiry(&self, now_s: i64) -> Result<(), Expired> {
        let by_s = now_s.saturating_sub(self.expiry_s);
        if by_s > CLOCK_SKEW_S { Err(Expired { by_s, expiry_s: self.expiry_s }) } else { Ok(()) }
    }
}

impl std::fmt::Debug for SasToken<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SasToken").field("sr", &self.sr).field("se", &self.se).field("skn", &self.key_name).finish()
    }
}

/// Makes a token as the Python SDK does: `resource` (`hub1.example/devices/dev1`) is percent-encoded and signed so.
///
/// Units: `expiry_s` in Unix seconds. Shape: see [`SasToken`]. Source: python SDK common/auth/sas_token.py
pub fn sign(resource: &str, key: &SasKey, expiry_s: i64, key_name: Option<&str>) -> String {
    let sr = percent::encode(resource);
    let signature = hmac::sign(&key.hmac(), signed_text(&sr, &expiry_s.to_string()).as_bytes());
    let sig = percent::encode(&STANDARD.encode(signature));
    let skn = key_name.map_or(String::new(), |name| format!("&skn={}", percent::encode(name)));
    format!("{PREFIX}sr={sr}&sig={sig}&se={expiry_s}{skn}")
}

fn signed_text(resource: &str, expiry: &str) -> String {
    [resource, "\n", expiry].concat()
}

fn parse_seconds(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn parse_signature(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(&*percent::decode(text)?).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::derive_device_key;
    use proptest::prelude::*;

    fn hub_key() -> SasKey {
        SasKey::from_base64("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=").unwrap()
    }

    fn group_device_key() -> SasKey {
        derive_device_key(&SasKey::from_bytes((0..64).collect()), "dev-01")
    }

    #[test]
    fn reference_vectors_verify() {
        let (hub, dps) = (hub_key(), group_device_key());
        for (key, fields, resource, key_name) in [
            (
                &hub,
                "sr=hub1.example%2Fdevices%2Fdev1&sig=R9CvFyIPTJhysm7hTNOKFlNteI01hFCEBS0qmwIhR0A%3D",
                "hub1.example/devices/dev1",
                None,
            ),
            (
                &hub,
                "sr=hub1.example%2fdevices%2fdev1&sig=dd0px7mK2r2ANRc%2FxsJb5SaEcGGtjBOWIpJl4LMmTbI%3D",
                "hub1.example/devices/dev1",
                None,
            ),
            (
                &hub,
                "sr=hub1.example/devices/dev1&sig=ijr4MZriNnNuLy0fZmDFjpSVcwpYe5JLctQ8dFKdj4c%3d",
                "hub1.example/devices/dev1",
                None,
            ),
            // the C HSM path: plain text signed, sent encoded
            (
                &hub,
                "skn=&sr=hub1.example%2Fdevices%2Fdev1&sig=ijr4MZriNnNuLy0fZmDFjpSVcwpYe5JLctQ8dFKdj4c=",
                "hub1.example/devices/dev1",
                None,
            ),
            // the docs: lower case signed, sent as it was
            (
                &hub,
                "sr=Hub1.Example%2FDevices%2Fdev1&sig=dd0px7mK2r2ANRc/xsJb5SaEcGGtjBOWIpJl4LMmTbI=",
                "Hub1.Example/Devices/dev1",
                None,
            ),
            (
                &hub,
                "sig=CmtfhowWihu9%2FRvdfXrOYBF6aarkUuIKw1RhassiKrY%3D&sr=hub1.example%2Fdevices%2Fdev1%2Fmodules%2Fmod1",
                "hub1.example/devices/dev1/modules/mod1",
                None,
            ),
            (
                &hub,
                "sr=hub1.example&sig=2T53Pu3kjq%2Fq6HK0sAxrC4TpWUbD8jiD03yxGHPRRm0%3D&skn=iothubowner",
                "hub1.example",
                Some("iothubowner"),
            ),
            (
                &dps,
                "sr=0ne00ABC123%2Fregistrations%2Fdev-01&sig=eD8qET2Gh0zRr8aFI5bETS53UoIJAcI8xnNRNraaGFE=&skn=registration",
                "0ne00ABC123/registrations/dev-01",
                Some("registration"),
            ),
            (
                &dps,
                "sr=0ne00ABC123%2fregistrations%2fdev-01&sig=qt+hC5dSnTK5Swj84+g9mhB+sZxu8SC+2KYCF9RCH4o=&skn=",
                "0ne00ABC123/registrations/dev-01",
                None,
            ),
            (
                &dps,
                "sr=0ne00ABC123/registrations/dev-01&sig=tBvNJZbukvSDgaTEt0VV2mZZYKmMrpwBHKRAHkKjM7g=",
                "0ne00ABC123/registrations/dev-01",
                None,
            ),
        ] {
            for text in [format!("{PREFIX}{fields}&se=2000000000"), format!("{PREFIX}se=2000000000&{fields}")] {
                let token = SasToken::parse(&text).unwrap();
                assert!(token.signed_by(key), "{text}");
                assert!(!token.signed_by(&SasKey::from_bytes(vec![0; 32])), "{text}");
                assert_eq!(
                    (token.resource(), token.key_name(), token.expiry_s()),
                    (resource, key_name, 2_000_000_000),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn tampered_tokens_do_not_verify() {
        for fields in [
            "sr=hub1.example%2Fdevices%2Fdev2&sig=R9CvFyIPTJhysm7hTNOKFlNteI01hFCEBS0qmwIhR0A%3D&se=2000000000",
            "sr=hub1.example%2Fdevices%2FDev1&sig=R9CvFyIPTJhysm7hTNOKFlNteI01hFCEBS0qmwIhR0A%3D&se=2000000000",
            "sr=hub1.example&sig=R9CvFyIPTJhysm7hTNOKFlNteI01hFCEBS0qmwIhR0A%3D&se=2000000000",
            "sr=hub1.example%2Fdevices%2Fdev1&sig=R9CvFyIPTJhysm7hTNOKFlNteI01hFCEBS0qmwIhR0A%3D&se=2000000001",
            "sr=hub1.example%2Fdevices%2Fdev1&sig=R9CvFyIPTJhysm7hTNOKFlNteI01hFCEBS0qmwIhR0A%3D&se=02000000000",
            "sr=hub1.example%2Fdevices%2Fdev1&sig=R9CvFyIPTJhysm7hTNOKFlNteI01hFCEBS0qmwIhR1A%3D&se=2000000000",
        ] {
            let text = format!("{PREFIX}{fields}");
            assert!(!SasToken::parse(&text).unwrap().signed_by(&hub_key()), "{fields}");
        }
    }

    #[test]
    fn unreadable_tokens_are_refused_with_the_field() {
        const SIG: &str = "R9CvFyIPTJhysm7hTNOKFlNteI01hFCEBS0qmwIhR0A%3D";
        let long = format!("{PREFIX}sr={}", "a".repeat(TOKEN_BYTES_MAX));
        for (text, error) in [
            (String::new(), SasError::NoPrefix),
            ("Bearer abc".into(), SasError::NoPrefix),
            (format!("SharedAccessSignature\tsr=a&sig={SIG}&se=1"), SasError::NoPrefix),
            (PREFIX.to_owned(), SasError::Missing { field: "sr" }),
            (format!("{PREFIX}sr=&sig={SIG}&se=1"), SasError::Missing { field: "sr" }),
            (format!("{PREFIX}sr=a&se=1"), SasError::Missing { field: "sig" }),
            (format!("{PREFIX}sr=a&sig={SIG}"), SasError::Missing { field: "se" }),
            (format!("{PREFIX}sr=a&sr=b&sig={SIG}&se=1"), SasError::Duplicate { field: "sr" }),
            (format!("{PREFIX}sr=a&sig={SIG}&se=1&skn=&skn=x"), SasError::Duplicate { field: "skn" }),
            (format!("{PREFIX}sr=%ff&sig={SIG}&se=1"), SasError::Unreadable { field: "sr" }),
            (format!("{PREFIX}sr=a&sig={SIG}&se=-1"), SasError::Unreadable { field: "se" }),
            (format!("{PREFIX}sr=a&sig={SIG}&se=1.5"), SasError::Unreadable { field: "se" }),
            (format!("{PREFIX}sr=a&sig={SIG}&se=99999999999999999999"), SasError::Unreadable { field: "se" }),
            (format!("{PREFIX}sr=a&sig=AAAA&se=1"), SasError::Unreadable { field: "sig" }),
            (format!("{PREFIX}sr=a&sig=*&se=1"), SasError::Unreadable { field: "sig" }),
            (format!("{PREFIX}sr=a&sig={SIG}&se=1&skn=%ff"), SasError::Unreadable { field: "skn" }),
            (long, SasError::TooLong { bytes: PREFIX.len() + 3 + TOKEN_BYTES_MAX }),
        ] {
            assert_eq!(SasToken::parse(&text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn expiry_forgives_five_minutes() {
        let text = sign("hub1.example", &hub_key(), 1000, None);
        let token = SasToken::parse(&text).unwrap();
        for (now_s, by_s) in
            [(0, None), (1000, None), (1300, None), (1301, Some(301)), (i64::MAX, Some(i64::MAX - 1000))]
        {
            let expected = by_s.map_or(Ok(()), |by_s| Err(Expired { by_s, expiry_s: 1000 }));
            assert_eq!(token.check_expiry(now_s), expected, "{now_s}");
        }
    }

    #[test]
    fn signs_as_the_python_sdk_does() {
        assert_eq!(
            sign("hub1.example/devices/dev1", &hub_key(), 2_000_000_000, None),
            "SharedAccessSignature sr=hub1.example%2Fdevices%2Fdev1&sig=R9CvFyIPTJhysm7hTNOKFlNteI01hFCEBS0qmwIhR0A%3D&se=2000000000"
        );
        assert_eq!(
            sign("hub1.example", &hub_key(), 2_000_000_000, Some("iothubowner")),
            "SharedAccessSignature sr=hub1.example&sig=2T53Pu3kjq%2Fq6HK0sAxrC4TpWUbD8jiD03yxGHPRRm0%3D&se=2000000000&skn=iothubowner"
        );
    }

    #[test]
    fn debug_shows_no_signature() {
        let text = sign("hub1.example", &hub_key(), 1000, Some("device"));
        assert_eq!(
            format!("{:?}", SasToken::parse(&text).unwrap()),
            r#"SasToken { sr: "hub1.example", se: "1000", skn: "device" }"#
        );
    }

    proptest! {
        #[test]
        fn parse_never_panics(tail in ".{0,200}", fields in "(sr|sig|se|skn|x)=[%a-zA-Z0-9+/=&]{0,60}") {
            let _ = SasToken::parse(&tail);
            let _ = SasToken::parse(&format!("{PREFIX}{fields}&{tail}"));
        }

        #[test]
        fn signed_tokens_verify(resource in "[^\u{0}]{1,80}", bytes in prop::collection::vec(any::<u8>(), 1..80), expiry in 0..i64::MAX) {
            let key = SasKey::from_bytes(bytes);
            let text = sign(&resource, &key, expiry, Some(&resource));
            let token = SasToken::parse(&text).unwrap();
            prop_assert!(token.signed_by(&key));
            prop_assert_eq!((token.resource(), token.key_name(), token.expiry_s()), (&*resource, Some(&*resource), expiry));
        }
    }
}
