//! Several messages in one HTTP request.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_model::Properties;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{http_headers, limits::BATCH_BYTES_MAX};

/// The content type that makes a request a batch.
pub const CONTENT_TYPE: &str = "application/vnd.microsoft.iothub.json";

/// One message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchMessage {
    pub body: Vec<u8>,
    pub properties: Properties,
}

/// Why a batch is refused, as a whole.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("the batch is not a JSON array of messages: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the body of message {at} is not base64")]
    Base64 { at: usize },
    #[error("property `{name}` of message {at} is not a text, number, boolean or null")]
    Property { at: usize, name: String },
    #[error("the messages have {bytes} bytes, at most {BATCH_BYTES_MAX} are allowed")]
    TooLarge { bytes: usize },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Element<'a> {
    #[serde(borrow)]
    body: Cow<'a, str>,
    #[serde(default = "is_base64_when_absent")]
    base64_encoded: bool,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    properties: Map<String, Value>,
}

/// node leaves the flag out and always sends base64.
fn is_base64_when_absent() -> bool {
    true
}

/// Reads a batch. The caller has bounded the length of `json`.
///
/// Shape: `[{"body":"eyJ0IjoxfQ==","properties":{"iothub-app-k1":"v"}},{"body":"text","base64Encoded":false}]`.
/// Source: `reference/hub-device.md` 2.2
pub fn parse(json: &[u8]) -> Result<Vec<BatchMessage>, BatchError> {
    let elements: Vec<Element<'_>> = serde_json::from_slice(json)?;
    let mut bytes = 0;
    let mut messages = Vec::with_capacity(elements.len());
    for (at, element) in elements.into_iter().enumerate() {
        let message = message(at, element)?;
        bytes += message.body.len() + message.properties.text_bytes();
        messages.push(message);
    }
    if bytes > BATCH_BYTES_MAX { Err(BatchError::TooLarge { bytes }) } else { Ok(messages) }
}

fn message(at: usize, element: Element<'_>) -> Result<BatchMessage, BatchError> {
    let body = if element.base64_encoded {
        STANDARD.decode(element.body.as_bytes()).map_err(|_| BatchError::Base64 { at })?
    } else {
        element.body.into_owned().into_bytes()
    };
    let mut properties = Properties::new();
    for (name, value) in element.properties {
        match value {
            Value::Null => {}
            Value::String(text) => http_headers::read(&name, &text, &mut properties),
            Value::Bool(_) | Value::Number(_) => http_headers::read(&name, &value.to_string(), &mut properties),
            Value::Array(_) | Value::Object(_) => return Err(BatchError::Property { at, name }),
        }
    }
    Ok(BatchMessage { body, properties })
}

/// The JSON with which a client sends these messages, all in base64. A property that is there twice keeps its last value.
pub fn write<'a>(messages: impl IntoIterator<Item = (&'a [u8], &'a Properties)>) -> Vec<u8> {
    let element = |(body, properties): (&[u8], &Properties)| Element {
        body: STANDARD.encode(body).into(),
        base64_encoded: true,
        properties: http_headers::write(properties).into_iter().map(|(name, value)| (name, value.into())).collect(),
    };
    let elements: Vec<_> = messages.into_iter().map(element).collect();
    serde_json::to_vec(&elements).expect("every map has text for keys")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use roadstead_model::{Property, SystemProperty};

    #[test]
    fn batches_of_the_sdks() {
        for (json, bodies) in [
            (
                r#"[{"body": "eyJ0IjoxfQ==", "properties":{"iothub-app-k1":"v"}},{"body": "dHdv"}]"#,
                &["{\"t\":1}", "two"][..],
            ),
            (
                r#"[{"body":"eyJ0IjoxfQ==","base64Encoded":true,"properties":{"iothub-messageid":"1","iothub-app-k":"v"}}]"#,
                &["{\"t\":1}"],
            ),
            (r#"[{"body":"text","base64Encoded":false}]"#, &["text"]),
            (
                r#"[{"body":"t\u00e4xt","base64Encoded":false,"properties":{"iothub-app-n":1,"iothub-app-z":null}}]"#,
                &["täxt"],
            ),
            ("[]", &[]),
        ] {
            let parsed = parse(json.as_bytes()).unwrap();
            let read: Vec<_> = parsed.iter().map(|message| std::str::from_utf8(&message.body).unwrap()).collect();
            assert_eq!(read, bodies, "{json}");
        }
        let java = parse(br#"[{"body":"eA==","properties":{"iothub-messageid":"1","iothub-app-k":"v"}}]"#).unwrap();
        let expected = [Property::System(SystemProperty::MessageId, "1"), Property::Application("k", Some("v"))];
        assert_eq!(java[0].properties.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn refused() {
        for json in
            ["", "{}", "[1]", "[{}]", r#"[{"body":1}]"#, r#"[{"body":null}]"#, r#"[{"body":"a","properties":[]}]"#]
        {
            assert!(matches!(parse(json.as_bytes()), Err(BatchError::Json(_))), "{json}");
        }
        assert!(matches!(parse(br#"[{"body":"eA=="},{"body":"*"}]"#), Err(BatchError::Base64 { at: 1 })));
        let nested = br#"[{"body":"eA==","properties":{"iothub-app-k":{}}}]"#;
        assert!(matches!(parse(nested), Err(BatchError::Property { at: 0, name }) if name == "iothub-app-k"));
        let half = "x".repeat(BATCH_BYTES_MAX / 2);
        let full = format!(r#"[{{"body":"{half}","base64Encoded":false}},{{"body":"{half}","base64Encoded":false}}]"#);
        assert_eq!(parse(full.as_bytes()).unwrap().len(), 2);
        let over = full.replacen("x\"", "xx\"", 1);
        assert!(matches!(parse(over.as_bytes()), Err(BatchError::TooLarge { bytes }) if bytes == BATCH_BYTES_MAX + 1));
    }

    #[test]
    fn writes_what_it_reads() {
        let mut properties = Properties::new();
        properties.push_system(SystemProperty::ContentType, "application/json");
        properties.push_application("k", Some("v"));
        let json = write([(&b"{}"[..], &properties), (b"\xff", &Properties::new())]);
        let back = parse(&json).unwrap();
        assert_eq!(back[0], BatchMessage { body: b"{}".to_vec(), properties: properties.clone() });
        assert_eq!(back[1].body, b"\xff");
    }

    proptest! {
        #[test]
        fn never_panics(json in "[\\[{}\\]\":,a-zA-Z0-9 -]{0,64}") {
            let _ = parse(json.as_bytes());
        }
    }
}
