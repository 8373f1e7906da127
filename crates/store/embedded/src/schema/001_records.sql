-- One row per record: its key, what must be found without reading the record, and the record as JSON.
-- Rowid tables with a unique key: measured faster to fill than WITHOUT ROWID for wide rows.

CREATE TABLE meta (name TEXT NOT NULL UNIQUE, value TEXT NOT NULL) STRICT;

-- A resource group has no etag: NULL.
CREATE TABLE resource_groups (name TEXT NOT NULL UNIQUE, etag TEXT, body TEXT NOT NULL) STRICT;

CREATE TABLE hubs (hub INTEGER PRIMARY KEY, etag TEXT NOT NULL, body TEXT NOT NULL) STRICT;

CREATE TABLE dps (scope TEXT NOT NULL UNIQUE, etag TEXT NOT NULL, body TEXT NOT NULL) STRICT;

-- owner: hub/000000000000002a or dps/0ne00ABC123
CREATE TABLE certificates (
    owner TEXT NOT NULL, name TEXT NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (owner, name)
) STRICT;

-- subscriptions: those of the persistent session, NULL without one. In the device's row, so that they end with it and a
-- connect reads one row.
CREATE TABLE devices (
    hub INTEGER NOT NULL, device TEXT NOT NULL, enabled INTEGER NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL,
    subscriptions TEXT,
    UNIQUE (hub, device)
) STRICT;

-- Kept in step by the writer, so that counting reads one row.
CREATE TABLE device_counts (hub INTEGER PRIMARY KEY, total INTEGER NOT NULL, enabled INTEGER NOT NULL) STRICT;

CREATE TABLE twins (
    hub INTEGER NOT NULL, device TEXT NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (hub, device)
) STRICT;

-- Ids in DPS are in lower case here; the body has them as written.
CREATE TABLE enrollments (
    scope TEXT NOT NULL, registration TEXT NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (scope, registration)
) STRICT;

CREATE TABLE enrollment_groups (
    scope TEXT NOT NULL, enrollment_group TEXT NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (scope, enrollment_group)
) STRICT;

-- enrollment_group: NULL when it came by an individual enrollment.
CREATE TABLE registrations (
    scope TEXT NOT NULL, registration TEXT NOT NULL, enrollment_group TEXT, etag TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (scope, registration)
) STRICT;
CREATE INDEX registrations_by_group ON registrations (scope, enrollment_group, registration)
    WHERE enrollment_group IS NOT NULL;
