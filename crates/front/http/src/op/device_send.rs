//! `POST /devices/{id}/messages/events`: telemetry without a connection. Source: reference of the HTTPS device API, 2.

use std::time::Duration;

use hyper::{StatusCode, header};
use roadstead_hub::{Fault, FaultKind, HubError};
use roadstead_model::Properties;
use roadstead_wire::{
    Words, fault,
    http_batch::{self, BatchError},
    http_headers,
    limits::BATCH_BYTES_MAX,
};

use crate::{call::Call, gate::DeviceDoor, op::hub_refusal, reply::Reply, serve::Parts};

/// One message, or a batch of them when the content type says so: all or none. 204 once it is durable.
pub(crate) async fn send(parts: &Parts, call: &Call, door: DeviceDoor<'_>) -> Reply {
    let messages = match read_messages(call) {
        Ok(messages) => messages,
        Err(refused) => return hub_refusal(parts, call, &refused),
    };
    if let Some(fault) = asked_for(&door, &messages) {
        return match door.inject(fault).await {
            Ok(()) => Reply::empty(StatusCode::NO_CONTENT),
            Err(refused) => hub_refusal(parts, call, &refused),
        };
    }
    match door.send(&messages).await {
        Ok(()) => {
            let bytes: usize = messages.iter().map(|(_, body)| body.len()).sum();
            metrics::counter!("roadstead_d2c_messages_total", "protocol" => "https").increment(messages.len() as u64);
            metrics::counter!("roadstead_d2c_body_bytes_total", "protocol" => "https").increment(bytes as u64);
            Reply::empty(StatusCode::NO_CONTENT)
        }
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

/// The fault that a message asks for, where the hub allows it and a request can have it. Any other message, one that asks
/// in vain too, is telemetry. Source: `roadstead_wire::fault`
fn asked_for(door: &DeviceDoor<'_>, messages: &[(Properties, Vec<u8>)]) -> Option<Fault> {
    let [(properties, _)] = messages else { return None };
    if !door.takes_faults() {
        return None;
    }
    let asked = match fault::Fault::from_properties(properties)? {
        Ok(asked) => asked,
        Err(error) => {
            tracing::info!(device = door.device_id(), "the message is telemetry: {error}");
            return None;
        }
    };
    let kind = match asked.kind {
        fault::FaultKind::InvokeThrottling => FaultKind::Throttled,
        fault::FaultKind::InvokeMaxMessageQuota => FaultKind::QuotaExceeded,
        fault::FaultKind::InvokeAuthError => FaultKind::Unauthorized,
        other => {
            tracing::info!(
                device = door.device_id(),
                "fault `{}` is not one of HTTP: the message is telemetry",
                other.word()
            );
            return None;
        }
    };
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    Some(Fault { kind, delay: seconds(asked.delay_s), duration: seconds(asked.duration_s) })
}

fn read_messages(call: &Call) -> Result<Vec<(Properties, Vec<u8>)>, HubError> {
    let content_type = call.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    if media_type.trim().eq_ignore_ascii_case(http_batch::CONTENT_TYPE) {
        let messages = http_batch::parse(&call.body).map_err(|error| match error {
            BatchError::TooLarge { bytes } => HubError::MessageTooLarge { bytes, bytes_max: BATCH_BYTES_MAX },
            other => HubError::Invalid(other.to_string()),
        })?;
        return Ok(messages.into_iter().map(|message| (message.properties, message.body)).collect());
    }
    let mut properties = Properties::new();
    for (name, value) in &call.headers {
        if let Ok(value) = value.to_str() {
            http_headers::read(name.as_str(), value, &mut properties);
        }
    }
    Ok(vec![(properties, call.body.to_vec())])
}
