//! Every constructor of the type system, read, and written in its shortest form.

use roadstead_amqp_proto::{Array, Map, Value, ValueRef};

fn symbol(text: &str) -> Value {
    Value::symbol(text)
}

#[test]
fn every_constructor_reads() {
    let cases: Vec<(&[u8], Value)> = vec![
        (b"\x40", Value::Null),
        (b"\x41", Value::Boolean(true)),
        (b"\x42", Value::Boolean(false)),
        (b"\x56\x01", Value::Boolean(true)),
        (b"\x56\x00", Value::Boolean(false)),
        (b"\x50\xff", Value::Ubyte(255)),
        (b"\x60\x01\x02", Value::Ushort(0x102)),
        (b"\x43", Value::Uint(0)),
        (b"\x52\xff", Value::Uint(255)),
        (b"\x70\x01\x02\x03\x04", Value::Uint(0x0102_0304)),
        (b"\x44", Value::Ulong(0)),
        (b"\x53\xff", Value::Ulong(255)),
        (b"\x80\x01\x02\x03\x04\x05\x06\x07\x08", Value::Ulong(0x0102_0304_0506_0708)),
        (b"\x51\xff", Value::Byte(-1)),
        (b"\x61\xff\xfe", Value::Short(-2)),
        (b"\x54\x80", Value::Int(-128)),
        (b"\x71\xff\xff\xff\x7f", Value::Int(-129)),
        (b"\x55\xff", Value::Long(-1)),
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\x7f", Value::Long(-129)),
        (b"\x72\x3f\x80\x00\x00", Value::Float(1.0)),
        (b"\x82\x3f\xf0\x00\x00\x00\x00\x00\x00", Value::Double(1.0)),
        (b"\x74abcd", Value::Decimal32(*b"abcd")),
        (b"\x84abcdefgh", Value::Decimal64(*b"abcdefgh")),
        (b"\x94abcdefghijklmnop", Value::Decimal128(*b"abcdefghijklmnop")),
        (b"\x73\x00\x01\xf6\x00", Value::Char('😀')),
        (b"\x83\x00\x00\x01\x75\x5d\x05\x22\xa0", Value::Timestamp(1_603_583_419_040)),
        (b"\x98abcdefghijklmnop", Value::Uuid(*b"abcdefghijklmnop")),
        (b"\xa0\x02\x00\xff", Value::Binary([0, 255].into())),
        (b"\xb0\x00\x00\x00\x01x", Value::Binary([b'x'].into())),
        (b"\xa1\x02\xc3\xa9", Value::string("é")),
        (b"\xb1\x00\x00\x00\x01x", Value::string("x")),
        (b"\xa3\x01x", symbol("x")),
        (b"\xb3\x00\x00\x00\x01x", symbol("x")),
        (b"\x45", Value::List(vec![])),
        (b"\xc0\x01\x00", Value::List(vec![])),
        (b"\xc0\x03\x02\x40\x41", Value::List(vec![Value::Null, Value::Boolean(true)])),
        (b"\xd0\x00\x00\x00\x05\x00\x00\x00\x01\x40", Value::List(vec![Value::Null])),
        (b"\xc1\x01\x00", Value::Map(Map::default())),
        (b"\xc1\x05\x02\xa3\x01k\x43", Value::Map(Map(vec![(symbol("k"), Value::Uint(0))]))),
        (b"\xd1\x00\x00\x00\x06\x00\x00\x00\x02\x43\x44", Value::Map(Map(vec![(Value::Uint(0), Value::Ulong(0))]))),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Value::decode(bytes), Ok(expected), "{bytes:02x?}");
    }
}

