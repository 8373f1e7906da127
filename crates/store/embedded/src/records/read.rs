//! Reading records out of rows.

use roadstead_model::{Device, DeviceId, HubKey, Subscription};
use roadstead_store::{DeviceCounts, Page, Place, Sealer, Stored, Vault, limits::PAGE_ITEMS_MAX};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::{
    change::{Key, integer},
    readers::ReadError,
    table::Table,
};

/// The record with this key.
pub(super) fn find<T: Stored>(
    connection: &Connection,
    table: Table,
    key: &Key,
    vault: Vault<'_>,
) -> Result<Option<T>, ReadError> {
    let mut statement = connection.prepare_cached(&table.statements().find)?;
    let mut rows = statement.query(params![key.scope, key.name])?;
    match rows.next()? {
        Some(row) => Ok(Some(T::decode(text(row, 0)?, vault)?)),
        None => Ok(None),
    }
}

pub(super) const SESSION: &str = "SELECT body, subscriptions FROM devices WHERE hub = ?1 AND device = ?2";

/// A device and its subscriptions.
pub(super) fn find_session(
    connection: &Connection,
    sealer: &Sealer,
    hub: HubKey,
    id: &DeviceId,
) -> Result<Option<(Device, Vec<Subscription>)>, ReadError> {
    let Key { scope, name } = Key::device(hub, id);
    let id = id.as_str();
    let mut statement = connection.prepare_cached(SESSION)?;
    let mut rows = statement.query(params![scope, name])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let device = Device::decode(text(row, 0)?, Vault { sealer, place: Place::Device(hub, id) })?;
    let subscriptions = match row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        Some(text) => Vec::decode(text, Vault { sealer, place: Place::Subscriptions(hub, id) })?,
        None => Vec::new(),
    };
    Ok(Some((device, subscriptions)))
}

pub(super) const COUNTS: &str = "SELECT total, enabled FROM device_counts WHERE hub = ?1";

pub(super) fn count_devices(connection: &Connection, hub: HubKey) -> Result<DeviceCounts, ReadError> {
    let counts = connection
        .prepare_cached(COUNTS)?
        .query_row([integer(hub)], |row| {
            let (total, enabled): (i64, i64) = (row.get(0)?, row.get(1)?);
            let [total, enabled, disabled] = [total, enabled, total - enabled].map(|n| u64::try_from(n).unwrap_or(0));
            Ok(DeviceCounts { total, enabled, disabled })
        })
        .optional()?;
    Ok(counts.unwrap_or_default())
}

/// The columns of a listing's rows: key, then body. The last two parameters: the key before the first, and how many.
pub(super) const DEVICES: &str =
    "SELECT device, body FROM devices WHERE hub = ?1 AND device > ?2 ORDER BY device LIMIT ?3";
/// As [`DEVICES`], and the twin's body.
pub(super) const TWINS: &str = "SELECT d.device, d.body, t.body FROM devices d
    JOIN twins t ON t.hub = d.hub AND t.device = d.device
    WHERE d.hub = ?1 AND d.device > ?2 ORDER BY d.device LIMIT ?3";
pub(super) const ENROLLMENTS: &str = "SELECT registration, body FROM enrollments
    WHERE scope = ?1 AND registration > ?2 ORDER BY registration LIMIT ?3";
pub(super) const ENROLLMENT_GROUPS: &str = "SELECT enrollment_group, body FROM enrollment_groups
    WHERE scope = ?1 AND enrollment_group > ?2 ORDER BY enrollment_group LIMIT ?3";
pub(super) const REGISTRATIONS: &str = "SELECT registration, body FROM registrations
    WHERE scope = ?1 AND enrollment_group = ?2 AND registration > ?3 ORDER BY registration LIMIT ?4";
pub(super) const GROUPS: &str = "SELECT name, body FROM resource_groups ORDER BY name";
pub(super) const HUBS: &str = "SELECT hub, body FROM hubs ORDER BY hub";
pub(super) const DPS: &str = "SELECT scope, body FROM dps ORDER BY scope";
pub(super) const CERTIFICATES: &str = "SELECT name, body FROM certificates WHERE owner = ?1 ORDER BY name";

/// All rows of a listing.
pub(super) fn list<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    item: impl Fn(&Row<'_>) -> Result<T, ReadError>,
) -> Result<Vec<T>, ReadError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(item(row)?);
    }
    Ok(items)
}

/// How many items a page of `limit` has at most.
pub(super) fn bounded(limit: usize) -> usize {
    limit.clamp(1, PAGE_ITEMS_MAX)
}

/// A page out of up to one row more than it may have: that one tells that there is a next page.
pub(super) fn page<T>(mut rows: Vec<(String, T)>, limit: usize) -> Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(key, _)| key.clone());
    Page { items: rows.into_iter().map(|(_, item)| item).collect(), next }
}

/// A column that always holds text.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, ReadError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

#[cfg(test)]
mod tests {
    use roadstead_store::{SealKey, suite::samples::Pattern};
    use rusqlite::types::Value;

    use super::*;
    use crate::records::connection::open_database;

    /// However many records there are, a read goes straight to those it returns.
    #[test]
    fn no_read_scans_or_sorts() {
        let directory = tempfile::tempdir().unwrap();
        let database = open_database(&directory.path().join("records.db"), &SealKey::fresh(&Pattern)).unwrap();
        let finds = [Table::Devices, Table::Twins, Table::Enrollments, Table::EnrollmentGroups, Table::Registrations]
            .map(|table| table.statements().find.as_str());
        let reads = [SESSION, COUNTS, DEVICES, TWINS, ENROLLMENTS, ENROLLMENT_GROUPS, REGISTRATIONS, CERTIFICATES];
        for sql in finds.into_iter().chain(reads) {
            let mut statement = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![Value::Null; statement.parameter_count()];
            let steps = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3)).unwrap();
            let plan: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(!plan.is_empty() && plan.iter().all(|step| step.starts_with("SEARCH")), "{sql}: {plan:?}");
        }
    }
}
