//! Queries and their pages, alike at a hub and at DPS.

use serde::{Deserialize, Serialize};

/// Asks for at most so many items: `x-ms-max-item-count: 100`. Header names in lower case, as C# looks them up exactly.
pub const MAX_ITEM_COUNT_HEADER: &str = "x-ms-max-item-count";
/// Where the next page begins. On an answer only when there is a next page: to node an empty one means "more".
pub const CONTINUATION_HEADER: &str = "x-ms-continuation";
/// What the items are: [`ItemType`]. C# and java throw without it.
pub const ITEM_TYPE_HEADER: &str = "x-ms-item-type";

/// What a page holds, as C# parses it, case-sensitive. Source: `reference/hub-service.md` 1.10, `reference/dps.md` 4.3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemType {
    Twin,
    Raw,
    DeviceJob,
    Enrollment,
    EnrollmentGroup,
    DeviceRegistration,
}

impl ItemType {
    /// `Twin` and `Raw` at a hub, `enrollmentGroup` and so on at DPS.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Twin => "Twin",
            Self::Raw => "Raw",
            Self::DeviceJob => "DeviceJob",
            Self::Enrollment => "enrollment",
            Self::EnrollmentGroup => "enrollmentGroup",
            Self::DeviceRegistration => "deviceRegistration",
        }
    }
}

/// Shape: `{"query":"SELECT * FROM devices"}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QuerySpecification {
    #[serde(default)]
    pub query: String,
}

impl QuerySpecification {
    /// Reads a body; an empty one asks for everything, as `az … registration list` does.
    ///
    /// Errors: not JSON, or not an object with a text `query`.
    pub fn parse(body: &[u8]) -> serde_json::Result<Self> {
        if body.trim_ascii().is_empty() { Ok(Self::default()) } else { crate::object_body::parse(body) }
    }

    /// Whether DPS is asked for everything, which is all it can be asked for.
    ///
    /// Shapes: ``, `*`, `SELECT *`, `SELECT * FROM enrollments`, and what the Azure CLI garbles it to,
    /// `{'additional_properties': {}, 'query': 'SELECT *'}`; no `WHERE`. Source: `reference/dps.md` 4.3, `reference/arm-and-az.md` 0
    pub fn is_everything(&self) -> bool {
        let text = self.query.trim().to_ascii_lowercase();
        let words: Vec<_> = text.split(|c: char| c.is_whitespace() || c == '\'').collect();
        let selects = text.is_empty() || text == "*" || words.windows(2).any(|pair| pair == ["select", "*"]);
        selects && !words.contains(&"where")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_every_form() {
        for query in [
            "",
            " ",
            "*",
            "SELECT *",
            "select  *",
            "SELECT * FROM enrollments",
            "{'additional_properties': {}, 'query': 'SELECT *'}",
        ] {
            let query = query.replace("  ", " ");
            assert!(QuerySpecification { query: query.clone() }.is_everything(), "{query}");
        }
        for query in ["SELECT a", "SELECT * WHERE a = 1", "SELECT * FROM enrollments where x='y'", "DROP"] {
            assert!(!QuerySpecification { query: query.into() }.is_everything(), "{query}");
        }
    }

    #[test]
    fn bodies() {
        for (body, query) in [(&b""[..], ""), (b" ", ""), (b"{}", ""), (br#"{"query":"SELECT *","x":1}"#, "SELECT *")] {
            assert_eq!(QuerySpecification::parse(body).unwrap().query, query);
        }
        for body in [&b"[1]"[..], b"x", br#"{"query":1}"#, br#"{"query":null}"#] {
            assert!(QuerySpecification::parse(body).is_err(), "{body:?}");
        }
    }
}
