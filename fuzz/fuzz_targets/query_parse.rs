//! A query or a condition from bytes: nothing panics, what is read prints as something that reads the same, and what is
//! refused can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roadstead_query::{eval, limits::QUERY_CHARS_MAX, parse, parse_condition};
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let twin = json!({"deviceId": "d", "version": 2, "tags": {"a": "ä", "b": [1]}, "properties": {"reported": {"a": 1.5}}});
    match parse(text) {
        Ok(query) => {
            // Spaces and escapes may make it longer than it came, too long even.
            let printed = query.to_string();
            if printed.chars().count() <= QUERY_CHARS_MAX {
                assert_eq!(parse(&printed).expect("what was printed"), query);
            }
            eval::run(&query, &[twin.clone()]);
        }
        Err(error) => assert!(error.to_string().starts_with(&error.line_text())),
    }
    if let Ok(condition) = parse_condition(text) {
        eval::selects(&condition, &twin);
    }
});
