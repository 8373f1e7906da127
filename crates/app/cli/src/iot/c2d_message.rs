//! `roadstead iot device c2d-message`

use super::feedback;
use super::lookup::{hub_label, hub_service};
use crate::args::Global;
use crate::args::messaging::{C2dMessageCommand, C2dReceive, C2dSend, C2dSettle, Content};
use crate::clock::MachineClock;
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_model::{Clock, Properties, Random, SystemProperty, UnixMillis};
use roadstead_server::system::SystemRandom;
use roadstead_service::{Delivery, HubService, Settlement};
use serde_json::{Map, Value, json};

/// What `az` prints in place of a body that is no text.
const NOT_TEXT: &str = "{{non-decodable payload}}";
const APPLICATION: &str = "iothub-app-";
/// The hub's own properties among the headers, as `az` names them. Source: azure-cli's IoT extension, constants
const SYSTEM: &[&str] = &[
    "iothub-messageid",
    "iothub-correlationid",
    "iothub-sequencenumber",
    "iothub-to",
    "iothub-userid",
    "iothub-ack",
    "iothub-expiry",
    "iothub-deliverycount",
    "iothub-enqueuedtime",
    "ContentType",
    "ContentEncoding",
];

pub async fn run(command: &C2dMessageCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        C2dMessageCommand::Send(send) => send_message(send, global).await,
        C2dMessageCommand::Receive(receive) => receive_message(receive, global).await,
        C2dMessageCommand::Complete(settle) => settle_message(settle, Settlement::Complete, global).await,
        C2dMessageCommand::Reject(settle) => settle_message(settle, Settlement::Reject, global).await,
        C2dMessageCommand::Abandon(settle) => settle_message(settle, Settlement::Abandon, global).await,
        C2dMessageCommand::Purge(show) => {
            let hub = hub_service(&show.hub, global).await?;
            let purged = hub.purge_messages(&show.device_id).await?;
            Ok(json!({
                "deviceId": purged.device_id,
                "moduleId": purged.module_id,
                "totalMessagesPurged": purged.total_messages_purged,
            })
            .into())
        }
    }
}

async fn send_message(send: &C2dSend, global: &Global) -> Result<Printed, Failure> {
    let body = read(&send.content)?;
    if send.content_type.as_deref().is_some_and(is_json) && serde_json::from_slice::<Value>(&body).is_err() {
        return Err(Failure::usage("the message is no JSON, as `--content-type` says that it is"));
    }
    if send.expiry.is_some_and(|expiry| UnixMillis(expiry) < MachineClock.now()) {
        return Err(Failure::usage("`--expiry-time-utc` is in the past").hint("it is in milliseconds since 1970"));
    }
    let id = send.message_id.clone().unwrap_or_else(|| uuid(&SystemRandom));
    let hub = hub_service(&send.device.hub, global).await?;
    let device = &send.device.device_id;
    hub.send_to_device(device, &properties(send, &id), body).await?;
    if send.wait == Some(true) {
        feedback::watch(&hub, Some(device), Some(&id), global).await?;
    }
    Ok(Printed::nothing())
}

/// A random UUID. Source: RFC 9562, 5.4
pub fn uuid(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = format!("{:032x}", u128::from_be_bytes(bytes));
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

/// The bytes of `--data-file-path`, else those of `--data`.
pub fn read(content: &Content) -> Result<Vec<u8>, Failure> {
    match &content.data_file_path {
        Some(path) => {
            std::fs::read(path).map_err(|error| Failure::error(format!("cannot read {}: {error}", path.display())))
        }
        None => Ok(content.data.clone().into_bytes()),
    }
}

fn is_json(content_type: &str) -> bool {
    content_type.to_ascii_lowercase().contains("application/json")
}

fn properties(send: &C2dSend, id: &str) -> Properties {
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::MessageId, id);
    for (property, value) in [
        (SystemProperty::CorrelationId, send.correlation_id.as_deref()),
        (SystemProperty::UserId, send.user_id.as_deref()),
        (SystemProperty::ContentType, send.content_type.as_deref()),
        (SystemProperty::ContentEncoding, Some(send.content_encoding.as_str())),
        (SystemProperty::AbsoluteExpiryTime, send.expiry.map(|expiry| UnixMillis(expiry).iso()).as_deref()),
        (SystemProperty::Ack, Some(send.ack.map_or("none", |ack| ack.word()))),
    ] {
        if let Some(value) = value {
            properties.push_system(property, value);
        }
    }
    for (name, value) in send.properties.iter().flat_map(|pairs| &pairs.0) {
        properties.push_application(name, Some(value));
    }
    properties
}

