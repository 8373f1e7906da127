//! Random twins. What a name mostly holds is known, so that conditions can ask for it: `a` and `A` a number, `b` a
//! string, `x-y` a boolean or null, `group` an object, `5` anything.

use super::{NUMBERS, STRINGS};
use proptest::{
    collection::vec,
    option, prop_oneof,
    sample::select,
    strategy::{BoxedStrategy, Just, Strategy},
};
use serde_json::{Map, Value, json};

/// What a section of a twin may hold: `{"a":1,"group":{"b":"A"},"x-y":true}`. Whole numbers are written as `1` or as `1.0`.
pub fn any_members() -> impl Strategy<Value = Map<String, Value>> {
    let inner = members(Just(json!({})).boxed()).prop_map(Value::Object);
    members(prop_oneof![3 => inner, 1 => Just(json!({}))].boxed())
}

/// A device's twin as the service API shows it, without `$metadata`.
pub fn any_document() -> impl Strategy<Value = Value> {
    let status = select(vec!["enabled", "disabled"]);
    (select(STRINGS.to_vec()), status, 1..5_i64, any_members(), any_members(), any_members()).prop_map(
        |(id, status, version, tags, desired, reported)| {
            json!({
                "deviceId": id, "status": status, "statusReason": null, "version": version, "tags": tags,
                "properties": {"desired": desired, "reported": reported},
            })
        },
    )
}

fn members(object: BoxedStrategy<Value>) -> impl Strategy<Value = Map<String, Value>> {
    let mostly = |usual: BoxedStrategy<Value>| option::weighted(0.7, prop_oneof![8 => usual, 2 => any_value(&object)]);
    let switch = prop_oneof![2 => proptest::bool::ANY.prop_map(Value::from), 1 => Just(Value::Null)].boxed();
    let values = (
        (mostly(number()), mostly(number()), mostly(string())),
        (mostly(switch), mostly(object.clone()), option::of(any_value(&object))),
    );
    values.prop_map(|((a, upper_a, b), (x_y, group, five))| {
        let members = [("a", a), ("A", upper_a), ("b", b), ("x-y", x_y), ("group", group), ("5", five)];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    })
}

fn any_value(object: &BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        3 => number(),
        3 => string(),
        2 => proptest::bool::ANY.prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    let list = vec(leaf.clone(), 0..3).prop_map(Value::Array);
    prop_oneof![6 => leaf, 1 => list, 1 => object.clone()].boxed()
}

fn number() -> BoxedStrategy<Value> {
    let whole = |value: f64| if value.fract() == 0.0 { Value::from(value as i64) } else { Value::from(value) };
    let numbers = select(NUMBERS.to_vec());
    prop_oneof![3 => numbers.clone().prop_map(whole), 1 => numbers.prop_map(Value::from)].boxed()
}

fn string() -> BoxedStrategy<Value> {
    select(STRINGS.to_vec()).prop_map(Value::from).boxed()
}
