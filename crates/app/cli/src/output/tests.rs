//! Each form of a few results.

use super::*;
use serde_json::json;

fn text(value: Value, format: Format, query: Option<&str>) -> String {
    let query = query.map(|text| Query::parse(text).unwrap());
    Printed::from(value).text(format, query.as_ref(), false).unwrap()
}

fn hub() -> Value {
    json!({
        "type": "Microsoft.Devices/IotHubs", "name": "plant", "location": "west", "etag": "e1", "id": "/subscriptions/s",
        "properties": {"hostName": "plant.localhost", "features": null, "on": true}, "tags": {}, "list": [],
        "sku": {"name": "S1", "capacity": 1},
    })
}

#[test]
fn json_is_sorted_and_indented() {
    insta::assert_snapshot!(text(hub(), Format::Json, None), @r#"
    {
      "etag": "e1",
      "id": "/subscriptions/s",
      "list": [],
      "location": "west",
      "name": "plant",
      "properties": {
        "features": null,
        "hostName": "plant.localhost",
        "on": true
      },
      "sku": {
        "capacity": 1,
        "name": "S1"
      },
      "tags": {},
      "type": "Microsoft.Devices/IotHubs"
    }
    "#);
    assert_eq!(text(hub(), Format::Jsonc, None), text(hub(), Format::Json, None));
    let coloured = Printed::from(json!({"a": ["b", 1]})).text(Format::Jsonc, None, true).unwrap();
    assert_eq!(
        coloured,
        "{\n  \u{1b}[94m\"a\"\u{1b}[0m: [\n    \u{1b}[33m\"b\"\u{1b}[0m,\n    \u{1b}[35m1\u{1b}[0m\n  ]\n}\n"
    );
}

#[test]
fn a_table_has_what_is_flat() {
    insta::assert_snapshot!(text(json!([hub(), {"name": "depot", "zone": "a"}]), Format::Table, None), @"
    Location  Name   Zone
    --------  -----  ----
    west      plant
              depot  a
    ");
    insta::assert_snapshot!(text(hub(), Format::Table, Some("{Host: properties.hostName, Tier: sku.name, Id: id, No: properties.features}")), @"
    Host             Tier  Id
    ---------------  ----  ----------------
    plant.localhost  S1    /subscriptions/s
    ");
    insta::assert_snapshot!(text(json!([["a", 1], ["bb"]]), Format::Table, None), @"
    Column1  Column2
    -------  -------
    a        1
    bb
    ");
    insta::assert_snapshot!(text(json!(["a\nb", true]), Format::Table, None), @"
    Result
    ------
    a b
    True
    ");
    assert_eq!(text(json!([]), Format::Table, None), "");
    let failure = Printed::from(json!([{"a": {}}])).text(Format::Table, None, false).unwrap_err().text(false);
    insta::assert_snapshot!(failure, @r#"
    error: the result has nothing that fits into a table

    hint: choose columns with `--query`, such as `--query "[].{Name: name}"`
    "#);
}

#[test]
fn a_table_of_the_commands_choice_gives_way_to_the_users() {
    let printed = || Printed::from(json!([{"name": "g", "location": "w"}])).table("[].{Name:name, Where:location}");
    insta::assert_snapshot!(printed().text(Format::Table, None, false).unwrap(), @"
    Name  Where
    ----  -----
    g     w
    ");
    let query = Query::parse("[].location").unwrap();
    insta::assert_snapshot!(printed().text(Format::Table, Some(&query), false).unwrap(), @"
    Result
    ------
    w
    ");
    assert_eq!(printed().text(Format::Tsv, None, false).unwrap(), "w\tg\n");
}

#[test]
fn tabs_between_values() {
    for (value, query, expected) in [
        (json!({"connectionString": "HostName=h;x=y"}), None, "HostName=h;x=y\n"),
        (json!({"b": 1, "a": null, "c": [1, 2], "d": {"e": 1}, "f": false}), None, "None\t1\t2\t\tFalse\n"),
        (json!([{"b": 1, "a": 2}, {"b": 3, "a": 4}]), Some("[].{b:b, a:a}"), "1\t2\n3\t4\n"),
        (json!({"x": true}), Some("x"), "true\n"),
        (json!({"x": "0ne1"}), Some("x"), "0ne1\n"),
        (json!(["a", "b"]), None, "a\nb\n"),
        (json!([]), None, ""),
        (json!({"x": 1}), Some("absent"), ""),
    ] {
        assert_eq!(text(value.clone(), Format::Tsv, query), expected, "{value} {query:?}");
    }
}

#[test]
fn yaml_quotes_what_would_be_something_else() {
    let value = json!({
        "b": ["yes", "a: b", "it's", "", " x", "2026-11-21", "~", "0x1", "hü", "name with blanks", 1, null, {"c": 1.5, "a": true}, [], [1, ["x"]]],
        "a": {"e": {}, "d": "x\ny", "on": "Microsoft.Devices/IotHubs"},
    });
    insta::assert_snapshot!(text(value, Format::Yaml, None), @r#"
    a:
      d: "x\ny"
      e: {}
      'on': Microsoft.Devices/IotHubs
    b:
    - 'yes'
    - 'a: b'
    - 'it''s'
    - ''
    - ' x'
    - '2026-11-21'
    - '~'
    - '0x1'
    - 'hü'
    - name with blanks
    - 1
    - null
    - a: true
      c: 1.5
    - []
    - - 1
      - - x
    "#);
}

#[test]
fn nothing_is_printed_as_nothing() {
    for format in [Format::Json, Format::Jsonc, Format::Table, Format::Tsv, Format::Yaml, Format::None] {
        assert_eq!(Printed::nothing().text(format, None, true).unwrap(), "");
        assert_eq!(text(Value::Null, format, None), "");
    }
    assert_eq!(text(hub(), Format::None, None), "");
}
