//! `roadstead iot device simulate`

use super::c2d_message::{settle, shown, uuid};
use super::lookup::hub_service;
use super::monitor;
use super::virtual_device::{connect, with_properties};
use crate::args::Global;
use crate::args::messaging::SimulateDevice;
use crate::args::value::{Pairs, Protocol, Settle};
use crate::clock::MachineClock;
use crate::failure::Failure;
use crate::note::note;
use crate::output::{Printed, put};
use crate::progress;
use indicatif::ProgressBar;
use roadstead_device::{Device, Message, MethodCall, ReceivedMessage};
use roadstead_model::Clock;
use roadstead_server::system::SystemRandom;
use roadstead_service::{HubService, Settlement};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often a device that speaks HTTP asks for messages. Source: azure-cli's IoT extension, constants
const RECEIVE_EVERY: Duration = Duration::from_secs(3);
/// How long it keeps what it received to itself. Source: azure-cli's IoT extension, device messaging
const LOCK_S: u32 = 60;

/// Plays the device until all is sent, or to Ctrl-C.
pub async fn run(simulate: &SimulateDevice, global: &Global) -> Result<Printed, Failure> {
    check(simulate)?;
    let hub = hub_service(&simulate.device.hub, global).await?;
    let bar = progress::bar(simulate.msg_count, "messages", global);
    let scene = Scene { simulate, global, bar: &bar };
    let played = async {
        match simulate.protocol {
            Protocol::Mqtt => {
                let device = connect(&hub, &simulate.device.device_id, &simulate.login, global).await?;
                scene.over_mqtt(&device).await?;
                device.disconnect().await;
                Ok(())
            }
            Protocol::Http => scene.over_http(&hub).await,
        }
    };
    let ended = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Ok(()),
        ended = played => ended,
    };
    bar.finish_and_clear();
    ended.map(|()| Printed::nothing())
}

/// What only one of the two protocols can do.
fn check(simulate: &SimulateDevice) -> Result<(), Failure> {
    let refused = match simulate.protocol {
        Protocol::Mqtt if simulate.receive_settle != Settle::Complete => "`--receive-settle`, but to complete",
        Protocol::Http if simulate.method_response_code.is_some() => "`--method-response-code`",
        Protocol::Http if simulate.method_response_payload.is_some() => "`--method-response-payload`",
        Protocol::Http if simulate.init_reported_properties.is_some() => "`--init-reported-properties`",
        Protocol::Http if simulate.login.certificate_file_path.is_some() => "`--certificate-file-path`",
        Protocol::Http if simulate.login.model_id.is_some() => "`--model-id`",
        _ => return Ok(()),
    };
    let (this, other) = match simulate.protocol {
        Protocol::Mqtt => ("mqtt", "http"),
        Protocol::Http => ("http", "mqtt"),
    };
    Err(Failure::usage(format!("`--protocol {this}` does not know {refused}"))
        .hint(format!("`--protocol {other}` does")))
}

struct Scene<'a> {
    simulate: &'a SimulateDevice,
    global: &'a Global,
    bar: &'a ProgressBar,
}

impl Scene<'_> {
    async fn over_mqtt(&self, device: &Device) -> Result<(), Failure> {
        let fault = |error: roadstead_device::RequestError| Failure::error(error.to_string());
        let mut methods = device.methods().await.map_err(fault)?;
        let mut desired = device.desired().await.map_err(fault)?;
        let mut messages = device.messages().await.map_err(fault)?;
        if let Some(properties) = &self.simulate.init_reported_properties {
            device.report(properties).await.map_err(fault)?;
        }
        let properties = merged(&[("$.ct", "application/json"), ("$.ce", "utf-8")], self.simulate.properties.as_ref());
        let mut sent = 0;
        let mut due = interval(Duration::from_secs(self.simulate.msg_interval));
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = due.tick() => {
                    if sent == self.simulate.msg_count {
                        return Ok(());
                    }
                    sent += 1;
                    let message = with_properties(Message::new(self.payload(sent).to_string()), &properties);
                    device.send(message).await.map_err(|error| Failure::error(error.to_string()))?;
                    self.bar.set_position(sent);
                }
                Some(call) = methods.next() => self.answer(call).await?,
                Some(change) = desired.next() => {
                    let changed: Map<String, Value> =
                        change.patch.into_iter().filter(|(name, _)| !name.starts_with('$')).collect();
                    if !changed.is_empty() {
                        self.show("desired properties changed; reporting them", &changed.clone().into())?;
                        device.report(&changed).await.map_err(fault)?;
                    }
                }
                Some(message) = messages.next() => {
                    self.show("message received; completing it", &received(&message, &self.simulate.device.device_id))?;
                    message.complete().await.map_err(fault)?;
                }
            }
        }
    }

    /// As `az` answers: with what the flags say, else with the call itself.
    async fn answer(&self, call: MethodCall) -> Result<(), Failure> {
        let payload: Value = call.payload().unwrap_or_default();
        let shown = json!({
            "Device Id": self.simulate.device.device_id,
            "Method Request Id": call.request_id(),
            "Method Request Name": call.name(),
            "Method Request Payload": payload,
        });
        self.show("direct method called", &shown)?;
        let own = json!({
            "methodName": call.name(), "methodRequestId": call.request_id(), "methodRequestPayload": payload,
        });
        let answer = self.simulate.method_response_payload.as_ref().unwrap_or(&own);
        let status = self.simulate.method_response_code.unwrap_or(200);
        call.reply(status, answer).await.map_err(|error| Failure::error(error.to_string()))
    }

    async fn over_http(&self, hub: &HubService) -> Result<(), Failure> {
        let id = &self.simulate.device.device_id;
        let headers = merged(
            &[("iothub-contenttype", "application/json"), ("iothub-contentencoding", "utf-8")],
            self.simulate.properties.as_ref().map(headers).as_ref(),
        );
        let mut sent = 0;
        let mut due = interval(Duration::from_secs(self.simulate.msg_interval));
        let mut receive = interval(RECEIVE_EVERY);
        for ticks in [&mut due, &mut receive] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                _ = due.tick() => {
                    if sent == self.simulate.msg_count {
                        return Ok(());
                    }
                    sent += 1;
                    hub.send_event(id, &headers.0, self.payload(sent).to_string().into_bytes()).await?;
                    self.bar.set_position(sent);
                }
                _ = receive.tick() => self.receive(hub, id).await?,
            }
        }
    }

    async fn receive(&self, hub: &HubService, id: &str) -> Result<(), Failure> {
        let Some(delivery) = hub.receive_message(id, Some(LOCK_S)).await? else { return Ok(()) };
        let (how, doing) = match self.simulate.receive_settle {
            Settle::Complete => (Settlement::Complete, "message received; completing it"),
            Settle::Abandon => (Settlement::Abandon, "message received; abandoning it"),
            Settle::Reject => (Settlement::Reject, "message received; rejecting it"),
        };
        self.show(doing, &shown(&delivery))?;
        settle(hub, id, &delivery.lock_token, how).await
    }

    /// The `count`th message: `{"data":"Ping from Roadstead #1","id":"…","timestamp":"…"}`
    fn payload(&self, count: u64) -> Value {
        json!({
            "id": uuid(&SystemRandom),
            "timestamp": MachineClock.now().iso(),
            "data": format!("{} #{count}", self.simulate.data),
        })
    }

    /// What happened on stderr, with what on stdout; the bar makes room.
    fn show(&self, what: &str, value: &Value) -> Result<(), Failure> {
        self.bar.suspend(|| {
            note(self.global, what);
            put(&monitor::text(value, self.global.format()))
        })
    }
}

