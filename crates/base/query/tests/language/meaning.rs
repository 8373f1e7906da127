//! What conditions and queries yield.

use roadstead_query::eval::{Datum, evaluate, run, selects};
use roadstead_query::{parse, parse_condition};
use serde_json::{Value, json};

fn document() -> Value {
    json!({
        "deviceId": "d1", "version": 5,
        "n": 5, "half": 2.5, "s": "abc", "five": "5", "t": true, "f": false, "nil": null, "list": [1], "o": {"in": 1},
        "uml": "ÄÖü😀", "empty": "",
    })
}

fn yielded(text: &str) -> String {
    let condition = parse_condition(text).unwrap_or_else(|error| panic!("{error}"));
    match evaluate(&condition, &document()) {
        Datum::Undefined => "undefined".into(),
        Datum::Null => "null".into(),
        Datum::Bool(value) => value.to_string(),
        Datum::Number(value) => value.to_string(),
        Datum::String(value) => format!("'{value}'"),
        Datum::Array => "[]".into(),
        Datum::Object => "{}".into(),
    }
}

/// `expression -> what it yields`
fn check(cases: &str) {
    for case in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (text, expected) = case.split_once(" -> ").expect("every case has an arrow");
        assert_eq!(yielded(text.trim()), expected, "{text}");
    }
}

#[test]
fn operands() {
    check(
        "n -> 5
         s -> 'abc'
         DEVICEID -> 'd1'
         missing -> undefined
         S -> undefined
         o -> {}
         o.in -> 1
         o.missing.more -> undefined
         s.in -> undefined
         list.0 -> undefined
         nil.in -> undefined
         undefined -> undefined
         null -> null
         [1, 'a'] -> []",
    );
}

/// Every pair of types; the first column is left, the others are right.
#[test]
fn comparisons_of_every_pair_of_types() {
    let right = ["missing", "null", "false", "5", "'abc'", "list", "o"];
    let equal = [
        ("missing", "u u u u u u u"),
        ("nil", "u t f f f f f"),
        ("f", "u f t u u u u"),
        ("n", "u f u t u u u"),
        ("s", "u f u u t u u"),
        ("list", "u f u u u u u"),
        ("o", "u f u u u u u"),
    ];
    for (left, row) in equal {
        for (right, letter) in right.iter().zip(row.split(' ')) {
            let known = |truth: bool| if letter == "u" { "undefined".to_owned() } else { truth.to_string() };
            let same = letter == "t";
            assert_eq!(yielded(&format!("{left} = {right}")), known(same), "{left} = {right}");
            assert_eq!(yielded(&format!("{left} != {right}")), known(!same), "{left} != {right}");
            assert_eq!(yielded(&format!("{right} = {left}")), known(same), "{right} = {left}");
            for (symbol, truth) in [("<", false), ("<=", true), (">", false), (">=", true)] {
                let expected = if same { truth.to_string() } else { "undefined".to_owned() };
                assert_eq!(yielded(&format!("{left} {symbol} {right}")), expected, "{left} {symbol} {right}");
            }
        }
    }
}

#[test]
fn comparisons_within_a_type() {
    check(
        "n = 5.0 -> true
         n != 5 -> false
         n <> 6 -> true
         half < 2.6 -> true
         half >= 2.5 -> true
         n = '5' -> undefined
         five = 5 -> undefined
         s < 'abd' -> true
         s < 'B' -> false
         'Z' < 'a' -> true
         '\u{fffd}' < '😀' -> true
         '10' < '9' -> true
         '2016-09-02' > '2016-09-01' -> true
         f < t -> true
         t > t -> false
         t = 1 -> undefined",
    );
}

#[test]
fn membership() {
    check(
        "s IN ['x', 'abc'] -> true
         s IN ['x'] -> false
         s NIN ['x'] -> true
         s NIN ['abc'] -> false
         s IN [1, 'abc'] -> true
         s IN [1, 'x'] -> undefined
         s NIN [1, 'x'] -> undefined
         s IN [null, 'x'] -> false
         nil IN [null] -> true
         nil NIN ['x'] -> true
         missing IN ['x'] -> undefined
         missing NIN ['x'] -> undefined
         missing IN [undefined] -> undefined
         list IN [[1]] -> undefined
         n + 1 IN [6] -> true",
    );
}

