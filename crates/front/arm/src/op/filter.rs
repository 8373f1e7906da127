//! What of a list is wanted: `$filter=resourceGroup eq 'iot-rg' and resourceType eq '…'` and `$top=10`.

use serde_json::{Map, Value};

use crate::{call::Call, refusal::Refusal};

/// Conditions of one filter that are looked at; clients send three at most.
const CONDITIONS_MAX: usize = 16;

/// A resource as filters see it.
pub(crate) struct Item<'a> {
    pub(crate) group: &'a str,
    pub(crate) name: &'a str,
    /// `Microsoft.Devices/IotHubs`
    pub(crate) kind: &'a str,
    pub(crate) location: &'a str,
    pub(crate) tags: &'a Map<String, Value>,
}

/// What a member must be, letter case aside. Source: docs, Resource Manager "Resources - List", `$filter`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Group,
    Name,
    Kind,
    Location,
    TagName,
    TagValue,
}

const MEMBERS: [(&str, Member); 6] = [
    ("resourceGroup", Member::Group),
    ("name", Member::Name),
    ("resourceType", Member::Kind),
    ("location", Member::Location),
    ("tagName", Member::TagName),
    ("tagValue", Member::TagValue),
];

/// The query arguments of a list.
pub(crate) struct Wanted {
    conditions: Vec<(Member, String)>,
    /// How many at most.
    pub(crate) top: usize,
}

impl Wanted {
    /// Errors: 400 for a filter that is not understood; it must not be ignored, or who deletes what is listed deletes too much.
    pub(crate) fn of(call: &Call) -> Result<Self, Refusal> {
        let filter = call.argument("$filter").unwrap_or_default();
        let conditions = parse(&filter).ok_or_else(|| Refusal::bad_filter(&filter))?;
        let top = match call.argument("$top") {
            Some(text) => text.parse().map_err(|_| Refusal::bad_filter(&text))?,
            None => usize::MAX,
        };
        Ok(Self { conditions, top })
    }

    pub(crate) fn takes(&self, item: &Item<'_>) -> bool {
        self.conditions.iter().all(|(member, wanted)| match member {
            Member::Group => item.group.eq_ignore_ascii_case(wanted),
            Member::Name => item.name.eq_ignore_ascii_case(wanted),
            Member::Kind => item.kind.eq_ignore_ascii_case(wanted),
            Member::Location => item.location.eq_ignore_ascii_case(wanted),
            Member::TagName => item.tags.keys().any(|name| name.eq_ignore_ascii_case(wanted)),
            Member::TagValue => item.tags.iter().any(|(name, value)| self.names(name) && value == wanted.as_str()),
        })
    }

    /// Whether a tag's value counts: that of the tag which is named, else that of any.
    fn names(&self, tag: &str) -> bool {
        let named = self.conditions.iter().find(|(member, _)| *member == Member::TagName);
        named.is_none_or(|(_, name)| name.eq_ignore_ascii_case(tag))
    }
}

/// `name eq 'a' and location eq 'b'`; a quote within a text is written twice.
fn parse(filter: &str) -> Option<Vec<(Member, String)>> {
    let mut conditions = Vec::new();
    let mut rest = filter.trim();
    while !rest.is_empty() {
        if !conditions.is_empty() {
            rest = word(rest, "and")?;
        }
        let (name, tail) = rest.split_once(' ')?;
        let (_, member) = MEMBERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        let (text, tail) = quoted(word(tail.trim_start(), "eq")?)?;
        conditions.push((*member, text));
        if conditions.len() > CONDITIONS_MAX {
            return None;
        }
        rest = tail.trim_start();
    }
    Some(conditions)
}

/// What follows the word and a blank.
fn word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = text.split_once(' ')?;
    first.eq_ignore_ascii_case(word).then(|| rest.trim_start())
}

/// The text in quotes that `text` begins with, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('\'')?;
    let mut value = String::new();
    loop {
        let (part, tail) = rest.split_once('\'')?;
        value.push_str(part);
        let Some(more) = tail.strip_prefix('\'') else { return Some((value, tail)) };
        value.push('\'');
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn takes(filter: &str, tags: &Value) -> Option<bool> {
        let tags = tags.as_object().unwrap();
        let item = Item { group: "iot-rg", name: "plant", kind: "Microsoft.Devices/IotHubs", location: "local", tags };
        Some(Wanted { conditions: parse(filter)?, top: usize::MAX }.takes(&item))
    }

    #[test]
    fn filters_as_clients_send_them() {
        let tags = json!({"site": "north", "owner": "O'Hara"});
        for (filter, expected) in [
            ("", Some(true)),
            ("resourceGroup eq 'IOT-RG'", Some(true)),
            ("resourceGroup eq 'other'", Some(false)),
            ("name eq 'plant' and resourceType eq 'microsoft.devices/iothubs'", Some(true)),
            ("name eq 'plant' and location eq 'elsewhere'", Some(false)),
            ("tagname eq 'site'", Some(true)),
            ("tagName eq 'site' and tagValue eq 'north'", Some(true)),
            ("tagName eq 'owner' and tagValue eq 'north'", Some(false)),
            ("tagValue eq 'north'", Some(true)),
            ("tagName eq 'owner' and tagValue eq 'O''Hara'", Some(true)),
            ("name eq ''", Some(false)),
            ("name ne 'plant'", None),
            ("name eq plant", None),
            ("name eq 'plant", None),
            ("name eq 'plant' or name eq 'x'", None),
            ("kind eq 'x'", None),
            ("startswith(name, 'p')", None),
            ("name eq 'plant' and", None),
        ] {
            assert_eq!(takes(filter, &tags), expected, "{filter}");
        }
        assert_eq!(takes(&vec!["name eq 'plant'"; 17].join(" and "), &tags), None);
    }
}
