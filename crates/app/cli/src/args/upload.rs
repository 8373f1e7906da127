//! `roadstead iot hub device-upload`

use super::device::DeviceShow;
use super::value::{Top, top};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum DeviceUploadCommand {
    /// List the files that a device uploaded
    #[command(after_help = "Example: roadstead iot hub device-upload list -n dev -d thermo-7 -o table")]
    List(UploadList),
    /// Fetch a file
    #[command(
        after_help = "Example: roadstead iot hub device-upload download -n dev -d thermo-7 --blob-name thermo-7/logs/1.txt --file-path 1.txt"
    )]
    Download(UploadDownload),
    /// Delete a file
    #[command(
        after_help = "Example: roadstead iot hub device-upload delete -n dev -d thermo-7 --blob-name thermo-7/logs/1.txt"
    )]
    Delete(UploadName),
}

#[derive(Debug, Args)]
pub struct UploadList {
    #[command(flatten)]
    pub device: DeviceShow,
    /// At most so many files; all when left out or -1
    #[arg(long, value_parser = top, allow_negative_numbers = true)]
    pub top: Option<Top>,
}

#[derive(Debug, Args)]
pub struct UploadName {
    #[command(flatten)]
    pub device: DeviceShow,
    /// Its name as the list shows it: `thermo-7/logs/1.txt`
    #[arg(long, alias = "bn")]
    pub blob_name: String,
}

#[derive(Debug, Args)]
pub struct UploadDownload {
    #[command(flatten)]
    pub of: UploadName,
    /// Where to; a file that is there is not overwritten. Without it, to the current directory under the last part of its name
    #[arg(long, alias = "fp", value_name = "FILE")]
    pub file_path: Option<PathBuf>,
}
