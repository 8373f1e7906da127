//! Connections to a hub: made, refused, lost, made again.

use crate::stub::Stub;
use crate::{device, key};
use roadstead_device::{ConnectError, ConnectionState, Device, DeviceOptions, Message, Refusal, SendError, Trust};
use roadstead_mqtt_proto::{Connack, Packet, encode};
use std::sync::Arc;
use std::time::Duration;
use tokio::join;
use tokio::net::TcpListener;

#[tokio::test]
async fn refusals_at_connect_are_told_apart() {
    let stub = Stub::start().await;
    for code in [
        Refusal::UnacceptableProtocol,
        Refusal::IdentifierRejected,
        Refusal::ServerUnavailable,
        Refusal::BadUserNameOrPassword,
        Refusal::NotAuthorized,
    ] {
        let server = async {
            let mut peer = stub.accept().await;
            peer.connect().await;
            peer.send(|out| encode::connack(out, Connack::Refused(code))).await;
        };
        let (outcome, ()) = join!(Device::connect(device(&stub, key())), server);
        assert_eq!(outcome.unwrap_err(), ConnectError::Refused { host: "hub.localhost".to_owned(), code });
    }
}

#[tokio::test]
async fn servers_that_are_none() {
    let stub = Stub::start().await;
    let silent = async {
        let mut peer = stub.accept().await;
        peer.connect().await;
    };
    let (outcome, ()) = join!(Device::connect(device(&stub, key())), silent);
    let error = outcome.unwrap_err();
    assert!(matches!(error, ConnectError::Lost { .. }) && error.is_transient(), "{error}");

    let talkative = async {
        let mut peer = stub.accept().await;
        peer.connect().await;
        let answer =
            b"HTTP/1.1 400 Bad Request\r\nServer: of web pages\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
        peer.send(|out| out.extend_from_slice(answer)).await;
    };
    let (outcome, ()) = join!(Device::connect(device(&stub, key())), talkative);
    assert!(matches!(outcome.unwrap_err(), ConnectError::Protocol { .. }));

    let misnamed = DeviceOptions::new("other.localhost", "thermo-7", key())
        .connect_to(stub.address)
        .trust(Trust::pem(&stub.ca_pem).unwrap());
    let (outcome, peer) = join!(Device::connect(misnamed), stub.try_accept());
    assert!(peer.is_none());
    let error = outcome.unwrap_err();
    assert!(matches!(error, ConnectError::Tls { .. }) && error.to_string().contains("hub.localhost"), "{error}");

    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let error = Device::connect(device(&stub, key()).connect_to(closed)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }) && error.to_string().contains("running"), "{error}");
    let error = Device::connect(DeviceOptions::new("no host", "d", key())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Resolve { .. } | ConnectError::Trust(_)), "{error}");
    let error = Device::connect(DeviceOptions::new("h.localhost", "no id", key())).await.unwrap_err();
    assert!(matches!(error, ConnectError::DeviceId(_)), "{error}");
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_what_was_not_acknowledged_is_sent_again() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        let (first, second) = (peer.publish().await, peer.publish().await);
        peer.puback(first.id).await;
        drop(peer);
        // Busy at first.
        let mut peer = stub.accept().await;
        peer.connect().await;
        peer.send(|out| encode::connack(out, Connack::Refused(Refusal::ServerUnavailable))).await;
        drop(peer);
        let mut peer = stub.accept().await;
        peer.login().await;
        let again = peer.publish().await;
        assert!(again.dup && !second.dup);
        assert_eq!((&again.payload, again.id), (&second.payload, second.id));
        peer.puback(again.id).await;
        let third = peer.publish().await;
        assert!(!third.dup);
        assert_eq!(third.payload, b"third");
        peer.puback(third.id).await;
        peer
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        let mut state = device.state();
        assert_eq!(*state.borrow_and_update(), ConnectionState::Connected { reconnects: 0 });
        let first = device.enqueue(Message::new("first")).await.unwrap();
        let second = device.enqueue(Message::new("second")).await.unwrap();
        first.await.unwrap();
        let is_lost = |state: &ConnectionState| match state {
            ConnectionState::Reconnecting { attempt: 1, cause } => matches!(**cause, ConnectError::Lost { .. }),
            _ => false,
        };
        state.wait_for(is_lost).await.unwrap();
        second.await.unwrap();
        assert_eq!(*state.borrow_and_update(), ConnectionState::Connected { reconnects: 1 });
        device.send(Message::new("third")).await.unwrap();
        device
    };
    join!(server, client);
}

#[tokio::test]
async fn a_device_that_is_refused_later_closes_and_says_why() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        peer.publish().await;
        drop(peer);
        let mut peer = stub.accept().await;
        peer.connect().await;
        peer.send(|out| encode::connack(out, Connack::Refused(Refusal::NotAuthorized))).await;
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        let refused = ConnectError::Refused { host: "hub.localhost".to_owned(), code: Refusal::NotAuthorized };
        let cause = Some(Arc::new(refused));
        let closed = SendError::Closed { cause: cause.clone() };
        assert_eq!(device.send(Message::new("")).await, Err(closed.clone()));
        assert_eq!(*device.state().borrow(), ConnectionState::Closed { cause });
        assert_eq!(device.send(Message::new("")).await, Err(closed));
        device.disconnect().await;
    };
    join!(server, client);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        let first = peer.login().await.password.unwrap();
        peer.expect(Packet::Disconnect).await;
        let mut peer = stub.accept().await;
        let second = peer.login().await.password.unwrap();
        assert_ne!(first, second);
        let message = peer.publish().await;
        assert!(!message.dup);
        peer.puback(message.id).await;
        peer.expect(Packet::Disconnect).await;
    };
    let client = async {
        let options = device(&stub, key()).token_lifetime(Duration::from_secs(2));
        let device = Device::connect(options).await.unwrap();
        let mut state = device.state();
        state.changed().await.unwrap();
        assert_eq!(*state.borrow(), ConnectionState::Connected { reconnects: 0 });
        device.send(Message::new("")).await.unwrap();
        device.disconnect().await;
        assert_eq!(*state.borrow(), ConnectionState::Closed { cause: None });
    };
    join!(server, client);
}
