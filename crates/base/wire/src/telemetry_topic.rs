//! The topic a device publishes telemetry to, with the message's properties in its tail.

use roadstead_model::{Properties, Property};

use crate::{
    percent,
    system_property::{is_reserved, of_bag_key, spelling},
};

/// A telemetry topic, taken apart. Ids are as sent, unchecked.
///
/// Shape: `devices/dev1/messages/events/%24.mid=id%2F1&k%201=v`, `devices/dev1/modules/mod1/messages/events/`; the slash
/// before the properties may be missing when there are none. Source: `reference/hub-device.md` 1.5
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryTopic<'a> {
    pub device_id: &'a str,
    pub module_id: Option<&'a str>,
    /// The properties, still encoded: [`fill`] reads them.
    pub bag: &'a str,
}

impl<'a> TelemetryTopic<'a> {
    /// `None` for any other topic.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (device_id, rest) = topic.strip_prefix("devices/")?.split_once('/')?;
        let (module_id, rest) = match rest.strip_prefix("modules/") {
            Some(rest) => rest.split_once('/').map(|(module, rest)| (Some(module), rest))?,
            None => (None, rest),
        };
        let tail = rest.strip_prefix("messages/events")?;
        let bag = if tail.is_empty() { tail } else { tail.strip_prefix('/')? };
        let named = !device_id.is_empty() && module_id != Some("");
        named.then_some(Self { device_id, module_id, bag })
    }
}

/// Reads a property bag into `properties`, which is not cleared first. `scratch` is only working memory: kept between calls,
/// no call allocates once it and `properties` have grown.
///
/// Shape: `%24.mid=id%2F1&$.ct=application/json&k%201=v%3D1&bare&empty=`. Pairs end at `&`, names at the first `=`; both are
/// percent-decoded, `+` is a plus, an invalid `%xx` stays. One `?` before and one `/` after the bag are ignored, as are
/// pairs without a name and names that are the hub's own ([`is_reserved`]). A system property without `=` is ignored; an
/// unknown `$.x` is the application's, `guess (?)`. Source: `reference/hub-device.md` 1.5
pub fn fill(bag: &str, scratch: &mut String, properties: &mut Properties) {
    let bag = bag.strip_prefix('?').unwrap_or(bag);
    let bag = bag.strip_suffix('/').unwrap_or(bag);
    for pair in bag.split('&') {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (pair, None),
        };
        scratch.clear();
        let name_coded = name.contains('%');
        if name_coded {
            percent::decode_into(name, scratch);
        }
        let name_end = scratch.len();
        let value_coded = value.is_some_and(|value| value.contains('%'));
        if value_coded {
            percent::decode_into(value.unwrap_or_default(), scratch);
        }
        let (decoded_name, decoded_value) = scratch.split_at(name_end);
        let name = if name_coded { decoded_name } else { name };
        let value = if value_coded { Some(decoded_value) } else { value };
        push(name, value, properties);
    }
}

fn push(name: &str, value: Option<&str>, properties: &mut Properties) {
    match of_bag_key(name) {
        Some(property) => value.into_iter().for_each(|value| properties.push_system(property, value)),
        None if name.is_empty() || is_reserved(name) => {}
        None => properties.push_application(name, value),
    }
}

