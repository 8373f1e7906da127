-- Who is connected, in the order of their ids, for queries of connectionState = 'Connected'. Those that an earlier run saw connected
-- stay in it until they come again: nobody looks for that run.
CREATE INDEX presence_by_connected ON presence (hub, connected, identity) WHERE connected IS NOT NULL;
