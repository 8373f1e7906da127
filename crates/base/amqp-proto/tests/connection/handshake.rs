//! From the first byte to `open`.

use super::client::{Client, performative};
use roadstead_amqp_proto::connection::{ConnectionError, Event, Settings};
use roadstead_amqp_proto::sasl::{SaslCode, SaslInit, SaslRequest, SaslResponse};
use roadstead_amqp_proto::{AmqpError, Close, Connection, Map, Open, Performative, Protocol, condition};

fn init() -> Vec<u8> {
    let mut bytes = Vec::new();
    let init = SaslInit { mechanism: "PLAIN", initial_response: Some(b"\0u\0p"), hostname: None };
    SaslRequest::Init(init).write(&mut bytes);
    bytes
}

#[test]
fn with_sasl() {
    let settings = Settings { mechanisms: &["ANONYMOUS", "MSSBCBS"], ..Settings::default() };
    let mut client = Client::new(settings);
    assert_eq!(client.says(b"AMQP\x03\x01\0\0"), []);
    let offer = b"AMQP\x03\x01\0\0\0\0\0\x24\x02\x01\0\0\0\x53\x40\xc0\x17\x01\xe0\x14\x02\xa3\x09ANONYMOUS\x07MSSBCBS";
    assert_eq!(client.out, offer);
    client.out.clear();

    let events = client.says(&init());
    let expected = SaslInit { mechanism: "PLAIN", initial_response: Some(b"\0u\0p"), hostname: None };
    assert_eq!(events, [Event::SaslInit(expected)]);
    client.connection.sasl_outcome(SaslCode::Ok, &mut client.out);
    assert_eq!(client.out, b"\0\0\0\x11\x02\x01\0\0\0\x53\x44\xc0\x04\x02\x50\0\x40");
    client.out.clear();

    assert_eq!(client.says(b"AMQP\0\x01\0\0"), []);
    assert_eq!(client.out, b"AMQP\0\x01\0\0");
    let open = Open::new("client");
    let events = client.says(&performative(0, &Performative::Open(Box::new(open.clone())), b""));
    assert_eq!(events, [Event::Opened(Box::new(open))]);
}

#[test]
fn challenges_go_to_and_fro() {
    let mut client = Client::new(Settings::default());
    client.says(b"AMQP\x03\x01\0\0");
    client.says(&init());
    client.out.clear();
    client.connection.sasl_challenge(b"\0", &mut client.out);
    assert_eq!(client.out, b"\0\0\0\x11\x02\x01\0\0\0\x53\x42\xc0\x04\x01\xa0\x01\0");
    let mut response = Vec::new();
    SaslRequest::Response(SaslResponse(b"\x05")).write(&mut response);
    assert_eq!(client.says(&response), [Event::SaslResponse(SaslResponse(b"\x05"))]);
    client.connection.sasl_outcome(SaslCode::Auth, &mut client.out);
    assert!(client.connection.is_over());
    assert_eq!(client.says(b"AMQP\0\x01\0\0"), [], "what comes then is not looked at");
}

/// azure-eventhub for Python writes its AMQP header and `open` before it has read the outcome.
#[test]
fn what_came_early_waits_for_the_answer() {
    let mut connection = Connection::new(Settings::default(), 0);
    let open = performative(0, &Performative::Open(Box::new(Open::new("client"))), b"");
    let begin = performative(0, &Performative::Begin(Box::new(super::client::begin())), b"");
    let input = [b"AMQP\x03\x01\0\0", &init()[..], b"AMQP\0\x01\0\0", &open, &begin].concat();
    let mut out = Vec::new();

    let step = connection.read(&input, 0, &mut out).unwrap();
    assert!(matches!(step.event, Some(Event::SaslInit(_))));
    let rest = &input[step.consumed..];
    let step = connection.read(rest, 0, &mut out).unwrap();
    assert_eq!((step.consumed, step.event), (0, None));
    connection.sasl_outcome(SaslCode::Ok, &mut out);

    let step = connection.read(rest, 0, &mut out).unwrap();
    assert!(matches!(step.event, Some(Event::Opened(_))));
    let rest = &rest[step.consumed..];
    let step = connection.read(rest, 0, &mut out).unwrap();
    assert_eq!((step.consumed, step.event), (0, None));
    connection.open("server", Map::default(), &mut out);

    let step = connection.read(rest, 0, &mut out).unwrap();
    assert_eq!((step.consumed, step.event), (begin.len(), None));
}