#[test]
fn arrays_and_described_values() {
    let array = |values| Value::Array(Array::new(values).unwrap());
    let described = |descriptor, value| Value::Described(Box::new((descriptor, value)));
    let cases: [(&[u8], Value); 9] = [
        (b"\xe0\x06\x02\x60\x00\x01\x00\x02", array(vec![Value::Ushort(1), Value::Ushort(2)])),
        (b"\xe0\x06\x02\xa3\x01a\x01b", array(vec![symbol("a"), symbol("b")])),
        (b"\xf0\x00\x00\x00\x08\x00\x00\x00\x01\xa1\x02ab", array(vec![Value::string("ab")])),
        (b"\xe0\x04\x02\x56\x01\x00", array(vec![Value::Boolean(true), Value::Boolean(false)])),
        (b"\xe0\x02\x03\x43", array(vec![Value::Uint(0); 3])),
        (b"\xe0\x02\x00\xa3", array(vec![])),
        (b"\xe0\x06\x02\xc0\x01\x00\x01\x00", array(vec![Value::List(vec![]), Value::List(vec![])])),
        (b"\x00\x53\x24\x45", described(Value::Ulong(0x24), Value::List(vec![]))),
        // An array of two described strings: the descriptor stands once.
        (
            b"\xe0\x0b\x02\x00\xa3\x01d\xa1\x01a\x02bc",
            array(vec![described(symbol("d"), Value::string("a")), described(symbol("d"), Value::string("bc"))]),
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Value::decode(bytes), Ok(expected), "{bytes:02x?}");
    }
}

#[test]
fn values_are_written_in_their_shortest_form() {
    let long = "x".repeat(256);
    let cases: Vec<(Value, Vec<u8>)> = vec![
        (Value::Uint(0), b"\x43".to_vec()),
        (Value::Uint(255), b"\x52\xff".to_vec()),
        (Value::Uint(256), b"\x70\x00\x00\x01\x00".to_vec()),
        (Value::Ulong(0), b"\x44".to_vec()),
        (Value::Int(-128), b"\x54\x80".to_vec()),
        (Value::Int(128), b"\x71\x00\x00\x00\x80".to_vec()),
        (Value::Long(127), b"\x55\x7f".to_vec()),
        (Value::Boolean(false), b"\x42".to_vec()),
        (Value::List(vec![]), b"\x45".to_vec()),
        (Value::Map(Map::default()), b"\xc1\x01\x00".to_vec()),
        (Value::string(&long), [b"\xb1\x00\x00\x01\x00", long.as_bytes()].concat()),
        (Value::List(vec![Value::Null; 254]), [&b"\xc0\xff\xfe"[..], &[0x40; 254]].concat()),
        (Value::List(vec![Value::Null; 255]), [&b"\xd0\0\0\x01\x03\0\0\0\xff"[..], &[0x40; 255]].concat()),
        (Value::Array(Array::default()), b"\xe0\x02\x00\x40".to_vec()),
        (Value::Array(Array::new(vec![symbol("a"), symbol("b")]).unwrap()), b"\xe0\x06\x02\xa3\x01a\x01b".to_vec()),
        (symbol("naïve"), b"\xa3\x05na?ve".to_vec()),
    ];
    for (value, expected) in cases {
        let mut out = Vec::new();
        value.encode(&mut out);
        assert_eq!(out, expected, "{value:?}");
    }
}

#[test]
fn arrays_are_of_one_type() {
    let described = |descriptor, value| Value::Described(Box::new((descriptor, value)));
    assert_eq!(Array::new(vec![Value::Uint(1), Value::Ulong(1)]), None);
    assert_eq!(Array::new(vec![symbol("a"), Value::string("a")]), None);
    assert_eq!(Array::new(vec![described(symbol("a"), Value::Null), described(symbol("b"), Value::Null)]), None);
    assert_eq!(Array::new(vec![described(symbol("a"), described(symbol("b"), Value::Null))]), None);
}

#[test]
fn maps_are_searched_by_string_or_symbol() {
    let bytes = b"\xc1\x0c\x06\x52\x01\x40\xa3\x01k\x43\xa1\x01s\x41";
    let ValueRef::Map(map) = ValueRef::decode(bytes).unwrap() else { panic!("{bytes:02x?}") };
    assert_eq!((map.len(), map.is_empty()), (3, false));
    assert_eq!(map.find("k"), Some(ValueRef::Uint(0)));
    assert_eq!(map.find("s"), Some(ValueRef::Boolean(true)));
    assert_eq!(map.find("t"), None);
}

#[test]
fn borrowed_values_copy_nothing() {
    let bytes = b"\xc0\x08\x02\xa0\x02hi\xa1\x01s";
    let ValueRef::List(list) = ValueRef::decode(bytes).unwrap() else { panic!() };
    let values: Vec<_> = list.values().collect();
    let ValueRef::Binary(hi) = values[0] else { panic!() };
    assert_eq!((hi.as_ptr(), hi), (bytes[5..].as_ptr(), &b"hi"[..]));
    assert_eq!(values[1], ValueRef::String("s"));
}
