//! Signs of life.

use super::client::Client;
use roadstead_amqp_proto::connection::{ConnectionError, Settings};
use roadstead_amqp_proto::{Open, Performative, condition};

const BEAT: &[u8] = b"\0\0\0\x08\x02\0\0\0";

#[test]
fn the_peer_hears_us_at_half_its_time() {
    let settings = Settings { idle_time_out_ms: 0, ..Settings::default() };
    let open = |idle_time_out_ms| Open { idle_time_out_ms, ..Open::new("client") };
    let mut client = Client::open(settings, &open(Some(60_000)));
    let Client { connection, out, .. } = &mut client;
    assert_eq!(connection.next_tick_ms(), Some(30_000));
    connection.tick(29_999, out).unwrap();
    assert!(out.is_empty());
    connection.tick(30_000, out).unwrap();
    assert_eq!((out.as_slice(), connection.next_tick_ms()), (BEAT, Some(60_000)));

    assert_eq!(Client::open(settings, &open(None)).connection.next_tick_ms(), None);
    assert_eq!(Client::open(settings, &open(Some(0))).connection.next_tick_ms(), None);
    assert_eq!(Client::open(settings, &open(Some(1))).connection.next_tick_ms(), Some(500), "no peer drives us mad");
}

#[test]
fn a_silent_peer_is_hung_up_on() {
    let settings = Settings { idle_time_out_ms: 1000, ..Settings::default() };
    let mut client = Client::open(settings, &Open::new("client"));
    assert_eq!(client.connection.next_tick_ms(), Some(2000));
    client.now_ms = 1500;
    assert_eq!(client.says(BEAT), []);
    assert_eq!(client.connection.next_tick_ms(), Some(3500));
    client.connection.tick(3499, &mut client.out).unwrap();
    let error = client.connection.tick(3500, &mut client.out).unwrap_err();
    assert_eq!(error, ConnectionError::Silent { silent_ms: 2000 });
    let (0, Performative::Close(close), _) = client.heard_one() else { panic!() };
    assert_eq!(&*close.error.unwrap().condition, condition::RESOURCE_LIMIT_EXCEEDED);
    assert_eq!((client.connection.is_over(), client.connection.next_tick_ms()), (true, None));
}

#[test]
fn who_never_opens_is_hung_up_on() {
    let mut client = Client::new(Settings { idle_time_out_ms: 1000, ..Settings::default() });
    let step = client.connection.read(b"AMQP", 0, &mut client.out).unwrap();
    assert_eq!((step.consumed, step.event), (0, None));
    assert!(client.connection.tick(2000, &mut client.out).is_err());
    assert!(client.out.is_empty());
}
