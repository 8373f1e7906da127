//! How Resource Manager refuses.

use serde::{Deserialize, Serialize};

/// Shape: `{"error":{"code":"ResourceNotFound","message":"…"}}`; `az` prints `(ResourceNotFound) …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmError {
    error: Detail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Detail {
    code: String,
    #[serde(default)]
    message: String,
}

impl ArmError {
    /// A refusal of this kind.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error: Detail { code: code.into(), message: message.into() } }
    }

    /// One word: `ResourceNotFound`.
    pub fn code(&self) -> &str {
        &self.error.code
    }

    /// A sentence for people.
    pub fn message(&self) -> &str {
        &self.error.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        let error = ArmError::new("ResourceNotFound", "no hub `plant`");
        let json = serde_json::to_string(&error).unwrap();
        assert_eq!(json, r#"{"error":{"code":"ResourceNotFound","message":"no hub `plant`"}}"#);
        let back: ArmError = serde_json::from_str(&json).unwrap();
        assert_eq!((back.code(), back.message()), ("ResourceNotFound", "no hub `plant`"));
        assert!(serde_json::from_str::<ArmError>(r#"{"code":"x"}"#).is_err());
    }
}
