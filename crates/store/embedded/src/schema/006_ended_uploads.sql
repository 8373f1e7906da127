-- Uploads of which the end was told, by the numbers in their correlation ids, until nobody can tell of it again: in milliseconds
-- since 1970.
CREATE TABLE ended_uploads (hub INTEGER NOT NULL, upload TEXT NOT NULL, until INTEGER NOT NULL, UNIQUE (hub, upload)) STRICT;
CREATE INDEX ended_uploads_by_time ON ended_uploads (hub, until);
