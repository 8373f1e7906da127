//! CAs that the server holds, and what they issued.

use super::{Management, Resource};
use crate::error::ServiceError;
use reqwest::Method;
use roadstead_wire::arm::{CaRequest, IssueAnswer, IssueRequest, Issued, IssuedList};
use roadstead_wire::percent;
use serde::de::DeserializeOwned;
use serde_json::to_value;

/// A part of what was issued.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IssuedPage {
    /// Certificates.
    pub items: Vec<Issued>,
    /// Where the next part begins; `None` at the end.
    pub next: Option<String>,
}

impl Management {
    /// Makes a CA for a DPS, whose key the server keeps.
    pub async fn create_ca<T: DeserializeOwned>(
        &self,
        dps: &Resource,
        name: &str,
        request: &CaRequest,
    ) -> Result<T, ServiceError> {
        let url = self.certificate_url(dps, name, "/create").await?;
        self.send(Method::POST, &url, None, Some(&json(request))).await?.json()
    }

    /// Lets a held CA issue a device's certificate.
    pub async fn issue(&self, dps: &Resource, ca: &str, request: &IssueRequest) -> Result<IssueAnswer, ServiceError> {
        let url = self.certificate_url(dps, ca, "/issue").await?;
        self.send(Method::POST, &url, None, Some(&json(request))).await?.json()
    }

    /// What a CA issued, by common name, those that begin with `prefix`; `top` of them after `position`.
    pub async fn list_issued(
        &self,
        dps: &Resource,
        ca: &str,
        prefix: &str,
        position: Option<&str>,
        top: usize,
    ) -> Result<IssuedPage, ServiceError> {
        let url = self.certificate_url(dps, ca, "/issued").await?;
        self.issued_page(url + &format!("&commonNamePrefix={}", percent::encode(prefix)), position, top).await
    }

    /// What all CAs of a DPS issued, by end, from an end on (in ISO 8601; `None`: all); `top` of them after `position`.
    pub async fn list_issued_by_end(
        &self,
        dps: &Resource,
        from: Option<&str>,
        position: Option<&str>,
        top: usize,
    ) -> Result<IssuedPage, ServiceError> {
        let url = self.resource_url(dps, "/issuedCertificates").await?;
        let filter = from.map(|from| format!("&endsAfter={}", percent::encode(from))).unwrap_or_default();
        self.issued_page(url + &filter, position, top).await
    }

    async fn issued_page(&self, url: String, position: Option<&str>, top: usize) -> Result<IssuedPage, ServiceError> {
        let after = position.map(|position| format!("&$skipToken={}", percent::encode(position))).unwrap_or_default();
        let url = format!("{url}&$top={top}{after}");
        let list: IssuedList = self.send(Method::GET, &url, None, None).await?.json()?;
        let token = list.next_link.as_deref().and_then(|link| link.rsplit_once("$skipToken="));
        Ok(IssuedPage { next: token.map(|(_, token)| percent::decode(token).into_owned()), items: list.value })
    }
}

fn json(request: &impl serde::Serialize) -> serde_json::Value {
    to_value(request).expect("texts and numbers under text keys can be written as JSON")
}
