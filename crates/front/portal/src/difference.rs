//! What a change of a JSON document would change, place by place.

use crate::limits::{DIFFERENCE_CHARS_MAX, DIFFERENCES_MAX};
use serde_json::Value;

/// One place that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// `tags.site`
    pub(crate) place: String,
    /// `None`: it was not there.
    pub(crate) before: Option<String>,
    /// `None`: it will be gone.
    pub(crate) after: Option<String>,
}

/// All places that differ, at most as many as a page shows.
pub(crate) fn differences(place: &str, before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(place, Some(before), Some(after), &mut found);
    found.truncate(DIFFERENCES_MAX);
    found
}

fn compare(place: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    if before == after || found.len() > DIFFERENCES_MAX {
        return;
    }
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) {
        let added = new.keys().filter(|name| !old.contains_key(*name));
        for name in old.keys().chain(added) {
            compare(&format!("{place}.{name}"), old.get(name), new.get(name), found);
        }
        return;
    }
    found.push(Difference { place: place.to_owned(), before: before.map(shown), after: after.map(shown) });
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(DIFFERENCE_CHARS_MAX) {
        None => text,
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_place_is_named_with_what_it_was_and_will_be() {
        let before = json!({"a": 1, "same": [1], "gone": {"x": 1}, "deep": {"b": 1, "c": 2}, "kind": {"o": 1}});
        let after = json!({"a": 2, "same": [1], "deep": {"b": 1, "c": 3, "d": null}, "kind": "text", "new": true});
        let found = differences("desired", &before, &after);
        let lines: Vec<_> = found
            .iter()
            .map(|one| {
                format!(
                    "{} {} {}",
                    one.place,
                    one.before.as_deref().unwrap_or("-"),
                    one.after.as_deref().unwrap_or("-")
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "desired.a 1 2",
                "desired.gone {\"x\":1} -",
                "desired.deep.c 2 3",
                "desired.deep.d - null",
                "desired.kind {\"o\":1} \"text\"",
                "desired.new - true",
            ]
        );
        assert!(differences("x", &before, &before).is_empty());
    }

    #[test]
    fn long_values_are_cut() {
        let found = differences("x", &json!("ü".repeat(10_000)), &json!(1));
        assert_eq!(found[0].before.as_ref().unwrap().chars().count(), DIFFERENCE_CHARS_MAX + 1);
        let many = Value::Object((0..9999).map(|at| (at.to_string(), json!(at))).collect());
        assert_eq!(differences("x", &json!({}), &many).len(), DIFFERENCES_MAX);
    }
}
