//! Queries that are taken, each with what it prints as: the examples of the docs and of the reference among them.

use roadstead_query::{parse, parse_condition};

const QUERIES: &[(&str, &str)] = &[
    ("SELECT * FROM devices", "SELECT * FROM devices"),
    ("select * from DEVICES", "SELECT * FROM devices"),
    ("SELECT COUNT() as totalNumberOfDevices FROM devices", "SELECT COUNT() AS totalNumberOfDevices FROM devices"),
    ("SELECT COUNT() FROM devices", "SELECT COUNT() FROM devices"),
    (
        "SELECT * FROM devices\nWHERE tags.location.region = 'US'\n  AND properties.reported.telemetryConfig.sendFrequencyInSecs >= 60",
        "SELECT * FROM devices WHERE tags.location.region = 'US' AND properties.reported.telemetryConfig.sendFrequencyInSecs >= 60",
    ),
    (
        "SELECT * FROM devices WHERE properties.reported.connectivity IN ['wired', 'wifi']",
        "SELECT * FROM devices WHERE properties.reported.connectivity IN ['wired', 'wifi']",
    ),
    (
        "SELECT * FROM devices WHERE is_defined(property.reported.connectivity)",
        "SELECT * FROM devices WHERE IS_DEFINED(property.reported.connectivity)",
    ),
    (
        "SELECT properties.reported.telemetryConfig.status AS status, COUNT() AS numberOfDevices FROM devices GROUP BY properties.reported.telemetryConfig.status",
        "SELECT properties.reported.telemetryConfig.status AS status, COUNT() AS numberOfDevices FROM devices GROUP BY properties.reported.telemetryConfig.status",
    ),
    (
        "SELECT DeviceId, LastActivityTime FROM devices WHERE status = 'enabled' AND connectionState = 'Disconnected'",
        "SELECT deviceId, lastActivityTime FROM devices WHERE status = 'enabled' AND connectionState = 'Disconnected'",
    ),
    (
        "SELECT * FROM devices.modules WHERE properties.reported.status = 'scanning' AND deviceId IN ['device1', 'device2']",
        "SELECT * FROM devices.modules WHERE properties.reported.status = 'scanning' AND deviceId IN ['device1', 'device2']",
    ),
    (
        "SELECT * FROM devices.jobs WHERE devices.jobs.deviceId = 'myDeviceId' AND devices.jobs.jobType = 'scheduleUpdateTwin' AND devices.jobs.status = 'completed' AND devices.jobs.createdTimeUtc > '2016-09-01'",
        "SELECT * FROM devices.jobs WHERE deviceId = 'myDeviceId' AND jobType = 'scheduleUpdateTwin' AND status = 'completed' AND createdTimeUtc > '2016-09-01'",
    ),
    (
        "SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'myJobId'",
        "SELECT * FROM devices.jobs WHERE jobId = 'myJobId'",
    ),
    (
        "SELECT properties.reported.fw AS fw, COUNT() AS n FROM devices GROUP BY properties.reported.fw",
        "SELECT properties.reported.fw AS fw, COUNT() AS n FROM devices GROUP BY properties.reported.fw",
    ),
    (
        "SELECT deviceId FROM devices WHERE configurations.[[cfg-1]].status='Applied'",
        "SELECT deviceId FROM devices WHERE configurations.[[cfg-1]].status = 'Applied'",
    ),
    (
        "SELECT deviceId FROM devices.modules WHERE moduleId = '$edgeAgent' AND properties.desired.$version = properties.reported.lastDesiredVersion",
        "SELECT deviceId FROM devices.modules WHERE moduleId = '$edgeAgent' AND properties.desired.$version = properties.reported.lastDesiredVersion",
    ),
    (
        "SELECT * FROM devices WHERE capabilities.iotEdge=true",
        "SELECT * FROM devices WHERE capabilities.iotEdge = true",
    ),
    ("SELECT TOP 10 * FROM devices", "SELECT TOP 10 * FROM devices"),
    ("SELECT TOP 10 top FROM devices", "SELECT TOP 10 top FROM devices"),
    ("SELECT top AS n FROM devices", "SELECT top AS n FROM devices"),
    ("SELECT tags.[[group]] AS group FROM devices", "SELECT tags.group AS group FROM devices"),
    ("SELECT devices.modules.moduleId FROM devices.modules", "SELECT moduleId FROM devices.modules"),
    ("SELECT devices.tags FROM devices", "SELECT tags FROM devices"),
    (
        "select properties.reported.State from devices.modules where devices.modules.moduleId = 'edge' and devices.deviceId = 'd'",
        "SELECT properties.reported.State FROM devices.modules WHERE moduleId = 'edge' AND deviceId = 'd'",
    ),
    (
        "SELECT AVG(tags.a), SUM(tags.a) AS s, MIN(devices.tags.a), MAX(tags.a) FROM devices GROUP BY tags.b, tags.c",
        "SELECT AVG(tags.a), SUM(tags.a) AS s, MIN(tags.a), MAX(tags.a) FROM devices GROUP BY tags.b, tags.c",
    ),
];

