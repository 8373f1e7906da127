//! The body with which DPS refuses, over every protocol.

use std::collections::BTreeMap;

use roadstead_model::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::{ascii_json, dps_code::DpsCode};

/// A refusal. Shape: `{"errorCode":401002,"trackingId":"8ad0463c-0000-4000-8000-3e8bb7003e9b","message":"Unauthorized",
/// "timestampUtc":"2026-11-21T20:02:50.4718526Z"}`. Source: `reference/dps.md` 3.7
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DpsError {
    pub error_code: u32,
    #[serde(default)]
    pub tracking_id: String,
    #[serde(default)]
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub info: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub timestamp_utc: String,
}

impl DpsError {
    /// A refusal at `now`. `tracking_id` is a UUID, the same as in the header `x-ms-request-id` and in the log.
    pub fn new(code: DpsCode, message: impl Into<String>, tracking_id: impl Into<String>, now: UnixMillis) -> Self {
        Self {
            error_code: code.number(),
            tracking_id: tracking_id.into(),
            message: message.into(),
            info: None,
            timestamp_utc: now.iso(),
        }
    }

    /// The JSON, in ASCII.
    pub fn to_json(&self) -> Vec<u8> {
        ascii_json::to_vec(self).expect("the only map has text for keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worded_as_captured() {
        let error = DpsError::new(
            DpsCode::Unauthorized,
            "Unauthorized",
            "8ad0463c-0000-4000-8000-3e8bb7003e9b",
            UnixMillis(1_795_291_370_471),
        );
        let expected = r#"{"errorCode":401002,"trackingId":"8ad0463c-0000-4000-8000-3e8bb7003e9b","message":"Unauthorized","timestampUtc":"2026-11-21T20:02:50.4710000Z"}"#;
        assert_eq!(String::from_utf8(error.to_json()).unwrap(), expected);
        assert_eq!(serde_json::from_str::<DpsError>(expected).unwrap(), error);
        assert_eq!(DpsCode::Unauthorized.http_status(), 401);
    }

    #[test]
    fn info_is_read() {
        let error: DpsError = serde_json::from_str(r#"{"errorCode":429001,"info":{"k":"v"}}"#).unwrap();
        assert_eq!(error.info.unwrap()["k"], "v");
        assert!(serde_json::from_str::<DpsError>("{}").is_err());
    }
}
