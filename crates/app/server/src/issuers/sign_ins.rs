//! People on their way to their issuer and back: authorization code with PKCE.
//!
//! Sources: RFC 6749, 4.1; RFC 7636; RFC 9207; OpenID Connect Core 1.0, 3.1

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use reqwest::Url;
use roadstead_front_portal::{Departure, Return, SignIns};
use roadstead_model::Secret;
use serde::Deserialize;
use tracing::warn;

use super::{Found, HttpIssuers, OneIssuer, check_url};
use crate::limits::ISSUER_WORDS_CHARS_MAX;

#[derive(Deserialize)]
struct Tokens {
    id_token: Secret,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

#[async_trait]
impl SignIns for HttpIssuers {
    fn names(&self) -> Vec<String> {
        self.of_people.iter().map(|(name, _)| name.clone()).collect()
    }

    async fn depart(&self, name: &str, departure: &Departure<'_>) -> Result<String, String> {
        let issuer = self.of_people(name)?;
        let found = issuer.find(false, self.clock.now()).await?;
        issuer.authorization_url(&found, departure).map_err(|cause| issuer.words(&cause))
    }

    async fn redeem(&self, name: &str, back: &Return<'_>) -> Result<Secret, String> {
        let issuer = self.of_people(name)?;
        let found = issuer.find(false, self.clock.now()).await?;
        issuer.redeem(&found, back).await.map_err(|cause| issuer.words(&cause))
    }
}

impl HttpIssuers {
    fn of_people(&self, name: &str) -> Result<&Arc<OneIssuer>, String> {
        let known = self.of_people.iter().find(|(known, _)| known == name);
        known
            .and_then(|(_, url)| self.issuers.get(url))
            .ok_or_else(|| "the configuration has no such issuer".to_owned())
    }
}

impl OneIssuer {
    /// For the page; the log has it, too.
    fn words(&self, cause: &anyhow::Error) -> String {
        warn!(issuer = self.settings.url, "a person could not sign in: {cause:#}");
        format!("{cause:#}")
    }

    fn client_id(&self) -> &str {
        self.settings.client_id.as_deref().unwrap_or_default()
    }

    fn authorization_url(&self, found: &Found, departure: &Departure<'_>) -> Result<String> {
        let endpoint = found.metadata.authorization_endpoint.as_deref();
        let endpoint = endpoint.context("it has no authorization_endpoint in its metadata")?;
        check_url(endpoint).context("its authorization_endpoint")?;
        let mut url = Url::parse(endpoint)?;
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", self.client_id()),
            ("redirect_uri", departure.redirect_uri),
            ("scope", self.settings.scopes()),
            ("state", departure.state),
            ("nonce", departure.nonce),
            ("code_challenge", departure.challenge),
            ("code_challenge_method", "S256"),
        ]);
        Ok(url.into())
    }

    async fn redeem(&self, found: &Found, back: &Return<'_>) -> Result<Secret> {
        let metadata = &found.metadata;
        if let Some(named) = back.issuer {
            ensure!(named == metadata.issuer, "the answer is of another issuer (iss)");
        } else {
            let must = metadata.authorization_response_iss_parameter_supported;
            ensure!(!must, "the answer does not name its issuer (iss), which this one always does");
        }
        let endpoint = metadata.token_endpoint.as_deref().context("it has no token_endpoint in its metadata")?;
        check_url(endpoint).context("its token_endpoint")?;
        let fields = vec![
            ("grant_type", "authorization_code"),
            ("code", back.code),
            ("redirect_uri", back.redirect_uri),
            ("code_verifier", back.verifier),
        ];
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
        // Where none is listed, it is the one in the header. Source: OpenID Connect Discovery 1.0, 3
        let in_header = methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
        let (status, body) = self.client.send_form(endpoint, self.client_id(), in_header, fields).await?;
        if !status.is_success() {
            match serde_json::from_slice(&body) {
                Ok(Refused { error, error_description }) => {
                    bail!("{}", plain(&format!("{error}: {error_description}")))
                }
                Err(_) => bail!("its token endpoint answers {status}"),
            }
        }
        let tokens: Tokens =
            serde_json::from_slice(&body).ok().context("its token endpoint's answer has no id_token")?;
        Ok(tokens.id_token)
    }
}

