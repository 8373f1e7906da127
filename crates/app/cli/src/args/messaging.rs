//! `roadstead iot device`: messages in both directions, and a device that is not there.

use super::device::DeviceShow;
use super::value::{Ack, Pairs, Protocol, Settle, json, json_object, pairs, three_state};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// What is sent when nothing else is said.
const PING: &str = "Ping from Roadstead";

#[derive(Debug, Subcommand)]
pub enum MessagingCommand {
    /// Messages to devices
    #[command(subcommand)]
    C2dMessage(Box<C2dMessageCommand>),
    /// Send telemetry as a device, over MQTT
    #[command(
        after_help = r#"Example: roadstead iot device send-d2c-message -n dev -d thermo-7 --data '{"t":21}' --props '$.ct=application/json;alert=true'"#
    )]
    SendD2cMessage(Box<SendD2cMessage>),
    /// Be a device: send telemetry, answer methods, take messages, report what is desired
    #[command(after_help = "Example: roadstead iot device simulate -n dev -d thermo-7 --msg-count 10 --msg-interval 1")]
    Simulate(Box<SimulateDevice>),
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

/// How a device proves itself, when the hub is not to be asked for its key.
#[derive(Debug, Args)]
pub struct DeviceLogin {
    /// The device's key, base64; read from the hub when left out
    #[arg(long, alias = "key")]
    pub symmetric_key: Option<String>,
    /// File of the device's certificate chain, PEM
    #[arg(long, alias = "cp", value_name = "FILE", requires = "key_file_path")]
    pub certificate_file_path: Option<PathBuf>,
    /// File of its private key, PEM
    #[arg(long, alias = "kp", value_name = "FILE", requires = "certificate_file_path")]
    pub key_file_path: Option<PathBuf>,
    /// Digital-twin model that the device says it has
    #[arg(long, alias = "dtmi")]
    pub model_id: Option<String>,
}

#[derive(Debug, Args)]
pub struct SendD2cMessage {
    #[command(flatten)]
    pub device: DeviceShow,
    #[command(flatten)]
    pub content: Content,
    /// Properties: `a=b;$.ct=application/json`
    #[arg(short = 'p', long, alias = "props", value_parser = pairs)]
    pub properties: Option<Pairs>,
    /// How often it is sent
    #[arg(long, alias = "mc", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub msg_count: u64,
    #[command(flatten)]
    pub login: DeviceLogin,
}

#[derive(Debug, Args)]
pub struct SimulateDevice {
    #[command(flatten)]
    pub device: DeviceShow,
    /// Text in every message
    #[arg(long, alias = "da", default_value = PING)]
    pub data: String,
    /// Messages to send
    #[arg(long, alias = "mc", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub msg_count: u64,
    /// Seconds between messages
    #[arg(long, alias = "mi", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub msg_interval: u64,
    /// How the device speaks
    #[arg(long = "protocol", alias = "proto", value_enum, ignore_case = true, default_value = "mqtt")]
    pub protocol: Protocol,
    /// What becomes of messages to the device; over MQTT they are always completed
    #[arg(long, alias = "rs", value_enum, ignore_case = true, default_value = "complete")]
    pub receive_settle: Settle,
    /// Properties: `a=b;$.cid=7` over MQTT, `iothub-app-a=b;iothub-correlationid=7` over HTTP
    #[arg(short = 'p', long, alias = "props", value_parser = pairs)]
    pub properties: Option<Pairs>,
    #[command(flatten)]
    pub login: DeviceLogin,
    /// Status with which methods are answered
    #[arg(long, alias = "mrc", allow_negative_numbers = true)]
    pub method_response_code: Option<i32>,
    /// Payload with which methods are answered: JSON, or a file that holds it; what came when left out
    #[arg(long, alias = "mrp", value_name = "JSON", value_parser = json)]
    pub method_response_payload: Option<Value>,
    /// Properties reported at the beginning: a JSON object, or a file that holds one
    #[arg(long, alias = "irp", value_name = "JSON", value_parser = json_object)]
    pub init_reported_properties: Option<Map<String, Value>>,
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
