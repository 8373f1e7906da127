//! Queries that are refused, each with the place and the words.

use roadstead_query::{QueryError, parse, parse_condition};

const QUERIES: &[(&str, &str)] = &[
    ("", "line 1, column 1: expected SELECT, found the end"),
    ("SELECT", "line 1, column 7: expected a path, an aggregate or `*`, found the end"),
    ("UPDATE devices", "line 1, column 1: expected SELECT, found `UPDATE`"),
    ("SELECT FROM devices", "line 1, column 8: expected a path, an aggregate or `*`, found `FROM`"),
    ("SELECT * devices", "line 1, column 10: expected `,`, AS or FROM, found `devices`"),
    ("SELECT a b FROM devices", "line 1, column 10: expected `,`, AS or FROM, found `b`"),
    ("SELECT a AS FROM devices", "line 1, column 13: expected a name, found `FROM`"),
    ("SELECT a AS 'b' FROM devices", "line 1, column 13: expected a name, found a string"),
    ("SELECT tags. FROM devices", "line 1, column 19: expected `,`, AS or FROM, found `devices`"),
    ("SELECT * FROM", "line 1, column 14: expected devices, devices.modules or devices.jobs, found the end"),
    ("SELECT * FROM c", "line 1, column 15: unknown collection `c`: write devices, devices.modules or devices.jobs"),
    ("SELECT * FROM devices WHERE", "line 1, column 28: expected a value, found the end"),
    ("SELECT * FROM devices\n  WHERE tags.a = AND b", "line 2, column 18: expected a value, found `AND`"),
    ("SELECT * FROM devices GROUP tags.a", "line 1, column 29: expected BY, found `tags`"),
    ("SELECT * FROM devices WHERE a = 1 b", "line 1, column 35: expected AND, OR, GROUP BY or the end, found `b`"),
    ("SELECT * FROM devices)", "line 1, column 22: expected WHERE, GROUP BY or the end, found `)`"),
    (
        "SELECT COUNT() FROM devices GROUP BY tags.a WHERE b",
        "line 1, column 45: expected `,` or the end, found `WHERE`",
    ),
    ("SELECT *, a FROM devices", "line 1, column 9: `*` stands alone: it has every member already"),
    ("SELECT a, * FROM devices", "line 1, column 11: `*` stands alone: it has every member already"),
    ("SELECT TOP 1.5 * FROM devices", "line 1, column 12: expected a whole number of rows, found `1.5`"),
    (
        "SELECT TOP -1 * FROM devices",
        "line 1, column 12: SELECT takes paths and the aggregates COUNT, AVG, SUM, MIN and MAX, no other expressions",
    ),
    (
        "SELECT DISTINCT tags.a FROM devices",
        "line 1, column 8: DISTINCT is not supported: group by the path and select COUNT() beside it",
    ),
    ("SELECT * FROM devices ORDER BY deviceId", "line 1, column 23: ORDER BY is not supported: sort the result"),
    ("SELECT * FROM devices WHERE a = 1 ORDER BY a", "line 1, column 35: ORDER BY is not supported: sort the result"),
    (
        "SELECT * FROM devices JOIN devices.modules",
        "line 1, column 23: JOIN is not supported: a query reads one collection",
    ),
    (
        "SELECT * FROM devices, devices.modules",
        "line 1, column 22: JOIN is not supported: a query reads one collection",
    ),
    (
        "SELECT COUNT() FROM devices GROUP BY a HAVING b",
        "line 1, column 40: HAVING is not supported: filter the result",
    ),
    (
        "SELECT * FROM devices LIMIT 5",
        "line 1, column 23: LIMIT and OFFSET are not supported: write SELECT TOP n, or follow the pages",
    ),
    ("SELECT * FROM devices UNION SELECT *", "line 1, column 23: UNION is not supported: make two queries"),
    (
        "SELECT * FROM devices d",
        "line 1, column 23: a collection takes no alias: write paths without a prefix, or with `devices.`",
    ),
    ("SELECT * FROM (SELECT * FROM devices)", "line 1, column 15: subqueries are not supported"),
    ("SELECT (SELECT a) FROM devices", "line 1, column 8: subqueries are not supported"),
    (
        "SELECT LOWER(deviceId) FROM devices",
        "line 1, column 8: SELECT takes paths and the aggregates COUNT, AVG, SUM, MIN and MAX, no other expressions",
    ),
    (
        "SELECT tags.a + 1 FROM devices",
        "line 1, column 15: SELECT takes paths and the aggregates COUNT, AVG, SUM, MIN and MAX, no other expressions",
    ),
    ("SELECT COUNT(*) FROM devices", "line 1, column 14: COUNT takes no argument: write COUNT()"),
    ("SELECT AVG() FROM devices", "line 1, column 12: expected a path, found `)`"),
    ("SELECT AVG(tags.a, tags.b) FROM devices", "line 1, column 18: expected `)`, found `,`"),
    (
        "SELECT * FROM devices WHERE COUNT() > 5",
        "line 1, column 29: COUNT is an aggregate: it belongs after SELECT, not into a condition",
    ),
    (
        "SELECT * FROM devices GROUP BY tags.a",
        "line 1, column 8: `*` does not go with GROUP BY: select the paths grouped by, and aggregates",
    ),
    (
        "SELECT tags.a FROM devices GROUP BY tags.a",
        "line 1, column 37: GROUP BY without an aggregate is not supported: select COUNT() beside the path",
    ),
    (
        "SELECT deviceId, COUNT() FROM devices",
        "line 1, column 8: `deviceId` is neither grouped by nor an aggregate: add it to GROUP BY",
    ),
    (
        "SELECT COUNT(), tags.A FROM devices GROUP BY tags.a",
        "line 1, column 17: `tags.A` is neither grouped by nor an aggregate: add it to GROUP BY",
    ),
    (
        "SELECT tags.a, properties.reported.a FROM devices",
        "line 1, column 16: two elements are called `a`: give one another name with AS",
    ),
    (
        "SELECT COUNT() AS n, AVG(a) AS n FROM devices",
        "line 1, column 22: two elements are called `n`: give one another name with AS",
    ),
    (
        "SELECT deviceId FROM devices.jobs",
        "line 1, column 8: devices.jobs supports only SELECT *: no projections, no aggregates",
    ),
    (
        "SELECT COUNT() FROM devices.jobs",
        "line 1, column 8: devices.jobs supports only SELECT *: no projections, no aggregates",
    ),
    (
        "SELECT * FROM devices.jobs WHERE Tags.a = 1",
        "line 1, column 34: `tags.a` is a member of twins: conditions on devices.jobs see only members of jobs",
    ),
];

