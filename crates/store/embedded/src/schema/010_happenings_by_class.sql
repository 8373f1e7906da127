-- Of one id, entries of a class are found, and those that are too many, by looking at the index alone. The totals are kept by
-- who adds and removes entries: a trigger did it for each row.
DROP INDEX happenings_by_id;
CREATE INDEX happenings_by_id ON happenings (owner, id, class);
DROP TRIGGER happening_added;
DROP TRIGGER happening_gone;
