//! How a patch becomes part of a section. Source: docs, "Understand and use device twins" (back-end and device operations)

use roadstead_model::twin::{LAST_UPDATED, LAST_UPDATED_VERSION, stamp};
use serde_json::{Map, Value};

/// What is noted of every property written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp<'a> {
    /// ISO 8601.
    pub(crate) at: &'a str,
    /// The section's version after the write; for desired properties only.
    pub(crate) version: Option<i64>,
}

/// Merges `patch` into `value`: objects recursively, anything else replaces, `null` removes, at any depth. Arrays are taken
/// as they are. Every property that the patch names is stamped in `metadata`, and so is all that contains it.
pub(crate) fn merge(
    value: &mut Map<String, Value>,
    metadata: &mut Map<String, Value>,
    patch: Map<String, Value>,
    stamp: Stamp<'_>,
) {
    merge_into(value, Some((metadata, stamp)), patch);
}

/// [`merge`] for tags, which have no metadata.
pub(crate) fn merge_tags(value: &mut Map<String, Value>, patch: Map<String, Value>) {
    merge_into(value, None, patch);
}

/// Removes every member that is `null`, at any depth, but not from arrays: what a document is when it replaces a section.
pub(crate) fn drop_nulls(members: &mut Map<String, Value>) {
    members.retain(|_, value| match value {
        Value::Null => false,
        Value::Object(inner) => {
            drop_nulls(inner);
            true
        }
        _ => true,
    });
}

fn merge_into(
    value: &mut Map<String, Value>,
    mut noted: Option<(&mut Map<String, Value>, Stamp<'_>)>,
    patch: Map<String, Value>,
) {
    if let Some((metadata, stamp)) = &mut noted {
        touch(metadata, *stamp);
    }
    // All removals in one pass: one by one, each would move what follows.
    if patch.values().any(Value::is_null) {
        let stays = |key: &String, _: &mut Value| patch.get(key).is_none_or(|change| !change.is_null());
        value.retain(stays);
        if let Some((metadata, _)) = &mut noted {
            metadata.retain(stays);
        }
    }
    for (key, change) in patch {
        match (change, value.get_mut(&key)) {
            (Value::Null, _) => {}
            (Value::Object(change), Some(Value::Object(inner))) => {
                let noted = noted.as_mut().map(|(metadata, stamp)| (members(metadata, &key), *stamp));
                merge_into(inner, noted, change);
            }
            (mut change, _) => {
                if let Value::Object(members) = &mut change {
                    drop_nulls(members);
                }
                if let Some((metadata, stamp)) = &mut noted {
                    note(metadata, &key, &change, *stamp);
                }
                value.insert(key, change);
            }
        }
    }
}

/// The metadata of an object that stays one.
fn members<'a>(metadata: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let inner = metadata.entry(key).or_insert_with(|| Map::new().into());
    if !inner.is_object() {
        *inner = Map::new().into();
    }
    inner.as_object_mut().expect("it was made an object just now")
}

/// Stamps a property that is new altogether.
fn note(metadata: &mut Map<String, Value>, key: &str, value: &Value, Stamp { at, version }: Stamp<'_>) {
    let fresh = match value {
        Value::Object(members) => stamp(members, at, version),
        _ => stamp(&Map::new(), at, version),
    };
    metadata.insert(key.to_owned(), fresh.into());
}

