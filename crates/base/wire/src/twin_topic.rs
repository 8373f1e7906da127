//! The topics of device twins. Modules use the same: whose twin is meant, the connection says.

use std::fmt;

use crate::topic_argument::{find_rid, find_version};

/// What a client subscribes to for [`TwinResponse`]s.
pub const RESPONSE_FILTER: &str = "$iothub/twin/res/#";
/// What a client subscribes to for [`DesiredPatch`]es.
pub const DESIRED_FILTER: &str = "$iothub/twin/PATCH/properties/desired/#";

/// What a device asks of its twin. Ids are as sent, to be echoed unchanged.
///
/// Shape: `$iothub/twin/GET/?$rid=1`, `$iothub/twin/PATCH/properties/reported/?$rid=2&$version=4`. Prints so, too.
/// Source: `reference/hub-device.md` 1.7
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwinRequest<'a> {
    /// The body says nothing: empty from C, a blank from python and node.
    Get { rid: &'a str },
    /// The body is a JSON merge patch; java may name the version that the section must have.
    PatchReported { rid: &'a str, version: Option<i64> },
}

impl<'a> TwinRequest<'a> {
    /// `None` for any other topic, without `$rid` or with one over its limit, and when `$version` is no number.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (path, query) = topic.strip_prefix("$iothub/twin/")?.split_once("/?")?;
        let rid = find_rid(query)?;
        match path {
            "GET" => Some(Self::Get { rid }),
            "PATCH/properties/reported" => Some(Self::PatchReported { rid, version: find_version(query).ok()? }),
            _ => None,
        }
    }

    /// The request's id.
    pub fn rid(&self) -> &'a str {
        match self {
            Self::Get { rid } | Self::PatchReported { rid, .. } => rid,
        }
    }
}

impl fmt::Display for TwinRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { rid } => write!(f, "$iothub/twin/GET/?$rid={rid}"),
            Self::PatchReported { rid, version } => {
                write!(f, "$iothub/twin/PATCH/properties/reported/?$rid={rid}")?;
                write_version(*version, f)
            }
        }
    }
}

fn write_version(version: Option<i64>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    version.map_or(Ok(()), |version| write!(f, "&$version={version}"))
}

/// The topic of the hub's answer. Prints the status in three digits, then `$rid`, then the version: java goes by position.
///
/// Shape: `$iothub/twin/res/200/?$rid=1`, `$iothub/twin/res/204/?$rid=2&$version=5`. Source: `reference/hub-device.md` 1.7
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwinResponse<'a> {
    /// Never 202: embedded C takes it for the answer to a GET.
    pub status: u16,
    pub rid: &'a str,
    /// What the section's version became by a patch. java and C# read 32 bits.
    pub version: Option<i64>,
}

impl<'a> TwinResponse<'a> {
    /// What a client reads, its arguments in any order. `None` for any other topic.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (status, query) = topic.strip_prefix("$iothub/twin/res/")?.split_once("/?")?;
        Some(Self { status: status.parse().ok()?, rid: find_rid(query)?, version: find_version(query).ok()? })
    }
}

impl fmt::Display for TwinResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$iothub/twin/res/{:03}/?$rid={}", self.status, self.rid)?;
        write_version(self.version, f)
    }
}

/// The topic on which a device hears that its desired properties changed; what they became is in the body.
///
/// Shape: `$iothub/twin/PATCH/properties/desired/?$version=4`. Prints so. Source: `reference/hub-device.md` 1.7
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DesiredPatch {
    /// Of the section. java and embedded C fail without it.
    pub version: i64,
}

impl DesiredPatch {
    /// `None` for any other topic, and without a version.
    pub fn parse(topic: &str) -> Option<Self> {
        let query = topic.strip_prefix("$iothub/twin/PATCH/properties/desired/?")?;
        find_version(query).ok()?.map(|version| Self { version })
    }
}