/// Appends the topic for a message to `out`, as the python SDK writes it: RFC 3986 encoding, `$` as `%24`.
pub fn write(device_id: &str, module_id: Option<&str>, properties: &Properties, out: &mut String) {
    out.extend(["devices/", device_id]);
    if let Some(module) = module_id {
        out.extend(["/modules/", module]);
    }
    out.push_str("/messages/events/");
    let mut separator = "";
    for property in properties {
        let (name, value) = match property {
            Property::System(property, value) => match spelling(property).bag {
                Some(name) => (name, Some(value)),
                None => continue,
            },
            Property::Application(name, value) => (name, value),
        };
        out.push_str(separator);
        percent::encode_into(name, out);
        if let Some(value) = value {
            out.push('=');
            percent::encode_into(value, out);
        }
        separator = "&";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use roadstead_model::SystemProperty as P;

    fn read(bag: &str) -> Vec<(String, Option<String>)> {
        let mut properties = Properties::new();
        fill(bag, &mut String::new(), &mut properties);
        let owned = |property| match property {
            Property::System(property, value) => (format!("{property:?}"), Some(value.to_owned())),
            Property::Application(name, value) => (name.to_owned(), value.map(str::to_owned)),
        };
        properties.iter().map(owned).collect()
    }

    fn pairs(expected: &[(&str, Option<&str>)]) -> Vec<(String, Option<String>)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
    }

    #[test]
    fn topics() {
        for (topic, device_id, module_id, bag) in [
            ("devices/dev1/messages/events/", "dev1", None, ""),
            ("devices/dev1/messages/events", "dev1", None, ""),
            ("devices/dev1/messages/events/a=b/c&d=e", "dev1", None, "a=b/c&d=e"),
            ("devices/dev1/modules/mod1/messages/events/a=b", "dev1", Some("mod1"), "a=b"),
            ("devices/$d/modules/$edgeAgent/messages/events", "$d", Some("$edgeAgent"), ""),
            ("devices/modules/messages/events", "modules", None, ""),
        ] {
            assert_eq!(TelemetryTopic::parse(topic), Some(TelemetryTopic { device_id, module_id, bag }), "{topic}");
        }
        for topic in [
            "",
            "/devices/dev1/messages/events/",
            "devices/dev1/messages/eventsx",
            "devices//messages/events/",
            "devices/dev1/messages/event",
            "devices/dev1/Messages/events/",
            "devices/dev1/modules/messages/events/",
            "devices/dev1/modules//messages/events/",
            "devices/dev1/messages/devicebound/",
            "devices/dev1",
            "$iothub/twin/GET/?$rid=1",
            "$dps/registrations/PUT/iotdps-register/?$rid=1",
        ] {
            assert_eq!(TelemetryTopic::parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn bags_of_the_sdks() {
        let node = read(
            "%24.mid=id%2F1&%24.ct=application%2Fjson%3Bcharset%3Dutf-8&%24.ce=utf-8&k%201=v%3D1%262%2B3&%24.sub=comp1",
        );
        let expected = [
            ("MessageId", Some("id/1")),
            ("ContentType", Some("application/json;charset=utf-8")),
            ("ContentEncoding", Some("utf-8")),
            ("k 1", Some("v=1&2+3")),
            ("Subject", Some("comp1")),
        ];
        assert_eq!(node, pairs(&expected));
        let c = read("prop=raw value&%24.mid=42&%24.ct=application/json");
        assert_eq!(
            c,
            pairs(&[("prop", Some("raw value")), ("MessageId", Some("42")), ("ContentType", Some("application/json"))])
        );
        assert_eq!(
            read("$.ct=application%2Fjson%3Bcharset%3Dutf-8"),
            pairs(&[("ContentType", Some("application/json;charset=utf-8"))])
        );
    }

    #[test]
    fn odd_bags() {
        for (bag, expected) in [
            ("", &[][..]),
            ("/", &[]),
            ("?", &[]),
            ("&&", &[]),
            ("=v", &[]),
            ("?a=1", &[("a", Some("1"))]),
            ("a=1/", &[("a", Some("1"))]),
            ("%24.on=out1/", &[("OutputName", Some("out1"))]),
            ("bare&empty=", &[("bare", None), ("empty", Some(""))]),
            ("a+b=c+d", &[("a+b", Some("c+d"))]),
            ("a=b=c", &[("a", Some("b=c"))]),
            ("a=50%&b=%zz&%4=1", &[("a", Some("50%")), ("b", Some("%zz")), ("%4", Some("1"))]),
            ("a=%ff", &[("a", Some("%ff"))]),
            ("%C3%A4=%C3%B6", &[("ä", Some("ö"))]),
            ("$.mid", &[]),
            ("$.mid=", &[("MessageId", Some(""))]),
            ("$.new=1", &[("$.new", Some("1"))]),
            ("iothub-ack=full&iothub-operation=d2c", &[("Ack", Some("full")), ("Operation", Some("d2c"))]),
            ("$.cdid=other&%24.cmid=m&iothub-connection-device-id=other&k=v", &[("k", Some("v"))]),
            ("iothub-creation-time-utc=t", &[("iothub-creation-time-utc", Some("t"))]),
            ("a=1&a=2", &[("a", Some("1")), ("a", Some("2"))]),
        ] {
            assert_eq!(read(bag), pairs(expected), "{bag}");
        }
    }

    #[test]
    fn writes_as_python_does() {
        let mut properties = Properties::new();
        for (property, value) in
            [(P::MessageId, "id/1"), (P::ContentType, "application/json;charset=utf-8"), (P::ModelId, "dtmi:x;1")]
        {
            properties.push_system(property, value);
        }
        properties.push_application("k 1", Some("v=1&2+3"));
        properties.push_application("bare", None);
        let mut topic = String::new();
        write("dev1", None, &properties, &mut topic);
        assert_eq!(
            topic,
            "devices/dev1/messages/events/%24.mid=id%2F1&%24.ct=application%2Fjson%3Bcharset%3Dutf-8&k%201=v%3D1%262%2B3&bare"
        );
        topic.clear();
        write("dev1", Some("mod1"), &Properties::new(), &mut topic);
        assert_eq!(topic, "devices/dev1/modules/mod1/messages/events/");
    }

    #[test]
    fn nothing_is_allocated_once_grown() {
        let (mut scratch, mut properties) = (String::new(), Properties::new());
        let bag = "%24.mid=id%2F1&%24.ct=application%2Fjson&k%201=v%3D1";
        fill(bag, &mut scratch, &mut properties);
        let before = (scratch.as_ptr(), scratch.capacity(), properties.as_bytes().as_ptr());
        properties.clear();
        fill(bag, &mut scratch, &mut properties);
        assert_eq!((scratch.as_ptr(), scratch.capacity(), properties.as_bytes().as_ptr()), before);
    }

    proptest! {
        #[test]
        fn never_panics(topic in "(devices/d/messages/events)?[a-z$./&=?%0-9ä]{0,80}") {
            if let Some(parsed) = TelemetryTopic::parse(&topic) {
                read(parsed.bag);
            }
            read(&topic);
        }

        #[test]
        fn what_is_written_is_read(
            application in prop::collection::vec(("[^\u{0}]{1,12}", prop::option::of("[^\u{0}]{0,12}")), 0..6),
            id in "[^\u{0}]{0,12}",
        ) {
            let mut properties = Properties::new();
            properties.push_system(P::CorrelationId, &id);
            for (name, value) in &application {
                if of_bag_key(name).is_none() && !is_reserved(name) {
                    properties.push_application(name, value.as_deref());
                }
            }
            let mut topic = String::new();
            write("d", None, &properties, &mut topic);
            let (mut scratch, mut back) = (String::new(), Properties::new());
            fill(TelemetryTopic::parse(&topic).unwrap().bag, &mut scratch, &mut back);
            prop_assert_eq!(back, properties);
        }
    }
}