const CONDITIONS: &[(&str, &str)] = &[
    ("tags.a = 1 OR tags.b = 2 AND NOT tags.c = 3", "tags.a = 1 OR tags.b = 2 AND NOT tags.c = 3"),
    ("(tags.a = 1 OR tags.b = 2) AND tags.c", "(tags.a = 1 OR tags.b = 2) AND tags.c"),
    ("a = 1 AND (b = 2 AND c = 3)", "a = 1 AND (b = 2 AND c = 3)"),
    ("not not a", "NOT NOT a"),
    ("NOT (a OR b)", "NOT (a OR b)"),
    ("(NOT a) = true", "(NOT a) = true"),
    ("(a = b) = false", "(a = b) = false"),
    ("a <> b", "a != b"),
    ("a + b * 2 - -1 > 0", "a + b * 2 - -1 > 0"),
    ("((a + b) * 2 - (1 - 2)) % 3 = (a * b) / c", "((a + b) * 2 - (1 - 2)) % 3 = a * b / c"),
    ("a / (b * c) = 1 OR (b OR c)", "a / (b * c) = 1 OR (b OR c)"),
    ("a % 2 = 1", "a % 2 = 1"),
    ("a+1 IN [2,3]", "a + 1 IN [2, 3]"),
    ("a NIN (1, 'x', null, undefined, true)", "a NIN [1, 'x', null, undefined, true]"),
    ("a = [1, [], ['x']]", "a = [1, [], ['x']]"),
    ("deviceId IN ['dev1']", "deviceId IN ['dev1']"),
    ("a = 0xFF", "a = 255"),
    ("a = 1.5e-3", "a = 0.0015"),
    ("a = 2E+20", "a = 2e20"),
    ("a = +5", "a = 5"),
    (r#"a = "it's""#, r"a = 'it\'s'"),
    (r"a = '\'\\\u0041\uD83D\ude00'", r"a = '\'\\A😀'"),
    ("a = 'tab\tand \\u0007'", r"a = 'tab\u0009and \u0007'"),
    ("größe = 1", "größe = 1"),
    ("level = 'alert' AND as_number(severity) >= 3", "level = 'alert' AND AS_NUMBER(severity) >= 3"),
    ("$body.t > 50", "$body.t > 50"),
    ("$twin.tags.site = 'a'", "$twin.tags.site = 'a'"),
    ("$body.properties.desired.hz > 10", "$body.properties.desired.hz > 10"),
    ("$enqueuedTime > \"2026-11-21T20:00:00Z\"", "$enqueuedTime > '2026-11-21T20:00:00Z'"),
    ("STARTSWITH(deviceId, 'test')", "STARTS_WITH(deviceId, 'test')"),
    ("SUBSTRING(a, 1) = SUBSTRING(a, 1, 2)", "SUBSTRING(a, 1) = SUBSTRING(a, 1, 2)"),
    ("CONCAT(a, 'b', 'c') = 'abc'", "CONCAT(a, 'b', 'c') = 'abc'"),
    ("order = 1 AND like = 2 AND is = 3 AND count = 4", "order = 1 AND like = 2 AND is = 3 AND count = 4"),
    ("devices.group = 1", "devices.group = 1"),
    ("tags.5.1e5 = 1", "tags.5.1e5 = 1"),
];

#[test]
fn queries_are_read_as_they_print() {
    for (text, printed) in QUERIES {
        let query = parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(query.to_string(), *printed);
        assert_eq!(parse(printed).unwrap_or_else(|error| panic!("{error}")), query);
    }
}

#[test]
fn conditions_are_read_as_they_print() {
    for (text, printed) in CONDITIONS {
        let condition = parse_condition(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(condition.to_string(), *printed);
        assert_eq!(parse_condition(printed).unwrap_or_else(|error| panic!("{error}")), condition);
    }
}

#[test]
fn long_flat_conditions_are_taken() {
    let many = vec!["a=1"; 600].join(" OR ");
    assert!(parse_condition(&many).is_ok());
    let list = format!("a IN [{}]", vec!["'x'"; 2000].join(","));
    assert!(parse_condition(&list).is_ok());
}
