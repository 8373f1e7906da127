//! Reading records out of rows.

use roadstead_model::{
    CloudMessage, Device, DisconnectReason, Guid, Happening, HappeningClass, HubKey, IdScope, IdentityId,
    IssuedCertificate, JournalOwner, Module, Presence, Twin, UnixMillis,
};
use roadstead_store::{
    DeviceCounts, EnrollmentCounts, IdentityRecord, IssuedPosition, Page, Place, RefusalFilter, Sealer, SessionRecord,
    StoreError, Stored, Vault, limits::PAGE_ITEMS_MAX, stored,
};
use rusqlite::{
    Connection, OptionalExtension, Params, Row, params,
    types::{Value, ValueRef},
};

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

pub(super) const DEVICE_SESSION: &str = "SELECT body, subscriptions FROM devices WHERE hub = ?1 AND device = ?2";
pub(super) const MODULE_SESSION: &str = "SELECT d.body, m.subscriptions, m.body FROM devices d
    JOIN modules m ON m.hub = d.hub AND m.identity = ?3
    WHERE d.hub = ?1 AND d.device = ?2";

/// An identity and its subscriptions.
pub(super) fn find_session(
    connection: &Connection,
    sealer: &Sealer,
    hub: HubKey,
    id: &IdentityId,
) -> Result<Option<SessionRecord>, ReadError> {
    let key = Key::identity(hub, id);
    let mut statement;
    let mut rows = if id.module.is_none() {
        statement = connection.prepare_cached(DEVICE_SESSION)?;
        statement.query(params![key.scope, id.device.as_str()])?
    } else {
        statement = connection.prepare_cached(MODULE_SESSION)?;
        statement.query(params![key.scope, id.device.as_str(), key.name])?
    };
    let Some(row) = rows.next()? else { return Ok(None) };
    let text_id = id.to_string();
    let device = Device::decode(text(row, 0)?, Vault { sealer, place: Place::Device(hub, id.device.as_str()) })?;
    let subscriptions = match row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        Some(text) => Vec::decode(text, Vault { sealer, place: Place::Subscriptions(hub, &text_id) })?,
        None => Vec::new(),
    };
    let module = match &id.module {
        Some(_) => Some(Module::decode(text(row, 2)?, Vault { sealer, place: Place::Module(hub, &text_id) })?),
        None => None,
    };
    Ok(Some(SessionRecord { device, module, subscriptions }))
}

/// The columns of an identity's whole record, as [`identity`] reads them: its text, device, module, twin, presence (`?2`: this
/// run), queue.
macro_rules! identity_columns {
    ($identity:literal, $module:literal, $queued:literal) => {
        concat!(
            $identity,
            ", d.body, ",
            $module,
            ", t.body, p.connected IS ?2 AND p.connected IS NOT NULL, p.updated, p.last_activity, ",
            "CASE WHEN p.connected IS NOT ?2 AND p.connected IS NOT NULL THEN 'serverStopped' ELSE p.reason END, p.model, ",
            $queued,
            " "
        )
    };
}

pub(super) const DEVICE_COLUMNS: &str = identity_columns!("d.device", "NULL", "d.queued");
pub(super) const MODULE_COLUMNS: &str = identity_columns!("m.identity", "m.body", "0");

pub(super) const DEVICE_IDENTITY: &str = concat!(
    "SELECT ",
    identity_columns!("d.device", "NULL", "d.queued"),
    "FROM devices d JOIN twins t ON t.hub = d.hub AND t.identity = d.device
    LEFT JOIN presence p ON p.hub = d.hub AND p.identity = d.device
    WHERE d.hub = ?1 AND d.device = ?3"
);
pub(super) const MODULE_IDENTITY: &str = concat!(
    "SELECT ",
    identity_columns!("m.identity", "m.body", "0"),
    "FROM modules m JOIN devices d ON d.hub = m.hub AND d.device = ?4
    JOIN twins t ON t.hub = m.hub AND t.identity = m.identity
    LEFT JOIN presence p ON p.hub = m.hub AND p.identity = m.identity
    WHERE m.hub = ?1 AND m.identity = ?3"
);
pub(super) const IDENTITIES: &str = concat!(
    "SELECT ",
    identity_columns!("d.device", "NULL", "d.queued"),
    "FROM devices d JOIN twins t ON t.hub = d.hub AND t.identity = d.device
    LEFT JOIN presence p ON p.hub = d.hub AND p.identity = d.device
    WHERE d.hub = ?1 AND d.device > ?3 ORDER BY d.device LIMIT ?4"
);