#[test]
fn open_tells_the_bounds() {
    let mut client = Client::new(Settings { max_frame_size: 4096, channel_max: 7, ..Settings::default() });
    client.says(b"AMQP\0\x01\0\0");
    client.says(&performative(0, &Performative::Open(Box::new(Open::new("client"))), b""));
    client.out.clear();
    client.connection.open("server", Map::default(), &mut client.out);
    let expected =
        Open { max_frame_size: 4096, channel_max: 7, idle_time_out_ms: Some(240_000), ..Open::new("server") };
    assert_eq!(client.heard_one(), (0, Performative::Open(Box::new(expected)), vec![]));
}

#[test]
fn a_peer_is_refused_by_open_and_close() {
    let mut client = Client::new(Settings::default());
    client.says(b"AMQP\0\x01\0\0");
    client.says(&performative(0, &Performative::Open(Box::new(Open::new("client"))), b""));
    client.out.clear();
    client.connection.open("server", Map::default(), &mut client.out);
    let error = AmqpError::new(condition::UNAUTHORIZED_ACCESS, "{}");
    client.connection.close(Some(error.clone()), &mut client.out);
    let said = client.heard();
    assert!(
        matches!(&said[..], [(0, Performative::Open(_), _), (0, Performative::Close(Close { error: Some(told) }), _)] if *told == error)
    );
    assert_eq!(client.sends(0, Performative::Begin(Box::new(super::client::begin()))), [], "void");
    let close = Close { error: None };
    assert_eq!(client.sends(0, Performative::Close(close)), [Event::Closed { error: None }]);
    assert!(client.connection.is_over() && client.out.is_empty());
}

#[test]
fn close_is_answered() {
    let mut client = Client::begun(Settings::default());
    let error = AmqpError::new("x", "y");
    let events = client.sends(0, Performative::Close(Close { error: Some(error.clone()) }));
    assert_eq!(events, [Event::Closed { error: Some(error) }]);
    assert_eq!(client.heard_one(), (0, Performative::Close(Close { error: None }), vec![]));
    assert!(client.connection.is_over());
}

#[test]
fn refused() {
    let after_header = |bytes: &[u8]| {
        let mut client = Client::new(Settings::default());
        client.says(&Protocol::Amqp.bytes());
        client.out.clear();
        (client.try_says(bytes).unwrap_err(), client.out)
    };
    let begin = performative(0, &Performative::Begin(Box::new(super::client::begin())), b"");
    assert!(matches!(after_header(&begin).0, ConnectionError::OutOfTurn { .. }));
    let open = Open { max_frame_size: 511, ..Open::new("c") };
    let open = performative(0, &Performative::Open(Box::new(open)), b"");
    assert_eq!(after_header(&open), (ConnectionError::MaxFrameSize { value: 511 }, vec![]));
    assert!(matches!(after_header(&init()).0, ConnectionError::OutOfTurn { .. }));
    assert!(matches!(after_header(b"\0\0\x40\x01\x02\0\0\0").0, ConnectionError::Frame(_)), "16 KiB before open");

    for (bytes, answer) in
        [(b"GET / HT", Protocol::Sasl), (b"AMQP\x02\x01\0\0", Protocol::Sasl), (b"AMQP\0\0\x09\x01", Protocol::Sasl)]
    {
        let mut client = Client::new(Settings::default());
        assert_eq!(client.try_says(bytes), Err(ConnectionError::Header { bytes: *bytes }));
        assert_eq!(client.out, answer.bytes());
        assert!(client.connection.is_over());
    }

    let mut client = Client::new(Settings::default());
    client.says(b"AMQP\x03\x01\0\0");
    let mut response = Vec::new();
    SaslRequest::Response(SaslResponse(b"")).write(&mut response);
    assert!(matches!(client.try_says(&response), Err(ConnectionError::OutOfTurn { .. })));
}
