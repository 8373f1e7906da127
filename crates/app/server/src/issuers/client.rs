//! Requests to one issuer: over the network, with a time and a size that end them.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Certificate, RequestBuilder, StatusCode, header};
use roadstead_config::Issuer;
use roadstead_model::Secret;
use roadstead_wire::percent;

use crate::limits::{ISSUER_ANSWER_BYTES_MAX, ISSUER_WAIT};

pub(super) struct Client {
    client: reqwest::Client,
    secret: Option<Secret>,
}

impl Client {
    pub(super) fn new(issuer: &Issuer) -> Result<Self> {
        let mut builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(ISSUER_WAIT);
        if let Some(path) = &issuer.ca_file {
            let fault = || format!("ca_file {}", path.display());
            let certificates =
                Certificate::from_pem_bundle(&fs::read(path).with_context(fault)?).with_context(fault)?;
            ensure!(!certificates.is_empty(), "ca_file {} has no certificate", path.display());
            builder = builder.tls_certs_merge(certificates);
        }
        let secret = issuer.client_secret_file.as_deref().map(read_secret).transpose()?;
        Ok(Self { client: builder.build()?, secret })
    }

    /// What is at a URL.
    pub(super) async fn fetch(&self, url: &str) -> Result<Vec<u8>> {
        let (status, body) = answer(self.client.get(url), url).await?;
        ensure!(status.is_success(), "{url} answers {status}");
        Ok(body)
    }

    /// The answer to a form that this server sends as `client_id`. Source: RFC 6749, 2.3.1
    pub(super) async fn send_form(
        &self,
        url: &str,
        client_id: &str,
        in_header: bool,
        mut fields: Vec<(&str, &str)>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let mut request = self.client.post(url).header(header::ACCEPT, "application/json");
        match &self.secret {
            Some(secret) if in_header => {
                request = request.basic_auth(percent::encode(client_id), Some(percent::encode(secret.expose())));
            }
            Some(secret) => fields.extend([("client_id", client_id), ("client_secret", secret.expose())]),
            None => fields.push(("client_id", client_id)),
        }
        let pairs = fields.iter().map(|(name, value)| format!("{name}={}", percent::encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        answer(request, url).await
    }
}

async fn answer(request: RequestBuilder, url: &str) -> Result<(StatusCode, Vec<u8>)> {
    let mut response = request.send().await?;
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await? {
        ensure!(body.len() + part.len() <= ISSUER_ANSWER_BYTES_MAX, "{url} answers too much");
        body.extend_from_slice(&part);
    }
    Ok((response.status(), body))
}

fn read_secret(path: &Path) -> Result<Secret> {
    let fault = || format!("client_secret_file {}", path.display());
    let mode = fs::metadata(path).with_context(fault)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("client_secret_file {}: others may read it (mode {mode:o}); chmod 600", path.display());
    }
    let text = fs::read_to_string(path).with_context(fault)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    ensure!(!secret.is_empty(), "client_secret_file {} is empty; without it this is a public client", path.display());
    Ok(Secret::new(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (text, mode, expected) in [
            ("s3cret\n", 0o600, Ok("s3cret")),
            ("s3cret", 0o400, Ok("s3cret")),
            ("s3cret", 0o640, Err("others may read it (mode 640); chmod 600")),
            ("s3cret", 0o604, Err("others may read it")),
            ("\n", 0o600, Err("is empty")),
        ] {
            let _ = fs::remove_file(&path);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match (read_secret(&path), expected) {
                (Ok(found), Ok(secret)) => assert_eq!(found.expose(), secret),
                (Err(found), Err(part)) => assert!(found.to_string().contains(part), "{found}"),
                (found, _) => panic!("{mode:o}: {:?}", found.map(|_| ())),
            }
        }
        assert!(read_secret(Path::new("/nowhere/secret")).is_err());
    }
}