/// A row of [`identity_columns`].
pub(super) fn identity(row: &Row<'_>, sealer: &Sealer, hub: HubKey) -> Result<IdentityRecord, ReadError> {
    let id = text(row, 0)?;
    let device = id.split('/').next().unwrap_or_default();
    let module = match row.get_ref(2)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        Some(body) => Some(Module::decode(body, Vault { sealer, place: Place::Module(hub, id) })?),
        None => None,
    };
    let time = |column| Ok::<_, ReadError>(row.get::<_, Option<i64>>(column)?.map(UnixMillis));
    Ok(IdentityRecord {
        device: Device::decode(text(row, 1)?, Vault { sealer, place: Place::Device(hub, device) })?,
        module,
        twin: Twin::decode(text(row, 3)?, Vault { sealer, place: Place::Twin(hub, id) })?,
        presence: Presence {
            connected: row.get(4)?,
            updated: time(5)?,
            last_activity: time(6)?,
            reason: row
                .get_ref(7)?
                .as_str_or_null()
                .map_err(rusqlite::Error::from)?
                .and_then(DisconnectReason::from_word),
            model_id: row.get(8)?,
        },
        queued: row.get(9)?,
    })
}

pub(super) fn find_identity(
    connection: &Connection,
    sealer: &Sealer,
    run: i64,
    hub: HubKey,
    id: &IdentityId,
) -> Result<Option<IdentityRecord>, ReadError> {
    let Key { scope, name } = Key::identity(hub, id);
    let mut statement;
    let mut rows = if id.module.is_none() {
        statement = connection.prepare_cached(DEVICE_IDENTITY)?;
        statement.query(params![scope, run, name])?
    } else {
        statement = connection.prepare_cached(MODULE_IDENTITY)?;
        statement.query(params![scope, run, name, id.device.as_str()])?
    };
    rows.next()?.map(|row| identity(row, sealer, hub)).transpose()
}

pub(super) const MODULES: &str = "SELECT identity, body FROM modules
    WHERE hub = ?1 AND identity > ?2 || '/' AND identity < ?2 || '0' ORDER BY identity LIMIT ?3";
pub(super) const MESSAGES: &str = "SELECT sequence, expires, body FROM messages
    WHERE hub = ?1 AND device = ?2 AND sequence > ?3 ORDER BY sequence LIMIT ?4";
pub(super) const EXPIRED_MESSAGES: &str = "SELECT sequence, expires, body, device FROM messages
    WHERE hub = ?1 AND expires <= ?2 ORDER BY expires, rowid LIMIT ?3 OFFSET ?4";
pub(super) const FEEDBACK: &str = "SELECT number, body FROM feedback WHERE hub = ?1 ORDER BY number LIMIT ?2";
pub(super) const FILE_NOTIFICATIONS: &str =
    "SELECT number, body FROM file_notifications WHERE hub = ?1 ORDER BY number LIMIT ?2";

