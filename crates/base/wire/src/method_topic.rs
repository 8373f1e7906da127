//! The topics of direct methods. Modules use the same: who is called, the connection says.

use std::{borrow::Cow, fmt};

use crate::{percent, topic_argument::find_rid};

/// What a client subscribes to for [`MethodRequest`]s; a hub holds a device online for methods while it does.
pub const REQUEST_FILTER: &str = "$iothub/methods/POST/#";

/// The topic of a hub's call. Nothing follows the id: C, C# and embedded C take all that does for part of it.
///
/// Shape: `$iothub/methods/POST/reboot/?$rid=1f`. Prints so: in the name only what is not printable ASCII or has a meaning
/// in topics (`/ + # %`) is encoded, since node compares it raw; the four are `guess (?)`.
/// Source: `reference/hub-device.md` 0, 1.8
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodRequest<'a> {
    /// Decoded.
    pub name: Cow<'a, str>,
    pub rid: &'a str,
}

impl<'a> MethodRequest<'a> {
    /// What a client reads. `None` for any other topic.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (name, query) = topic.strip_prefix("$iothub/methods/POST/")?.split_once("/?")?;
        let named = !name.is_empty() && !name.contains('/');
        named.then(|| Some(Self { name: percent::decode(name), rid: find_rid(query)? }))?
    }
}

impl fmt::Display for MethodRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$iothub/methods/POST/")?;
        for byte in self.name.bytes() {
            match byte {
                b'/' | b'+' | b'#' | b'%' => write!(f, "%{byte:02X}")?,
                b' '..=b'~' => write!(f, "{}", char::from(byte))?,
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        write!(f, "/?$rid={}", self.rid)
    }
}

/// The topic of a device's answer.
///
/// Shape: `$iothub/methods/res/200/?$rid=1f`. Prints so. Source: `reference/hub-device.md` 1.8
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodResponse<'a> {
    /// The device's own code; may be negative.
    pub status: i32,
    /// As the hub sent it.
    pub rid: &'a str,
}

impl<'a> MethodResponse<'a> {
    /// `None` for any other topic, without `$rid` or with one over its limit. Other arguments are passed over.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (status, query) = topic.strip_prefix("$iothub/methods/res/")?.split_once("/?")?;
        Some(Self { status: status.parse().ok()?, rid: find_rid(query)? })
    }
}

impl fmt::Display for MethodResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$iothub/methods/res/{}/?$rid={}", self.status, self.rid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HubFilter, limits::RID_BYTES_MAX};
    use proptest::prelude::*;

    #[test]
    fn calls() {
        for (topic, name, rid) in [
            ("$iothub/methods/POST/reboot/?$rid=1f", "reboot", "1f"),
            ("$iothub/methods/POST/thermostat1*getMaxMinReport/?$rid=1", "thermostat1*getMaxMinReport", "1"),
            ("$iothub/methods/POST/set level!/?$rid=1", "set level!", "1"),
            ("$iothub/methods/POST/a%2Fb%2B%23%25%C3%A4%09/?$rid=1", "a/b+#%ä\t", "1"),
        ] {
            let expected = MethodRequest { name: name.into(), rid };
            assert_eq!(expected.to_string(), topic);
            assert_eq!(MethodRequest::parse(topic), Some(expected));
        }
        for topic in [
            "",
            "$iothub/methods/POST/?$rid=1",
            "$iothub/methods/POST//?$rid=1",
            "$iothub/methods/POST/a/b/?$rid=1",
            "$iothub/methods/POST/reboot",
            "$iothub/methods/POST/reboot/?$rid=",
            "$iothub/methods/post/reboot/?$rid=1",
            "$iothub/methods/res/200/?$rid=1",
        ] {
            assert_eq!(MethodRequest::parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn answers() {
        for (topic, status, rid) in [
            ("$iothub/methods/res/200/?$rid=1f", 200, "1f"),
            ("$iothub/methods/res/-1/?$rid=1", -1, "1"),
            ("$iothub/methods/res/0/?$rid=1", 0, "1"),
        ] {
            assert_eq!(MethodResponse::parse(topic), Some(MethodResponse { status, rid }), "{topic}");
            assert_eq!(MethodResponse { status, rid }.to_string(), topic);
        }
        let more = "$iothub/methods/res/200/?$rid=1&extra=2";
        assert_eq!(MethodResponse::parse(more), Some(MethodResponse { status: 200, rid: "1" }));
        let long = format!("$iothub/methods/res/200/?$rid={}", "r".repeat(RID_BYTES_MAX + 1));
        for topic in [
            "",
            "$iothub/methods/res/200",
            "$iothub/methods/res/200/",
            "$iothub/methods/res/200/?",
            "$iothub/methods/res/200/?$rid=",
            "$iothub/methods/res//?$rid=1",
            "$iothub/methods/res/ok/?$rid=1",
            "$iothub/methods/res/2147483648/?$rid=1",
            "$iothub/twin/res/200/?$rid=1",
            &long,
        ] {
            assert_eq!(MethodResponse::parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn the_filter_is_one_the_hub_grants() {
        assert_eq!(HubFilter::classify(REQUEST_FILTER, "dev1", None), Some(HubFilter::Methods { name: None }));
    }

    proptest! {
        #[test]
        fn never_panics(tail in "(POST/[a-z/%]{0,8}|res/[0-9-]{0,12})?/?[a-zA-Z/?&=$%0-9-]{0,60}") {
            let topic = format!("$iothub/methods/{tail}");
            let _ = (MethodRequest::parse(&topic), MethodResponse::parse(&topic));
        }

        #[test]
        fn what_is_written_is_read(name in ".{1,24}", rid in "[0-9a-zA-Z-]{1,40}", status in any::<i32>()) {
            let call = MethodRequest { name: name.into(), rid: &rid };
            let topic = call.to_string();
            prop_assert_eq!(MethodRequest::parse(&topic), Some(call));
            let answer = MethodResponse { status, rid: &rid };
            let topic = answer.to_string();
            prop_assert_eq!(MethodResponse::parse(&topic), Some(answer));
        }
    }
}
