//! Calls custom-allocation webhooks over HTTP. Source: reference of DPS, 3.6.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_dps::{AllocationAnswer, AllocationRequest, AllocationWebhook, AttestedBy, Source, WebhookError};
use roadstead_model::Webhook;
use roadstead_pki::Certificate;
use roadstead_wire::dps_service::{CertificateInfo, InitialTwin, Shown};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::limits;

/// An HTTP client that follows no redirect: the answer must come from whom the administrator named.
pub struct HttpWebhook {
    client: reqwest::Client,
}

impl HttpWebhook {
    /// Trusts what the machine trusts.
    pub fn new() -> Result<Self> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(alias = "iotHubHostname")]
    iot_hub_host_name: String,
    initial_twin: Option<InitialTwin>,
    payload: Option<Map<String, Value>>,
}

#[async_trait]
impl AllocationWebhook for HttpWebhook {
    async fn allocate(
        &self,
        webhook: &Webhook,
        request: &AllocationRequest,
        timeout: Duration,
    ) -> Result<AllocationAnswer, WebhookError> {
        let body = worded(webhook, request).to_string();
        let call = self
            .client
            .post(webhook.url.expose())
            .timeout(timeout)
            .header("content-type", "application/json")
            .body(body)
            .send();
        let failed = |error: reqwest::Error| failure(&error, timeout);
        let mut response = call.await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(WebhookError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            if body.len() + part.len() > limits::WEBHOOK_ANSWER_BYTES_MAX {
                let text = format!("its answer has more than {} bytes", limits::WEBHOOK_ANSWER_BYTES_MAX);
                return Err(WebhookError::BadAnswer(text));
            }
            body.extend_from_slice(&part);
        }
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|error| WebhookError::BadAnswer(format!("its answer is no allocation: {error}")))?;
        Ok(AllocationAnswer {
            hub: answer.iot_hub_host_name,
            initial_twin: answer.initial_twin.map(|twin| twin.to_model()),
            payload: answer.payload,
        })
    }
}

/// What went wrong, without the URL: it may hold a key.
fn failure(error: &reqwest::Error, timeout: Duration) -> WebhookError {
    if error.is_timeout() {
        return WebhookError::Timeout(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    }
    let what = if error.is_connect() { "it cannot be reached" } else { "the call broke off" };
    WebhookError::Unreachable(what.to_owned())
}

fn worded(webhook: &Webhook, request: &AllocationRequest) -> Value {
    let shown = Shown { keys: false, certificates: false, certificate: &certificate_info };
    let (member, mut enrollment) = match &request.source {
        Source::Individual(enrollment) => ("individualEnrollment", json!(shown.individual(enrollment))),
        Source::Group(group) => ("enrollmentGroup", json!(shown.group(group))),
    };
    let masked = webhook
        .url
        .expose()
        .split_once('?')
        .map_or_else(|| webhook.url.expose().to_owned(), |(address, _)| format!("{address}?****"));
    enrollment["customAllocationDefinition"] = json!({ "webhookUrl": masked, "apiVersion": webhook.api_version });
    let mut context = json!({ "registrationId": request.registration_id });
    match request.attested {
        AttestedBy::SymmetricKey => context["symmetricKey"] = json!({}),
        AttestedBy::X509 => context["x509"] = json!({}),
        AttestedBy::Tpm => {
            context["tpm"] = enrollment["attestation"]["tpm"].clone();
            if let Some(key) = &request.storage_root_key {
                context["tpm"]["storageRootKey"] = json!(STANDARD.encode(key));
            }
        }
    }
    if let Some((hub, device)) = &request.current {
        context["currentIotHubHostName"] = json!(hub);
        context["currentDeviceId"] = json!(device);
    }
    if let Some(payload) = &request.payload {
        context["payload"] = payload.clone();
    }
    let mut body = json!({ "deviceRuntimeContext": context, "linkedHubs": request.linked_hubs });
    body[member] = enrollment;
    body
}

/// What a certificate says, as enrollments show it. `None` when it cannot be read.
pub fn certificate_info(der: &[u8]) -> Option<CertificateInfo> {
    let certificate = Certificate::from_der(der).ok()?;
    let iso = |seconds: i64| roadstead_model::UnixSeconds(seconds).millis().iso();
    Some(CertificateInfo {
        subject_name: certificate.subject().to_owned(),
        sha1_thumbprint: certificate.sha1().to_string(),
        sha256_thumbprint: certificate.sha256().to_string(),
        issuer_name: certificate.issuer().to_owned(),
        not_before_utc: iso(certificate.not_before_s()),
        not_after_utc: iso(certificate.not_after_s()),
        serial_number: certificate.serial().to_owned(),
        version: certificate.version(),
    })
}
