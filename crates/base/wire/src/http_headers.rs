//! Message properties as HTTP headers, and as the members of a batch's `properties`, which are named alike.

use roadstead_model::{Properties, Property};

use crate::system_property::{is_reserved, of_header, spelling};

/// What application properties' headers begin with.
pub const APPLICATION_PREFIX: &str = "iothub-app-";

/// Reads one header (or batch member) into `properties`; a name that is no property, or is the hub's own, is passed over.
/// Values are taken as they are; a property name keeps the case in which it arrived.
///
/// Shape: `IoTHub-MessageId: id/1`, `iothub-app-k1: v`. Source: `reference/hub-device.md` 2.1
pub fn read(name: &str, value: &str, properties: &mut Properties) {
    match strip_application_prefix(name) {
        Some(name) if !name.is_empty() && !is_reserved(name) => properties.push_application(name, Some(value)),
        Some(_) => {}
        None => {
            if let Some(property) = of_header(name) {
                properties.push_system(property, value);
            }
        }
    }
}

fn strip_application_prefix(name: &str) -> Option<&str> {
    let (head, tail) = name.split_at_checked(APPLICATION_PREFIX.len())?;
    head.eq_ignore_ascii_case(APPLICATION_PREFIX).then_some(tail)
}

/// The headers (name, value) with which a client sends these properties; those that HTTP has no header for are left out.
pub fn write(properties: &Properties) -> Vec<(String, String)> {
    let header = |property| match property {
        Property::System(property, value) => Some((spelling(property).header?.to_owned(), value.to_owned())),
        Property::Application(name, value) => {
            Some((format!("{APPLICATION_PREFIX}{name}"), value.unwrap_or_default().to_owned()))
        }
    };
    properties.iter().filter_map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use roadstead_model::SystemProperty as P;

    #[test]
    fn headers_of_the_sdks() {
        let mut properties = Properties::new();
        for (name, value) in [
            ("Host", "hub1.example"),
            ("iothub-to", "/devices/dev1/messages/events"),
            ("iothub-app-k1", "v"),
            ("IoTHub-App-Temperature", "21"),
            ("IoTHub-MessageId", "id/1"),
            ("iothub-contenttype", "application/json"),
            ("Content-Type", "application/json"),
            ("iothub-app-", "nameless"),
            ("iothub-app-iothub-connection-device-id", "other"),
            ("iothub-connection-device-id", "other"),
            ("iothub-messagelocktimeout", "60"),
            ("", ""),
        ] {
            read(name, value, &mut properties);
        }
        let expected = [
            Property::System(P::To, "/devices/dev1/messages/events"),
            Property::Application("k1", Some("v")),
            Property::Application("Temperature", Some("21")),
            Property::System(P::MessageId, "id/1"),
            Property::System(P::ContentType, "application/json"),
        ];
        assert_eq!(properties.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn writes_what_it_reads() {
        let mut properties = Properties::new();
        properties.push_system(P::CorrelationId, "c");
        properties.push_application("k", Some("v"));
        properties.push_system(P::OutputName, "only MQTT can say this");
        properties.push_application("bare", None);
        let headers = write(&properties);
        let expected = [("iothub-correlationid", "c"), ("iothub-app-k", "v"), ("iothub-app-bare", "")];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    proptest! {
        #[test]
        fn never_panics(name in "(iothub-app-)?.{0,24}", value in ".{0,8}") {
            read(&name, &value, &mut Properties::new());
        }
    }
}