#[test]
fn logic_of_three_values() {
    for (left, right, and, or) in [
        ("t", "t", "true", "true"),
        ("t", "f", "false", "true"),
        ("f", "f", "false", "false"),
        ("t", "missing", "undefined", "true"),
        ("f", "missing", "false", "undefined"),
        ("missing", "missing", "undefined", "undefined"),
        ("t", "nil", "undefined", "true"),
        ("f", "s", "false", "undefined"),
        ("n", "o", "undefined", "undefined"),
    ] {
        assert_eq!(yielded(&format!("{left} AND {right}")), and);
        assert_eq!(yielded(&format!("{right} AND {left}")), and);
        assert_eq!(yielded(&format!("{left} OR {right}")), or);
        assert_eq!(yielded(&format!("{right} OR {left}")), or);
    }
    check(
        "NOT t -> false
         NOT f -> true
         NOT missing -> undefined
         NOT s -> undefined
         NOT n -> undefined
         NOT missing = 1 -> undefined
         NOT IS_DEFINED(missing) -> true
         t AND missing AND f -> false
         f OR missing OR t -> true",
    );
}

#[test]
fn only_true_selects() {
    let cases = [
        ("t", true),
        ("n = 5", true),
        ("f", false),
        ("s", false),
        ("n", false),
        ("nil", false),
        ("o", false),
        ("missing", false),
        ("missing = undefined", false),
        ("missing != 1", false),
        ("missing = null", false),
        ("missing != null", false),
        ("s != null", true),
        ("o != null", true),
    ];
    for (text, selected) in cases {
        assert_eq!(selects(&parse_condition(text).unwrap(), &document()), selected, "{text}");
    }
}

#[test]
fn arithmetic() {
    check(
        "n + 2 * 3 -> 11
         (n + 2) * 3 -> 21
         7 / 2 -> 3.5
         n - 1 - 1 -> 3
         -5.5 % 2 -> -1.5
         n % 0 -> undefined
         1 / 0 -> undefined
         1e308 * 10 -> undefined
         n + five -> undefined
         s + s -> undefined
         n + missing -> undefined
         n + null -> undefined
         n + t -> undefined",
    );
}

#[test]
fn functions_of_numbers() {
    check(
        "ABS(-2.5) -> 2.5
         EXP(0) -> 1
         EXP(1000) -> undefined
         POWER(2, 10) -> 1024
         POWER(-8, 0.5) -> undefined
         SQUARE(-3) -> 9
         CEILING(2.1) -> 3
         FLOOR(-2.1) -> -3
         SIGN(-7) -> -1
         SIGN(0) -> 0
         SIGN(7) -> 1
         SQRT(9) -> 3
         SQRT(-1) -> undefined
         ABS(five) -> undefined
         ABS(missing) -> undefined
         ABS(null) -> undefined
         POWER(2, five) -> undefined
         AS_NUMBER(five) -> 5
         AS_NUMBER(n) -> 5
         AS_NUMBER('-1.5e2') -> -150
         AS_NUMBER('007') -> 7
         AS_NUMBER(' 5') -> undefined
         AS_NUMBER('+5') -> undefined
         AS_NUMBER('5.') -> undefined
         AS_NUMBER('.5') -> undefined
         AS_NUMBER('inf') -> undefined
         AS_NUMBER('1e999') -> undefined
         AS_NUMBER('0x10') -> undefined
         AS_NUMBER(empty) -> undefined
         AS_NUMBER(t) -> undefined",
    );
}

