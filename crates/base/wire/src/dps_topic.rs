//! The topics between a device and DPS.

use std::fmt;

use crate::{
    limits::OPERATION_ID_BYTES_MAX,
    percent,
    topic_argument::{find, find_rid},
};

/// The one filter that devices subscribe to at DPS.
pub const RESPONSE_FILTER: &str = "$dps/registrations/res/#";

/// What a device asks DPS. Values are as sent, still percent-encoded; their order does not matter.
///
/// Shape: `$dps/registrations/PUT/iotdps-register/?$rid=1`,
/// `$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=4.a1`. Prints so, too.
/// Source: python SDK provisioning/pipeline/mqtt_topic_provisioning.py
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpsPublish<'a> {
    Register { rid: &'a str },
    Status { rid: &'a str, operation_id: &'a str },
}

impl<'a> DpsPublish<'a> {
    /// `None` for any other topic, without `$rid` or operation id, or with one over its limit.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (path, query) = topic.strip_prefix("$dps/registrations/")?.split_once("/?")?;
        let rid = find_rid(query)?;
        match path {
            "PUT/iotdps-register" => Some(Self::Register { rid }),
            "GET/iotdps-get-operationstatus" => {
                let operation_id = find(query, "operationId").filter(|id| id.len() <= 3 * OPERATION_ID_BYTES_MAX)?;
                Some(Self::Status { rid, operation_id })
            }
            _ => None,
        }
    }

    /// The request's id, to be echoed as it stands.
    pub fn rid(&self) -> &'a str {
        match self {
            Self::Register { rid } | Self::Status { rid, .. } => rid,
        }
    }
}

impl fmt::Display for DpsPublish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register { rid } => write!(f, "$dps/registrations/PUT/iotdps-register/?$rid={rid}"),
            Self::Status { rid, operation_id } => {
                write!(f, "$dps/registrations/GET/iotdps-get-operationstatus/?$rid={rid}&operationId={operation_id}")
            }
        }
    }
}

/// The operation id of a [`DpsPublish::Status`], percent-decoded: python encodes it, others do not.
pub fn decode_operation_id(encoded: &str) -> std::borrow::Cow<'_, str> {
    percent::decode(encoded)
}

/// The topic of DPS's answer. Prints with `$rid` first: C#, java and python depend on it.
///
/// Shape: `$dps/registrations/res/202/?$rid=1&retry-after=3`. Units: seconds. Source: `reference/dps.md` 1.3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DpsResponse<'a> {
    pub status: u16,
    pub rid: &'a str,
    pub retry_after_s: Option<u32>,
}

impl<'a> DpsResponse<'a> {
    /// What a client reads, its arguments in any order. `None` for any other topic.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (status, query) = topic.strip_prefix("$dps/registrations/res/")?.split_once("/?")?;
        let retry_after_s = find(query, "retry-after").and_then(|seconds| seconds.parse().ok());
        Some(Self { status: status.parse().ok()?, rid: find_rid(query)?, retry_after_s })
    }
}

impl fmt::Display for DpsResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$dps/registrations/res/{}/?$rid={}", self.status, self.rid)?;
        match self.retry_after_s {
            Some(seconds) => write!(f, "&retry-after={seconds}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RID_BYTES_MAX;
    use proptest::prelude::*;

    #[test]
    fn requests_of_the_sdks() {
        for (topic, expected) in [
            (
                "$dps/registrations/PUT/iotdps-register/?$rid=f15a8332-1d6f-4fa4-82a0-5e5551c2568c",
                DpsPublish::Register { rid: "f15a8332-1d6f-4fa4-82a0-5e5551c2568c" },
            ),
            (
                "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId=5.316aac5bdc130deb.b1e0",
                DpsPublish::Status { rid: "1", operation_id: "5.316aac5bdc130deb.b1e0" },
            ),
        ] {
            assert_eq!(DpsPublish::parse(topic), Some(expected), "{topic}");
            assert_eq!(expected.to_string(), topic);
        }
        let turned = "$dps/registrations/GET/iotdps-get-operationstatus/?operationId=5%2E3&$rid=a%20b";
        let expected = DpsPublish::Status { rid: "a%20b", operation_id: "5%2E3" };
        assert_eq!(DpsPublish::parse(turned), Some(expected));
        assert_eq!((expected.rid(), &*decode_operation_id("5%2E3")), ("a%20b", "5.3"));
    }

    #[test]
    fn refused() {
        let long = format!("$dps/registrations/PUT/iotdps-register/?$rid={}", "r".repeat(RID_BYTES_MAX + 1));
        for topic in [
            "",
            "$dps/registrations/PUT/iotdps-register",
            "$dps/registrations/PUT/iotdps-register/",
            "$dps/registrations/PUT/iotdps-register/?",
            "$dps/registrations/PUT/iotdps-register/?$rid=",
            "$dps/registrations/PUT/iotdps-register/?rid=1",
            "$dps/registrations/put/iotdps-register/?$rid=1",
            "$dps/registrations/POST/iotdps-register/?$rid=1",
            "/$dps/registrations/PUT/iotdps-register/?$rid=1",
            "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1",
            "$dps/registrations/GET/iotdps-get-operationstatus/?operationId=4.a1",
            "$dps/registrations/res/200/?$rid=1",
            "devices/d/messages/events/",
            &long,
        ] {
            assert_eq!(DpsPublish::parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn answers() {
        for (topic, expected) in [
            (
                "$dps/registrations/res/202/?$rid=1&retry-after=3",
                DpsResponse { status: 202, rid: "1", retry_after_s: Some(3) },
            ),
            ("$dps/registrations/res/401/?$rid=a%20b", DpsResponse { status: 401, rid: "a%20b", retry_after_s: None }),
        ] {
            assert_eq!(expected.to_string(), topic);
            assert_eq!(DpsResponse::parse(topic), Some(expected));
        }
        for topic in [
            "",
            "$dps/registrations/res/200/",
            "$dps/registrations/res/ok/?$rid=1",
            "$dps/registrations/res/200/?retry-after=3",
        ] {
            assert_eq!(DpsResponse::parse(topic), None, "{topic}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(tail in "[a-zA-Z/?&=$%0-9-]{0,80}") {
            let _ = DpsPublish::parse(&tail);
            let _ = DpsPublish::parse(&format!("$dps/registrations/{tail}"));
            let _ = DpsResponse::parse(&format!("$dps/registrations/res/{tail}"));
        }
    }
}
