//! What files a device has uploaded. Ours: Azure's hub has no such list, its storage account has.

use roadstead_hub::{Hub, HubError, ListedBlob};
use roadstead_model::DeviceId;
use roadstead_wire::{file_upload::UploadedFile, query::CONTINUATION_HEADER};

use crate::{call::Call, op::hub_refusal, reply::Reply, serve::Parts};

/// `GET /devices/{id}/uploads`: in pages, also of a device that is registered no more.
pub(crate) async fn list(parts: &Parts, hub: &Hub, call: &Call, device: &str) -> Reply {
    let after = call.header(CONTINUATION_HEADER).filter(|text| !text.is_empty());
    let found = async {
        let device = DeviceId::parse(device)?;
        let page = hub.list_files(&device, after, call.page_items()).await?;
        Ok::<_, HubError>((device, page))
    };
    let (device, page) = match found.await {
        Ok(found) => found,
        Err(refused) => return hub_refusal(parts, call, &refused),
    };
    let file = |blob: ListedBlob| {
        let name = format!("{device}/{}", blob.name);
        UploadedFile::new(&call.host, name, blob.size, blob.content_type, blob.last_modified)
    };
    let reply = Reply::ok(&page.items.into_iter().map(file).collect::<Vec<_>>());
    match page.next {
        Some(next) => reply.header(CONTINUATION_HEADER, &next),
        None => reply,
    }
}
