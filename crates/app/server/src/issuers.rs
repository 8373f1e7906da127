//! OpenID Connect issuers that the configuration trusts: their keys, fetched from where each says, and the way of their people.

mod client;
mod kept;
mod sign_ins;

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use reqwest::Url;
use roadstead_auth::issuer::IssuerKeys;
use roadstead_config::Issuer;
use roadstead_model::{Clock, UnixMillis};
use roadstead_resources::federation::{IssuerPeople, Issuers, TrustedIssuer};
use serde::Deserialize;

use client::Client;
use kept::Kept;

/// Fetches keys over HTTPS, and keeps them for an hour.
pub struct HttpIssuers {
    clock: Arc<dyn Clock>,
    /// By the name that tokens have in `iss`.
    issuers: HashMap<String, Arc<OneIssuer>>,
    /// Those that let people in, in the configuration's order: what people call each, and its name in `iss`.
    of_people: Vec<(String, String)>,
}

struct OneIssuer {
    settings: Issuer,
    client: Client,
    kept: Arc<Kept<Found>>,
}

/// What an issuer says of itself.
#[derive(Clone)]
struct Found {
    keys: Arc<IssuerKeys>,
    metadata: Arc<Metadata>,
}

/// The part of an issuer's metadata that counts. Sources: OpenID Connect Discovery 1.0, 3 and 4.3; RFC 9207, 3
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether it always names itself where it sends people back.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl HttpIssuers {
    /// Trusts the certificates that the machine trusts, and those of each issuer's `ca_file`. Fails for a URL that is neither
    /// `https` nor on this machine, and for files that cannot be read or that others may read.
    pub fn new(issuers: &[Issuer], clock: Arc<dyn Clock>) -> Result<Self> {
        let mut kept = HashMap::new();
        for issuer in issuers {
            let fault = || format!("issuers: `{}`", issuer.url);
            check_url(&issuer.url).with_context(fault)?;
            let client = Client::new(issuer).with_context(fault)?;
            let one = OneIssuer { settings: issuer.clone(), client, kept: Arc::new(Kept::new(&issuer.url)) };
            kept.insert(issuer.url.clone(), Arc::new(one));
        }
        let of_people = issuers.iter().filter(|issuer| issuer.client_id.is_some());
        let of_people = of_people.map(|issuer| (issuer.name().to_owned(), issuer.url.clone())).collect();
        Ok(Self { clock, issuers: kept, of_people })
    }
}

impl OneIssuer {
    /// What the issuer says of itself; see [`Kept::find`].
    async fn find(self: &Arc<Self>, renew: bool, now: UnixMillis) -> Result<Found, String> {
        let one = Arc::clone(self);
        let found = self.kept.find(renew, now, || async move { one.fetch().await }).await;
        found.ok_or_else(|| "its keys cannot be fetched now".to_owned())
    }

    async fn fetch(&self) -> Result<Found> {
        let issuer = &self.settings.url;
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata = serde_json::from_slice(&self.client.fetch(&place).await?)
            .with_context(|| format!("{place} is no metadata"))?;
        ensure!(metadata.issuer == *issuer, "{place} is of another issuer");
        check_url(&metadata.jwks_uri).with_context(|| format!("jwks_uri of {place}"))?;
        let keys = self.client.fetch(&metadata.jwks_uri).await?;
        let keys = IssuerKeys::parse(&keys).with_context(|| format!("{} has no keys", metadata.jwks_uri))?;
        Ok(Found { keys: Arc::new(keys), metadata: Arc::new(metadata) })
    }
}

/// Whoever could change what comes from there could log in as anybody.
fn check_url(url: &str) -> Result<()> {
    let url = Url::parse(url).context("it is no URL")?;
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "it must not have a user's name or a password in it"
    );
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) | ("http", Some("127.0.0.1" | "[::1]" | "localhost")) => Ok(()),
        _ => bail!("it must begin with https:// (http:// is for issuers on this machine)"),
    }
}

#[async_trait]
impl Issuers for HttpIssuers {
    async fn find(&self, issuer: &str, renew: bool) -> Result<Option<TrustedIssuer>, String> {
        let Some(one) = self.issuers.get(issuer) else { return Ok(None) };
        let Found { keys, .. } = one.find(renew, self.clock.now()).await?;
        let user_claim = one.settings.user_claim().to_owned();
        let people = one.settings.client_id.clone().map(|client_id| IssuerPeople { client_id, user_claim });
        Ok(Some(TrustedIssuer { audience: one.settings.audience.clone(), keys, people }))
    }

    fn lets_people_in(&self, issuer: &str) -> bool {
        self.of_people.iter().any(|(_, url)| url == issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_asked_over_https_or_on_this_machine() {
        for (url, is_fine) in [
            ("https://login.example", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://localhost", true),
            ("http://LOCALHOST:80/x?y#z", true),
            ("http://[::1]:8080", true),
            ("https://127.0.0.1:8443/realms/plant", true),
            ("http://127.0.0.1:x@elsewhere.example", false),
            ("http://localhost@elsewhere.example", false),
            // A backslash is a slash there, for what fetches it, too.
            ("http://localhost\\@elsewhere.example", true),
            ("http://127.0.0.1@localhost", false),
            ("https://user@login.example", false),
            ("https://:password@login.example", false),
            ("https://", false),
            ("http://127.0.0.1.elsewhere.example", false),
            ("http:127.0.0.1:x@elsewhere.example", false),
            ("file:///etc/passwd", false),
            ("login.example", false),
            ("http://login.example", false),
            ("http://localhost.example", false),
            ("http://127.0.0.1.example", false),
            ("ftp://x", false),
            ("", false),
        ] {
            assert_eq!(check_url(url).is_ok(), is_fine, "{url}");
        }
    }
}
