-- Which tag of which twin has which value, kept in step by the writer, so that a query for one goes straight to its twins.
-- path: the names below tags, between dots (building.floor); value: a text of at most 256 bytes, or a number as REAL.
CREATE TABLE tag_values (
    hub INTEGER NOT NULL, path TEXT NOT NULL, value ANY NOT NULL, identity TEXT NOT NULL,
    UNIQUE (hub, path, value, identity)
) STRICT;
CREATE INDEX tag_values_by_identity ON tag_values (hub, identity);

INSERT INTO tag_values (hub, path, value, identity)
SELECT twins.hub, replace(substr(fullkey, 8), '"', ''), CASE type WHEN 'text' THEN atom ELSE CAST(atom AS REAL) END, identity
FROM twins, json_tree(twins.body, '$.tags')
WHERE type IN ('text', 'integer', 'real') AND octet_length(atom) <= 256
ON CONFLICT DO NOTHING;
