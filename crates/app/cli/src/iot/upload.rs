//! `roadstead iot device upload-file`

use super::lookup::hub_service;
use crate::args::Global;
use crate::args::messaging::UploadFile;
use crate::failure::Failure;
use crate::note::note;
use crate::output::Printed;

/// Uploads a file under its own name, in one piece.
pub async fn run(upload: &UploadFile, global: &Global) -> Result<Printed, Failure> {
    let path = &upload.file_path;
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Failure::usage(format!("{} names no file", path.display())))?;
    let content =
        std::fs::read(path).map_err(|error| Failure::error(format!("cannot read {}: {error}", path.display())))?;
    let hub = hub_service(&upload.device.hub, global).await?;
    note(global, &format!("uploading {name}, {} bytes", content.len()));
    hub.upload_file(&upload.device.device_id, name, &upload.content_type, content).await?;
    Ok(Printed::nothing())
}
