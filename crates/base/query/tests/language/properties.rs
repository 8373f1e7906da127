//! What holds for every query, every document and every text.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use roadstead_query::eval::{Datum, evaluate, run, selects};
use roadstead_query::limits::EXCERPT_CHARS_MAX;
use roadstead_query::{Comparison, Constant, Expr, Path, Query, QueryError, Select, parse, parse_condition};
use roadstead_testkit::query::{any_condition, any_document, any_path, any_query};
use serde_json::{Value, json};

/// Pieces that come near to a query.
const PIECES: [&str; 44] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "TOP",
    "AS",
    "AND",
    "OR",
    "NOT",
    "IN",
    "NIN",
    "null",
    "undefined",
    "true",
    "devices",
    "devices.jobs",
    "tags.a",
    "COUNT()",
    "AVG(",
    "IS_DEFINED(",
    "CONCAT(",
    "LIKE",
    "(",
    ")",
    "[",
    "]",
    "[[",
    "]]",
    ",",
    ".",
    "*",
    "=",
    "<>",
    "-",
    "%",
    "5",
    "0x1f",
    "1e5",
    "'a'",
    "\"",
    "'",
    "\\u00",
    "ä\n",
];

fn check_error(text: &str, error: &QueryError) -> Result<(), TestCaseError> {
    let printed = error.to_string();
    let lines: Vec<&str> = printed.lines().collect();
    prop_assert_eq!(lines.len(), 3, "{}", printed);
    prop_assert!(lines[1..].iter().all(|line| line.chars().count() <= EXCERPT_CHARS_MAX + 1), "{}", printed);
    prop_assert!(lines[2].ends_with('^'));
    prop_assert!((1..=text.matches('\n').count() + 1).contains(&error.line));
    let line = text.split('\n').nth(error.line - 1).unwrap_or("");
    prop_assert!((1..=line.chars().count() + 1).contains(&error.column), "{}", printed);
    prop_assert_eq!(lines[0], error.line_text());
    Ok(())
}

/// Whatever is read prints as something that reads the same, and evaluates; whatever is not shows the place.
fn check_text(text: &str) -> Result<(), TestCaseError> {
    match parse(text) {
        Ok(query) => {
            prop_assert_eq!(&parse(&query.to_string()).expect("what was printed"), &query);
            run(&query, &[json!({"tags": {"a": "ä"}})]);
        }
        Err(error) => check_error(text, &error)?,
    }
    match parse_condition(text) {
        Ok(condition) => {
            prop_assert_eq!(&parse_condition(&condition.to_string()).expect("what was printed"), &condition);
            selects(&condition, &json!({"tags": {"a": "ä"}}));
        }
        Err(error) => check_error(text, &error)?,
    }
    Ok(())
}

fn any_name() -> impl Strategy<Value = String> {
    let written = |name: &String| !name.is_empty() && !name.contains("]]") && !name.ends_with(']');
    prop_oneof![any::<String>(), "[a-zA-Z$_0-9]{1,6}", select(PIECES.to_vec()).prop_map(str::to_owned)]
        .prop_filter("names that can be written", written)
}