#[test]
fn functions_of_types() {
    let values = ["missing", "nil", "t", "n", "s", "list", "o"];
    let functions = [
        ("IS_DEFINED", "f t t t t t t"),
        ("IS_NULL", "f t f f f f f"),
        ("IS_BOOL", "f f t f f f f"),
        ("IS_NUMBER", "f f f t f f f"),
        ("IS_STRING", "f f f f t f f"),
        ("IS_ARRAY", "f f f f f t f"),
        ("IS_OBJECT", "f f f f f f t"),
        ("IS_PRIMITIVE", "f t t t t f f"),
    ];
    for (function, row) in functions {
        for (value, letter) in values.iter().zip(row.split(' ')) {
            assert_eq!(yielded(&format!("{function}({value})")), (letter == "t").to_string(), "{function}({value})");
        }
    }
}

#[test]
fn functions_of_strings() {
    check(
        "CONCAT(s, 'x', empty) -> 'abcx'
         CONCAT(s, n) -> undefined
         CONCAT(s, missing) -> undefined
         LENGTH(uml) -> 4
         LENGTH(empty) -> 0
         LENGTH(list) -> undefined
         LOWER(uml) -> 'äöü😀'
         UPPER(uml) -> 'ÄÖÜ😀'
         UPPER(n) -> undefined
         SUBSTRING(uml, 1) -> 'Öü😀'
         SUBSTRING(uml, 1, 2) -> 'Öü'
         SUBSTRING(s, 3) -> ''
         SUBSTRING(s, 9, 9) -> ''
         SUBSTRING(s, 0, 1e300) -> 'abc'
         SUBSTRING(s, -1) -> undefined
         SUBSTRING(s, 0.5) -> undefined
         SUBSTRING(s, 0, -1) -> undefined
         SUBSTRING(s, '0') -> undefined
         SUBSTRING(n, 0) -> undefined
         INDEX_OF(uml, 'ü') -> 2
         INDEX_OF(s, 'x') -> -1
         INDEX_OF(s, empty) -> 0
         INDEX_OF(s, 1) -> undefined
         STARTS_WITH(s, 'ab') -> true
         STARTS_WITH(s, 'AB') -> false
         ENDS_WITH(s, 'bc') -> true
         CONTAINS(s, 'b') -> true
         CONTAINS(s, 'd') -> false
         CONTAINS(s, empty) -> true
         CONTAINS(list, 1) -> undefined
         CONTAINS(missing, 'b') -> undefined",
    );
}

#[test]
fn members_of_arrays() {
    check(
        "ARRAY_CONTAINS(list, 1) -> true
         array_contains(list, 1.0) -> true
         ARRAY_CONTAINS(list, 2) -> false
         ARRAY_CONTAINS(list, '1') -> undefined
         ARRAY_CONTAINS(list, missing) -> undefined
         ARRAY_CONTAINS(s, 'a') -> undefined
         ARRAY_CONTAINS(missing, 1) -> undefined
         ARRAY_CONTAINS(n + 1, 1) -> undefined
         ARRAY_CONTAINS(['abc', 'x'], s) -> true
         ARRAY_CONTAINS(['x'], s) -> false",
    );
}

fn twins() -> Vec<Value> {
    vec![
        json!({"deviceId": "a", "tags": {"site": "n", "x": 1}, "properties": {"reported": {"fw": "1.2"}}}),
        json!({"deviceId": "b", "tags": {"site": "n", "x": 2.5}, "properties": {"reported": {"fw": null}}}),
        json!({"deviceId": "c", "tags": {"site": "s", "x": "2"}, "properties": {"reported": {}}}),
        json!({"deviceId": "d", "tags": {"x": 1.0}, "properties": {"reported": {"fw": "1.2"}}}),
        json!({"deviceId": "e", "tags": {"site": "s", "x": {"y": 1}}, "properties": {"reported": {}}}),
    ]
}

fn rows(text: &str) -> Value {
    Value::Array(run(&parse(text).unwrap_or_else(|error| panic!("{error}")), &twins()))
}

