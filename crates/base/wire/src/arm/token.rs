//! Tokens, as authorities shaped like AD FS and like Entra give them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use roadstead_model::Secret;
use serde::{Deserialize, Serialize};

/// Shape: `{"token_type":"Bearer","expires_in":3600,"access_token":"…"}`. Units: seconds. Clients treat the token as opaque.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenAnswer {
    pub token_type: String,
    pub expires_in: u32,
    pub access_token: Secret,
    /// For users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// For users: a JWT of [`IdClaims`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<Secret>,
    /// For users, of the Entra-shaped authority: who it is among all tenants, by [`client_info`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_info: Option<String>,
    /// Of a token that was exchanged for another one. Source: RFC 8693, 2.2.1
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<String>,
}

/// `{"uid":"…","utid":"…"}`, base64url: under which name MSAL keeps the account. Source: msal (Python) `token_cache.py`
pub fn client_info(principal: &str, tenant: &str) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::json!({"uid": principal, "utid": tenant}).to_string())
}

impl TokenAnswer {
    /// A bearer token that lives so long.
    pub fn bearer(access_token: Secret, expires_in_s: u32) -> Self {
        let token_type = "Bearer".to_owned();
        Self {
            token_type,
            expires_in: expires_in_s,
            access_token,
            refresh_token: None,
            id_token: None,
            client_info: None,
            issued_token_type: None,
        }
    }
}

/// Who logged in, as `az` reads it out of an `id_token`; it fails without `tid`. Times in seconds since 1970.
/// Source: `reference/arm-and-az.md` 2
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdClaims {
    /// The client's id.
    pub aud: String,
    /// The authority: `https://localhost:8443/adfs`, or the tenant's.
    pub iss: String,
    pub exp: i64,
    pub iat: i64,
    /// The principal's id, here and in `oid`.
    pub sub: String,
    pub oid: String,
    /// The name with which the user logs in; read from an authority like AD FS.
    pub upn: String,
    /// The same; read from one like Entra.
    pub preferred_username: String,
    /// For people to read.
    pub name: String,
    /// The tenant.
    pub tid: String,
}

impl IdClaims {
    /// What a JWT's signature is made over: header and claims, base64url, with a full stop between.
    pub fn to_be_signed(&self) -> String {
        let encode = |value: Vec<u8>| URL_SAFE_NO_PAD.encode(value);
        let claims = serde_json::to_vec(self).expect("texts and numbers can be written as JSON");
        format!("{}.{}", encode(br#"{"alg":"HS256","typ":"JWT"}"#.to_vec()), encode(claims))
    }
}

/// Shape: `{"device_code":"…","user_code":"BCDFGHJK","verification_uri":"…","expires_in":900,"interval":5,"message":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCodeAnswer {
    pub device_code: Secret,
    pub user_code: String,
    pub verification_uri: String,
    pub expires_in: i64,
    pub interval: i64,
    /// What clients print.
    pub message: String,
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
        let text = |text: &str| text.to_owned();
        let (aud, iss, sub, oid) = (text("c"), text("i"), text("s"), text("s"));
        let (upn, preferred_username, name, tid) = (text("alice"), text("alice"), text("A"), text("T"));
        let claims = IdClaims { aud, iss, exp: 2, iat: 1, sub, oid, upn, preferred_username, name, tid };
        let (header, rest) = claims.to_be_signed().split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!(header, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9");
        let back: IdClaims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(rest).unwrap()).unwrap();
        assert_eq!(back, claims);
        assert_eq!(URL_SAFE_NO_PAD.decode(client_info("a", "b")).unwrap(), br#"{"uid":"a","utid":"b"}"#);
    }
}
