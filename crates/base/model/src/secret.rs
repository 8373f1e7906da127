//! Key material that must not be printed.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::clock::Random;

/// A symmetric key or password in its text form (base64 for keys). `Debug` prints `Secret(***)`; memory is wiped on drop.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A password of `BYTES` random bytes but for one bit, in letters, digits, `-` and `_`: 43 characters of 32 bytes.
    ///
    /// It never begins with a hyphen, which would be an option to `az login -p`.
    pub fn fresh<const BYTES: usize>(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; BYTES]);
        random.fill(&mut *bytes);
        if let Some(first) = bytes.first_mut() {
            // Six bits make a character; `-` is the last but one.
            *first &= 0x7f;
        }
        Self(URL_SAFE_NO_PAD.encode(*bytes))
    }

    /// The secret itself. Named loudly, so that every place that reveals one can be found.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct First(u8);

    impl Random for First {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn no_password_is_taken_for_an_option() {
        for first in 0..=u8::MAX {
            let made = Secret::fresh::<32>(&First(first));
            assert!(made.expose().len() == 43 && !made.expose().starts_with('-'), "{}", made.expose());
        }
        assert_eq!(Secret::fresh::<16>(&First(7)).expose().len(), 22);
    }
}
