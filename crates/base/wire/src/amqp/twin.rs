//! A device's twin over AMQP. Source: `reference/hub-device.md` 3.6
//!
//! What is asked is in annotations of a message with a correlation id; the answer has the same id with the very same type, and its
//! status in an annotation. A message without a correlation id tells of a change.

/// Annotation of a request: `GET`, `PATCH`, `PUT`, `DELETE`.
pub const OPERATION: &str = "operation";
/// Annotation of a request: a path; absent from `GET`. Of a change: [`DESIRED`].
pub const RESOURCE: &str = "resource";
/// Annotation, an `int` or null: of a report, the version it is for; of an answer or a change, the version there is now.
pub const VERSION: &str = "version";
/// Annotation of an answer: an `int`.
pub const STATUS: &str = "status";
/// What changed.
pub const DESIRED: &str = "/properties/desired";

/// What a device asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwinAsk {
    Get,
    /// A change of reported properties.
    Report,
    /// To be told of changes of desired properties.
    Watch,
    /// To be told no more.
    Ignore,
}

impl TwinAsk {
    /// `None` for what no client asks.
    pub fn parse(operation: &str, resource: &str) -> Option<Self> {
        let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
        let is_notifications = is(resource, "/notifications/twin/properties/desired");
        match operation {
            word if is(word, "GET") => Some(Self::Get),
            word if is(word, "PATCH") && is(resource, "/properties/reported") => Some(Self::Report),
            word if is(word, "PUT") && is_notifications => Some(Self::Watch),
            word if is(word, "DELETE") && is_notifications => Some(Self::Ignore),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let notifications = "/notifications/twin/properties/desired";
        for (operation, resource, expected) in [
            ("GET", "", Some(TwinAsk::Get)),
            ("get", "/", Some(TwinAsk::Get)),
            ("PATCH", "/properties/reported", Some(TwinAsk::Report)),
            ("PUT", notifications, Some(TwinAsk::Watch)),
            ("DELETE", notifications, Some(TwinAsk::Ignore)),
            ("PATCH", "/properties/desired", None),
            ("PUT", "", None),
            ("POST", notifications, None),
            ("", "", None),
        ] {
            assert_eq!(TwinAsk::parse(operation, resource), expected, "{operation} {resource}");
        }
    }
}
