-- Users and service principals.
CREATE TABLE principals (principal TEXT NOT NULL UNIQUE, etag TEXT NOT NULL, body TEXT NOT NULL) STRICT;

-- scope: subscription, group/iot-rg (lower case), hub/000000000000002a or dps/0ne00ABC123. An assignment has no etag: NULL.
CREATE TABLE assignments (
    scope TEXT NOT NULL, assignment TEXT NOT NULL, principal TEXT NOT NULL, etag TEXT, body TEXT NOT NULL,
    UNIQUE (scope, assignment)
) STRICT;
CREATE INDEX assignments_by_principal ON assignments (principal);

-- Who changed what. Only ever added to; the oldest go.
CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
