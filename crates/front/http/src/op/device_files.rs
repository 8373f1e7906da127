//! A device asks where to upload a file, and tells how it went. Source: reference of the HTTPS device API, 2.3.

use hyper::StatusCode;
use roadstead_hub::HubError;
use roadstead_wire::{
    blob::CONTAINER,
    file_upload::{FileUploadPlace, FileUploadRequest, FileUploadStatus, blob_uri},
    object_body,
};

use crate::{call::Call, gate::DeviceDoor, op::hub_refusal, reply::Reply, serve::Parts};

/// `POST /devices/{id}/files`
pub(crate) async fn start(parts: &Parts, call: &Call, door: DeviceDoor<'_>) -> Reply {
    match object_body::parse::<FileUploadRequest>(&call.body) {
        Ok(asked) => grant(parts, call, door, &asked.blob_name).await,
        Err(error) => hub_refusal(parts, call, &HubError::Invalid(format!("the body: {error}"))),
    }
}

/// `GET /devices/{id}/files/{name}`, as old SDKs ask.
pub(crate) async fn start_named(parts: &Parts, call: &Call, door: DeviceDoor<'_>) -> Reply {
    grant(parts, call, door, &call.segments[3..].join("/")).await
}

/// `POST /devices/{id}/files/notifications`, with the correlation id in the body or in the path.
pub(crate) async fn finish(parts: &Parts, call: &Call, door: DeviceDoor<'_>, in_path: Option<&str>) -> Reply {
    let status: FileUploadStatus = match object_body::parse(&call.body) {
        Ok(status) => status,
        Err(error) => return hub_refusal(parts, call, &HubError::Invalid(format!("the body: {error}"))),
    };
    let id = in_path.or(status.correlation_id.as_deref()).unwrap_or_default();
    let uri = |name: &str| blob_uri(&call.host, name);
    match door.finish_upload(id, status.is_success, uri).await {
        Ok(()) => Reply::empty(StatusCode::NO_CONTENT),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

async fn grant(parts: &Parts, call: &Call, door: DeviceDoor<'_>, name: &str) -> Reply {
    match door.start_upload(name).await {
        Ok(grant) => Reply::ok(&FileUploadPlace {
            correlation_id: grant.correlation_id,
            // As the device reached us, port included: so it reaches the files as well.
            host_name: call.host.clone(),
            container_name: CONTAINER.to_owned(),
            blob_name: grant.blob_name,
            sas_token: grant.signature,
        }),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}