fn counted(query: &str, condition: Expr, documents: &[Value]) -> Value {
    let query = Query { condition: Some(condition), ..parse(query).expect("a query") };
    run(&query, documents)[0]["n"].clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_it_panic(text: String) {
        check_text(&text)?;
    }

    #[test]
    fn nothing_near_a_query_makes_it_panic(pieces in vec(select(PIECES.to_vec()), 0..24), glue in select(vec![" ", ""])) {
        check_text(&pieces.join(glue))?;
        check_text(&format!("SELECT * FROM devices WHERE {}", pieces.join(glue)))?;
    }

    #[test]
    fn queries_read_as_they_print(query in any_query()) {
        prop_assert_eq!(parse(&query.to_string()), Ok(query));
    }

    #[test]
    fn conditions_read_as_they_print(condition in any_condition()) {
        prop_assert_eq!(parse_condition(&condition.to_string()), Ok(condition));
    }

    #[test]
    fn any_constant_and_any_path_read_as_they_print(names in vec(any_name(), 1..4), text: String, number: f64) {
        let path = Expr::Path(Path::new(names).expect("names that can be written"));
        prop_assert_eq!(parse_condition(&path.to_string()), Ok(path));
        let text = Expr::Constant(Constant::String(text));
        prop_assert_eq!(parse_condition(&text.to_string()), Ok(text));
        if number.is_finite() {
            let number = Expr::Constant(Constant::Number(number));
            prop_assert_eq!(parse_condition(&number.to_string()), Ok(number));
        }
    }

    #[test]
    fn a_document_is_selected_or_excluded_or_neither(condition in any_condition(), document in any_document()) {
        let not = Expr::Not(Box::new(condition.clone()));
        let known = matches!(evaluate(&condition, &document), Datum::Bool(_));
        prop_assert_eq!(u8::from(selects(&condition, &document)) + u8::from(selects(&not, &document)), u8::from(known));
    }

    #[test]
    fn in_is_or_of_equals_and_nin_its_opposite(left in any_condition(), list in vec(select(vec![1.0, 2.0, 5.0]), 1..4), document in any_document()) {
        let list: Vec<Constant> = list.into_iter().map(Constant::Number).chain([Constant::String("a".to_owned())]).collect();
        let equals = |it: &Constant| Expr::Compare(Comparison::Equal, Box::new(left.clone()), Box::new(Expr::Constant(it.clone())));
        let or = Expr::Or(list.iter().map(equals).collect());
        let within = Expr::In(Box::new(left.clone()), list.clone());
        prop_assert_eq!(evaluate(&within, &document), evaluate(&or, &document));
        let (without, not) = (Expr::NotIn(Box::new(left), list), Expr::Not(Box::new(or)));
        prop_assert_eq!(evaluate(&without, &document), evaluate(&not, &document));
    }

    #[test]
    fn opposite_comparisons_are_opposite(left in any_condition(), right in any_condition(), document in any_document()) {
        let pair = |it| Expr::Compare(it, Box::new(left.clone()), Box::new(right.clone()));
        for (one, other) in [(Comparison::Equal, Comparison::NotEqual), (Comparison::Less, Comparison::GreaterOrEqual)] {
            let (opposite, not) = (pair(other), Expr::Not(Box::new(pair(one))));
            prop_assert_eq!(evaluate(&opposite, &document), evaluate(&not, &document));
        }
    }

    #[test]
    fn groups_and_counts_add_up(condition in any_condition(), path in any_path(), documents in vec(any_document(), 0..8)) {
        let selected = documents.iter().filter(|it| selects(&condition, it)).count();
        prop_assert_eq!(counted("SELECT COUNT() AS n FROM devices", condition.clone(), &documents), json!(selected));
        let mut query = parse("SELECT COUNT() AS n FROM devices").expect("a query");
        query.condition = Some(condition);
        query.group_by = vec![path];
        let groups = run(&query, &documents);
        prop_assert!(groups.len() <= selected);
        prop_assert_eq!(groups.iter().filter_map(|row| row["n"].as_u64()).sum::<u64>(), selected as u64);
    }

    #[test]
    fn top_cuts_and_rows_are_objects_of_the_names(query in any_query(), documents in vec(any_document(), 0..8)) {
        let rows = run(&query, &documents);
        let whole = run(&Query { top: None, ..query.clone() }, &documents);
        prop_assert_eq!(&rows[..], &whole[..rows.len()]);
        prop_assert_eq!(rows.len() as u64, query.top.unwrap_or(u64::MAX).min(whole.len() as u64));
        let names: Vec<String> = query.select.named().into_iter().map(|(name, _)| name).collect();
        for row in rows.iter().filter(|_| query.select != Select::All) {
            let row = row.as_object().expect("an object");
            prop_assert!(row.keys().all(|name| names.contains(name)));
        }
    }
}
