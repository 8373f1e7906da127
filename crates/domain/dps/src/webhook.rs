//! The port to the HTTP endpoint that chooses hubs under the custom allocation policy.

use std::time::Duration;

use async_trait::async_trait;
use roadstead_model::{AttestedBy, DeviceId, InitialTwin, RegistrationId, Webhook};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::attestation::Source;

/// What the webhook is told. Source: `reference/dps.md` 3.6
#[derive(Debug, Clone)]
pub struct AllocationRequest {
    /// The enrollment, of which keys must not be sent and the webhook's own query string be masked.
    pub source: Source,
    /// `deviceRuntimeContext.registrationId`
    pub registration_id: RegistrationId,
    /// `deviceRuntimeContext.currentIotHubHostName` and `currentDeviceId`, when assigned before.
    pub current: Option<(String, DeviceId)>,
    /// Which of `x509`, `symmetricKey` and `tpm` the context has.
    pub attested: AttestedBy,
    /// The certificate presented, DER.
    pub leaf: Option<Vec<u8>>,
    /// The storage root key of the device's TPM, `TPM2B_PUBLIC`.
    pub storage_root_key: Option<Vec<u8>>,
    /// What the device sent along.
    pub payload: Option<Value>,
    /// Host names of the hubs among which to choose.
    pub linked_hubs: Vec<String>,
}

/// What the webhook answers: `{"iotHubHostName":"hub2.example.test","initialTwin":{…},"payload":{…}}`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AllocationAnswer {
    /// One of [`AllocationRequest::linked_hubs`].
    pub hub: String,
    /// In place of the enrollment's, for a first assignment or a move with reset.
    pub initial_twin: Option<InitialTwin>,
    /// For the device.
    pub payload: Option<Map<String, Value>>,
}

/// Why there is no answer. Texts end up with the device, so they must not show the URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// It answered, but not with success. Source of the text: azure-sdk-for-c tests (`reference/dps.md` 3.7)
    #[error("Custom allocation failed with status code: {0}")]
    Status(u16),
    /// It did not answer in time.
    #[error("Custom allocation failed: no answer within {0} ms")]
    Timeout(u64),
    /// It could not be called.
    #[error("Custom allocation failed: {0}")]
    Unreachable(String),
    /// It answered something else than an allocation.
    #[error("Custom allocation failed: {0}")]
    BadAnswer(String),
}

/// Calls custom-allocation webhooks.
#[async_trait]
pub trait AllocationWebhook: Send + Sync {
    /// Asks `webhook` (its URL, and the API version that selects the shape of the JSON) within `timeout`. Follows no redirect
    /// to another host.
    async fn allocate(
        &self,
        webhook: &Webhook,
        request: &AllocationRequest,
        timeout: Duration,
    ) -> Result<AllocationAnswer, WebhookError>;
}