impl fmt::Display for DesiredPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$iothub/twin/PATCH/properties/desired/?$version={}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HubFilter, limits::RID_BYTES_MAX};
    use proptest::prelude::*;

    #[test]
    fn requests() {
        for (topic, expected) in [
            ("$iothub/twin/GET/?$rid=1", TwinRequest::Get { rid: "1" }),
            (
                "$iothub/twin/GET/?$rid=f15a8332-1d6f-4fa4-82a0-5E5551C2568C",
                TwinRequest::Get { rid: "f15a8332-1d6f-4fa4-82a0-5E5551C2568C" },
            ),
            ("$iothub/twin/PATCH/properties/reported/?$rid=2", TwinRequest::PatchReported { rid: "2", version: None }),
            (
                "$iothub/twin/PATCH/properties/reported/?$rid=a%20b&$version=4",
                TwinRequest::PatchReported { rid: "a%20b", version: Some(4) },
            ),
        ] {
            assert_eq!(TwinRequest::parse(topic), Some(expected), "{topic}");
            assert_eq!(expected.to_string(), topic);
            assert!(topic.contains(expected.rid()));
        }
        let turned = "$iothub/twin/PATCH/properties/reported/?$version=4&$rid=2";
        assert_eq!(TwinRequest::parse(turned), Some(TwinRequest::PatchReported { rid: "2", version: Some(4) }));
        assert_eq!(TwinRequest::parse("$iothub/twin/GET/?$rid=1&x=y"), Some(TwinRequest::Get { rid: "1" }));
    }

    #[test]
    fn refused() {
        let long = format!("$iothub/twin/GET/?$rid={}", "r".repeat(RID_BYTES_MAX + 1));
        for topic in [
            "",
            "$iothub/twin/GET",
            "$iothub/twin/GET/",
            "$iothub/twin/GET/?",
            "$iothub/twin/GET/?$rid=",
            "$iothub/twin/GET/?rid=1",
            "$iothub/twin/get/?$rid=1",
            "$iothub/twin/PUT/properties/reported/?$rid=1",
            "$iothub/twin/PATCH/properties/desired/?$rid=1",
            "$iothub/twin/PATCH/properties/reported?$rid=1",
            "$iothub/twin/PATCH/properties/reported/?$version=4",
            "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=four",
            "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=9223372036854775808",
            "$iothub/twin/res/200/?$rid=1",
            "$iothub/methods/res/200/?$rid=1",
            "/$iothub/twin/GET/?$rid=1",
            &long,
        ] {
            assert_eq!(TwinRequest::parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn answers() {
        for (topic, status, rid, version) in [
            ("$iothub/twin/res/200/?$rid=1", 200, "1", None),
            ("$iothub/twin/res/204/?$rid=a%20b&$version=5", 204, "a%20b", Some(5)),
            ("$iothub/twin/res/000/?$rid=1", 0, "1", None),
        ] {
            let expected = TwinResponse { status, rid, version };
            assert_eq!(expected.to_string(), topic);
            assert_eq!(TwinResponse::parse(topic), Some(expected));
        }
        let turned = "$iothub/twin/res/204/?$version=5&$rid=1";
        assert_eq!(TwinResponse::parse(turned), Some(TwinResponse { status: 204, rid: "1", version: Some(5) }));
        for topic in [
            "",
            "$iothub/twin/res/200/",
            "$iothub/twin/res/200/?$version=5",
            "$iothub/twin/res/ok/?$rid=1",
            "$iothub/twin/res/-1/?$rid=1",
            "$iothub/twin/res/204/?$rid=1&$version=x",
            "$iothub/twin/res/?$rid=1",
        ] {
            assert_eq!(TwinResponse::parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn notifications() {
        let topic = "$iothub/twin/PATCH/properties/desired/?$version=4";
        assert_eq!(DesiredPatch::parse(topic), Some(DesiredPatch { version: 4 }));
        assert_eq!(DesiredPatch { version: 4 }.to_string(), topic);
        for topic in [
            "",
            "$iothub/twin/PATCH/properties/desired/",
            "$iothub/twin/PATCH/properties/desired/?$rid=1",
            "$iothub/twin/PATCH/properties/desired/?$version=",
            "$iothub/twin/PATCH/properties/desired/?$version=x",
            "$iothub/twin/PATCH/properties/reported/?$version=4",
        ] {
            assert_eq!(DesiredPatch::parse(topic), None, "{topic}");
        }
    }

    #[test]
    fn filters_are_ones_the_hub_grants() {
        assert_eq!(HubFilter::classify(RESPONSE_FILTER, "dev1", None), Some(HubFilter::TwinResponses));
        assert_eq!(HubFilter::classify(DESIRED_FILTER, "dev1", Some("mod1")), Some(HubFilter::DesiredPatches));
    }

    proptest! {
        #[test]
        fn never_panics(tail in "(GET|PATCH/properties/(reported|desired)|res/[0-9-]{0,4})?/?[a-zA-Z/?&=$%0-9-]{0,60}") {
            let topic = format!("$iothub/twin/{tail}");
            let _ = (TwinRequest::parse(&topic), TwinResponse::parse(&topic), DesiredPatch::parse(&topic));
        }

        #[test]
        fn what_is_written_is_read(rid in "[!-%'-~]{1,40}", status in 0_u16..1000, version in any::<Option<i64>>()) {
            let request = TwinRequest::PatchReported { rid: &rid, version };
            let topic = request.to_string();
            prop_assert_eq!(TwinRequest::parse(&topic), Some(request));
            let answer = TwinResponse { status, rid: &rid, version };
            let topic = answer.to_string();
            prop_assert_eq!(TwinResponse::parse(&topic), Some(answer));
        }
    }
}
