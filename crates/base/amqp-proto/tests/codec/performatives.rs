//! Performatives as clients and servers in the field write them, and at full length as we do.

use roadstead_amqp_proto::frame::first_frame;
use roadstead_amqp_proto::sasl::{SaslInit, SaslRequest, SaslResponse};
use roadstead_amqp_proto::{
    AmqpError, Attach, Begin, Close, DeliveryState, Detach, Disposition, End, Flow, Map, Modified, Open, Performative,
    ReceiverSettleMode, Role, SenderSettleMode, Source, Target, Transfer, Value,
};

fn decode(body: &[u8]) -> Performative<'_> {
    let (performative, payload) = Performative::decode(body).unwrap();
    assert_eq!(payload, b"");
    performative
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Frames that azure-eventhub for Python 5.15.1 is known to read.
#[test]
fn frames_of_full_length() {
    let frame = |text: &str| {
        let bytes = hex(text);
        let (frame, len) = first_frame(&bytes, 1024).unwrap().unwrap();
        assert_eq!(len, bytes.len());
        format!("{:?}", decode(frame.body))
    };
    let open = "0000002902000000 005310 c01c0a a10672732d687562 40 7000010000 601fff 700003a980 40 40 40 40 40";
    let expected =
        Open { max_frame_size: 65536, channel_max: 8191, idle_time_out_ms: Some(240_000), ..Open::new("rs-hub") };
    assert_eq!(frame(open), format!("{:?}", Performative::Open(Box::new(expected))));

    let begin = "0000002202000000 005311 c01508 600000 5201 7000000800 7000000800 52ff 40 40 40";
    let expected = Begin {
        remote_channel: Some(0),
        next_outgoing_id: 1,
        incoming_window: 2048,
        outgoing_window: 2048,
        handle_max: 255,
        offered_capabilities: vec![],
        desired_capabilities: vec![],
        properties: Map::default(),
    };
    assert_eq!(frame(begin), format!("{:?}", Performative::Begin(Box::new(expected))));

    let attach =
        "0000004802000000 005312 c03b0e a1026c32 5201 42 5002 5000 005328c0110b a10424636273 40404040404040404040
        005329c00d07 a10424636273 404040404040 40 40 43 44 40 40 40";
    let expected = Attach {
        source: Some(Source::new("$cbs")),
        target: Some(Target::new("$cbs")),
        max_message_size: Some(0),
        ..Attach::new("l2", 1, Role::Sender)
    };
    assert_eq!(frame(attach), format!("{:?}", Performative::Attach(Box::new(expected))));

    let flow = "0000002302000000 005313 c0160b 43 7000000800 5201 7000000800 43 43 5264 40 40 42 40";
    let expected = Flow {
        next_incoming_id: Some(0),
        incoming_window: 2048,
        next_outgoing_id: 1,
        outgoing_window: 2048,
        handle: Some(0),
        delivery_count: Some(0),
        link_credit: Some(100),
        ..Flow::default()
    };
    assert_eq!(frame(flow), format!("{:?}", Performative::Flow(expected)));
}

#[test]
fn fields_may_be_left_out_at_the_end() {
    assert_eq!(decode(b"\0\x53\x18\x45"), Performative::Close(Close { error: None }));
    assert_eq!(decode(b"\0\x53\x17\xc0\x01\0"), Performative::End(End { error: None }));
    let detach = Detach { handle: 0, closed: false, error: None };
    assert_eq!(decode(b"\0\x53\x16\xc0\x02\x01\x43"), Performative::Detach(detach));
    assert_eq!(decode(b"\0\x53\x10\xc0\x04\x01\xa1\x01c"), Performative::Open(Box::new(Open::new("c"))));
    let attach = Attach { snd_settle_mode: SenderSettleMode::Mixed, ..Attach::new("l", 3, Role::Receiver) };
    assert_eq!(decode(b"\0\x53\x12\xc0\x07\x03\xa1\x01l\x52\x03\x41"), Performative::Attach(Box::new(attach)));
}

#[test]
fn descriptors_come_in_every_form() {
    let close = Performative::Close(Close { error: None });
    assert_eq!(decode(b"\0\x80\0\0\0\0\0\0\0\x18\x45"), close);
    assert_eq!(decode(b"\0\xa3\x0famqp:close:list\x45"), close);
}

