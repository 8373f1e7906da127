-- Refusals of back ends, HappeningClass 3: in journals of their own, hub/<key>/services and dps/<scope>/services.
INSERT INTO happening_counts VALUES (3, 0);
