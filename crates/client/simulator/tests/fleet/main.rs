//! Fleets against a server on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod server;
#[expect(dead_code, reason = "the device SDK's tests use all of it")]
#[path = "../../../device/tests/loopback/stub.rs"]
mod stub;

use roadstead_device::Trust;
use roadstead_pki::{Authority, KeyKind};
use roadstead_sas::SasKey;
use roadstead_simulator::{Devices, Fleet, Identities, Payload, Rate, Summary};
use server::{Behaviour, Server};
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

fn authority() -> Arc<Authority> {
    Arc::new(Authority::root("fleet", KeyKind::P256, stub::validity()).unwrap())
}

fn group_key() -> SasKey {
    SasKey::from_bytes((0..64).collect())
}

fn fleet(server: &Server, identities: Identities) -> Fleet {
    Fleet {
        devices: 10,
        port: server.address.port(),
        trust: Some(Trust::pem(&server.ca_pem).unwrap()),
        rate: Rate::PerDevice(200.0),
        messages_each: Some(5),
        progress: false,
        ..Fleet::new("dps.localhost", "0ne00ABC123", identities)
    }
}

fn errors(summary: &Summary) -> BTreeMap<&str, u64> {
    summary.errors.iter().map(|error| (&*error.kind, error.count)).collect()
}

#[tokio::test]
async fn certificates_register_and_every_message_arrives() {
    let authority = authority();
    let server = Server::start(Behaviour::default()).await;
    let summary = fleet(&server, Identities::Certificates(Arc::clone(&authority))).run(pending()).await.unwrap();
    assert!(summary.is_complete(), "{summary}");
    assert_eq!(summary.devices, Devices { planned: 10, registered: 10, connected: 10, failed: 0 });
    assert_eq!((summary.messages.acknowledged, summary.reconnects), (50, 0));
    assert_eq!([summary.register.count, summary.connect.count, summary.puback.count], [10, 10, 50]);
    assert!(summary.errors.is_empty(), "{summary}");
    let seen = server.seen();
    let ids: Vec<_> = (1..=10).map(|n| format!("sim-{n:06}")).collect();
    assert_eq!(seen.keys().cloned().collect::<Vec<_>>(), ids);
    for (id, device) in seen {
        let certificate = device.certificate.unwrap();
        assert_eq!(
            (certificate.common_name().unwrap(), certificate.issuer_der()),
            (&*id, authority.certificate().subject_der())
        );
        let counts = device.messages.iter().map(|body| {
            let reading: serde_json::Value = serde_json::from_slice(body).unwrap();
            assert_eq!(reading["deviceId"], *id);
            reading["messageId"].as_u64().unwrap()
        });
        assert_eq!(counts.collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
}

#[tokio::test]
async fn group_keys_register_too() {
    let server = Server::start(Behaviour { group_key: Some(group_key()), ..Behaviour::default() }).await;
    let fleet = Fleet {
        prefix: "press-".to_owned(),
        payload: Payload::Bytes(300),
        rate: Rate::Total(2000.0),
        ..fleet(&server, Identities::GroupKey(group_key()))
    };
    let summary = fleet.run(pending()).await.unwrap();
    assert!(summary.is_complete(), "{summary}");
    assert!(summary.messages.bytes > 50 * 300);
    assert!(
        server
            .seen()
            .iter()
            .all(|(id, device)| id.starts_with("press-") && device.messages.iter().all(|body| body.len() == 300))
    );
}

#[tokio::test]
async fn refused_devices_are_counted_by_cause_and_the_others_go_on() {
    let server =
        Server::start(Behaviour { group_key: Some(SasKey::from_bytes(vec![1; 32])), ..Behaviour::default() }).await;
    let summary = fleet(&server, Identities::GroupKey(group_key())).run(pending()).await.unwrap();
    assert_eq!(summary.devices, Devices { planned: 10, registered: 0, connected: 0, failed: 10 });
    assert_eq!(errors(&summary), BTreeMap::from([("registration refused with 401002", 10)]));
    assert!(summary.errors[0].example.contains("wrong key"), "{summary}");

    let server = Server::start(Behaviour { busy_connects: 3, ..Behaviour::default() }).await;
    let summary = fleet(&server, Identities::Certificates(authority())).run(pending()).await.unwrap();
    assert!(summary.is_complete(), "{summary}");
    assert_eq!(errors(&summary), BTreeMap::from([("connection refused with code 3 (server unavailable)", 3)]));
    assert_eq!(summary.register.count, 10);
}

#[tokio::test]
async fn lost_connections_are_made_again_and_counted() {
    let server = Server::start(Behaviour { drop_after: Some(3), ..Behaviour::default() }).await;
    let summary = fleet(&server, Identities::Certificates(authority())).run(pending()).await.unwrap();
    assert!(summary.is_complete(), "{summary}");
    assert_eq!((summary.messages.acknowledged, summary.reconnects), (50, 10));
    assert_eq!(errors(&summary), BTreeMap::from([("connection lost", 10)]));
}

#[tokio::test]
async fn a_fleet_without_end_ends_when_told_or_in_time() {
    let server = Server::start(Behaviour::default()).await;
    let endless = Fleet { messages_each: None, ..fleet(&server, Identities::Certificates(authority())) };
    let summary = endless.clone().run(server.messages(100)).await.unwrap();
    assert!(summary.messages.acknowledged >= 100, "{summary}");
    assert_eq!(summary.messages.unacknowledged, 0, "{summary}");

    let timed = Fleet { duration: Some(Duration::from_millis(300)), ..endless };
    let summary = timed.run(pending()).await.unwrap();
    assert!(summary.is_complete() && summary.seconds >= 0.3, "{summary}");
}

#[tokio::test]
async fn a_fleet_that_reaches_nobody_says_so() {
    let server = Server::start(Behaviour::default()).await;
    let other = Trust::pem(&authority().certificate().to_pem()).unwrap();
    let untrusting = Fleet { trust: Some(other), ..fleet(&server, Identities::Certificates(authority())) };
    let summary = untrusting.run(pending()).await.unwrap();
    assert_eq!(summary.devices.failed, 10);
    assert_eq!(errors(&summary), BTreeMap::from([("TLS failed", 10)]));
}
