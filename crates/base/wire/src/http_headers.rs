//! Message properties as HTTP headers, and as the members of a batch's `properties`, which are named alike.

use roadstead_model::{Properties, Property, SystemProperty, UnixMillis};

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

/// What a back end may say of a message to a device, beside application properties. Source: `reference/hub-service.md` 2.3
const DEVICEBOUND: [SystemProperty; 8] = [
    SystemProperty::MessageId,
    SystemProperty::CorrelationId,
    SystemProperty::UserId,
    SystemProperty::To,
    SystemProperty::AbsoluteExpiryTime,
    SystemProperty::ContentType,
    SystemProperty::ContentEncoding,
    SystemProperty::Ack,
];

/// As [`read`], for a message that a back end sends to a device: [`crate::devicebound_to`]. Clients write it with [`write()`].
pub fn read_devicebound(name: &str, value: &str, properties: &mut Properties) {
    if of_header(name).is_none_or(|property| DEVICEBOUND.contains(&property)) {
        read(name, value, properties);
    }
}

/// A message as it is delivered once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// A UUID without quotes.
    pub lock_token: &'a str,
    pub sequence: u64,
    pub enqueued: UnixMillis,
    /// How often the message was abandoned before. C# reads 8 bits.
    pub delivery_count: u32,
}

/// The headers (name, value) of a message to a device. The lock token is quoted (C and node need that); the content type is
/// there twice, as C reads it and as java does. Properties that no header can carry are left out: names that are no
/// tokens, values with control characters.
///
/// Shape: `ETag: "11112222-3333-4444-5555-666677778888"`, `iothub-messageid: m1`, `iothub-sequencenumber: 1`,
/// `iothub-enqueuedtime: 2026-11-21T21:08:59.0000000Z` (its format is `guess (?)`; C# parses any),
/// `iothub-deliverycount: 0`, `ContentType: text/plain`, `iothub-app-p1: v1`. Source: `reference/hub-device.md` 2.1
pub fn write_devicebound(delivery: &Delivery<'_>, properties: &Properties) -> Vec<(String, String)> {
    let mut headers = vec![
        ("ETag".to_owned(), format!("\"{}\"", delivery.lock_token)),
        ("iothub-sequencenumber".to_owned(), delivery.sequence.to_string()),
        ("iothub-enqueuedtime".to_owned(), delivery.enqueued.iso()),
        ("iothub-deliverycount".to_owned(), delivery.delivery_count.to_string()),
    ];
    for (property, name) in
        [(SystemProperty::ContentType, "ContentType"), (SystemProperty::ContentEncoding, "ContentEncoding")]
    {
        headers.extend(properties.find_system(property).map(|value| (name.to_owned(), value.to_owned())));
    }
    headers.extend(write(properties));
    headers.retain(|(name, value)| is_token(name) && !value.contains(|c: char| c.is_ascii_control()));
    headers
}

/// Whether HTTP takes it for a header's name. Source: RFC 9110, 5.6.2
fn is_token(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
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

    const DELIVERY: Delivery<'_> = Delivery {
        lock_token: "11112222-3333-4444-5555-666677778888",
        sequence: 1,
        enqueued: UnixMillis(1_795_295_339_000),
        delivery_count: 0,
    };

    #[test]
    fn deliveries() {
        let mut properties = Properties::new();
        for (property, value) in [
            (P::MessageId, "m1"),
            (P::To, "/devices/dev1/messages/deviceBound"),
            (P::ContentType, "application/json"),
            (P::ContentEncoding, "utf-8"),
            (P::Ack, "full"),
            (P::CorrelationId, "two\r\nlines"),
        ] {
            properties.push_system(property, value);
        }
        for (name, value) in
            [("p1", Some("v1")), ("bare", None), ("no token", Some("v")), ("ä", Some("v")), ("lines", Some("a\nb"))]
        {
            properties.push_application(name, value);
        }
        let expected = [
            ("ETag", "\"11112222-3333-4444-5555-666677778888\""),
            ("iothub-sequencenumber", "1"),
            ("iothub-enqueuedtime", "2026-11-21T21:08:59.0000000Z"),
            ("iothub-deliverycount", "0"),
            ("ContentType", "application/json"),
            ("ContentEncoding", "utf-8"),
            ("iothub-messageid", "m1"),
            ("iothub-to", "/devices/dev1/messages/deviceBound"),
            ("iothub-contenttype", "application/json"),
            ("iothub-contentencoding", "utf-8"),
            ("iothub-ack", "full"),
            ("iothub-app-p1", "v1"),
            ("iothub-app-bare", ""),
        ];
        let headers = write_devicebound(&DELIVERY, &properties);
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn back_ends_say_less_than_devices() {
        let mut properties = Properties::new();
        for (name, value) in [
            ("IoTHub-To", "/devices/dev1/messages/devicebound"),
            ("iothub-expiry", "2026-11-21T21:00:00Z"),
            ("iothub-ack", "full"),
            ("iothub-userid", "me"),
            ("iothub-creationtimeutc", "t"),
            ("iothub-operation", "d2c"),
            ("dt-subject", "c"),
            ("iothub-app-a", "b"),
            ("iothub-app-x-opt-offset", "1"),
            ("Content-Type", "text/plain"),
        ] {
            read_devicebound(name, value, &mut properties);
        }
        let expected = [
            Property::System(P::To, "/devices/dev1/messages/devicebound"),
            Property::System(P::AbsoluteExpiryTime, "2026-11-21T21:00:00Z"),
            Property::System(P::Ack, "full"),
            Property::System(P::UserId, "me"),
            Property::Application("a", Some("b")),
        ];
        assert_eq!(properties.iter().collect::<Vec<_>>(), expected);
        let mut back = Properties::new();
        for (name, value) in write(&properties) {
            read_devicebound(&name, &value, &mut back);
        }
        assert_eq!(back, properties);
    }

    proptest! {
        #[test]
        fn never_panics(name in "(iothub-app-)?.{0,24}", value in ".{0,8}") {
            let mut properties = Properties::new();
            read(&name, &value, &mut properties);
            read_devicebound(&name, &value, &mut properties);
            properties.push_application(&name, Some(&value));
            for (name, value) in write_devicebound(&DELIVERY, &properties) {
                prop_assert!(name.is_ascii() && !name.contains([' ', ':']) && !value.contains(['\r', '\n']));
            }
        }
    }
}
