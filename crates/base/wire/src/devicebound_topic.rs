//! The topic a hub sends cloud-to-device messages on, with the message's properties in its tail.

use roadstead_model::{Properties, Property, SystemProperty};

use crate::{devicebound_to, percent, system_property::spelling};

/// The order in which a bag begins; the rest of the hub's own properties follow, such as `iothub-ack`, then the
/// application's. Source: `reference/hub-device.md` 1.6
const ORDER: [SystemProperty; 7] = [
    SystemProperty::MessageId,
    SystemProperty::AbsoluteExpiryTime,
    SystemProperty::To,
    SystemProperty::CorrelationId,
    SystemProperty::UserId,
    SystemProperty::ContentType,
    SystemProperty::ContentEncoding,
];

/// A cloud-to-device topic, taken apart. Ids are as sent, unchecked.
///
/// Shape: `devices/dev1/messages/devicebound/%24.to=%2Fdevices%2Fdev1%2Fmessages%2Fdevicebound&color=dark%20red`,
/// `devices/dev1/modules/mod1/messages/devicebound/%24.to=…`. Source: `reference/hub-device.md` 1.6
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceboundTopic<'a> {
    pub device_id: &'a str,
    pub module_id: Option<&'a str>,
    /// The properties, still encoded: [`crate::telemetry_topic::fill`] reads them.
    pub bag: &'a str,
}

impl<'a> DeviceboundTopic<'a> {
    /// `None` for any other topic.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (device_id, rest) = topic.strip_prefix("devices/")?.split_once('/')?;
        let (module_id, rest) = match rest.strip_prefix("modules/") {
            Some(rest) => rest.split_once('/').map(|(module, rest)| (Some(module), rest))?,
            None => (None, rest),
        };
        let bag = rest.strip_prefix("messages/devicebound/")?;
        let named = !device_id.is_empty() && module_id != Some("");
        named.then_some(Self { device_id, module_id, bag })
    }
}

/// Appends the topic for a message to `out`. The bag is never empty (C# needs that) and begins with a `%24.` key, encoded
/// (C knows no other, java looks for the first): a message without `to` gets the address of this device or module. A name
/// without value is written `name=`, as java and node misread a bare one.
///
/// The topic may be longer than the 65535 bytes that MQTT carries: encoding makes up to three bytes of one.
/// Source: `reference/hub-device.md` 0, 1.6
pub fn write(device_id: &str, module_id: Option<&str>, properties: &Properties, out: &mut String) {
    write_path(device_id, module_id, out);
    let start = out.len();
    for property in ORDER {
        match properties.find_system(property) {
            Some(value) => write_system(property, value, start, out),
            None if property == SystemProperty::To => {
                let mut to = String::new();
                devicebound_to::write(device_id, module_id, &mut to);
                write_system(property, &to, start, out);
            }
            None => {}
        }
    }
    for property in properties {
        if let Property::System(property, value) = property
            && !ORDER.contains(&property)
        {
            write_system(property, value, start, out);
        }
    }
    for property in properties {
        if let Property::Application(name, value) = property {
            write_pair(name, value.unwrap_or_default(), start, out);
        }
    }
}

fn write_path(device_id: &str, module_id: Option<&str>, out: &mut String) {
    out.extend(["devices/", device_id]);
    if let Some(module) = module_id {
        out.extend(["/modules/", module]);
    }
    out.push_str("/messages/devicebound/");
}

fn write_system(property: SystemProperty, value: &str, start: usize, out: &mut String) {
    if let Some(name) = spelling(property).bag {
        write_pair(name, value, start, out);
    }
}

fn write_pair(name: &str, value: &str, start: usize, out: &mut String) {
    if out.len() > start {
        out.push('&');
    }
    percent::encode_into(name, out);
    out.push('=');
    percent::encode_into(value, out);
}

