-- Modules beside devices. An identity is a device (thermo-7) or a module of one (thermo-7/camera); no id contains a slash,
-- so that all modules of a device lie between thermo-7/ and thermo-70 (0 follows the slash).

CREATE TABLE modules (
    hub INTEGER NOT NULL, identity TEXT NOT NULL, etag TEXT NOT NULL, body TEXT NOT NULL,
    subscriptions TEXT,
    UNIQUE (hub, identity)
) STRICT;

ALTER TABLE twins RENAME COLUMN device TO identity;
-- Twins are compared by version, which the column holds from now on: a twin's own etag ignores what the device reports.
ALTER TABLE twins RENAME COLUMN etag TO version;
UPDATE twins SET version = json_extract(body, '$.version');

-- connected: the run of the program that saw it connected last, NULL when that run saw it leave. Other runs' mean nothing.
-- Times in milliseconds since 1970.
CREATE TABLE presence (
    hub INTEGER NOT NULL, identity TEXT NOT NULL, connected INTEGER,
    updated INTEGER, last_activity INTEGER, reason TEXT, model TEXT,
    UNIQUE (hub, identity)
) STRICT;

-- queued: messages that wait for the device, kept in step by the writer; sequence: the number of the last one ever.
ALTER TABLE devices ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;

-- The sequence number and the expiry that count are those of the columns.
CREATE TABLE messages (
    hub INTEGER NOT NULL, device TEXT NOT NULL, sequence INTEGER NOT NULL, expires INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (hub, device, sequence)
) STRICT;
CREATE INDEX messages_by_expiry ON messages (hub, expires);

CREATE TABLE feedback (number INTEGER PRIMARY KEY AUTOINCREMENT, hub INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX feedback_by_hub ON feedback (hub, number);
