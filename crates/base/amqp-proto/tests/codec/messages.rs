//! Messages as clients send them, and as the writer puts them together.

use roadstead_amqp_proto::Value;
use roadstead_amqp_proto::message::{
    BATCH_FORMAT, Body, Header, Message, MessageId, MessageWriter, Properties, Section, Sections, read_batch,
};

#[test]
fn every_section_in_order() {
    let mut bytes = b"before".to_vec();
    let mut writer = MessageWriter::new(&mut bytes);
    let header = Header { durable: true, ttl_ms: Some(5), delivery_count: 2, ..Header::default() };
    let properties = Properties {
        message_id: Some(MessageId::Ulong(0)),
        user_id: Some(b"hub"),
        to: Some("/to"),
        correlation_id: Some(MessageId::Uuid([7; 16])),
        content_type: Some("application/json"),
        absolute_expiry_time: Some(-1),
        group_sequence: Some(3),
        ..Properties::default()
    };
    writer.header(&header);
    writer.delivery_annotations(|map| map.long("last", -5));
    writer.message_annotations(|map| {
        map.long("sequence", 5);
        map.string("offset", "4520");
        map.timestamp("time", 1_700_000_000_000);
    });
    writer.properties(&properties);
    writer.application_properties(|map| {
        map.int("status-code", 200);
        map.null("nothing");
        map.value("list", &Value::List(vec![]));
    });
    writer.data(b"{\"t\":21}");
    writer.footer(|map| map.boolean("end", true));

    let bytes = &bytes[6..];
    let message = Message::decode(bytes).unwrap();
    assert_eq!((message.header, message.properties), (Some(header), properties));
    assert_eq!(format!("{:?}", message.delivery_annotations), r#"{Symbol("last"): Long(-5)}"#);
    assert_eq!(
        format!("{:?}", message.message_annotations),
        r#"{Symbol("sequence"): Long(5), Symbol("offset"): String("4520"), Symbol("time"): Timestamp(1700000000000)}"#
    );
    assert_eq!(
        format!("{:?}", message.application_properties),
        r#"{String("status-code"): Int(200), String("nothing"): Null, String("list"): List([])}"#
    );
    assert_eq!(format!("{:?}", message.footer), r#"{Symbol("end"): Boolean(true)}"#);
    let Body::Data(data) = message.body else { panic!("{:?}", message.body) };
    assert_eq!(data.single(), Some(&b"{\"t\":21}"[..]));
    assert!(bytes.as_ptr_range().contains(&data.single().unwrap().as_ptr()), "the payload is not copied");
}

#[test]
fn lists_in_a_message_have_every_field() {
    let mut bytes = Vec::new();
    MessageWriter::new(&mut bytes).properties(&Properties { subject: Some("s"), ..Properties::default() });
    assert_eq!(bytes, [b"\0\x53\x73\xc0\x10\x0d\x40\x40\x40\xa1\x01s".as_slice(), &[0x40; 9]].concat());
    bytes.clear();
    MessageWriter::new(&mut bytes).header(&Header::default());
    assert_eq!(bytes, b"\0\x53\x70\xc0\x07\x05\x42\x50\x04\x40\x42\x43");
}

/// The C SDK puts the annotations behind the properties.
#[test]
fn sections_come_in_any_order() {
    let bytes = b"\0\x53\x73\x45\0\x53\x74\xc1\x01\0\0\x53\x72\xc1\x05\x02\xa3\x01k\x41\0\x53\x75\xa0\x02hi";
    let message = Message::decode(bytes).unwrap();
    assert_eq!(message.message_annotations.len(), 1);
    let Body::Data(data) = message.body else { panic!() };
    assert_eq!(data.single(), Some(&b"hi"[..]));
}

#[test]
fn bodies() {
    assert_eq!(Message::decode(b"").unwrap(), Message::default());

    let Body::Value(value) = Message::decode(b"\0\x53\x77\xa1\x02hi").unwrap().body else { panic!() };
    assert_eq!(value.as_text(), Some("hi"));

    let bytes = b"\0\x53\x75\xa0\x01a\0\x53\x72\xc1\x01\0\0\x53\x75\xa0\x01b";
    let Body::Data(data) = Message::decode(bytes).unwrap().body else { panic!() };
    assert_eq!((data.count(), data.single()), (2, None));
    assert_eq!(data.pieces().collect::<Vec<_>>(), [b"a", b"b"]);

    let mut bytes = Vec::new();
    let mut writer = MessageWriter::new(&mut bytes);
    writer.sequence(&[Value::Null]);
    writer.sequence(&[]);
    let Body::Sequence(lists) = Message::decode(&bytes).unwrap().body else { panic!() };
    assert_eq!((lists.count(), lists.single()), (2, None));
    assert_eq!(lists.lists().map(|list| list.len()).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn an_identifier_keeps_its_type() {
    let ids = [MessageId::Ulong(0), MessageId::Uuid([1; 16]), MessageId::Binary(b"x"), MessageId::String("x")];
    for id in ids {
        let mut bytes = Vec::new();
        let properties = Properties { correlation_id: Some(id), ..Properties::default() };
        MessageWriter::new(&mut bytes).properties(&properties);
        let read = Message::decode(&bytes).unwrap().properties;
        assert_eq!(read, properties);
        let kept = read.correlation_id.unwrap().to_value();
        assert_eq!(MessageId::of(&kept), Some(id));
    }
    assert_eq!(MessageId::of(&Value::Uint(0)), None);
}

#[test]
fn batches() {
    assert_eq!(BATCH_FORMAT, 0x8001_3700);
    let mut bytes = Vec::new();
    let mut batch = MessageWriter::new(&mut bytes);
    batch.message_annotations(|_| {});
    for text in ["one", "two"] {
        batch.data_with(|out| {
            let mut message = MessageWriter::new(out);
            message.application_properties(|map| map.string("name", text));
            message.data(text.as_bytes());
        });
    }
    let names: Vec<_> = read_batch(&bytes)
        .unwrap()
        .map(|bytes| Message::decode(bytes).unwrap().application_properties.find("name").unwrap().to_value())
        .collect();
    assert_eq!(names, [Value::string("one"), Value::string("two")]);
}

#[test]
fn sections_one_by_one() {
    let mut sections = Sections::new(b"\0\x53\x73\x45\0\x53\x77\x41");
    assert_eq!(sections.read(), Ok(Some(Section::Properties(Properties::default()))));
    assert!(matches!(sections.read(), Ok(Some(Section::Value(_)))));
    assert_eq!(sections.read(), Ok(None));
}