/// What a client subscribes to: `devices/dev1/messages/devicebound/#`, or the like for its module.
pub fn filter(device_id: &str, module_id: Option<&str>) -> String {
    let mut filter = String::new();
    write_path(device_id, module_id, &mut filter);
    filter.push('#');
    filter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HubFilter, system_property, telemetry_topic};
    use proptest::prelude::*;
    use roadstead_model::SystemProperty as P;

    fn written(module_id: Option<&str>, properties: &Properties) -> String {
        let mut topic = String::new();
        write("dev1", module_id, properties, &mut topic);
        topic
    }

    fn read(topic: &str) -> Properties {
        let (mut scratch, mut properties) = (String::new(), Properties::new());
        telemetry_topic::fill(DeviceboundTopic::parse(topic).unwrap().bag, &mut scratch, &mut properties);
        properties
    }

    #[test]
    fn writes_what_the_sdks_read() {
        let mut properties = Properties::new();
        assert_eq!(
            written(None, &properties),
            "devices/dev1/messages/devicebound/%24.to=%2Fdevices%2Fdev1%2Fmessages%2Fdevicebound"
        );
        assert_eq!(
            written(Some("$edgeHub"), &properties),
            "devices/dev1/modules/$edgeHub/messages/devicebound/%24.to=%2Fdevices%2Fdev1%2Fmodules%2F%24edgeHub%2Fmessages%2Fdevicebound"
        );
        properties.push_application("color", Some("dark red"));
        for (property, value) in [
            (P::Ack, "full"),
            (P::ContentEncoding, "utf-8"),
            (P::ContentType, "application/json"),
            (P::CorrelationId, "c9"),
            (P::To, "/devices/dev1/messages/deviceBound"),
            (P::MessageId, "m-17"),
        ] {
            properties.push_system(property, value);
        }
        assert_eq!(
            written(None, &properties),
            "devices/dev1/messages/devicebound/%24.mid=m-17&%24.to=%2Fdevices%2Fdev1%2Fmessages%2FdeviceBound&%24.cid=c9&%24.ct=application%2Fjson&%24.ce=utf-8&iothub-ack=full&color=dark%20red"
        );
    }

    #[test]
    fn order_and_odd_values() {
        let mut properties = Properties::new();
        properties.push_application("bare", None);
        properties.push_application("empty", Some(""));
        properties.push_application("k 1&", Some("v=1+ä"));
        for (property, value) in [
            (P::ModelId, "a bag cannot say this"),
            (P::Subject, "thermostat1"),
            (P::UserId, "me"),
            (P::AbsoluteExpiryTime, "2026-11-21T21:00:00.0000000Z"),
            (P::To, ""),
            (P::MessageId, "m"),
        ] {
            properties.push_system(property, value);
        }
        assert_eq!(
            written(None, &properties),
            "devices/dev1/messages/devicebound/%24.mid=m&%24.exp=2026-11-21T21%3A00%3A00.0000000Z&%24.to=&%24.uid=me&%24.sub=thermostat1&bare=&empty=&k%201%26=v%3D1%2B%C3%A4"
        );
    }

    #[test]
    fn topics() {
        for (topic, device_id, module_id, bag) in [
            ("devices/dev1/messages/devicebound/%24.to=a&k=v", "dev1", None, "%24.to=a&k=v"),
            ("devices/dev1/messages/devicebound/", "dev1", None, ""),
            ("devices/dev1/modules/mod1/messages/devicebound/%24.to=a", "dev1", Some("mod1"), "%24.to=a"),
            ("devices/modules/messages/devicebound/", "modules", None, ""),
        ] {
            assert_eq!(DeviceboundTopic::parse(topic), Some(DeviceboundTopic { device_id, module_id, bag }), "{topic}");
        }
        for topic in [
            "",
            "devices/dev1/messages/devicebound",
            "devices/dev1/messages/deviceBound/",
            "devices/dev1/messages/events/",
            "devices//messages/devicebound/",
            "devices/dev1/modules//messages/devicebound/",
            "devices/dev1/modules/mod1/inputs/in1/",
            "/devices/dev1/messages/devicebound/",
            "$iothub/methods/POST/reboot/?$rid=1",
        ] {
            assert_eq!(DeviceboundTopic::parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn filters_are_ones_the_hub_grants() {
        assert_eq!(filter("dev1", None), "devices/dev1/messages/devicebound/#");
        for module_id in [None, Some("mod1")] {
            let filter = filter("dev1", module_id);
            assert_eq!(HubFilter::classify(&filter, "dev1", module_id), Some(HubFilter::Devicebound), "{filter}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(topic in "(devices/d/messages/devicebound/)?[a-z$./&=?%0-9ä]{0,80}") {
            if DeviceboundTopic::parse(&topic).is_some() {
                read(&topic);
            }
        }

        #[test]
        fn what_is_written_is_read(
            application in prop::collection::vec(("[^\u{0}]{1,12}", "[^\u{0}]{0,12}"), 0..6),
            id in "[^\u{0}]{0,12}",
        ) {
            let mut properties = Properties::new();
            properties.push_system(P::MessageId, &id);
            properties.push_system(P::To, "/devices/dev1/messages/devicebound");
            properties.push_system(P::Ack, "full");
            for (name, value) in &application {
                if system_property::of_bag_key(name).is_none() && !system_property::is_reserved(name) {
                    properties.push_application(name, Some(value));
                }
            }
            prop_assert_eq!(read(&written(None, &properties)), properties);
        }
    }
}
