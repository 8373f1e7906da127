//! The bodies with which a device uploads files: it asks the hub where to, uploads there, and tells the hub how it went.

use roadstead_model::{Secret, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{blob::CONTAINER, hub_service::FileNotification, percent};

/// Asks where to upload: the body of `POST /devices/dev1/files`.
///
/// Shape: `{"blobName":"logs/1.txt"}`. Source: `reference/hub-device.md` 2.3
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileUploadRequest {
    pub blob_name: String,
}

/// Where to upload. C refuses it when one of the five is missing.
///
/// Shape: `{"correlationId":"MjAy…==","hostName":"store.example","containerName":"uploads","blobName":"dev1/logs/1.txt",
/// "sasToken":"?sv=…&sr=b&sig=…&se=…&sp=rw"}`. Source: `reference/hub-device.md` 2.3
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileUploadPlace {
    pub correlation_id: String,
    pub host_name: String,
    pub container_name: String,
    /// With the device's id before what it asked for.
    pub blob_name: String,
    /// Begins with `?`: devices append it to the blob's address.
    pub sas_token: Secret,
}

/// How the upload went: the body of `POST /devices/dev1/files/notifications`.
///
/// Shape: `{"correlationId":"MjAy…==","isSuccess":true,"statusCode":200,"statusDescription":"ok"}`.
/// Source: `reference/hub-device.md` 2.3
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileUploadStatus {
    /// Absent when the path has it, as node does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    pub is_success: bool,
    /// The device's own code.
    #[serde(default)]
    pub status_code: i32,
    #[serde(default)]
    pub status_description: Option<String>,
}

/// A file that a device uploaded, in a list of ours: Azure's hub tells of none but in notifications, whose words these are.
///
/// Shape: `{"blobName":"dev1/logs/1.txt","blobUri":"https://plant.localhost/uploads/dev1/logs/1.txt","blobSizeInBytes":123,
/// "contentType":"text/plain","lastUpdatedTime":"2026-11-21T20:00:00+00:00"}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadedFile {
    /// With the device's id before it, unlike in the device's own request.
    pub blob_name: String,
    pub blob_uri: String,
    pub blob_size_in_bytes: u64,
    /// As the uploader gave it; absent when it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// In whole seconds, with an offset.
    pub last_updated_time: String,
}

impl UploadedFile {
    /// What is told of the file with this full name, `dev1/logs/1.txt`, on the hub that the client reached at `host`.
    pub fn new(host: &str, name: String, size: u64, content_type: Option<String>, last_updated: UnixMillis) -> Self {
        Self {
            blob_uri: blob_uri(host, &name),
            blob_name: name,
            blob_size_in_bytes: size,
            content_type,
            last_updated_time: FileNotification::last_updated(last_updated),
        }
    }
}

/// Where the file with this full name is: `https://plant.localhost/uploads/dev1/logs/1.txt`
pub fn blob_uri(host: &str, name: &str) -> String {
    let segments: Vec<String> = name.split('/').map(percent::encode).collect();
    format!("https://{host}/{CONTAINER}/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_body;

    #[test]
    fn files_as_they_are_listed() {
        let file = UploadedFile::new("h:8443", "dev 1/a b/ä.bin".to_owned(), 123, None, UnixMillis(1_795_291_200_999));
        let json = r#"{"blobName":"dev 1/a b/ä.bin","blobUri":"https://h:8443/uploads/dev%201/a%20b/%C3%A4.bin","blobSizeInBytes":123,"lastUpdatedTime":"2026-11-21T20:00:00+00:00"}"#;
        assert_eq!(serde_json::to_string(&file).unwrap(), json);
        assert_eq!(serde_json::from_str::<UploadedFile>(json).unwrap(), file);
    }

    #[test]
    fn requests() {
        let request: FileUploadRequest = object_body::parse(br#"{"blobName":"logs/1.txt"}"#).unwrap();
        assert_eq!(request.blob_name, "logs/1.txt");
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"blobName":"logs/1.txt"}"#);
        for body in [&b""[..], b"{}", b"[\"a\"]", br#"{"blobName":null}"#, br#"{"blobName":1}"#] {
            assert!(object_body::parse::<FileUploadRequest>(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn places_hide_their_token_from_logs() {
        let place = FileUploadPlace {
            correlation_id: "MjAy==".to_owned(),
            host_name: "store.example".to_owned(),
            container_name: "uploads".to_owned(),
            blob_name: "dev1/logs/1.txt".to_owned(),
            sas_token: Secret::new("?sv=1&sr=b&sig=s%3D&se=2&sp=rw"),
        };
        let json = r#"{"correlationId":"MjAy==","hostName":"store.example","containerName":"uploads","blobName":"dev1/logs/1.txt","sasToken":"?sv=1&sr=b&sig=s%3D&se=2&sp=rw"}"#;
        assert_eq!(serde_json::to_string(&place).unwrap(), json);
        assert_eq!(serde_json::from_str::<FileUploadPlace>(json).unwrap(), place);
        assert!(!format!("{place:?}").contains("sig"));
    }

    #[test]
    fn statuses_of_the_sdks() {
        for (body, correlation_id, is_success, status_code, description) in [
            (
                r#"{"correlationId":"MjAy==", "isSuccess":true, "statusCode":200, "statusDescription":"ok"}"#,
                Some("MjAy=="),
                true,
                200,
                Some("ok"),
            ),
            (r#"{"isSuccess":false,"statusCode":-1,"statusDescription":"gone"}"#, None, false, -1, Some("gone")),
            (r#"{"correlationId":null,"isSuccess":true,"statusCode":0,"statusDescription":null}"#, None, true, 0, None),
            (r#"{"isSuccess":true}"#, None, true, 0, None),
        ] {
            let status: FileUploadStatus = object_body::parse(body.as_bytes()).unwrap();
            assert_eq!((status.correlation_id.as_deref(), status.is_success), (correlation_id, is_success), "{body}");
            assert_eq!((status.status_code, status.status_description.as_deref()), (status_code, description));
            let json = serde_json::to_vec(&status).unwrap();
            assert_eq!(object_body::parse::<FileUploadStatus>(&json).unwrap(), status);
        }
        for body in ["{}", r#"{"isSuccess":"true"}"#, r#"{"isSuccess":true,"statusCode":"200"}"#, "[null,true]"] {
            assert!(object_body::parse::<FileUploadStatus>(body.as_bytes()).is_err(), "{body}");
        }
    }
}
