//! Direct methods as back ends call them.

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::value::RawValue;

/// A call: the body of `POST /twins/dev1/methods`. What it carries stays as the caller wrote it.
///
/// Shape: `{"methodName":"reboot","payload":{"delay":3},"responseTimeoutInSeconds":30,"connectTimeoutInSeconds":10}`; old
/// callers say `timeoutInSeconds` for the first. Units: seconds. Source: `reference/hub-service.md` 1.8
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodCall {
    pub method_name: String,
    /// Absent and `null` are one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
    /// How long the device may take.
    #[serde(
        default,
        alias = "timeoutInSeconds",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "seconds"
    )]
    pub response_timeout_in_seconds: Option<u32>,
    /// How long a device that is not connected is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "seconds")]
    pub connect_timeout_in_seconds: Option<u32>,
}

/// A number, or its text: `az iot hub invoke-device-method` sends its default as `"30"`.
/// Source: azure-iot extension 0.25.0
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Number(u32),
        Text(String),
    }
    match Option::<Given>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Given::Number(number)) => Ok(Some(number)),
        Some(Given::Text(text)) => text.parse().map(Some).map_err(D::Error::custom),
    }
}

impl MethodCall {
    /// What the device is sent: `null` when there is no payload, as every device reads that as JSON; `guess (?)`.
    pub fn device_body(&self) -> &str {
        self.payload.as_deref().map_or("null", RawValue::get)
    }
}

/// The device's answer. Shape: `{"status":200,"payload":{"ok":true}}`. Source: `reference/hub-service.md` 1.8
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MethodResult {
    /// The device's own code; over HTTP the status is 200 whatever it is.
    pub status: i32,
    /// `null` when the device sent an empty body.
    #[serde(default)]
    pub payload: Option<Box<RawValue>>,
}

impl MethodResult {
    /// What a device answered with this body.
    ///
    /// Errors: the body is neither empty nor JSON.
    pub fn of(status: i32, body: &[u8]) -> serde_json::Result<Self> {
        let payload = if body.trim_ascii().is_empty() { None } else { serde_json::from_slice(body)? };
        Ok(Self { status, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_body;

    #[test]
    fn calls() {
        for (body, name, device_body, response_s, connect_s) in [
            (
                r#"{"methodName":"reboot","payload":{"delay":3},"responseTimeoutInSeconds":30,"connectTimeoutInSeconds":10}"#,
                "reboot",
                r#"{"delay":3}"#,
                Some(30),
                Some(10),
            ),
            (r#"{"methodName":"m","payload":[1, 2.50 ],"timeoutInSeconds":5}"#, "m", "[1, 2.50 ]", Some(5), None),
            (r#"{"methodName":"m","payload":null,"responseTimeoutInSeconds":null,"x":1}"#, "m", "null", None, None),
            (
                r#"{"methodName":"m","responseTimeoutInSeconds":"30","connectTimeoutInSeconds":"5"}"#,
                "m",
                "null",
                Some(30),
                Some(5),
            ),
            (r#"{"payload":"","methodName":""}"#, "", "\"\"", None, None),
        ] {
            let call: MethodCall = object_body::parse(body.as_bytes()).unwrap();
            assert_eq!((&*call.method_name, call.device_body()), (name, device_body), "{body}");
            assert_eq!((call.response_timeout_in_seconds, call.connect_timeout_in_seconds), (response_s, connect_s));
        }
        for body in [
            "",
            "[]",
            "{}",
            r#"{"methodName":1}"#,
            r#"{"methodName":"m","payload":{]}"#,
            r#"{"methodName":"m","responseTimeoutInSeconds":-1}"#,
            r#"{"methodName":"m","responseTimeoutInSeconds":"soon"}"#,
            r#"{"methodName":"m","responseTimeoutInSeconds":""}"#,
        ] {
            assert!(object_body::parse::<MethodCall>(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn writes_calls_as_node_does() {
        let payload = RawValue::from_string(r#"{"delay":3}"#.to_owned()).unwrap();
        let mut call = MethodCall {
            method_name: "reboot".to_owned(),
            payload: Some(payload),
            response_timeout_in_seconds: Some(30),
            connect_timeout_in_seconds: Some(10),
        };
        assert_eq!(
            serde_json::to_string(&call).unwrap(),
            r#"{"methodName":"reboot","payload":{"delay":3},"responseTimeoutInSeconds":30,"connectTimeoutInSeconds":10}"#
        );
        (call.payload, call.response_timeout_in_seconds, call.connect_timeout_in_seconds) = (None, None, None);
        assert_eq!(serde_json::to_string(&call).unwrap(), r#"{"methodName":"reboot"}"#);
    }

    #[test]
    fn answers() {
        for (status, body, expected) in [
            (200, r#"{"ok":true}"#, r#"{"status":200,"payload":{"ok":true}}"#),
            (-1, "", r#"{"status":-1,"payload":null}"#),
            (404, " ", r#"{"status":404,"payload":null}"#),
            (0, "null", r#"{"status":0,"payload":null}"#),
            (200, " 1.50 ", r#"{"status":200,"payload":1.50}"#),
        ] {
            let answer = MethodResult::of(status, body.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&answer).unwrap(), expected);
            let back: MethodResult = serde_json::from_str(expected).unwrap();
            assert_eq!((back.status, serde_json::to_string(&back).unwrap().as_str()), (status, expected));
        }
        for body in [&b"ok"[..], b"{", b"{} {}", b"\xff", b"\"\xff\""] {
            assert!(MethodResult::of(200, body).is_err(), "{body:?}");
        }
    }
}
