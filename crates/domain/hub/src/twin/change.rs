//! What a write makes of a twin.

use roadstead_model::{Actor, Twin, TwinRevision, TwinSection, UnixMillis, twin::stamp};
use serde_json::{Map, Value};

use super::{
    TwinSectionName,
    check::{check, size},
    merge::{Stamp, drop_nulls, merge, merge_tags},
};
use crate::error::HubError;

/// What a back end wants of a twin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TwinChange {
    pub tags: SectionChange,
    pub desired: SectionChange,
    /// Only where an identity comes from another hub with what its device reported there, and only in place of what is here.
    pub reported: SectionChange,
    /// Who wants it, where that is known: for the twin's history.
    pub by: Option<Actor>,
}

/// What a back end wants of one section.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum SectionChange {
    /// That it stays as it is.
    #[default]
    Keep,
    /// That these properties are merged into it, or take its place.
    Write(Map<String, Value>),
    /// That it is empty.
    Clear,
}

/// A [`TwinChange`] of a certain twin: what is written into each section.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Sections {
    pub(crate) tags: Option<Map<String, Value>>,
    pub(crate) desired: Option<Map<String, Value>>,
    pub(crate) reported: Option<Map<String, Value>>,
}

/// How a back end writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwinWrite {
    /// Merges: `null` removes.
    Patch,
    /// Puts the sections given in the place of those that are there.
    Replace,
}

impl TwinChange {
    /// What to write into `twin`; `None` when there is nothing to write.
    pub(crate) fn sections(&self, twin: &Twin, write: TwinWrite) -> Option<Sections> {
        let tags = self.tags.members(&twin.tags, write);
        let mut desired = self.desired.members(&twin.desired.value, write);
        let mut reported = self.reported.members(&twin.reported.value, TwinWrite::Replace);
        [&mut desired, &mut reported].into_iter().flatten().for_each(drop_own);
        let is_change = tags.is_some() || desired.is_some() || reported.is_some();
        is_change.then_some(Sections { tags, desired, reported })
    }
}

impl Sections {
    /// What is kept of this change, of which `twin` came; `None` when it wrote neither tags nor desired properties.
    pub(crate) fn revision(
        &self,
        twin: &Twin,
        write: TwinWrite,
        by: Option<Actor>,
        at: UnixMillis,
    ) -> Option<TwinRevision> {
        let is_kept = self.tags.is_some() || self.desired.is_some();
        is_kept.then(|| TwinRevision {
            version: twin.version,
            at,
            by,
            is_replacement: write == TwinWrite::Replace,
            tags: self.tags.is_some().then(|| twin.tags.clone()),
            desired: self.desired.is_some().then(|| (twin.desired.value.clone(), twin.desired.version)),
        })
    }
}

impl SectionChange {
    /// A section is cleared by a patch that removes each of its members: so its device hears of it.
    fn members(&self, known: &Map<String, Value>, write: TwinWrite) -> Option<Map<String, Value>> {
        match (self, write) {
            (Self::Keep, _) => None,
            (Self::Write(members), _) => Some(members.clone()),
            (Self::Clear, TwinWrite::Replace) => Some(Map::new()),
            (Self::Clear, TwinWrite::Patch) => Some(known.keys().map(|key| (key.clone(), Value::Null)).collect()),
        }
    }
}

/// The twin after a back end's change at `now`.
/// Errors: `TwinInvalid`, `TwinTooLarge`; then nothing of the change counts.
pub(crate) fn change(
    mut twin: Twin,
    Sections { tags, desired, reported }: Sections,
    write: TwinWrite,
    now: UnixMillis,
) -> Result<Twin, HubError> {
    if let Some(tags) = tags {
        check_section(TwinSectionName::Tags, &tags)?;
        let size_before = size(&twin.tags);
        match write {
            TwinWrite::Patch => merge_tags(&mut twin.tags, tags),
            TwinWrite::Replace => twin.tags = without_nulls(tags),
        }
        check_size(TwinSectionName::Tags, size_before, &twin.tags)?;
    }
    if let Some(desired) = desired {
        check_section(TwinSectionName::Desired, &desired)?;
        let size_before = size(&twin.desired.value);
        let (version, at) = (twin.desired.version + 1, now.iso());
        match write {
            TwinWrite::Patch => {
                let TwinSection { value, metadata, .. } = &mut twin.desired;
                merge(value, metadata, desired, Stamp { at: &at, version: Some(version) });
                twin.desired.version = version;
            }
            TwinWrite::Replace => {
                let value = without_nulls(desired);
                let metadata = stamp(&value, &at, Some(version));
                twin.desired = TwinSection { value, metadata, version };
            }
        }
        check_size(TwinSectionName::Desired, size_before, &twin.desired.value)?;
    }
    if let Some(reported) = reported {
        check_section(TwinSectionName::Reported, &reported)?;
        let size_before = size(&twin.reported.value);
        let value = without_nulls(reported);
        let metadata = stamp(&value, &now.iso(), None);
        twin.reported = TwinSection { value, metadata, version: twin.reported.version + 1 };
        check_size(TwinSectionName::Reported, size_before, &twin.reported.value)?;
    }
    twin.version += 1;
    twin.etag = twin.etag.next();
    Ok(twin)
}

