//! Keys of OpenID Connect issuers that the configuration trusts, fetched from where each issuer says.

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use reqwest::Url;
use roadstead_auth::issuer::IssuerKeys;
use roadstead_config::Issuer;
use roadstead_model::{Clock, UnixMillis};
use roadstead_resources::federation::{Issuers, TrustedIssuer};
use serde::Deserialize;
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::limits::{
    ISSUER_ANSWER_BYTES_MAX, ISSUER_KEYS_AGE_MS, ISSUER_KEYS_PAUSE_MS, ISSUER_KEYS_STALE_MS, ISSUER_WAIT,
};

/// Fetches keys over HTTPS, and keeps them for an hour.
pub struct HttpIssuers {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    /// By the name that tokens have in `iss`. The lock is held while keys are fetched: others need them, too.
    issuers: HashMap<String, (String, Mutex<Kept>)>,
}

#[derive(Default)]
struct Kept {
    keys: Option<Arc<IssuerKeys>>,
    /// When they were fetched.
    fetched: Option<UnixMillis>,
    /// When that was tried last.
    tried: Option<UnixMillis>,
}

/// The part of an issuer's metadata that counts. Source: OpenID Connect Discovery 1.0, 4.3
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl HttpIssuers {
    /// Trusts the certificates that the machine trusts. Fails for a URL that is neither `https` nor on this machine.
    pub fn new(issuers: &[Issuer], clock: Arc<dyn Clock>) -> Result<Self> {
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(ISSUER_WAIT).build()?;
        for issuer in issuers {
            check_url(&issuer.url).with_context(|| format!("issuers: `{}`", issuer.url))?;
        }
        let kept = |issuer: &Issuer| (issuer.url.clone(), (issuer.audience.clone(), Mutex::default()));
        Ok(Self { client, clock, issuers: issuers.iter().map(kept).collect() })
    }

    async fn fetch(&self, issuer: &str) -> Result<IssuerKeys> {
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata: Metadata =
            serde_json::from_slice(&self.get(&place).await?).with_context(|| format!("{place} is no metadata"))?;
        ensure!(metadata.issuer == issuer, "{place} is of another issuer");
        check_url(&metadata.jwks_uri).with_context(|| format!("jwks_uri of {place}"))?;
        let keys = self.get(&metadata.jwks_uri).await?;
        IssuerKeys::parse(&keys).with_context(|| format!("{} has no keys", metadata.jwks_uri))
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>> {
        let mut response = self.client.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await? {
            ensure!(body.len() + part.len() <= ISSUER_ANSWER_BYTES_MAX, "{url} answers too much");
            body.extend_from_slice(&part);
        }
        Ok(body)
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
        let Some((audience, kept)) = self.issuers.get(issuer) else { return Ok(None) };
        let mut kept = kept.lock().await;
        let now = self.clock.now();
        let is_older = |at: Option<UnixMillis>, ms| at.is_none_or(|at| now.0 - at.0 >= ms);
        let is_wanted = renew || is_older(kept.fetched, ISSUER_KEYS_AGE_MS);
        if is_wanted && is_older(kept.tried, ISSUER_KEYS_PAUSE_MS) {
            kept.tried = Some(now);
            match self.fetch(issuer).await {
                Ok(keys) => {
                    info!(issuer, "keys of an issuer fetched");
                    (kept.keys, kept.fetched) = (Some(Arc::new(keys)), Some(now));
                }
                Err(cause) => warn!(issuer, "keys of an issuer could not be fetched: {cause:#}"),
            }
        }
        match kept.keys.as_ref().filter(|_| !is_older(kept.fetched, ISSUER_KEYS_STALE_MS)) {
            Some(keys) => Ok(Some(TrustedIssuer { audience: audience.clone(), keys: keys.clone() })),
            None => Err("its keys cannot be fetched now".to_owned()),
        }
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
