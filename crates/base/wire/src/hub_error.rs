//! The bodies with which a hub refuses. There are three shapes, and clients depend on which comes where.

use std::{collections::BTreeMap, fmt};

use roadstead_model::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::{ascii_json, hub_code::HubCode};

/// The header that names the error: the C# SDK believes the body only when both agree.
pub const ERROR_CODE_HEADER: &str = "iothub-errorcode";

/// What an operator finds a refusal by. Shape: `0123456789abcdef0123456789abcdef-G:0-TimeStamp:11/21/2026 21:00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackingId<'a> {
    /// 32 hex digits.
    pub id: &'a str,
    pub at: UnixMillis,
}

impl fmt::Display for TrackingId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.at.0).unwrap_or_default();
        write!(f, "{}-G:0-TimeStamp:{}", self.id, at.strftime("%m/%d/%Y %H:%M:%S"))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Outer {
    message: String,
    #[serde(default)]
    exception_message: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inner {
    error_code: u32,
    #[serde(default)]
    tracking_id: String,
    #[serde(default)]
    message: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    info: BTreeMap<String, String>,
    #[serde(default)]
    timestamp_utc: String,
}

fn inner(code: HubCode, message: &str, info: BTreeMap<String, String>, tracking: TrackingId<'_>) -> Vec<u8> {
    let (tracking_id, timestamp_utc) = (tracking.to_string(), tracking.at.iso());
    to_json(&Inner { error_code: code.number(), tracking_id, message: message.to_owned(), info, timestamp_utc })
}

fn to_json<T: Serialize>(body: &T) -> Vec<u8> {
    ascii_json::to_vec(body).expect("the only map has text for keys")
}

/// Over HTTP, from everything but direct methods (shape A).
///
/// Shape: `{"Message":"ErrorCode:DeviceNotFound;E.g. device dev9 not registered","ExceptionMessage":"Tracking ID:0d6c…"}`.
/// Source: `reference/hub-service.md` 1.3
pub fn http_body(code: HubCode, message: &str, tracking: TrackingId<'_>) -> Vec<u8> {
    let message = format!("ErrorCode:{};{message}", code.name());
    to_json(&Outer { message, exception_message: format!("Tracking ID:{tracking}") })
}

/// Over HTTP, from direct methods (shape B): JSON as text within JSON.
///
/// Shape: `{"Message":"{\"errorCode\":404103,\"trackingId\":…,\"info\":{\"timeout\":\"00:00:00\"},…}","ExceptionMessage":""}`.
/// Source: `reference/hub-service.md` 1.3
pub fn method_body(code: HubCode, message: &str, info: BTreeMap<String, String>, tracking: TrackingId<'_>) -> Vec<u8> {
    let inner = String::from_utf8(inner(code, message, info, tracking)).expect("JSON is UTF-8");
    to_json(&Outer { message: inner, exception_message: String::new() })
}

/// To a device's twin request, over MQTT and AMQP. Never empty: to the node SDK an empty body means success.
///
/// Shape: `{"errorCode":400004,"trackingId":"0123…","message":"Invalid JSON.","timestampUtc":"2026-11-21T21:00:00.0000000Z"}`.
/// Source: `reference/hub-device.md` 7.3
pub fn twin_body(code: HubCode, message: &str, tracking: TrackingId<'_>) -> Vec<u8> {
    inner(code, message, BTreeMap::new(), tracking)
}

/// A refusal as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubError {
    /// Absent: a code this program does not know.
    pub code: Option<HubCode>,
    pub message: String,
    /// With the timestamp, as the hub printed it; empty when there was none.
    pub tracking_id: String,
}

impl HubError {
    /// Reads a body of any of the three shapes; `None` when it is none of them.
    pub fn parse(body: &[u8]) -> Option<Self> {
        if let Ok(inner) = serde_json::from_slice::<Inner>(body) {
            return Some(Self::of_inner(inner));
        }
        let outer: Outer = serde_json::from_slice(body).ok()?;
        if let Ok(inner) = serde_json::from_str::<Inner>(&outer.message) {
            return Some(Self::of_inner(inner));
        }
        let (name, message) = outer.message.strip_prefix("ErrorCode:")?.split_once(';')?;
        let tracking_id = outer.exception_message.trim_start_matches("Tracking ID:").to_owned();
        Some(Self { code: HubCode::of_name(name), message: message.to_owned(), tracking_id })
    }

    fn of_inner(inner: Inner) -> Self {
        Self { code: HubCode::of_number(inner.error_code), message: inner.message, tracking_id: inner.tracking_id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRACKING: TrackingId<'_> =
        TrackingId { id: "0123456789abcdef0123456789abcdef", at: UnixMillis(1_795_294_800_000) };
    const TRACKED: &str = "0123456789abcdef0123456789abcdef-G:0-TimeStamp:11/21/2026 21:00:00";

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn three_shapes() {
        let a = text(http_body(HubCode::IotHubUnauthorizedAccess, "Unauthorized", TRACKING));
        assert_eq!(
            a,
            format!(
                r#"{{"Message":"ErrorCode:IotHubUnauthorizedAccess;Unauthorized","ExceptionMessage":"Tracking ID:{TRACKED}"}}"#
            )
        );
        let info = BTreeMap::from([("timeout".to_owned(), "00:00:00".to_owned())]);
        let b = text(method_body(HubCode::DeviceNotOnline, "Timed out waiting for device to connect.", info, TRACKING));
        let expected = format!(
            r#"{{"Message":"{{\"errorCode\":404103,\"trackingId\":\"{TRACKED}\",\"message\":\"Timed out waiting for device to connect.\",\"info\":{{\"timeout\":\"00:00:00\"}},\"timestampUtc\":\"2026-11-21T21:00:00.0000000Z\"}}","ExceptionMessage":""}}"#
        );
        assert_eq!(b, expected);
        let twin = text(twin_body(HubCode::ArgumentInvalid, "Invalid JSON.", TRACKING));
        let expected = format!(
            r#"{{"errorCode":400004,"trackingId":"{TRACKED}","message":"Invalid JSON.","timestampUtc":"2026-11-21T21:00:00.0000000Z"}}"#
        );
        assert_eq!(twin, expected);
    }

    #[test]
    fn every_shape_is_read_back() {
        let code = HubCode::DeviceNotOnline;
        for body in [
            http_body(code, "offline; now", TRACKING),
            method_body(code, "offline; now", BTreeMap::new(), TRACKING),
            twin_body(code, "offline; now", TRACKING),
        ] {
            let expected = HubError { code: Some(code), message: "offline; now".into(), tracking_id: TRACKED.into() };
            assert_eq!(HubError::parse(&body), Some(expected));
        }
        let unknown = br#"{"Message":"ErrorCode:Newest;text"}"#;
        assert_eq!(
            HubError::parse(unknown).unwrap(),
            HubError { code: None, message: "text".into(), tracking_id: String::new() }
        );
        for body in [
            &b""[..],
            b"{}",
            b"[]",
            b"text",
            br#"{"Message":"text"}"#,
            br#"{"Message":"ErrorCode:X"}"#,
            br#"{"Message":3}"#,
        ] {
            assert_eq!(HubError::parse(body), None, "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..64), at in any::<i64>()) {
            let _ = HubError::parse(&body);
            let _ = TrackingId { id: "", at: UnixMillis(at) }.to_string();
        }
    }
}
