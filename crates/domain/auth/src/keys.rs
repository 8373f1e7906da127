//! Stored keys against a token.

use roadstead_model::Secret;
use roadstead_sas::{SasKey, SasToken};

/// Whether either key made the token's signature. A stored text that is no key makes none.
pub(crate) fn signed_by_either(token: &SasToken<'_>, primary: &Secret, secondary: &Secret) -> bool {
    [primary, secondary]
        .into_iter()
        .filter_map(|key| SasKey::from_base64(key.expose()).ok())
        .any(|key| token.signed_by(&key))
}