/// As `az` prints it.
fn received(message: &ReceivedMessage, device_id: &str) -> Value {
    let mut properties: Map<String, Value> =
        message.properties().map(|(name, value)| (name.to_owned(), value.into())).collect();
    for (name, value) in [
        ("message_id", message.message_id()),
        ("correlation_id", message.correlation_id()),
        ("content_type", message.content_type()),
    ] {
        if let Some(value) = value {
            properties.insert(name.to_owned(), value.into());
        }
    }
    json!({
        "Topic": format!("/devices/{device_id}/messages/devicebound"),
        "Payload": String::from_utf8_lossy(message.body()),
        "Message Properties": properties,
    })
}

/// The defaults that `given` does not say otherwise, then what it says.
fn merged(defaults: &[(&str, &str)], given: Option<&Pairs>) -> Pairs {
    let given = given.map(|pairs| pairs.0.clone()).unwrap_or_default();
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let kept = defaults.iter().filter(|(name, _)| !given.iter().any(|(said, _)| said.eq_ignore_ascii_case(name)));
    Pairs(kept.map(own).chain(given.iter().cloned()).collect())
}

/// The headers that carry the properties of a message: two are named in HTTP's own way.
fn headers(given: &Pairs) -> Pairs {
    let header = |(name, value): &(String, String)| {
        let name = match name.to_ascii_lowercase().as_str() {
            "content-type" => "iothub-contenttype".to_owned(),
            "content-encoding" => "iothub-contentencoding".to_owned(),
            other => other.to_owned(),
        };
        (name, value.clone())
    };
    Pairs(given.0.iter().map(header).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::messaging::MessagingCommand;
    use crate::args::value::pairs;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;

    fn parsed(flags: &str) -> SimulateDevice {
        let line = format!("roadstead iot device simulate -n h -d d {flags}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Iot(IotCommand::Device(MessagingCommand::Simulate(simulate))) = cli.command else { panic!() };
        *simulate
    }

    #[test]
    fn each_protocol_does_what_it_can() {
        for (flags, fine) in [
            ("", true),
            ("--rs complete", true),
            ("--rs reject", false),
            ("--proto HTTP --rs reject", true),
            ("--proto http --mrc 5", false),
            ("--proto http --mrp {}", false),
            ("--proto http --irp {}", false),
            ("--proto http --cp a --kp b", false),
            ("--proto http --dtmi dtmi:a;1", false),
            ("--mrc -1 --mrp [] --irp {} --cp a --kp b --dtmi dtmi:a;1", true),
        ] {
            let refused = check(&parsed(flags)).err();
            assert_eq!(refused.is_none(), fine, "{flags}");
            assert!(refused.is_none_or(|failure| failure.hinted().is_some()));
        }
    }

    #[test]
    fn defaults_give_way() {
        for (given, expected) in [
            (None, "$.ct=application/json;$.ce=utf-8"),
            (Some("a=b"), "$.ct=application/json;$.ce=utf-8;a=b"),
            (Some("$.CT=text/plain"), "$.ce=utf-8;$.CT=text/plain"),
        ] {
            let given = given.map(|text| pairs(text).unwrap());
            let defaults = [("$.ct", "application/json"), ("$.ce", "utf-8")];
            assert_eq!(merged(&defaults, given.as_ref()), pairs(expected).unwrap());
        }
        let given = pairs("Content-Type=text/plain;iothub-app-a=b;content-encoding=utf-16").unwrap();
        let expected = "iothub-contenttype=text/plain;iothub-app-a=b;iothub-contentencoding=utf-16";
        assert_eq!(headers(&given), pairs(expected).unwrap());
    }
}