/// The twin after a device's [cleaned](drop_own) patch of its reported properties at `at` (ISO 8601). The etag stays: it is
/// for back ends, who do not write these.
/// Errors: `TwinInvalid`, `TwinTooLarge`; then nothing of the patch counts.
pub(crate) fn report(mut twin: Twin, patch: Map<String, Value>, at: &str) -> Result<Twin, HubError> {
    check_section(TwinSectionName::Reported, &patch)?;
    let TwinSection { value, metadata, version } = &mut twin.reported;
    let size_before = size(value);
    merge(value, metadata, patch, Stamp { at, version: None });
    check_size(TwinSectionName::Reported, size_before, value)?;
    *version += 1;
    twin.version += 1;
    Ok(twin)
}

/// Leaves out what at the top are the hub's own words and nobody's properties: clients send back what they read.
pub(crate) fn drop_own(properties: &mut Map<String, Value>) {
    for own in ["$metadata", "$version"] {
        properties.shift_remove(own);
    }
}

fn without_nulls(mut members: Map<String, Value>) -> Map<String, Value> {
    drop_nulls(&mut members);
    members
}

fn check_section(section: TwinSectionName, document: &Map<String, Value>) -> Result<(), HubError> {
    check(document).map_err(|fault| HubError::TwinInvalid { section, fault })
}