fn touch(metadata: &mut Map<String, Value>, Stamp { at, version }: Stamp<'_>) {
    metadata.insert(LAST_UPDATED.to_owned(), at.into());
    if let Some(version) = version {
        metadata.insert(LAST_UPDATED_VERSION.to_owned(), version.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn values() {
        for (before, patch, after) in [
            (json!({"a": 1}), json!({}), json!({"a": 1})),
            (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2})),
            (json!({"a": 1}), json!({"a": "x"}), json!({"a": "x"})),
            (json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2})),
            (json!({"a": 1}), json!({"b": null}), json!({"a": 1})),
            (json!({"a": {"x": 1, "y": 2}}), json!({"a": {"x": null, "z": 3}}), json!({"a": {"y": 2, "z": 3}})),
            (json!({"a": {"x": 1}}), json!({"a": {"x": null}}), json!({"a": {}})),
            (json!({"a": {"x": 1}}), json!({"a": {}}), json!({"a": {"x": 1}})),
            (json!({}), json!({"a": {}}), json!({"a": {}})),
            (json!({"a": 1}), json!({"a": {"x": 1, "y": null}}), json!({"a": {"x": 1}})),
            (json!({"a": {"x": 1}}), json!({"a": 1}), json!({"a": 1})),
            (json!({"a": [1, 2]}), json!({"a": [3, null, {"x": null}]}), json!({"a": [3, null, {"x": null}]})),
            (json!({"a": [{"x": 1}]}), json!({"a": {"x": 1}}), json!({"a": {"x": 1}})),
            (json!({}), json!({"a": {"b": {"c": null, "d": {"e": null}}}}), json!({"a": {"b": {"d": {}}}})),
        ] {
            let mut tags = map(before.clone());
            merge_tags(&mut tags, map(patch.clone()));
            assert_eq!(Value::from(tags), after, "{before} and {patch}");
        }
    }

    #[test]
    fn order_is_kept() {
        let mut value = map(json!({"a": 1, "b": 2, "c": 3, "d": 4}));
        merge_tags(&mut value, map(json!({"b": null, "c": 5, "e": 6})));
        assert_eq!(Value::from(value).to_string(), r#"{"a":1,"c":5,"d":4,"e":6}"#);
    }

    #[test]
    fn what_is_named_is_stamped_and_what_contains_it() {
        let mut value = map(json!({"a": {"x": 1, "y": 1}, "b": 1, "c": {"z": 1}, "d": 1}));
        let mut metadata = stamp(&value, "then", Some(1));
        let patch = map(json!({"a": {"x": 2}, "b": null, "c": 2, "e": {"f": 1, "g": null}}));
        merge(&mut value, &mut metadata, patch, Stamp { at: "now", version: Some(2) });
        let (then, now) = (
            json!({"$lastUpdated": "then", "$lastUpdatedVersion": 1}),
            json!({"$lastUpdated": "now", "$lastUpdatedVersion": 2}),
        );
        let with = |stamp: &Value, members: Value| {
            let mut whole = map(stamp.clone());
            whole.extend(map(members));
            Value::from(whole)
        };
        let expected = with(
            &now,
            json!({"a": with(&now, json!({"x": now, "y": then})), "c": now, "d": then, "e": with(&now, json!({"f": now}))}),
        );
        assert_eq!(Value::from(metadata), expected);
    }

    #[test]
    fn metadata_that_lags_behind_is_mended() {
        let mut value = map(json!({"a": {"x": 1}, "b": {"y": 1}}));
        let mut metadata = map(json!({"a": "damaged"}));
        let patch = map(json!({"a": {"x": 2}, "b": {"y": 2}}));
        merge(&mut value, &mut metadata, patch, Stamp { at: "now", version: None });
        let leaf = json!({"$lastUpdated": "now"});
        assert_eq!(metadata["a"], json!({"$lastUpdated": "now", "x": leaf}));
        assert_eq!(metadata["b"], json!({"$lastUpdated": "now", "y": leaf}));
    }

    /// Merging as a set of paths to leaves would do it: the patch removes what it names and what lies below, then adds.
    mod model {
        use super::*;
        use std::collections::BTreeMap;

        type Path = Vec<String>;

        /// Every path of a document with its leaf; objects are leaves of their own, so that empty ones are seen.
        fn paths(document: &Map<String, Value>) -> BTreeMap<Path, Value> {
            let mut found = BTreeMap::new();
            for (key, value) in document {
                if let Value::Object(inner) = value {
                    found.insert(vec![key.clone()], json!({}));
                    for (path, leaf) in paths(inner) {
                        found.insert([vec![key.clone()], path].concat(), leaf);
                    }
                } else {
                    found.insert(vec![key.clone()], value.clone());
                }
            }
            found
        }

        fn document(paths: &BTreeMap<Path, Value>) -> Map<String, Value> {
            let mut whole = json!({});
            // Shorter paths come first among those that begin alike.
            for (path, leaf) in paths {
                let parent = path[..path.len() - 1].iter().fold(&mut whole, |at, key| &mut at[key]);
                parent[&path[path.len() - 1]] = leaf.clone();
            }
            map(whole)
        }

        pub(super) fn merged(before: &Map<String, Value>, patch: &Map<String, Value>) -> Map<String, Value> {
            let mut result = paths(before);
            for (path, leaf) in paths(patch) {
                let stays_object = leaf == json!({}) && result.get(&path) == Some(&leaf);
                if !stays_object {
                    result.retain(|known, _| !known.starts_with(&path));
                }
                if !leaf.is_null() {
                    result.insert(path, leaf);
                }
            }
            document(&result)
        }
    }

    fn documents(nulls: bool) -> impl Strategy<Value = Map<String, Value>> {
        let mut leaves = vec![Just(json!(1)).boxed(), Just(json!("x")).boxed(), Just(json!([1, null])).boxed()];
        if nulls {
            leaves.push(Just(Value::Null).boxed());
        }
        let leaf = proptest::strategy::Union::new(leaves);
        let value = leaf.prop_recursive(3, 24, 4, |inner| {
            prop::collection::btree_map("[abc]", inner, 0..4).prop_map(|members| json!(members))
        });
        prop::collection::btree_map("[abcd]", value, 0..5).prop_map(|members| members.into_iter().collect())
    }

    /// Whether metadata has the shape of the value and a stamp at each level.
    fn fits(value: &Map<String, Value>, metadata: &Map<String, Value>) -> bool {
        metadata.contains_key(LAST_UPDATED)
            && metadata.keys().filter(|key| !key.starts_with('$')).count() == value.len()
            && value.iter().all(|(key, value)| match (value, metadata.get(key)) {
                (Value::Object(inner), Some(Value::Object(noted))) => fits(inner, noted),
                (_, Some(Value::Object(noted))) => noted.contains_key(LAST_UPDATED) && noted.len() == 1,
                _ => false,
            })
    }

    proptest! {
        #[test]
        fn merges_as_the_model_does(before in documents(false), patches in prop::collection::vec(documents(true), 1..4)) {
            let (mut value, mut expected) = (before.clone(), before);
            let mut metadata = stamp(&value, "then", None);
            for patch in patches {
                expected = model::merged(&expected, &patch);
                merge(&mut value, &mut metadata, patch, Stamp { at: "now", version: None });
                prop_assert_eq!(&value, &expected);
                prop_assert!(fits(&value, &metadata), "{:?} of {:?}", metadata, value);
            }
        }

        #[test]
        fn a_patch_twice_is_a_patch_once(before in documents(false), patch in documents(true)) {
            let mut once = before;
            merge_tags(&mut once, patch.clone());
            let mut twice = once.clone();
            merge_tags(&mut twice, patch);
            prop_assert_eq!(once, twice);
        }
    }
}
