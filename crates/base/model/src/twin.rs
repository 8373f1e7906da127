//! Device twins: tags, desired and reported properties, with the version and time of each change.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{clock::UnixMillis, etag::Etag};

/// One section of a twin. `metadata` has the shape of `value` with `$lastUpdated` at each level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwinSection {
    pub value: Map<String, Value>,
    pub metadata: Map<String, Value>,
    /// Counts accepted writes to the section, from 1.
    pub version: i64,
}

/// A device's twin as a hub keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Twin {
    pub etag: Etag,
    /// Counts accepted writes to any section.
    pub version: i64,
    pub tags: Map<String, Value>,
    pub desired: TwinSection,
    pub reported: TwinSection,
}

/// What an enrollment writes into a new twin: `{"tags":{"site":"north"},"properties":{"desired":{"rate":5}}}`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct InitialTwin {
    pub tags: Map<String, Value>,
    pub desired: Map<String, Value>,
}

/// The member of metadata that tells when. Source: docs, twin metadata
pub const LAST_UPDATED: &str = "$lastUpdated";
/// The member of desired properties' metadata that tells in which version of the section.
pub const LAST_UPDATED_VERSION: &str = "$lastUpdatedVersion";

/// Metadata of properties that were all written at once, in the shape of `value`: `at` is ISO 8601; `version` the section's,
/// for desired properties only. A `null` is no property and has none.
pub fn stamp(value: &Map<String, Value>, at: &str, version: Option<i64>) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.insert(LAST_UPDATED.to_owned(), at.into());
    if let Some(version) = version {
        metadata.insert(LAST_UPDATED_VERSION.to_owned(), version.into());
    }
    for (key, value) in value.iter().filter(|(_, value)| !value.is_null()) {
        let inner = match value {
            Value::Object(object) => stamp(object, at, version),
            _ => stamp(&Map::new(), at, version),
        };
        metadata.insert(key.clone(), inner.into());
    }
    metadata
}

impl TwinSection {
    /// An untouched section. Source: docs, twin lifecycle sample (`$version` 1, `$lastUpdated` year 1).
    pub fn empty() -> Self {
        Self { value: Map::new(), metadata: stamp(&Map::new(), UnixMillis::NEVER, None), version: 1 }
    }
}

impl TwinSection {
    fn written(value: &Map<String, Value>, now: UnixMillis, stamp_version: Option<i64>) -> Self {
        if value.is_empty() {
            return Self::empty();
        }
        Self { value: value.clone(), metadata: stamp(value, &now.iso(), stamp_version), version: 1 }
    }
}

impl Twin {
    /// A new device's twin, with an enrollment's tags and desired properties written at `now`.
    /// Source: docs, twin lifecycle sample (root version 2 when nothing was written yet).
    pub fn new(initial: &InitialTwin, now: UnixMillis) -> Self {
        let desired = TwinSection::written(&initial.desired, now, Some(1));
        Self { etag: Etag::counted(1), version: 2, tags: initial.tags.clone(), desired, reported: TwinSection::empty() }
    }

    /// This twin with other tags and properties, all written at `now`. Its versions go on: who remembers one must not take
    /// what comes later for what came before.
    #[must_use]
    pub fn start_over(&self, initial: &InitialTwin, reported: Map<String, Value>, now: UnixMillis) -> Self {
        let at = now.iso();
        let (desired_version, reported_version) = (self.desired.version + 1, self.reported.version + 1);
        let (value, metadata) = (initial.desired.clone(), stamp(&initial.desired, &at, Some(desired_version)));
        let desired = TwinSection { value, metadata, version: desired_version };
        let metadata = stamp(&reported, &at, None);
        let reported = TwinSection { value: reported, metadata, version: reported_version };
        Self { etag: self.etag.next(), version: self.version + 1, tags: initial.tags.clone(), desired, reported }
    }

    /// The same twin with these reported properties, as if the device had just written them.
    #[must_use]
    pub fn with_reported(self, reported: Map<String, Value>, now: UnixMillis) -> Self {
        Self { reported: TwinSection::written(&reported, now, None), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn initial_properties_are_stamped_at_every_level() {
        let initial: InitialTwin =
            serde_json::from_value(json!({"tags": {"site": "north"}, "desired": {"a": {"b": 1}}})).unwrap();
        let twin = Twin::new(&initial, UnixMillis(0));
        let at = "1970-01-01T00:00:00.0000000Z";
        let leaf = json!({"$lastUpdated": at, "$lastUpdatedVersion": 1});
        let expected = json!({"$lastUpdated": at, "$lastUpdatedVersion": 1, "a": {
            "$lastUpdated": at, "$lastUpdatedVersion": 1, "b": leaf}});
        assert_eq!(Value::from(twin.desired.metadata), expected);
        assert_eq!(Value::from(twin.reported.metadata), json!({"$lastUpdated": UnixMillis::NEVER}));
    }

    #[test]
    fn versions_go_on_when_a_twin_starts_over() {
        let initial = |value: Value| serde_json::from_value::<InitialTwin>(value).unwrap();
        let mut twin = Twin::new(&initial(json!({"tags": {"old": 1}, "desired": {"old": 1}})), UnixMillis(0));
        (twin.version, twin.desired.version, twin.reported.version) = (40, 7, 30);
        let reported = json!({"r": true}).as_object().cloned().unwrap();
        let next = twin.start_over(&initial(json!({"tags": {"new": 1}, "desired": {"a": 1}})), reported, UnixMillis(0));
        assert_eq!((next.version, next.desired.version, next.reported.version), (41, 8, 31));
        assert_eq!((&next.etag, Value::from(next.tags)), (&Etag::counted(2), json!({"new": 1})));
        assert_eq!(Value::from(next.desired.value), json!({"a": 1}));
        assert_eq!(next.desired.metadata["a"]["$lastUpdatedVersion"], 8);
        assert_eq!(Value::from(next.reported.value), json!({"r": true}));
    }
}
