//! What a server says when it refuses, in any of its dialects.

use serde_json::Value;
use std::fmt;

/// A refusal as decoded from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Azure's code: `DeviceNotFound`, `404201`, `ResourceGroupNotFound`, `invalid_client`.
    pub code: Option<String>,
    /// The cause in words.
    pub message: String,
    /// What to look for in the server's log.
    pub tracking_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} ({code})", self.message),
            None => write!(f, "{} (HTTP {})", self.message, self.status),
        }
    }
}

impl Refusal {
    /// Reads an error body. Any body will do: one that is in no known dialect is shown as it is, cut short.
    ///
    /// | who | shape |
    /// |---|---|
    /// | Resource Manager | `{"error":{"code":"X","message":"…"}}` |
    /// | token endpoint | `{"error":"invalid_client","error_description":"…"}` |
    /// | DPS | `{"errorCode":404201,"trackingId":"…","message":"…","timestampUtc":"…"}` |
    /// | hub | `{"Message":"ErrorCode:DeviceNotFound;…","ExceptionMessage":"Tracking ID:…"}` |
    /// | hub, files | `<Error><Code>BlobNotFound</Code><Message>…</Message></Error>` |
    /// | hub, methods | `{"Message":"{\"errorCode\":404103,\"message\":\"…\"}","ExceptionMessage":""}` |
    ///
    /// Source: `reference/arm-and-az.md` 2 and 6, `reference/hub-service.md` 1.3
    pub fn decode(status: u16, body: &[u8]) -> Self {
        let found = serde_json::from_slice(body).ok().and_then(|body: Value| read(&body)).or_else(|| {
            let (code, message) = roadstead_wire::blob::read_refusal(body)?;
            Some(Dialect { code: Some(code), message: Some(message), tracking_id: None })
        });
        let Dialect { code, message, tracking_id } = found.unwrap_or_default();
        let message = message.filter(|message| !message.is_empty()).unwrap_or_else(|| plain(status, body));
        Self { status, code, message, tracking_id }
    }
}

#[derive(Default)]
struct Dialect {
    code: Option<String>,
    message: Option<String>,
    tracking_id: Option<String>,
}

fn read(body: &Value) -> Option<Dialect> {
    if let Some(error) = body.get("error") {
        let (holder, code, message) = match error {
            Value::String(_) => (body, "error", "error_description"),
            _ => (error, "code", "message"),
        };
        return Some(Dialect { code: text(holder, code), message: text(holder, message), tracking_id: None });
    }
    if body.get("errorCode").is_some() {
        return Some(Dialect {
            code: text(body, "errorCode"),
            message: text(body, "message"),
            tracking_id: text(body, "trackingId"),
        });
    }
    let message = text(body, "Message").or_else(|| text(body, "message"))?;
    let nested = serde_json::from_str(&message).ok().filter(Value::is_object);
    nested.as_ref().and_then(read).or_else(|| Some(read_hub(body, &message)))
}

/// `ErrorCode:DeviceNotFound;E.g. device dev9 not registered`
fn read_hub(body: &Value, message: &str) -> Dialect {
    let tracking_id =
        text(body, "ExceptionMessage").and_then(|text| Some(text.strip_prefix("Tracking ID:")?.to_owned()));
    let (code, message) = match message.strip_prefix("ErrorCode:") {
        Some(rest) => rest.split_once(';').map_or((Some(rest), rest), |(code, message)| (Some(code), message)),
        None => (None, message),
    };
    Dialect { code: code.map(str::to_owned), message: Some(message.trim().to_owned()), tracking_id }
}

fn text(holder: &Value, member: &str) -> Option<String> {
    match holder.get(member)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn plain(status: u16, body: &[u8]) -> String {
    const CHARS_MAX: usize = 200;
    let text: String = String::from_utf8_lossy(body).trim().chars().take(CHARS_MAX).collect();
    let printable = !text.is_empty() && !text.contains(|c: char| c.is_control() && c != '\n');
    if printable && !text.starts_with('<') { text } else { format!("the server refused with HTTP {status}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_gives_code_and_cause() {
        let method = r#"{"Message":"{\"errorCode\":404103,\"trackingId\":\"ce04-G:0\",\"message\":\"Timed out waiting for device to connect.\",\"info\":{\"timeout\":\"00:00:00\"}}","ExceptionMessage":""}"#;
        for (body, code, message, tracking_id) in [
            (
                r#"{"error":{"code":"ResourceGroupNotFound","message":"Resource group 'x' could not be found."}}"#,
                Some("ResourceGroupNotFound"),
                "Resource group 'x' could not be found.",
                None,
            ),
            (
                r#"{"error":"invalid_client","error_description":"wrong secret"}"#,
                Some("invalid_client"),
                "wrong secret",
                None,
            ),
            (
                r#"{"errorCode":404201,"trackingId":"t-1","message":"Enrollment not found.","timestampUtc":"2026-11-21T20:00:00Z"}"#,
                Some("404201"),
                "Enrollment not found.",
                Some("t-1"),
            ),
            (
                r#"{"Message":"ErrorCode:DeviceNotFound;E.g. device dev9 not registered","ExceptionMessage":"Tracking ID:0d6c-G:5"}"#,
                Some("DeviceNotFound"),
                "E.g. device dev9 not registered",
                Some("0d6c-G:5"),
            ),
            (r#"{"Message":"ErrorCode:IotHubUnauthorized"}"#, Some("IotHubUnauthorized"), "IotHubUnauthorized", None),
            (method, Some("404103"), "Timed out waiting for device to connect.", Some("ce04-G:0")),
            (r#"{"Message":"[1]"}"#, None, "[1]", None),
            (r#"{"message":"no route"}"#, None, "no route", None),
            ("plain words", None, "plain words", None),
        ] {
            let expected = Refusal {
                status: 404,
                code: code.map(str::to_owned),
                message: message.to_owned(),
                tracking_id: tracking_id.map(str::to_owned),
            };
            assert_eq!(Refusal::decode(404, body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_body_that_says_nothing_is_named_by_its_status() {
        for body in
            ["", "  ", "<html>nginx</html>", "\u{1b}[31m", "{}", "[]", "null", r#"{"error":{}}"#, r#"{"errorCode":5}"#]
        {
            let refusal = Refusal::decode(502, body.as_bytes());
            let shown = refusal.message == "the server refused with HTTP 502" || refusal.message == body;
            assert!(shown, "{body}: {refusal:?}");
        }
        assert_eq!(Refusal::decode(502, &[0xff; 4000]).message.chars().count(), 200);
    }

    #[test]
    fn a_refusal_is_shown_with_its_code() {
        let refusal = |body: &str| Refusal::decode(404, body.as_bytes()).to_string();
        assert_eq!(
            refusal(r#"{"errorCode":404201,"message":"Enrollment not found."}"#),
            "Enrollment not found. (404201)"
        );
        assert_eq!(refusal("no route"), "no route (HTTP 404)");
    }
}
