//! Emptying a device's queue.

use serde::{Deserialize, Serialize};

/// The answer of `DELETE /devices/dev1/commands`.
///
/// Shape: `{"totalMessagesPurged":2,"deviceId":"dev1","moduleId":null}`. Source: `reference/hub-service.md` 1.9
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurgeResult {
    pub total_messages_purged: u32,
    pub device_id: String,
    #[serde(default)]
    pub module_id: Option<String>,
}

impl PurgeResult {
    /// So many messages of this device are gone.
    pub fn of(device_id: &str, total_messages_purged: u32) -> Self {
        Self { total_messages_purged, device_id: device_id.to_owned(), module_id: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_azure_answers() {
        let json = r#"{"totalMessagesPurged":2,"deviceId":"dev1","moduleId":null}"#;
        assert_eq!(serde_json::to_string(&PurgeResult::of("dev1", 2)).unwrap(), json);
        assert_eq!(serde_json::from_str::<PurgeResult>(json).unwrap(), PurgeResult::of("dev1", 2));
    }
}
