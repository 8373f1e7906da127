//! What the address of a link names.

/// The node at the hub's end of a link: the target of a sending client, the source of a receiving one.
///
/// Clients write `amqps://host:5671/ENTITY/…`, `ENTITY/…` and `/messages/…`; scheme, authority and one leading `/` say nothing.
/// Fixed words are compared ignoring case. Source: `reference/hub-service.md` 0 (7, 8), 2.3, 3.4; `reference/hub-device.md` 3.3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkAddress<'a> {
    /// `$cbs`: tokens.
    Cbs,
    /// `$management` or `ENTITY/$management`: questions about the built-in endpoint.
    Management { entity: Option<&'a str> },
    /// `ENTITY/ConsumerGroups/{group}/Partitions/{partition}`: events. The partition is unchecked.
    Partition { entity: &'a str, group: &'a str, partition: &'a str },
    /// Anything else of which the first segment may name the built-in endpoint: `ENTITY`, `ENTITY/Partitions/0`, `x/y`.
    Entity { entity: &'a str },
    /// `messages/events…`: events at the hub's own address. `rest` is what follows, from its `/` on; mostly
    /// `/$management` or `/ConsumerGroups/{group}/Partitions/{partition}`.
    HubEvents { rest: &'a str },
    /// `messages/devicebound`: messages to devices.
    Devicebound,
    /// `messages/serviceBound/feedback`
    Feedback,
    /// `messages/serviceBound/filenotifications`
    FileNotifications,
    /// `devices/…`: a device speaks for itself. With the leading word.
    Device { path: &'a str },
}

impl<'a> LinkAddress<'a> {
    /// `None` for an empty address.
    pub fn parse(address: &'a str) -> Option<Self> {
        let path = path_of(address);
        let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
        let (first, rest) = path.split_once('/').map_or((path, ""), |(first, rest)| (first, rest));
        if first.is_empty() {
            return None;
        }
        if is(path, "$cbs") {
            return Some(Self::Cbs);
        }
        if is(path, "$management") {
            return Some(Self::Management { entity: None });
        }
        if is(first, "devices") && !rest.is_empty() {
            return Some(Self::Device { path });
        }
        if is(first, "messages") {
            if is(rest, "devicebound") {
                return Some(Self::Devicebound);
            }
            if is(rest, "servicebound/feedback") {
                return Some(Self::Feedback);
            }
            if is(rest, "servicebound/filenotifications") {
                return Some(Self::FileNotifications);
            }
            if let Some(rest) = strip_word(rest, "events") {
                return Some(Self::HubEvents { rest });
            }
        }
        if is(rest, "$management") {
            return Some(Self::Management { entity: Some(first) });
        }
        let mut segments = rest.split('/');
        if segments.next().is_some_and(|word| is(word, "consumergroups"))
            && let Some(group) = segments.next()
            && segments.next().is_some_and(|word| is(word, "partitions"))
            && let Some(partition) = segments.next()
            && segments.next().is_none()
        {
            return Some(Self::Partition { entity: first, group, partition });
        }
        Some(Self::Entity { entity: first })
    }
}

/// `amqps://host:5671/a/b`, `/a/b` and `a/b` are all `a/b`.
pub(super) fn path_of(address: &str) -> &str {
    let path = match address.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            rest.split_once('/').map_or("", |(_, path)| path)
        }
        _ => address.strip_prefix('/').unwrap_or(address),
    };
    path.strip_suffix('/').unwrap_or(path)
}

/// What follows `word`, which must be a whole segment.
fn strip_word<'a>(path: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = path.split_at_checked(word.len())?;
    (head.eq_ignore_ascii_case(word) && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::LinkAddress as A;
    use proptest::prelude::*;

    #[test]
    fn every_client_is_understood() {
        for (address, expected) in [
            ("$cbs", A::Cbs),
            ("amqps://hub1.example:5671/$cbs", A::Cbs),
            ("$CBS", A::Cbs),
            ("$management", A::Management { entity: None }),
            ("plant/$management", A::Management { entity: Some("plant") }),
            ("amqps://hub1.example/plant/$Management", A::Management { entity: Some("plant") }),
            (
                "plant/ConsumerGroups/$Default/Partitions/0",
                A::Partition { entity: "plant", group: "$Default", partition: "0" },
            ),
            (
                "amqps://hub1.example/Plant/consumergroups/g 1/partitions/31",
                A::Partition { entity: "Plant", group: "g 1", partition: "31" },
            ),
            ("plant", A::Entity { entity: "plant" }),
            ("plant/Partitions/0", A::Entity { entity: "plant" }),
            ("plant/ConsumerGroups/$Default/Partitions/0/x", A::Entity { entity: "plant" }),
            ("plant/ConsumerGroups/$Default", A::Entity { entity: "plant" }),
            ("/messages/events/$management", A::HubEvents { rest: "/$management" }),
            (
                "amqps://hub1.example/messages/events/ConsumerGroups/$Default/Partitions/0",
                A::HubEvents { rest: "/ConsumerGroups/$Default/Partitions/0" },
            ),
            ("messages/events", A::HubEvents { rest: "" }),
            ("messages/eventsource", A::Entity { entity: "messages" }),
            ("messages/events/", A::HubEvents { rest: "" }),
            ("/messages/devicebound", A::Devicebound),
            ("amqps://hub1.example:5671/messages/deviceBound", A::Devicebound),
            ("/messages/serviceBound/feedback", A::Feedback),
            ("/messages/servicebound/FileNotifications", A::FileNotifications),
            ("/devices/Dev1/messages/events", A::Device { path: "devices/Dev1/messages/events" }),
            ("amqps://hub1.example/devices/d/twin", A::Device { path: "devices/d/twin" }),
            ("devices", A::Entity { entity: "devices" }),
        ] {
            assert_eq!(A::parse(address), Some(expected), "{address}");
        }
        for address in ["", "/", "amqps://hub1.example", "amqps://hub1.example/", "//x"] {
            assert_eq!(A::parse(address), None, "{address}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(address in "\\PC{0,60}", tail in "(amqps://)?[a-zä$/]{0,30}") {
            let _ = (A::parse(&address), A::parse(&tail));
        }
    }
}