#[test]
fn symbols_and_strings_stand_for_one_another() {
    // The container id as a symbol, the condition of an error as a string.
    assert_eq!(decode(b"\0\x53\x10\xc0\x04\x01\xa3\x01c"), Performative::Open(Box::new(Open::new("c"))));
    let error = AmqpError { condition: "x".into(), description: None, info: Map::default() };
    let end = decode(b"\0\x53\x17\xc0\x0a\x01\0\x53\x1d\xc0\x04\x01\xa1\x01x");
    assert_eq!(end, Performative::End(End { error: Some(error) }));
}

#[test]
fn capabilities_are_one_symbol_or_many() {
    let open = |capabilities: &[&str]| {
        let offered_capabilities = capabilities.iter().map(|&text| text.into()).collect();
        Performative::Open(Box::new(Open { offered_capabilities, ..Open::new("c") }))
    };
    assert_eq!(decode(b"\0\x53\x10\xc0\x0d\x08\xa1\x01c\x40\x40\x40\x40\x40\x40\xa3\x01a"), open(&["a"]));
    assert_eq!(
        decode(b"\0\x53\x10\xc0\x12\x08\xa1\x01c\x40\x40\x40\x40\x40\x40\xe0\x06\x02\xa3\x01a\x01b"),
        open(&["a", "b"])
    );
}

#[test]
fn a_coordinator_is_told_from_a_target() {
    let body = b"\0\x53\x12\xc0\x0d\x07\xa1\x01l\x43\x42\x40\x40\x40\0\x53\x30\x45";
    let Performative::Attach(attach) = decode(body) else { panic!() };
    assert_eq!((attach.coordinator, attach.target), (true, None));
}

#[test]
fn filters_are_found_by_key_and_by_descriptor() {
    const NAME: &str = "x:selector-filter:string";
    const CODE: u64 = 0x0000_468c_0000_0004;
    let described = |descriptor| Value::Described(Box::new((descriptor, Value::string("a > '1'"))));
    let entries = [
        (Value::symbol(NAME), described(Value::symbol(NAME))),
        (Value::symbol("other"), described(Value::Ulong(CODE))),
        (Value::symbol("selector"), described(Value::symbol(NAME))),
        (Value::symbol(NAME), Value::string("a > '1'")),
    ];
    for entry in entries {
        let source = Source { filter: Map(vec![entry]), ..Source::default() };
        assert_eq!(source.find_filter(NAME, CODE), Some(&Value::string("a > '1'")), "{source:?}");
    }
    let source = Source { filter: Map(vec![(Value::symbol("o"), described(Value::Ulong(1)))]), ..Source::default() };
    assert_eq!(source.find_filter(NAME, CODE), None);
}

#[test]
fn a_transfer_and_its_payload() {
    // As rhea writes it, with nulls left out; the payload is what is behind the list.
    let body = b"\0\x53\x14\xc0\x08\x05\x43\x43\xa0\x01\x30\x43\x42payload";
    let (performative, payload) = Performative::decode(body).unwrap();
    let transfer = Transfer {
        handle: 0,
        delivery_id: Some(0),
        delivery_tag: Some(b"0"),
        message_format: Some(0),
        settled: Some(false),
        ..Transfer::default()
    };
    assert_eq!((performative, payload), (Performative::Transfer(transfer), &b"payload"[..]));
}

#[test]
fn delivery_states() {
    let error = AmqpError { condition: "c".into(), description: None, info: Map::default() };
    let other = Value::Described(Box::new((Value::Ulong(0x34), Value::List(vec![Value::Binary([1].into())]))));
    let cases: [(&[u8], DeliveryState); 9] = [
        (b"\0\x53\x24\x45", DeliveryState::Accepted),
        (b"\0\x53\x24\xc0\x01\0", DeliveryState::Accepted),
        (b"\0\x53\x26\xd0\0\0\0\x04\0\0\0\0", DeliveryState::Released),
        (b"\0\x53\x25\x45", DeliveryState::Rejected(None)),
        (b"\0\x53\x25\xc0\x0a\x01\0\x53\x1d\xc0\x04\x01\xa3\x01c", DeliveryState::Rejected(Some(Box::new(error)))),
        (b"\0\x53\x27\x45", DeliveryState::Modified(Box::default())),
        (
            b"\0\x53\x27\xc0\x03\x02\x41\x42",
            DeliveryState::Modified(Box::new(Modified { delivery_failed: true, ..Modified::default() })),
        ),
        (b"\0\x53\x23\xc0\x03\x02\x43\x44", DeliveryState::Received { section_number: 0, section_offset: 0 }),
        (b"\0\x53\x34\xc0\x04\x01\xa0\x01\x01", DeliveryState::Other(Box::new(other))),
    ];
    for (state, expected) in cases {
        let list = [b"\x41\x43\x43\x41", state].concat();
        let body = [b"\0\x53\x15\xc0", &[list.len() as u8 + 1, 5][..], &list].concat();
        let disposition = Disposition {
            role: Role::Receiver,
            first: 0,
            last: Some(0),
            settled: true,
            state: Some(expected),
            batchable: false,
        };
        assert_eq!(decode(&body), Performative::Disposition(disposition), "{state:02x?}");
    }
}

