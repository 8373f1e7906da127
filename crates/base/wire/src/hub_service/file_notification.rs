//! What back ends hear of finished file uploads.

use roadstead_model::UnixMillis;
use serde::{Deserialize, Serialize};

/// The content type of a notification; `guess (?)`. Source: `reference/hub-service.md` 2.3
pub const FILE_NOTIFICATION_CONTENT_TYPE: &str = "application/vnd.microsoft.iothub.filenotification.json";

/// A device has uploaded a file.
///
/// Shape: `{"deviceId":"dev1","blobUri":"https://…","blobName":"dev1/a.bin","lastUpdatedTime":"2026-11-21T20:00:00+00:00",
/// "blobSizeInBytes":123,"enqueuedTimeUtc":"2026-11-21T20:00:01.0000000Z"}`. Source: `reference/hub-service.md` 2.3
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileNotification {
    pub device_id: String,
    pub blob_uri: String,
    /// With the device's id before it, unlike in the device's own request.
    pub blob_name: String,
    /// In whole seconds, with an offset where all else has a `Z`: [`FileNotification::last_updated`].
    pub last_updated_time: String,
    pub blob_size_in_bytes: u64,
    pub enqueued_time_utc: String,
}

impl FileNotification {
    /// The spelling of `lastUpdatedTime`: `2026-11-21T20:00:00+00:00`.
    pub fn last_updated(at: UnixMillis) -> String {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_azure_writes() {
        let notification = FileNotification {
            device_id: "dev1".to_owned(),
            blob_uri: "https://store.example/uploads/dev1/a.bin".to_owned(),
            blob_name: "dev1/a.bin".to_owned(),
            last_updated_time: FileNotification::last_updated(UnixMillis(1_795_291_200_999)),
            blob_size_in_bytes: 123,
            enqueued_time_utc: UnixMillis(1_795_291_201_000).iso(),
        };
        let json = r#"{"deviceId":"dev1","blobUri":"https://store.example/uploads/dev1/a.bin","blobName":"dev1/a.bin","lastUpdatedTime":"2026-11-21T20:00:00+00:00","blobSizeInBytes":123,"enqueuedTimeUtc":"2026-11-21T20:00:01.0000000Z"}"#;
        assert_eq!(serde_json::to_string(&notification).unwrap(), json);
        assert_eq!(serde_json::from_str::<FileNotification>(json).unwrap(), notification);
    }

    proptest! {
        #[test]
        fn never_panics(at in any::<i64>()) {
            prop_assert!(FileNotification::last_updated(UnixMillis(at)).ends_with("+00:00"));
        }
    }
}
