//! `roadstead iot hub device-upload`

use super::lookup::{hub_label, hub_service};
use crate::args::Global;
use crate::args::upload::{DeviceUploadCommand, UploadDownload, UploadName};
use crate::failure::Failure;
use crate::note::note;
use crate::output::Printed;
use roadstead_service::HubService;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

pub async fn run(command: &DeviceUploadCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        DeviceUploadCommand::List(list) => {
            let hub = hub_service(&list.device.hub, global).await?;
            let files = hub.uploads(&list.device.device_id, list.top.and_then(|top| top.0)).await?;
            let files: Value = files.into_iter().map(|file| json!(file)).collect();
            Ok(Printed::from(files)
                .table("[].{Name:blobName,Bytes:blobSizeInBytes,Type:contentType,Updated:lastUpdatedTime}"))
        }
        DeviceUploadCommand::Download(download) => fetch(download, global).await,
        DeviceUploadCommand::Delete(of) => {
            let name = own_name(of)?;
            let hub = hub_service(&of.device.hub, global).await?;
            if !hub.delete_upload(&of.device.device_id, name).await? {
                return Err(absent(&hub, of));
            }
            Ok(Printed::nothing())
        }
    }
}

/// The name as the device gave it, of the one that lists show. No other is taken: a device may begin its own with its id, too.
fn own_name(of: &UploadName) -> Result<&str, Failure> {
    let UploadName { device, blob_name } = of;
    let own = blob_name.strip_prefix(&device.device_id).and_then(|rest| rest.strip_prefix('/'));
    own.ok_or_else(|| {
        let id = &device.device_id;
        Failure::usage(format!("`{blob_name}` is no name as `device-upload list` shows it"))
            .hint(format!("it begins with the device's id: `--blob-name {id}/{blob_name}`"))
    })
}

fn absent(hub: &HubService, of: &UploadName) -> Failure {
    let (hub, id) = (hub_label(hub), &of.device.device_id);
    Failure::not_found(format!("device `{id}` has no uploaded file `{}`", of.blob_name)).hint(format!(
        "`roadstead iot hub device-upload list --hub-name {hub} --device-id {id} -o table` shows those there are"
    ))
}

/// The last part of a name, by which a file is kept here when nobody says otherwise. Never a path.
fn file_name(name: &str) -> Option<PathBuf> {
    let last = name.trim_end_matches('/').rsplit('/').next()?;
    Path::new(last).file_name().filter(|found| *found == last).map(PathBuf::from)
}

async fn fetch(download: &UploadDownload, global: &Global) -> Result<Printed, Failure> {
    let of = &download.of;
    let name = own_name(of)?;
    let path = match &download.file_path {
        Some(path) => path.clone(),
        None => file_name(name).ok_or_else(|| Failure::usage(format!("say with `--file-path` where `{name}` goes")))?,
    };
    let hub = hub_service(&of.device.hub, global).await?;
    let mut content = hub.find_upload(&of.device.device_id, name).await?.ok_or_else(|| absent(&hub, of))?;
    let fault = |error: std::io::Error| Failure::error(format!("cannot write {}: {error}", path.display()));
    let mut file = File::create_new(&path).map_err(fault)?;
    note(global, &format!("fetching {} bytes to {}", content.bytes_total(), path.display()));
    let written = async {
        while let Some(piece) = content.next().await? {
            file.write_all(&piece).map_err(fault)?;
        }
        file.sync_all().map_err(fault)
    };
    let written: Result<(), Failure> = tokio::select! {
        written = written => written,
        _ = tokio::signal::ctrl_c() => Err(Failure::error("stopped before all of it was here")),
    };
    if written.is_err() {
        // Half a file is worse than none.
        let _ = fs::remove_file(&path);
    }
    written.map(|()| Printed::nothing())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_here_lead_nowhere_else() {
        for (name, expected) in [
            ("a.txt", Some("a.txt")),
            ("logs/1.txt", Some("1.txt")),
            ("logs/", Some("logs")),
            ("/", None),
            ("a/..", None),
            ("a/.", None),
        ] {
            assert_eq!(file_name(name).as_deref(), expected.map(Path::new), "{name}");
        }
    }
}
