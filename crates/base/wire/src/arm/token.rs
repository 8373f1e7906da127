//! Tokens of the ADFS-shaped authority.

use roadstead_model::Secret;
use serde::{Deserialize, Serialize};

/// Shape: `{"token_type":"Bearer","expires_in":3600,"access_token":"…"}`. Units: seconds. Clients treat the token as opaque.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenAnswer {
    pub token_type: String,
    pub expires_in: u32,
    pub access_token: Secret,
}

impl TokenAnswer {
    /// A bearer token that lives so long.
    pub fn bearer(access_token: Secret, expires_in_s: u32) -> Self {
        Self { token_type: "Bearer".to_owned(), expires_in: expires_in_s, access_token }
    }
}

/// Shape: `{"error":"invalid_client","error_description":"…"}`; `az` prints the description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenError {
    /// A word of RFC 6749, 5.2.
    pub error: String,
    #[serde(default)]
    pub error_description: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_msal_reads_it() {
        let answer = TokenAnswer::bearer(Secret::new("opaque"), 3600);
        let expected = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"opaque"}"#;
        assert_eq!(serde_json::to_string(&answer).unwrap(), expected);
        assert!(!format!("{answer:?}").contains("opaque"));
    }
}
