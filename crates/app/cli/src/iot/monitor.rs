//! `roadstead iot hub monitor-events`

mod source;

use crate::args::Global;
use crate::args::hub::MonitorEvents;
use crate::args::value::EventProperties;
use crate::failure::Failure;
use crate::note::note;
use crate::output::{Format, Printed, put, yaml};
use roadstead_service::events::StreamedEvent;
use roadstead_service::{ServiceError, StreamItem};
use serde_json::{Map, Value, json};
use source::Source;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What `az` prints in place of a body that is no text.
const NOT_TEXT: &str = "{{non-decodable payload}}";

/// Prints events until Ctrl-C, until nothing came for a while, or until there were enough.
pub async fn run(monitor: &MonitorEvents, global: &Global) -> Result<Printed, Failure> {
    let (mut source, host) = Source::open(monitor, global).await?;
    // Heard of from here on: whoever has read the note may press Ctrl-C.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| Failure::error(format!("signals: {error}")))?;
    let of = monitor.device_id.as_ref().map(|id| format!(", of device {id}")).unwrap_or_default();
    note(global, &format!("watching the events of {host}{of}; Ctrl-C ends it"));
    let watched = watch(&mut source, &mut interrupt, monitor, global).await;
    source.close().await;
    watched?;
    Ok(Printed::nothing())
}

async fn watch(
    source: &mut Source,
    interrupt: &mut Signal,
    monitor: &MonitorEvents,
    global: &Global,
) -> Result<(), Failure> {
    let mut count = 0;
    loop {
        let item = tokio::select! {
            biased;
            _ = interrupt.recv() => return Ok(()),
            item = next(source, monitor.timeout) => item,
        };
        match item.map_err(|error| source.failure(error))? {
            None => {
                note(global, &format!("no event for {} s", monitor.timeout));
                return Ok(());
            }
            Some(StreamItem::Interrupted(fault)) => note(global, &format!("warning: {fault}; trying again")),
            Some(StreamItem::Resumed) => note(global, "connected again"),
            // Of samples only.
            Some(StreamItem::Skipped(_)) => {}
            Some(StreamItem::Event(event)) => {
                if is_wanted(&event, monitor) {
                    put(&text(&shown(&event, monitor), global.format()))?;
                    count += 1;
                }
            }
        }
        if monitor.message_count.is_some_and(|wanted| count >= wanted) {
            return Ok(());
        }
    }
}

/// `None` when nothing came in time.
async fn next(source: &mut Source, timeout_s: u64) -> Result<Option<StreamItem>, ServiceError> {
    if timeout_s == 0 {
        return source.next().await.map(Some);
    }
    match tokio::time::timeout(Duration::from_secs(timeout_s), source.next()).await {
        Ok(item) => item.map(Some),
        Err(_) => Ok(None),
    }
}

/// What happens now and then, in a form that can be read as it comes.
pub fn text(event: &Value, format: Format) -> String {
    match format {
        Format::Json | Format::Jsonc => {
            let mut out = Vec::new();
            let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
            let mut serializer = serde_json::Serializer::with_formatter(&mut out, indent);
            let written = serde::Serialize::serialize(event, &mut serializer);
            written.map(|()| String::from_utf8_lossy(&out).into_owned() + "\n").unwrap_or_default()
        }
        Format::None => String::new(),
        Format::Yaml | Format::Table | Format::Tsv => yaml(event),
    }
}

fn is_pattern(id: &str) -> bool {
    id.contains(['*', '?'])
}

fn is_wanted(event: &StreamedEvent, monitor: &MonitorEvents) -> bool {
    let is_like = |wanted: &Option<String>, name: &str| {
        wanted
            .as_deref()
            .is_none_or(|wanted| matches(wanted.as_bytes(), event.find_annotation(name).unwrap_or_default().as_bytes()))
    };
    is_like(&monitor.device_id, "iothub-connection-device-id")
        && is_like(&monitor.module_id, "iothub-connection-module-id")
        && monitor.interface.as_deref().is_none_or(|wanted| interface(event) == wanted)
}

