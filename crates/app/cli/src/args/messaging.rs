//! `roadstead iot device`: messages in both directions, and a device that is not there.

use super::device::DeviceShow;
use super::value::{Ack, Pairs, pairs, three_state};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What is sent when nothing else is said.
const PING: &str = "Ping from Roadstead";

#[derive(Debug, Subcommand)]
pub enum MessagingCommand {
    /// Messages to devices
    #[command(subcommand)]
    C2dMessage(Box<C2dMessageCommand>),
    /// Upload a file as a device
    #[command(
        after_help = "Example: roadstead iot device upload-file -n dev -d thermo-7 --file-path log.txt --content-type text/plain"
    )]
    UploadFile(UploadFile),
}

#[derive(Debug, Subcommand)]
pub enum C2dMessageCommand {
    /// Queue a message for a device
    #[command(
        after_help = "Example: roadstead iot device c2d-message send -n dev -d thermo-7 --data hello --ack full --wait"
    )]
    Send(C2dSend),
    /// Receive a device's next message in its place
    #[command(after_help = "Example: roadstead iot device c2d-message receive -n dev -d thermo-7 --complete")]
    Receive(C2dReceive),
    /// Say that a message has been dealt with
    #[command(after_help = "Example: roadstead iot device c2d-message complete -n dev -d thermo-7 --etag ETAG")]
    Complete(C2dSettle),
    /// Say that a message cannot be dealt with
    #[command(after_help = "Example: roadstead iot device c2d-message reject -n dev -d thermo-7 --etag ETAG")]
    Reject(C2dSettle),
    /// Give a message back: it comes again
    #[command(after_help = "Example: roadstead iot device c2d-message abandon -n dev -d thermo-7 --etag ETAG")]
    Abandon(C2dSettle),
    /// Empty a device's queue
    #[command(after_help = "Example: roadstead iot device c2d-message purge -n dev -d thermo-7")]
    Purge(DeviceShow),
}

#[derive(Debug, Args)]
pub struct C2dSend {
    #[command(flatten)]
    pub device: DeviceShow,
    #[command(flatten)]
    pub content: Content,
    /// Message id; a new UUID when left out
    #[arg(long, alias = "mid")]
    pub message_id: Option<String>,
    /// Id of what the message answers
    #[arg(long, alias = "cid")]
    pub correlation_id: Option<String>,
    /// User id
    #[arg(long, alias = "uid")]
    pub user_id: Option<String>,
    /// How the body is encoded
    #[arg(long, alias = "ce", default_value = "utf-8")]
    pub content_encoding: String,
    /// What the body is: `application/json`
    #[arg(long, alias = "ct")]
    pub content_type: Option<String>,
    /// When it dies, in milliseconds since 1970; as the hub is set when left out
    #[arg(long = "expiry-time-utc", alias = "expiry")]
    pub expiry: Option<i64>,
    /// Properties: `a=b;c=d`
    #[arg(short = 'p', long, alias = "props", value_parser = pairs)]
    pub properties: Option<Pairs>,
    /// Of which outcomes to hear
    #[arg(long, value_enum, ignore_case = true)]
    pub ack: Option<Ack>,
    /// Wait for what becomes of it
    #[arg(short = 'w', long, requires = "ack", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub wait: Option<bool>,
    /// Accepted, without effect: there is nothing to install
    #[arg(short = 'y', long, hide = true)]
    pub yes: bool,
}

/// A message's body.
#[derive(Debug, Args)]
pub struct Content {
    /// The message
    #[arg(long, alias = "da", default_value = PING)]
    pub data: String,
    /// File that holds the message, in place of `--data`
    #[arg(long, alias = "dfp", value_name = "FILE")]
    pub data_file_path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct C2dReceive {
    #[command(flatten)]
    pub device: DeviceShow,
    /// Seconds for which nobody else receives it
    #[arg(long, alias = "lt", default_value_t = 60)]
    pub lock_timeout: u32,
    /// Complete it at once
    #[arg(long, conflicts_with_all = ["abandon", "reject"], num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub complete: Option<bool>,
    /// Abandon it at once
    #[arg(long, conflicts_with = "reject", num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub abandon: Option<bool>,
    /// Reject it at once
    #[arg(long, num_args(0..=1), default_missing_value = "true", value_parser = three_state)]
    pub reject: Option<bool>,
}

#[derive(Debug, Args)]
pub struct C2dSettle {
    #[command(flatten)]
    pub device: DeviceShow,
    /// The etag with which the message was received
    #[arg(short = 'e', long)]
    pub etag: String,
}

#[derive(Debug, Args)]
pub struct UploadFile {
    #[command(flatten)]
    pub device: DeviceShow,
    /// The file
    #[arg(long, alias = "fp", value_name = "FILE")]
    pub file_path: PathBuf,
    /// What it is: `text/plain`
    #[arg(long, alias = "ct")]
    pub content_type: String,
}