/// The first columns of [`MESSAGES`] and [`EXPIRED_MESSAGES`].
pub(super) fn message(row: &Row<'_>, sealer: &Sealer, hub: HubKey, device: &str) -> Result<CloudMessage, ReadError> {
    let stored = CloudMessage::decode(text(row, 2)?, Vault { sealer, place: Place::Message(hub, device) })?;
    let sequence = row.get::<_, i64>(0)?.cast_unsigned();
    Ok(CloudMessage { sequence, expires: UnixMillis(row.get(1)?), ..stored })
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

/// One table after the other: what changes meanwhile may be in one count and not in another.
pub(super) fn count_enrollments(connection: &Connection, dps: &IdScope) -> Result<EnrollmentCounts, ReadError> {
    let count = |sql: &str| -> Result<u64, ReadError> {
        let count: i64 = connection.prepare_cached(sql)?.query_row([dps.as_str()], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    };
    Ok(EnrollmentCounts {
        individual: count("SELECT count(*) FROM enrollments WHERE scope = ?1")?,
        groups: count("SELECT count(*) FROM enrollment_groups WHERE scope = ?1")?,
        registrations: count("SELECT count(*) FROM registrations WHERE scope = ?1")?,
    })
}

pub(super) fn count_feedback(connection: &Connection, hub: HubKey) -> Result<u64, ReadError> {
    let sql = "SELECT count(*) FROM feedback WHERE hub = ?1";
    let count: i64 = connection.prepare_cached(sql)?.query_row([integer(hub)], |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// The columns of a listing's rows: key, then body. The last two parameters: the key before the first, and how many.
pub(super) const DEVICES: &str =
    "SELECT device, body FROM devices WHERE hub = ?1 AND device > ?2 ORDER BY device LIMIT ?3";
pub(super) const ENROLLMENTS: &str = "SELECT registration, body FROM enrollments
    WHERE scope = ?1 AND registration > ?2 ORDER BY registration LIMIT ?3";
pub(super) const ENROLLMENT_GROUPS: &str = "SELECT enrollment_group, body FROM enrollment_groups
    WHERE scope = ?1 AND enrollment_group > ?2 ORDER BY enrollment_group LIMIT ?3";
pub(super) const REGISTRATIONS: &str = "SELECT registration, body FROM registrations
    WHERE scope = ?1 AND enrollment_group = ?2 AND registration > ?3 ORDER BY registration LIMIT ?4";
pub(super) const PRINCIPALS: &str = "SELECT principal, body FROM principals ORDER BY principal";
pub(super) const ASSIGNMENTS: &str = "SELECT assignment, body FROM assignments ORDER BY scope, assignment";
pub(super) const AUDIT: &str = "SELECT number, body FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2";
pub(super) const GROUPS: &str = "SELECT name, body FROM resource_groups ORDER BY name";
pub(super) const HUBS: &str = "SELECT hub, body FROM hubs ORDER BY hub";
pub(super) const DELETED_HUBS: &str = "SELECT hub FROM deleted_hubs ORDER BY hub";
pub(super) const DPS: &str = "SELECT scope, body FROM dps ORDER BY scope";
pub(super) const CERTIFICATES: &str = "SELECT name, body FROM certificates WHERE owner = ?1 ORDER BY name";

/// Parameters: ID scope, CA; the name and number before the first, the name before which all are; how many.
pub(super) const ISSUED: &str = "SELECT name, number, body FROM issued
    WHERE scope = ?1 AND ca = ?2 AND (name, number) > (?3, ?4) AND name < ?5 ORDER BY name, number LIMIT ?6";
/// Parameters: ID scope; the end and number before the first; how many.
pub(super) const ISSUED_BY_END: &str = "SELECT ends, number, body FROM issued
    WHERE scope = ?1 AND (ends, number) > (?2, ?3) ORDER BY ends, number LIMIT ?4";

/// The key and number before the first of a page: those of `after`, but never of less than `from`.
pub(super) fn behind<K: Ord + Clone>(after: Option<&IssuedPosition<K>>, from: K) -> (K, i64) {
    let after = after.map(|after| (after.key.clone(), i64::try_from(after.number).unwrap_or(i64::MAX)));
    let from = (from, -1);
    after.map_or(from.clone(), |after| after.max(from))
}

/// A row of either listing, and its position.
pub(super) fn issued(row: &Row<'_>, dps: &IdScope, sealer: &Sealer) -> Result<(String, IssuedCertificate), ReadError> {
    let key = match row.get_ref(0)? {
        ValueRef::Integer(ends) => ends.to_string(),
        name => name.as_str().map_err(rusqlite::Error::from)?.to_owned(),
    };
    let vault = Vault { sealer, place: Place::Issued(dps.as_str()) };
    let position = IssuedPosition { key, number: row.get::<_, i64>(1)?.cast_unsigned() };
    Ok((position.to_string(), IssuedCertificate::decode(text(row, 2)?, vault)?))
}

pub(super) const TWIN_REVISIONS: &str = "SELECT number, body FROM twin_revisions
    WHERE hub = ?1 AND identity = ?2 AND number < ?3 ORDER BY number DESC LIMIT ?4";
/// Of one class, as the index has them.
pub(super) const HAPPENINGS: &str = "SELECT number, owner, at, since, count, body FROM happenings
    WHERE owner = ?1 AND id = ?2 AND class = ?3 AND number < ?4 ORDER BY number DESC LIMIT ?5";
const REFUSALS: &str = "SELECT number, owner, at, since, count, body FROM happenings WHERE class = ? AND number < ?";

/// Refusals in some journals, all of devices or all of back ends: all conditions but the first two look at what there is of them,
/// which is bounded.
pub(super) fn refusals(
    owners: &[JournalOwner],
    filter: &RefusalFilter,
    before: Option<u64>,
    limit: usize,
) -> (String, Vec<Value>) {
    let mut sql = REFUSALS.to_owned();
    let class = owners.first().map_or(HappeningClass::Refusal, JournalOwner::class_of_refusals) as u8;
    let mut values: Vec<Value> = vec![i64::from(class).into(), before.map_or(i64::MAX, u64::cast_signed).into()];
    let marks = vec!["?"; owners.len()].join(", ");
    sql.push_str(" AND owner IN (");
    sql.push_str(&marks);
    sql.push(')');
    values.extend(owners.iter().map(|owner| Value::from(owner.to_string())));
    let prefix = filter.id_prefix.as_ref().zip(owners.first()).map(|(prefix, owner)| owner.key_of(prefix));
    let conditions = [
        prefix.map(|prefix| (" AND substr(id, 1, length(?)) = ?", vec![prefix.clone().into(), prefix.into()])),
        filter.cause.map(|cause| (" AND cause = ?", vec![cause.as_str().to_owned().into()])),
        filter.address.map(|address| (" AND address = ?", vec![address.to_string().into()])),
        filter.since.map(|since| (" AND at >= ?", vec![since.0.into()])),
    ];
    for (condition, with) in conditions.into_iter().flatten() {
        sql.push_str(condition);
        values.extend(with);
    }
    sql.push_str(" ORDER BY number DESC LIMIT ?");
    values.push((limit.cast_signed() as i64).into());
    (sql, values)
}

/// An entry of one of these journals, and its number.
pub(super) fn happening(
    row: &Row<'_>,
    owners: &[JournalOwner],
    sealer: &Sealer,
) -> Result<(u64, Happening), ReadError> {
    let owner_text = text(row, 1)?;
    let owner = owners.iter().find(|owner| owner.to_string() == owner_text);
    let owner = owner.ok_or_else(|| StoreError::Unreadable(format!("an entry of the journal of `{owner_text}`")))?;
    let [at, since] = [row.get(2)?, row.get(3)?].map(UnixMillis);
    let count = row.get::<_, i64>(4)?.cast_unsigned();
    let vault = Vault { sealer, place: Place::Journal(owner) };
    let read = stored::happening::decode(text(row, 5)?, owner, at, (count, since), vault)?;
    Ok((row.get::<_, i64>(0)?.cast_unsigned(), read))
}

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

/// A column that always holds a GUID.
pub(super) fn guid(row: &Row<'_>, column: usize) -> Result<Guid, ReadError> {
    let found = Guid::parse(text(row, column)?);
    found.ok_or_else(|| StoreError::Unreadable("a key that is no GUID".to_owned()).into())
}

/// A column that always holds text.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, ReadError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{apply_issued, connection::open_database};
    use roadstead_store::{SealKey, suite::samples::Pattern};

    /// However many records there are, a read goes straight to those it returns.
    #[test]
    fn no_read_scans_or_sorts() {
        let directory = tempfile::tempdir().unwrap();
        let database = open_database(&directory.path().join("records.db"), &SealKey::fresh(&Pattern)).unwrap();
        let finds = [
            Table::Devices,
            Table::Modules,
            Table::Twins,
            Table::Enrollments,
            Table::EnrollmentGroups,
            Table::Registrations,
        ]
        .map(|table| table.statements().find.as_str());
        let owners = [JournalOwner::Hub(HubKey(1)), JournalOwner::NoHub];
        let (refused, _) = refusals(&owners, &RefusalFilter::default(), None, 10);
        let reads = [
            DEVICE_SESSION,
            MODULE_SESSION,
            DEVICE_IDENTITY,
            MODULE_IDENTITY,
            IDENTITIES,
            MODULES,
            MESSAGES,
            EXPIRED_MESSAGES,
            FEEDBACK,
            COUNTS,
            DEVICES,
            ENROLLMENTS,
            ENROLLMENT_GROUPS,
            REGISTRATIONS,
            CERTIFICATES,
            AUDIT,
            HAPPENINGS,
            ISSUED,
            ISSUED_BY_END,
            apply_issued::COUNT,
            TWIN_REVISIONS,
            &refused,
        ];
        for sql in finds.into_iter().chain(reads) {
            let mut statement = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let parameters = vec![Value::Null; statement.parameter_count()];
            let steps = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3)).unwrap();
            let plan: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(!plan.is_empty() && plan.iter().all(|step| step.starts_with("SEARCH")), "{sql}: {plan:?}");
        }
    }
}