/// `*` stands for any characters, `?` for one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read, mut star) = (0, 0, None);
    while let Some(byte) = text.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted == byte => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (at, read) = (after + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

fn interface(event: &StreamedEvent) -> &str {
    let named = event.find_annotation("iothub-interface-name").or_else(|| event.find_annotation("dt-dataschema"));
    named.unwrap_or_default()
}

/// As `az` prints it: `{"event":{"origin":"dev1","module":"","interface":"","component":"","payload":…}}`
/// Source: azure-iot extension, monitor/parsers/common_parser.py
fn shown(event: &StreamedEvent, monitor: &MonitorEvents) -> Value {
    let annotation = |name| event.find_annotation(name).unwrap_or_default();
    let wants = |kind| monitor.properties.contains(&kind) || monitor.properties.contains(&EventProperties::All);
    let mut shown = Map::new();
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    set("origin", annotation("iothub-connection-device-id").into());
    set("module", annotation("iothub-connection-module-id").into());
    set("interface", interface(event).into());
    set("component", annotation("dt-subject").into());
    if !monitor.properties.is_empty() {
        let mut properties = Map::new();
        if wants(EventProperties::System) && !event.system_properties.is_empty() {
            let python = event.system_properties.iter().map(|(name, value)| (name.replace('-', "_"), value.clone()));
            properties.insert("system".to_owned(), Value::Object(python.collect()));
        }
        if wants(EventProperties::Application) {
            properties.insert("application".to_owned(), event.application_properties.clone().into());
        }
        set("properties", properties.into());
    }
    if wants(EventProperties::Annotations) {
        set("annotations", event.annotations.clone().into());
    }
    set("payload", payload(event, monitor.content_type.as_deref()));
    json!({ "event": shown })
}

fn payload(event: &StreamedEvent, content_type: Option<&str>) -> Value {
    let declared = event.system_properties.get("content-type").and_then(Value::as_str).unwrap_or_default();
    let is_json = content_type.unwrap_or(declared).to_ascii_lowercase().contains("application/json");
    let Ok(text) = String::from_utf8(event.body_bytes()) else { return NOT_TEXT.into() };
    let json = is_json.then(|| serde_json::from_str(&text).ok()).flatten();
    json.unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::hub::HubCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;

    fn parsed(flags: &str) -> MonitorEvents {
        let line = format!("roadstead iot hub monitor-events -n h {flags}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Iot(IotCommand::Hub(HubCommand::MonitorEvents(monitor))) = cli.command else { panic!("{line}") };
        monitor
    }

    fn event(members: Value) -> StreamedEvent {
        let mut event = json!({
            "partition": 0, "offset": "1", "sequenceNumber": 1, "enqueuedTimeUtc": "t",
            "annotations": {"iothub-connection-device-id": "dev1", "iothub-enqueuedtime": 5},
            "systemProperties": {"content-type": "application/json", "content-encoding": "utf-8"},
            "applicationProperties": {"alert": "true"}, "body": {"temperature": 24.3}});
        for (name, value) in members.as_object().unwrap() {
            event[name] = value.clone();
        }
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn events_are_printed_as_az_prints_them() {
        insta::assert_snapshot!(text(&shown(&event(json!({})), &parsed("")), Format::Json), @r#"
        {
            "event": {
                "origin": "dev1",
                "module": "",
                "interface": "",
                "component": "",
                "payload": {
                    "temperature": 24.3
                }
            }
        }
        "#);
        insta::assert_snapshot!(text(&shown(&event(json!({})), &parsed("--props all")), Format::Json), @r#"
        {
            "event": {
                "origin": "dev1",
                "module": "",
                "interface": "",
                "component": "",
                "properties": {
                    "system": {
                        "content_type": "application/json",
                        "content_encoding": "utf-8"
                    },
                    "application": {
                        "alert": "true"
                    }
                },
                "annotations": {
                    "iothub-connection-device-id": "dev1",
                    "iothub-enqueuedtime": 5
                },
                "payload": {
                    "temperature": 24.3
                }
            }
        }
        "#);
        insta::assert_snapshot!(text(&shown(&event(json!({})), &parsed("--properties SYS -p anno")), Format::Yaml), @"
        event:
          annotations:
            iothub-connection-device-id: dev1
            iothub-enqueuedtime: 5
          component: ''
          interface: ''
          module: ''
          origin: dev1
          payload:
            temperature: 24.3
          properties:
            system:
              content_encoding: utf-8
              content_type: application/json
        ");
        assert_eq!(text(&json!({}), Format::None), "");
    }

    #[test]
    fn a_body_is_json_when_it_is_declared_or_demanded() {
        let plain = |base64: &str| json!({"systemProperties": {}, "body": null, "bodyBase64": base64});
        for (members, flags, expected) in [
            (json!({}), "", json!({"temperature": 24.3})),
            (json!({}), "--content-type text/plain", json!(r#"{"temperature":24.3}"#)),
            (plain("eyJ0IjoxfQ=="), "", json!(r#"{"t":1}"#)),
            (plain("eyJ0IjoxfQ=="), "--ct application/json", json!({"t": 1})),
            (plain("eyJ0Ijox"), "--ct application/json", json!(r#"{"t":1"#)),
            (plain("/w=="), "", json!("{{non-decodable payload}}")),
            (plain(""), "", json!("")),
        ] {
            assert_eq!(
                shown(&event(members.clone()), &parsed(flags))["event"]["payload"],
                expected,
                "{members} {flags}"
            );
        }
    }

    #[test]
    fn patterns_choose_devices() {
        for (pattern, text, expected) in [
            ("dev1", "dev1", true),
            ("dev1", "dev12", false),
            ("dev*", "dev12", true),
            ("*1*", "dev12", true),
            ("dev?", "dev1", true),
            ("dev?", "dev", false),
            ("*", "", true),
            ("", "dev", false),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        for (flags, expected) in
            [("", true), ("-d dev1", true), ("-d DEV1", false), ("-d d*", true), ("-m m", false), ("-i x", false)]
        {
            assert_eq!(is_wanted(&event(json!({})), &parsed(flags)), expected, "{flags}");
        }
    }
}