/// A section that is too large already, because it came so from elsewhere, may shrink.
fn check_size(section: TwinSectionName, before: usize, after: &Map<String, Value>) -> Result<(), HubError> {
    let (bytes, bytes_max) = (size(after), section.bytes_max());
    if bytes > bytes_max && bytes > before {
        return Err(HubError::TwinTooLarge { section, bytes, bytes_max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::InitialTwin;
    use serde_json::json;

    const NOW: UnixMillis = UnixMillis(0);
    const AT: &str = "1970-01-01T00:00:00.0000000Z";

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn fresh() -> Twin {
        Twin::new(&InitialTwin::default(), NOW)
    }

    fn tags(value: Value) -> Sections {
        Sections { tags: Some(map(value)), ..Sections::default() }
    }

    fn desired(value: Value) -> Sections {
        Sections { desired: Some(map(value)), ..Sections::default() }
    }

    #[test]
    fn versions_and_etags() {
        let twin = change(fresh(), tags(json!({"a": 1})), TwinWrite::Patch, NOW).unwrap();
        assert_eq!((twin.version, twin.desired.version, twin.etag.as_str()), (3, 1, "AAAAAAAAAAI="));
        let both =
            Sections { tags: Some(map(json!({"b": 2}))), desired: Some(map(json!({"x": 1}))), ..Sections::default() };
        let twin = change(twin, both, TwinWrite::Patch, NOW).unwrap();
        assert_eq!((twin.version, twin.desired.version, twin.etag.as_str()), (4, 2, "AAAAAAAAAAM="));
        assert_eq!(Value::from(twin.tags.clone()), json!({"a": 1, "b": 2}));
        let twin = report(twin, map(json!({"r": 1})), AT).unwrap();
        assert_eq!((twin.version, twin.reported.version, twin.etag.as_str()), (5, 2, "AAAAAAAAAAM="));
        let leaf = json!({"$lastUpdated": AT});
        assert_eq!(Value::from(twin.reported.metadata), json!({"$lastUpdated": AT, "r": leaf}));
        let leaf = json!({"$lastUpdated": AT, "$lastUpdatedVersion": 2});
        assert_eq!(
            Value::from(twin.desired.metadata),
            json!({"$lastUpdated": AT, "$lastUpdatedVersion": 2, "x": leaf})
        );
    }

    #[test]
    fn a_replacement_leaves_nothing_of_what_was() {
        let both = Sections {
            tags: Some(map(json!({"a": 1}))),
            desired: Some(map(json!({"x": 1, "y": {"z": 1}}))),
            ..Sections::default()
        };
        let twin = change(fresh(), both, TwinWrite::Patch, NOW).unwrap();
        let twin =
            change(twin, desired(json!({"y": {"w": 1, "v": null}, "n": null})), TwinWrite::Replace, NOW).unwrap();
        assert_eq!(Value::from(twin.desired.value), json!({"y": {"w": 1}}));
        assert_eq!(twin.desired.metadata["y"]["w"], json!({"$lastUpdated": AT, "$lastUpdatedVersion": 3}));
        assert_eq!(twin.desired.metadata.get("x"), None);
        assert_eq!((twin.desired.version, Value::from(twin.tags)), (3, json!({"a": 1})));
    }

    #[test]
    fn what_back_ends_read_they_may_send_back() {
        let sent = SectionChange::Write(map(json!({"x": 1, "$metadata": {"x": {}}, "$version": 77})));
        let sent = TwinChange { desired: sent, ..TwinChange::default() };
        let sections = sent.sections(&fresh(), TwinWrite::Replace);
        assert_eq!(sections, Some(desired(json!({"x": 1}))));
        let mut sent = map(json!({"$version": 9, "r": 1, "$metadata": {}}));
        drop_own(&mut sent);
        assert_eq!(Value::from(sent), json!({"r": 1}));
    }

    #[test]
    fn a_section_is_written_cleared_or_kept() {
        let twin = change(fresh(), desired(json!({"a": 1, "b": {"c": 2}})), TwinWrite::Patch, NOW).unwrap();
        let of = |desired| TwinChange { desired, ..TwinChange::default() };
        for (wanted, write, expected) in [
            (SectionChange::Keep, TwinWrite::Patch, None),
            (SectionChange::Keep, TwinWrite::Replace, None),
            (SectionChange::Write(Map::new()), TwinWrite::Patch, Some(json!({}))),
            (SectionChange::Clear, TwinWrite::Patch, Some(json!({"a": null, "b": null}))),
            (SectionChange::Clear, TwinWrite::Replace, Some(json!({}))),
        ] {
            assert_eq!(of(wanted).sections(&twin, write), expected.map(desired));
        }
        let cleared = of(SectionChange::Clear).sections(&twin, TwinWrite::Patch).unwrap();
        assert!(change(twin, cleared, TwinWrite::Patch, NOW).unwrap().desired.value.is_empty());
    }

    #[test]
    fn an_empty_patch_is_a_write() {
        let twin = report(fresh(), Map::new(), AT).unwrap();
        assert_eq!((twin.version, twin.reported.version), (3, 2));
    }

    /// So many bytes by the twins' own count.
    fn of_size(bytes: usize) -> Map<String, Value> {
        let whole = (0..bytes / 1000).map(|n| (format!("k{n:03}"), Value::from("v".repeat(996))));
        let rest = std::iter::once(("r".to_owned(), Value::from("v".repeat(bytes % 1000 - 1))));
        whole.chain(rest).collect()
    }

    #[test]
    fn sections_have_a_size() {
        let section = |name, bytes, bytes_max| Some((name, bytes, bytes_max));
        let refusal = |outcome: Result<Twin, HubError>| match outcome {
            Err(HubError::TwinTooLarge { section, bytes, bytes_max }) => Some((section, bytes, bytes_max)),
            Ok(_) => None,
            Err(other) => panic!("{other}"),
        };
        for (bytes, expected) in [(8192, None), (8193, section(TwinSectionName::Tags, 8193, 8192))] {
            let change_tags = Sections { tags: Some(of_size(bytes)), ..Sections::default() };
            for write in [TwinWrite::Patch, TwinWrite::Replace] {
                assert_eq!(refusal(change(fresh(), change_tags.clone(), write, NOW)), expected);
            }
        }
        for (bytes, expected) in [(32768, None), (32769, section(TwinSectionName::Desired, 32769, 32768))] {
            let change_desired = Sections { desired: Some(of_size(bytes)), ..Sections::default() };
            assert_eq!(refusal(change(fresh(), change_desired, TwinWrite::Patch, NOW)), expected);
        }
        let full = report(fresh(), of_size(32768), AT).unwrap();
        assert_eq!(
            refusal(report(full.clone(), map(json!({"x": 1})), AT)),
            section(TwinSectionName::Reported, 32777, 32768)
        );
        assert!(report(full, map(json!({"r": null, "x": 1})), AT).is_ok());
        // Another hub may have let it grow.
        let adopted = fresh().with_reported(of_size(40_001), NOW);
        assert!(refusal(report(adopted.clone(), map(json!({"k000": "other"})), AT)).is_none(), "smaller");
        assert!(refusal(report(adopted, map(json!({"x": 1})), AT)).is_some(), "larger");
    }

    #[test]
    fn refusals_name_the_section() {
        for (outcome, expected) in [
            (
                change(fresh(), tags(json!({"$version": 1})), TwinWrite::Patch, NOW),
                "tags: the key `$version` contains '$'",
            ),
            (change(fresh(), desired(json!({"a b": 1})), TwinWrite::Replace, NOW), "properties.desired: the key `a b`"),
            (report(fresh(), map(json!({"a": {"$b": 1}})), AT), "properties.reported: the key `a.$b` contains '$'"),
        ] {
            let said = outcome.unwrap_err().to_string();
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
