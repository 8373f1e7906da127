//! Where in a document a value lies.

use crate::token::{is_reserved, is_word_char, is_word_start};
use std::fmt;

/// Members at the top of a twin or of a job's row, as the service API spells them. A query may spell them in any case.
/// `disconnectReason` is ours. Source: `reference/hub-service.md` 1.11 (row "roots") and its example of a `devices.jobs` row
pub const ROOTS: [&str; 29] = [
    "authenticationType",
    "capabilities",
    "cloudToDeviceMessageCount",
    "configurations",
    "connectionState",
    "createdDateTimeUtc",
    "deviceEtag",
    "deviceId",
    "deviceScope",
    "disconnectReason",
    "endTimeUtc",
    "error",
    "etag",
    "jobId",
    "jobType",
    "lastActivityTime",
    "lastUpdatedDateTimeUtc",
    "modelId",
    "moduleId",
    "outcome",
    "parentScopes",
    "properties",
    "startTimeUtc",
    "status",
    "statusReason",
    "statusUpdateTime",
    "tags",
    "version",
    "x509Thumbprint",
];

/// Member names from the top of a document to a value: `properties.reported.fw`, `configurations.[[cfg-1]].status`.
///
/// Never empty, no name is empty, the collection's own name is gone (`devices.tags.x` is `tags.x`), and a first name
/// that is one of [`ROOTS`] is spelled as there. All other names are compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    names: Vec<String>,
}

impl Path {
    /// The path through these names. `None` when there is none, or when one cannot be written in a query: it is empty, has `]]` in it or
    /// ends with `]`.
    pub fn new(names: Vec<String>) -> Option<Self> {
        Self::within(names, None)
    }

    /// Likewise, without the prefix that the collection's name is: `devices.`, then `within` it `jobs.` or `modules.`.
    pub(crate) fn within(mut names: Vec<String>, collection: Option<&str>) -> Option<Self> {
        if names.iter().any(|name| name.is_empty() || name.contains("]]") || name.ends_with(']')) {
            return None;
        }
        let mut own = 0;
        while names.len() > own + 1 && names.get(own).is_some_and(|name| name.eq_ignore_ascii_case("devices")) {
            own += 1;
            let inner = names.get(own).zip(collection).is_some_and(|(name, inner)| name.eq_ignore_ascii_case(inner));
            own += usize::from(inner && names.len() > own + 1);
        }
        names.drain(..own);
        let first = names.first_mut()?;
        if let Some(root) = ROOTS.iter().find(|root| root.eq_ignore_ascii_case(first)) {
            (*root).clone_into(first);
        }
        Some(Self { names })
    }

    /// The names, outermost first; at least one.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The outermost name.
    pub fn root(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// The innermost name, under which SELECT shows the value when it has no alias.
    pub fn last(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }
}

/// Prints what parses back to the same path.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root();
        if !root.starts_with(is_word_start) || !root.chars().all(is_word_char) || is_reserved(root) {
            f.write_str("devices.")?;
        }
        for (index, name) in self.names.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            if name.chars().all(is_word_char) {
                write!(f, "{dot}{name}")?;
            } else {
                write!(f, "{dot}[[{name}]]")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(names: &[&str]) -> Option<Path> {
        Path::new(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn the_collection_goes_and_the_root_is_spelled_as_the_api_does() {
        let cases: &[(&[&str], &str)] = &[
            (&["DEVICEID"], "deviceId"),
            (&["Tags", "Site"], "tags.Site"),
            (&["devices", "tags", "devices"], "tags.devices"),
            (&["Devices", "devices", "x"], "x"),
            (&["devices"], "devices"),
            (&["devices", "group"], "devices.group"),
            (&["devices", "5x"], "devices.5x"),
            (&["tags", "5", "group"], "tags.5.group"),
            (&["configurations", "cfg-1", "status"], "configurations.[[cfg-1]].status"),
            (&["my prop"], "devices.[[my prop]]"),
            (&["$body", "t"], "$body.t"),
        ];
        for (names, text) in cases {
            assert_eq!(path(names).unwrap().to_string(), *text, "{names:?}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_no_path() {
        for names in [&[][..], &["tags", ""], &["a]]b"], &["tags", "a]"]] {
            assert_eq!(path(names), None, "{names:?}");
        }
    }
}
