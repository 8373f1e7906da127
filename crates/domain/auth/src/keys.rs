//! Stored keys against a token.

use roadstead_model::Secret;
use roadstead_sas::{SasKey, SasToken};

/// The key that made the token's signature, if one of these did. A stored text that is no key makes none.
pub(crate) fn find_signer<'a>(token: &SasToken<'_>, keys: [&'a Secret; 2]) -> Option<&'a Secret> {
    keys.into_iter().find(|key| SasKey::from_base64(key.expose()).is_ok_and(|key| token.signed_by(&key)))
}
