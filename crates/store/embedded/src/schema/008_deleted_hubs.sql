-- Hubs that are gone from here, until their events and files are gone as well.
CREATE TABLE deleted_hubs (hub INTEGER PRIMARY KEY) STRICT;
