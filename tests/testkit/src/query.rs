//! Random twins and random queries that have something to do with them: few names and few values, so that they meet.

mod condition;
mod document;

pub use condition::any_condition;
pub use document::{any_document, any_members};

use proptest::{
    collection::vec,
    option, prop_oneof,
    sample::{Index, select},
    strategy::{Just, Strategy},
};
use roadstead_query::{Aggregate, Column, Element, Path, Query, Select, Source};

const NAMES: [&str; 6] = ["a", "b", "A", "x-y", "group", "5"];
const STRINGS: [&str; 11] = ["", "a\0b", "a", "b", "A", "ab", "5", "-1.5", "true", "ä😀", "it's \\ \"so\""];
const NUMBERS: [f64; 9] = [0.0, 1.0, 2.0, 5.0, -1.0, 0.5, -1.5, 2.5, 4_294_967_296.0];

/// A path into [`any_document`], mostly to something that may be there.
pub fn any_path() -> impl Strategy<Value = Path> {
    let name = || select(NAMES.to_vec());
    let root = || select(vec!["tags", "tags", "properties.reported", "properties.desired"]);
    prop_oneof![
        8 => (root(), name()).prop_map(|(root, name)| path(&format!("{root}.{name}"))),
        2 => (root(), name()).prop_map(|(root, name)| path(&format!("{root}.group.{name}"))),
        1 => (root(), name(), name()).prop_map(|(root, outer, inner)| path(&format!("{root}.{outer}.{inner}"))),
        3 => select(vec!["deviceId", "status", "connectionState", "statusReason", "version", "tags", "missing"]).prop_map(path),
    ]
}

fn path(names: &str) -> Path {
    Path::new(names.split('.').map(str::to_owned).collect()).expect("every name can be written")
}

/// A query over devices or modules that [`parse`](roadstead_query::parse) would take.
pub fn any_query() -> impl Strategy<Value = Query> {
    let source = select(vec![Source::Devices, Source::Modules]);
    let top = option::weighted(0.3, 0..4_u64);
    (any_clauses(), source, option::of(any_condition()), top)
        .prop_map(|((select, group_by), source, condition, top)| Query { select, source, condition, group_by, top })
}

/// SELECT and GROUP BY that go together.
fn any_clauses() -> impl Strategy<Value = (Select, Vec<Path>)> {
    let paths = vec(any_path(), 1..4).prop_map(|paths| {
        let columns = paths.into_iter().map(Column::Path).collect();
        (elements(columns), Vec::new())
    });
    let aggregates = vec(any_aggregate(), 1..4);
    let shown = vec(proptest::arbitrary::any::<Index>(), 0..3);
    let grouped = (aggregates, vec(any_path(), 0..3), shown).prop_map(|(mut columns, group_by, shown)| {
        if !group_by.is_empty() {
            columns.extend(shown.iter().map(|index| Column::Path(index.get(&group_by).clone())));
        }
        (elements(columns), group_by)
    });
    prop_oneof![Just((Select::All, Vec::new())), paths, grouped]
}

fn any_aggregate() -> impl Strategy<Value = Column> {
    let of_path = select(vec![Aggregate::Avg as fn(Path) -> Aggregate, Aggregate::Sum, Aggregate::Min, Aggregate::Max]);
    let aggregate =
        prop_oneof![1 => Just(Aggregate::Count), 3 => (of_path, any_path()).prop_map(|(make, path)| make(path))];
    aggregate.prop_map(Column::Aggregate)
}

/// With aliases where two would show under one name.
fn elements(columns: Vec<Column>) -> Select {
    let plain = columns.iter().map(|value| Element { value: value.clone(), alias: None }).collect();
    let plain = Select::Elements(plain);
    let mut names: Vec<String> = plain.named().into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() == columns.len() {
        return plain;
    }
    let aliased = |(index, value)| Element { value, alias: Some(format!("c{index}")) };
    Select::Elements(columns.into_iter().enumerate().map(aliased).collect())
}