/// An issuer's words, short and in one line.
fn plain(text: &str) -> String {
    let text = text.trim_end_matches([':', ' ']);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(ISSUER_WORDS_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use roadstead_auth::issuer::IssuerKeys;
    use roadstead_config::Issuer;
    use serde_json::{Value, json};

    use super::*;
    use crate::issuers::{Client, Kept, Metadata};

    const URL: &str = "https://login.example";

    fn issuer() -> OneIssuer {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let settings = Issuer {
            url: URL.to_owned(),
            audience: "api://x".to_owned(),
            client_id: Some("road stead".to_owned()),
            client_secret_file: None,
            name: None,
            user_claim: None,
            scopes: None,
            ca_file: None,
        };
        OneIssuer { client: Client::new(&settings).unwrap(), settings, kept: Arc::new(Kept::new(URL)) }
    }

    fn found(changes: &Value) -> Found {
        let mut metadata = json!({"issuer": URL, "jwks_uri": "https://login.example/keys"});
        metadata.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let metadata: Metadata = serde_json::from_value(metadata).unwrap();
        let point = "A".repeat(43);
        let keys = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": point, "y": point}]}).to_string();
        Found { keys: Arc::new(IssuerKeys::parse(keys.as_bytes()).unwrap()), metadata: Arc::new(metadata) }
    }

    #[test]
    fn where_a_browser_is_sent() {
        let departure =
            Departure { redirect_uri: "https://h/portal/back/Plant", state: "s", nonce: "n", challenge: "c" };
        let url = |endpoint: &str| {
            let found = found(&json!({"authorization_endpoint": endpoint}));
            issuer().authorization_url(&found, &departure).map_err(|cause| format!("{cause:#}"))
        };
        assert_eq!(
            url("https://login.example/authorize?p=flow").unwrap(),
            "https://login.example/authorize?p=flow&response_type=code&client_id=road+stead\
             &redirect_uri=https%3A%2F%2Fh%2Fportal%2Fback%2FPlant&scope=openid+profile+email&state=s&nonce=n&code_challenge=c\
             &code_challenge_method=S256"
        );
        for endpoint in ["http://login.example/authorize", "javascript:alert(1)", ""] {
            assert!(url(endpoint).unwrap_err().starts_with("its authorization_endpoint"), "{endpoint}");
        }
        assert!(issuer().authorization_url(&found(&json!({})), &departure).is_err());
    }

    #[tokio::test]
    async fn no_code_is_shown_to_who_may_be_another() {
        let always = json!({"authorization_response_iss_parameter_supported": true});
        for (changes, named, text) in [
            (json!({}), Some("https://login.example/"), "is of another issuer (iss)"),
            (json!({}), Some("https://elsewhere.example"), "is of another issuer (iss)"),
            (always.clone(), Some("https://elsewhere.example"), "is of another issuer (iss)"),
            (always.clone(), None, "does not name its issuer"),
            (always, Some(URL), "has no token_endpoint"),
            (json!({}), None, "has no token_endpoint"),
            (json!({"token_endpoint": "http://login.example/token"}), None, "must begin with https://"),
        ] {
            let back = Return { code: "c", redirect_uri: "https://h/portal/back/Plant", verifier: "v", issuer: named };
            let refused = issuer().redeem(&found(&changes), &back).await.err().map(|cause| format!("{cause:#}"));
            assert!(refused.as_deref().is_some_and(|words| words.contains(text)), "{changes} {named:?}: {refused:?}");
        }
    }

    #[test]
    fn an_issuers_words_are_one_line() {
        assert_eq!(plain("invalid_grant: "), "invalid_grant");
        assert_eq!(plain("a\nb\u{1b}[2J"), "a b [2J");
        assert_eq!(plain(&"x".repeat(999)).len(), ISSUER_WORDS_CHARS_MAX);
    }
}