const CONDITIONS: &[(&str, &str)] = &[
    ("", "line 1, column 1: expected a value, found the end"),
    ("*", "line 1, column 1: expected a value, found `*`"),
    ("a = 1 b", "line 1, column 7: expected AND, OR or the end, found `b`"),
    ("a = b = c", "line 1, column 7: expected AND, OR or the end, found `=`"),
    ("a == 1", "line 1, column 4: expected a value, found `=`"),
    ("a && b", "line 1, column 3: unexpected character '&'"),
    ("a = 'x", "line 1, column 5: the string is not ended"),
    (r"a = 'x\n'", r#"line 1, column 7: not an escape: write \', \", \\ or \u and four hexadecimal digits"#),
    (r"a = '\ud800'", r#"line 1, column 6: not an escape: write \', \", \\ or \u and four hexadecimal digits"#),
    (r"a = '\u00g0'", r#"line 1, column 6: not an escape: write \', \", \\ or \u and four hexadecimal digits"#),
    ("a = 12x", "line 1, column 5: not a number: write 12, -1.5, 2e3 or 0xff"),
    ("a = 0x", "line 1, column 5: not a number: write 12, -1.5, 2e3 or 0xff"),
    ("a = 1e", "line 1, column 5: not a number: write 12, -1.5, 2e3 or 0xff"),
    ("a = 1e999", "line 1, column 5: not a number: write 12, -1.5, 2e3 or 0xff"),
    ("a = .5", "line 1, column 5: expected a value, found `.`"),
    ("tags.[[a b = 1", "line 1, column 6: the name is not ended by `]]`"),
    ("tags.[[]] = 1", "line 1, column 6: a name needs at least one character"),
    ("tags..a = 1", "line 1, column 6: expected a name, found `.`"),
    ("tags.list[0] = 1", "line 1, column 10: array indexes are not supported: a path names members of objects only"),
    ("group = 1", "line 1, column 1: expected a value, found `group`"),
    ("(a = 1", "line 1, column 7: expected `)`, found the end"),
    ("a IN []", "line 1, column 7: expected a constant, found `]`"),
    ("a IN [b]", "line 1, column 7: expected a constant, found `b`"),
    ("a IN [1, 2)", "line 1, column 11: expected `,` or `]`, found `)`"),
    ("a IN 1", "line 1, column 6: expected `[` and a list of constants, found `1`"),
    ("a IN (SELECT b)", "line 1, column 6: subqueries are not supported"),
    ("a = (SELECT b)", "line 1, column 5: subqueries are not supported"),
    ("a NOT IN ['b']", "line 1, column 3: NOT IN is not supported: write NIN"),
    ("a LIKE 'b%'", "line 1, column 3: LIKE is not supported: use STARTS_WITH, ENDS_WITH or CONTAINS"),
    ("a BETWEEN 1 AND 2", "line 1, column 3: BETWEEN is not supported: write a >= x AND a <= y"),
    (
        "a IS NULL",
        "line 1, column 3: IS is not supported: use IS_NULL(path), or IS_DEFINED(path) for whether there is one",
    ),
    ("-a = 1", "line 1, column 1: a sign is supported before numbers only: write 0 - path"),
    ("isdefined(a)", "line 1, column 1: unknown function `isdefined`: did you mean `IS_DEFINED`?"),
    ("NOW() > a", "line 1, column 1: unknown function `NOW`"),
    ("SUBSTRING(a) = 'b'", "line 1, column 1: SUBSTRING takes 2 or 3 arguments, found 1"),
    ("CONCAT(a) = 'b'", "line 1, column 1: CONCAT takes at least 2 arguments, found 1"),
    ("IS_DEFINED()", "line 1, column 1: IS_DEFINED takes 1 argument, found 0"),
    ("POWER(1, 2, 3) = 1", "line 1, column 1: POWER takes 2 arguments, found 3"),
    ("avg(a) = 1", "line 1, column 1: AVG is an aggregate: it belongs after SELECT, not into a condition"),
];

#[test]
fn queries_are_refused_with_place_and_words() {
    for (text, words) in QUERIES {
        assert_eq!(parse(text).map_err(|error| error.line_text()), Err((*words).to_owned()), "{text}");
    }
}

#[test]
fn conditions_are_refused_with_place_and_words() {
    for (text, words) in CONDITIONS {
        assert_eq!(parse_condition(text).map_err(|error| error.line_text()), Err((*words).to_owned()), "{text}");
    }
}

fn fault(text: &str) -> String {
    parse_condition(text).expect_err("beyond a bound").fault.to_string()
}

#[test]
fn bounds_are_held() {
    let deep = "more than 64 levels of expressions in one another";
    for text in [
        format!("{}a{}", "(".repeat(65), ")".repeat(65)),
        format!("{}a", "NOT ".repeat(65)),
        format!("a = {}1{}", "[".repeat(65), "]".repeat(65)),
        format!("{}a{}", "ABS(".repeat(65), ")".repeat(65)),
        vec!["1"; 65].join(" + "),
        vec!["1"; 65].join(" * "),
    ] {
        assert_eq!(fault(&text), deep, "{text}");
    }
    assert!(parse_condition(&format!("{}a{}", "(".repeat(64), ")".repeat(64))).is_ok());
    assert!(parse_condition(&format!("{}a", "NOT ".repeat(63))).is_ok());
    let list = format!("a IN [{}]", vec!["1"; 2049].join(","));
    assert_eq!(fault(&list), "more than 2048 operands, operators and list members");
    let elements = format!("SELECT {} FROM devices", vec!["a"; 2049].join(","));
    assert_eq!(parse(&elements).unwrap_err().fault.to_string(), "more than 2048 operands, operators and list members");
    let at_most = format!("a = '{}'", "ü".repeat(8192 - 6));
    assert!(parse_condition(&at_most).is_ok());
    assert_eq!(fault(&format!("{at_most} ")), "the query has 8193 characters, at most 8192 are allowed");
}

fn printed(result: Result<impl std::fmt::Debug, QueryError>) -> String {
    result.expect_err("no query").to_string()
}

#[test]
fn the_picture_marks_the_place() {
    let cases = [
        (
            "SELECT * FROM devices\r\n WHERE\ttags.ä = group AND b",
            "line 2, column 17: expected a value, found `group`\n WHERE tags.ä = group AND b\n                ^^^^^",
        ),
        (
            "SELECT * FROM",
            "line 1, column 14: expected devices, devices.modules or devices.jobs, found the end\nSELECT * FROM\n             ^",
        ),
        (
            "SELECT * FROM devices WHERE tags.a = 1 AND tags.b = 2 AND tags.c = 'unended string that runs on and on",
            "line 1, column 68: the string is not ended\ns.a = 1 AND tags.b = 2 AND tags.c = 'unended string that runs on and on\n                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
        ),
    ];
    for (text, picture) in cases {
        assert_eq!(printed(parse(text)), picture, "{text}");
    }
}
