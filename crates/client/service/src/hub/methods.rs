//! Direct methods. Source: `reference/hub-service.md` 1.8

use super::HubService;
use super::twins::ROOT;
use crate::error::ServiceError;
use crate::limits::{ANSWER_TIMEOUT, METHOD_CONNECT_DEFAULT_S, METHOD_RESPONSE_DEFAULT_S};
use reqwest::Method;
use roadstead_wire::hub_service::MethodCall;
use serde::de::DeserializeOwned;
use std::time::Duration;

impl HubService {
    /// Calls a method and waits for the answer: `{"status":200,"payload":{"ok":true}}`. The status is the device's own.
    pub async fn invoke_method<T: DeserializeOwned>(
        &self,
        id: &str,
        module: Option<&str>,
        call: &MethodCall,
    ) -> Result<T, ServiceError> {
        let waits = [
            call.response_timeout_in_seconds.unwrap_or(METHOD_RESPONSE_DEFAULT_S),
            call.connect_timeout_in_seconds.unwrap_or(METHOD_CONNECT_DEFAULT_S),
        ];
        let patience = waits.map(u64::from).map(Duration::from_secs).iter().sum::<Duration>() + ANSWER_TIMEOUT;
        let request = self.identity(Method::POST, ROOT, id, module, "/methods").patience(patience).json(call)?;
        self.transport.send(request).await?.json()
    }
}
