-- Certificates that CAs of DPS instances issued to devices. ca: the name of the CA's certificate; name: the common name; both in
-- lower case. ends: the last second, in milliseconds since 1970.
CREATE TABLE issued (
    number INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, ca TEXT NOT NULL, name TEXT NOT NULL,
    ends INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX issued_by_name ON issued (scope, ca, name, number);
CREATE INDEX issued_by_end ON issued (scope, ends, number);
CREATE INDEX issued_of_ca_by_end ON issued (scope, ca, ends);

CREATE TABLE issued_counts (scope TEXT NOT NULL, ca TEXT NOT NULL, total INTEGER NOT NULL, UNIQUE (scope, ca)) STRICT;
CREATE TRIGGER issued_added AFTER INSERT ON issued BEGIN
    INSERT INTO issued_counts VALUES (NEW.scope, NEW.ca, 1)
        ON CONFLICT (scope, ca) DO UPDATE SET total = total + 1;
END;
CREATE TRIGGER issued_gone AFTER DELETE ON issued BEGIN
    UPDATE issued_counts SET total = total - 1 WHERE scope = OLD.scope AND ca = OLD.ca;
    DELETE FROM issued_counts WHERE scope = OLD.scope AND ca = OLD.ca AND total = 0;
END;
