-- What happened to devices, as journals tell it. owner: hub/000000000000002a or dps/0ne00ABC123; hub or dps for what came to
-- none. id: as the owner compares ids. class: HappeningClass. likeness: refusals with the same are one entry; count of them,
-- since the first. What filters ask for stands beside the body.
CREATE TABLE happenings (
    number INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, id TEXT NOT NULL, class INTEGER NOT NULL,
    at INTEGER NOT NULL, since INTEGER NOT NULL, count INTEGER NOT NULL, likeness TEXT, cause TEXT, address TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX happenings_by_id ON happenings (owner, id, number);
CREATE INDEX happenings_by_class ON happenings (class, number);

CREATE TABLE happening_counts (class INTEGER PRIMARY KEY, total INTEGER NOT NULL) STRICT;
INSERT INTO happening_counts VALUES (0, 0), (1, 0), (2, 0);
CREATE TRIGGER happening_added AFTER INSERT ON happenings BEGIN
    UPDATE happening_counts SET total = total + 1 WHERE class = NEW.class;
END;
CREATE TRIGGER happening_gone AFTER DELETE ON happenings BEGIN
    UPDATE happening_counts SET total = total - 1 WHERE class = OLD.class;
END;
