-- What is kept of twins' past, by the identity's text; body: a TwinRevision. bytes: of all bodies of a hub. Tables of their own, which no
-- other version of the schema builds on.
CREATE TABLE twin_revisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, hub INTEGER NOT NULL, identity TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX twin_revisions_by_identity ON twin_revisions (hub, identity, number);
CREATE INDEX twin_revisions_by_hub ON twin_revisions (hub, number);

CREATE TABLE twin_revision_bytes (hub INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
CREATE TRIGGER twin_revision_added AFTER INSERT ON twin_revisions BEGIN
    INSERT INTO twin_revision_bytes VALUES (NEW.hub, octet_length(NEW.body))
        ON CONFLICT (hub) DO UPDATE SET bytes = bytes + octet_length(NEW.body);
END;
CREATE TRIGGER twin_revision_gone AFTER DELETE ON twin_revisions BEGIN
    UPDATE twin_revision_bytes SET bytes = bytes - octet_length(OLD.body) WHERE hub = OLD.hub;
END;
