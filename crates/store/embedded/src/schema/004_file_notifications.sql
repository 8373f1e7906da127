-- What is told of uploaded files until a back end took it, in order.
CREATE TABLE file_notifications (number INTEGER PRIMARY KEY AUTOINCREMENT, hub INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX file_notifications_by_hub ON file_notifications (hub, number);