#[test]
fn whole_documents_and_projections() {
    assert_eq!(rows("SELECT * FROM devices"), Value::Array(twins()));
    assert_eq!(rows("SELECT * FROM devices WHERE tags.x > 2"), json!([twins()[1]]));
    assert_eq!(rows("SELECT TOP 1 DEVICEID FROM devices WHERE tags.site = 's'"), json!([{"deviceId": "c"}]));
    assert_eq!(rows("SELECT TOP 0 * FROM devices"), json!([]));
    let projected =
        json!([{"x": 1, "v": "1.2"}, {"x": 2.5, "v": null}, {"x": "2"}, {"x": 1.0, "v": "1.2"}, {"x": {"y": 1}}]);
    assert_eq!(rows("SELECT tags.x, properties.reported.fw AS v FROM devices"), projected);
}

#[test]
fn aggregates() {
    let cases = [
        ("SELECT COUNT() AS totalNumberOfDevices FROM devices", json!([{"totalNumberOfDevices": 5}])),
        ("SELECT COUNT() FROM devices WHERE tags.site = 'x'", json!([{"$1": 0}])),
        ("SELECT COUNT(), SUM(tags.x) AS s, AVG(tags.x) FROM devices", json!([{"$1": 5, "s": 4.5, "$2": 1.5}])),
        ("SELECT MIN(tags.x) AS a, MAX(tags.x) AS b FROM devices", json!([{"a": 1, "b": 2.5}])),
        ("SELECT MIN(deviceId) AS a, MAX(deviceId) AS b FROM devices", json!([{"a": "a", "b": "e"}])),
        ("SELECT SUM(tags.site) AS s, AVG(tags.no) AS a, MIN(tags.no) AS m FROM devices", json!([{}])),
        (
            "SELECT SUM(tags.x) AS s, MAX(tags.x) AS m FROM devices WHERE deviceId IN ['a', 'd']",
            json!([{"s": 2, "m": 1}]),
        ),
        (
            "SELECT properties.reported.fw AS fw, COUNT() AS n FROM devices GROUP BY properties.reported.fw",
            json!([{"fw": "1.2", "n": 2}, {"fw": null, "n": 1}, {"n": 2}]),
        ),
        (
            "SELECT COUNT() AS n, tags.x FROM devices GROUP BY tags.x",
            json!([{"n": 2, "x": 1}, {"n": 1, "x": 2.5}, {"n": 1, "x": "2"}, {"n": 1, "x": {"y": 1}}]),
        ),
        (
            "SELECT tags.site, MAX(tags.x) AS m FROM devices GROUP BY tags.site, properties.reported.fw",
            json!([{"site": "n", "m": 1}, {"site": "n", "m": 2.5}, {"site": "s", "m": "2"}, {"m": 1}]),
        ),
        ("SELECT TOP 1 COUNT() AS n FROM devices GROUP BY tags.site", json!([{"n": 2}])),
        ("SELECT COUNT() AS n FROM devices WHERE tags.site = 'x' GROUP BY tags.site", json!([])),
    ];
    for (text, expected) in cases {
        assert_eq!(rows(text), expected, "{text}");
    }
}

#[test]
fn what_a_query_mentions() {
    for (text, mentions) in [
        ("SELECT * FROM devices", false),
        ("SELECT * FROM devices WHERE LASTACTIVITYTIME > '2026'", true),
        ("SELECT lastActivityTime AS at FROM devices", true),
        ("SELECT MAX(lastActivityTime) AS at FROM devices", true),
        ("SELECT lastActivityTime, COUNT() FROM devices GROUP BY lastActivityTime", true),
        ("SELECT COUNT() FROM devices WHERE tags.a = 1 OR NOT STARTS_WITH(lastActivityTime, '2026')", true),
        ("SELECT * FROM devices WHERE 1 + tags.a = 2 AND lastActivityTime IN ['a']", true),
        ("SELECT * FROM devices WHERE tags.lastActivityTime = 'a'", false),
    ] {
        assert_eq!(parse(text).unwrap().mentions("lastActivityTime"), mentions, "{text}");
    }
}
