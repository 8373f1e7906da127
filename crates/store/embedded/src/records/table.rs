//! The tables, and the few statements that write any of them.

use std::sync::LazyLock;

/// A table with one row per record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Principals,
    Assignments,
    ResourceGroups,
    Hubs,
    Dps,
    Certificates,
    Devices,
    Modules,
    Twins,
    Enrollments,
    EnrollmentGroups,
    Registrations,
}

/// The statements of one table. Parameters: `?1` the scope (hub, ID scope or owner), `?2` the name in it; to put, `?3` the
/// extra column, `?4` etag or version, `?5` body; last, to update and delete, the one that is expected, NULL for any.
pub(super) struct Statements {
    /// Changes nothing if there is such a record.
    pub(super) insert: String,
    pub(super) upsert: String,
    /// Changes nothing if there is no such record.
    pub(super) update: String,
    /// Changes nothing if there is no such record.
    pub(super) delete: String,
    pub(super) exists: String,
    pub(super) find: String,
}

impl Table {
    pub(super) fn statements(self) -> &'static Statements {
        // In the order of the variants.
        static ALL: LazyLock<[Statements; 12]> = LazyLock::new(|| {
            [
                Statements::new("principals", None, "principal", None),
                Statements::new("assignments", Some("scope"), "assignment", Some("principal")),
                Statements::new("resource_groups", None, "name", None),
                Statements::new("hubs", None, "hub", None),
                Statements::new("dps", None, "scope", None),
                Statements::new("certificates", Some("owner"), "name", None),
                Statements::new("devices", Some("hub"), "device", Some("enabled")),
                Statements::new("modules", Some("hub"), "identity", None),
                Statements::with_version("twins", Some("hub"), "identity", None, "version"),
                Statements::new("enrollments", Some("scope"), "registration", None),
                Statements::new("enrollment_groups", Some("scope"), "enrollment_group", None),
                Statements::new("registrations", Some("scope"), "registration", Some("enrollment_group")),
            ]
        });
        &ALL[self as usize]
    }
}

impl Statements {
    fn new(table: &str, scope: Option<&str>, name: &str, extra: Option<&str>) -> Self {
        Self::with_version(table, scope, name, extra, "etag")
    }

    /// `version`: the column that tells one version of a record from another.
    fn with_version(table: &str, scope: Option<&str>, name: &str, extra: Option<&str>, version: &str) -> Self {
        let scope_is = scope.map(|scope| format!("{scope} = ?1 AND ")).unwrap_or_default();
        let is_it = format!("{scope_is}{name} = ?2");
        let key = scope.map_or_else(|| name.to_owned(), |scope| format!("{scope}, {name}"));
        let scope_value = scope.map_or("", |_| "?1, ");
        let (extra_column, extra_value, set_extra) = match extra {
            Some(extra) => (format!("{extra}, "), "?3, ", format!("{extra} = ?3, ")),
            None => Default::default(),
        };
        let insert = format!(
            "INSERT INTO {table} ({key}, {extra_column}{version}, body) VALUES ({scope_value}?2, {extra_value}?4, ?5)"
        );
        Self {
            upsert: format!("{insert} ON CONFLICT ({key}) DO UPDATE SET {set_extra}{version} = ?4, body = ?5"),
            insert: insert + " ON CONFLICT DO NOTHING",
            update: format!(
                "UPDATE {table} SET {set_extra}{version} = ?4, body = ?5 WHERE {is_it} AND (?6 IS NULL OR {version} = ?6)"
            ),
            delete: format!("DELETE FROM {table} WHERE {is_it} AND (?3 IS NULL OR {version} = ?3)"),
            exists: format!("SELECT 1 FROM {table} WHERE {is_it}"),
            find: format!("SELECT body FROM {table} WHERE {is_it}"),
        }
    }
}