#[test]
fn written_lists_have_every_field() {
    let error = AmqpError::new("c", "d");
    let transfer = Transfer { rcv_settle_mode: Some(ReceiverSettleMode::Second), more: true, ..Transfer::default() };
    let begin = Begin {
        remote_channel: None,
        next_outgoing_id: 0,
        incoming_window: 0,
        outgoing_window: 0,
        handle_max: 0,
        offered_capabilities: vec![],
        desired_capabilities: vec![],
        properties: Map::default(),
    };
    let disposition =
        Disposition { role: Role::Sender, first: 0, last: None, settled: false, state: None, batchable: false };
    let cases: [(Performative<'_>, u8, &[u8]); 9] = [
        (
            Performative::Open(Box::new(Open::new("c"))),
            10,
            b"\xa1\x01c\x40\x70\xff\xff\xff\xff\x60\xff\xff\x40\x40\x40\x40\x40\x40",
        ),
        (Performative::Begin(Box::new(begin)), 8, b"\x40\x43\x43\x43\x43\x40\x40\x40"),
        (
            Performative::Attach(Box::new(Attach::new("l", 0, Role::Receiver))),
            14,
            b"\xa1\x01l\x43\x41\x50\x02\x50\0\x40\x40\x40\x42\x40\x40\x40\x40\x40",
        ),
        (Performative::Flow(Flow::default()), 11, b"\x40\x43\x43\x43\x40\x40\x40\x40\x42\x42\x40"),
        (Performative::Transfer(transfer), 11, b"\x43\x40\x40\x40\x40\x41\x50\x01\x40\x42\x42\x42"),
        (Performative::Disposition(disposition), 6, b"\x42\x43\x40\x42\x40\x42"),
        (Performative::Detach(Detach { handle: 0, closed: true, error: None }), 3, b"\x43\x41\x40"),
        (Performative::End(End { error: None }), 1, b"\x40"),
        (Performative::Close(Close { error: Some(error) }), 1, b"\0\x53\x1d\xc0\x08\x03\xa3\x01c\xa1\x01d\x40"),
    ];
    for (code, (performative, count, fields)) in (0x10..).zip(cases) {
        let mut out = Vec::new();
        performative.encode(&mut out);
        let expected = [&[0, 0x53, code, 0xc0, fields.len() as u8 + 1, count], fields].concat();
        assert_eq!(out, expected, "{performative:?}");
    }
}

#[test]
fn what_sasl_clients_send() {
    let body = b"\0\x53\x41\xc0\x16\x02\xa3\x05PLAIN\xa0\x0c\0user\0sesame";
    let init = SaslInit { mechanism: "PLAIN", initial_response: Some(b"\0user\0sesame"), hostname: None };
    assert_eq!(SaslRequest::decode(body), Ok(SaslRequest::Init(init)));

    // The C SDK says nothing but the mechanism's name.
    let body = b"\0\x53\x41\xc0\x0a\x01\xa3\x07MSSBCBS";
    let init = SaslInit { mechanism: "MSSBCBS", initial_response: None, hostname: None };
    assert_eq!(SaslRequest::decode(body), Ok(SaslRequest::Init(init)));

    assert_eq!(
        SaslRequest::decode(b"\0\x53\x43\xc0\x04\x01\xa0\x01\0"),
        Ok(SaslRequest::Response(SaslResponse(b"\0")))
    );
}