async fn receive_message(receive: &C2dReceive, global: &Global) -> Result<Printed, Failure> {
    let hub = hub_service(&receive.device.hub, global).await?;
    let device = &receive.device.device_id;
    let Some(delivery) = hub.receive_message(device, Some(receive.lock_timeout)).await? else {
        return Ok(Printed::nothing());
    };
    let mut message = shown(&delivery);
    let settlements = [
        (receive.complete, Settlement::Complete, "complete"),
        (receive.abandon, Settlement::Abandon, "abandon"),
        (receive.reject, Settlement::Reject, "reject"),
    ];
    if let Some((_, how, word)) = settlements.into_iter().find(|(asked, ..)| *asked == Some(true)) {
        settle(&hub, device, &delivery.lock_token, how).await?;
        message["ack"] = word.into();
    }
    Ok(message.into())
}

async fn settle_message(command: &C2dSettle, how: Settlement, global: &Global) -> Result<Printed, Failure> {
    let hub = hub_service(&command.device.hub, global).await?;
    settle(&hub, &command.device.device_id, &command.etag, how).await?;
    Ok(Printed::nothing())
}

/// Settles a message by the etag that it was received with.
pub async fn settle(hub: &HubService, device: &str, etag: &str, how: Settlement) -> Result<(), Failure> {
    hub.settle_message(device, etag, how).await.map_err(|error| match error.status() {
        Some(412) => Failure::from(error).hint(format!(
            "its lock has been lost: `roadstead iot device c2d-message receive --hub-name {} --device-id {device}` \
             receives it again",
            hub_label(hub)
        )),
        _ => error.into(),
    })
}

/// As `az` prints it: `{"data":"hello","etag":"…","properties":{"app":{"a":"b"},"system":{"iothub-messageid":"m1"}}}`
pub fn shown(delivery: &Delivery) -> Value {
    let find = |wanted: &str| {
        let mut headers = delivery.headers.iter();
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    };
    let application: Map<String, Value> = delivery
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(APPLICATION)?.to_owned(), value.as_str().into())))
        .collect();
    let system: Map<String, Value> =
        SYSTEM.iter().filter_map(|name| Some(((*name).to_owned(), find(name)?.into()))).collect();
    let mut message = json!({ "etag": delivery.lock_token, "properties": {} });
    for (member, properties) in [("app", application), ("system", system)] {
        if !properties.is_empty() {
            message["properties"][member] = properties.into();
        }
    }
    if !delivery.body.is_empty() {
        message["data"] = std::str::from_utf8(&delivery.body).unwrap_or(NOT_TEXT).into();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::messaging::MessagingCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;
    use roadstead_model::Property;

    fn parsed(flags: &str) -> C2dSend {
        let line = format!("roadstead iot device c2d-message send -n h -d d {flags}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Iot(IotCommand::Device(MessagingCommand::C2dMessage(command))) = cli.command else { panic!() };
        let C2dMessageCommand::Send(send) = *command else { panic!() };
        send
    }

    struct Ones;

    impl Random for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    #[test]
    fn ids_are_of_the_form_that_uuids_have() {
        assert_eq!(uuid(&Ones), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn properties_of_a_message() {
        use SystemProperty as P;
        let properties = |flags: &str| {
            let send = parsed(flags);
            properties(&send, send.message_id.as_deref().unwrap_or("new"))
        };
        let plain = properties("");
        assert_eq!(
            plain.iter().collect::<Vec<_>>(),
            [
                Property::System(P::MessageId, "new"),
                Property::System(P::ContentEncoding, "utf-8"),
                Property::System(P::Ack, "none"),
            ]
        );
        let all = properties(
            "--mid m --cid c --uid u --ct text/plain --ce utf-16 --expiry 1795294800000 --ack Full --props a=b;c=",
        );
        assert_eq!(
            all.iter().collect::<Vec<_>>(),
            [
                Property::System(P::MessageId, "m"),
                Property::System(P::CorrelationId, "c"),
                Property::System(P::UserId, "u"),
                Property::System(P::ContentType, "text/plain"),
                Property::System(P::ContentEncoding, "utf-16"),
                Property::System(P::AbsoluteExpiryTime, "2026-11-21T21:00:00.0000000Z"),
                Property::System(P::Ack, "full"),
                Property::Application("a", Some("b")),
                Property::Application("c", Some("")),
            ]
        );
    }

    #[test]
    fn messages_are_shown_as_az_shows_them() {
        let headers = [
            ("etag", "\"l\""),
            ("iothub-messageid", "m1"),
            ("contenttype", "text/plain"),
            ("iothub-app-color", "red"),
            ("content-length", "5"),
        ];
        let headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for (body, data) in [(&b"hello"[..], json!("hello")), (b"", Value::Null), (b"\xff", json!(NOT_TEXT))] {
            let delivery = Delivery { lock_token: "l".to_owned(), headers: headers.clone(), body: body.to_vec() };
            let shown = shown(&delivery);
            assert_eq!(shown["data"], data);
            assert_eq!(shown["etag"], "l");
            assert_eq!(
                shown["properties"],
                json!({"app": {"color": "red"}, "system": {"iothub-messageid": "m1", "ContentType": "text/plain"}})
            );
        }
        let bare = Delivery { lock_token: "l".to_owned(), headers: Vec::new(), body: Vec::new() };
        assert_eq!(shown(&bare), json!({"etag": "l", "properties": {}}));
    }
}
