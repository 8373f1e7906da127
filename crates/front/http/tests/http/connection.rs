//! What every request shares: who is asked, bounds, upgrades, the end of a connection.

use std::sync::atomic::Ordering;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::yield_now,
};

use crate::{
    pipe::Pipe,
    world::{HOST, SCOPE, World, caller, policy_token, request},
};

const UPGRADE: &str = "GET /$iothub/websocket?iothub-no-client-cert=true HTTP/1.1\r\nHost: plant.example\r\nUpgrade: websocket\r\n\
     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

#[tokio::test]
async fn operators_need_no_login() {
    let world = World::new().await;
    let health = world.send("GET /healthz", &[], "").await;
    assert_eq!((health.status, health.text()), (200, "ok\n"));
    let metrics = world.send("GET /metrics", &[], "").await;
    assert_eq!((metrics.status, metrics.text()), (200, "roadstead_connections 1\n"));
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let ready = world.send("GET /READYZ", &[], "{}").await;
    assert_eq!((ready.status, ready.text()), (200, "ready\n"));
    *world.process.hindrance.lock() = Some("the server is shutting down".to_owned());
    let ready = world.send("GET /readyz", &[], "").await;
    assert_eq!((ready.status, ready.text()), (503, "the server is shutting down\n"));
    let post = world.send("POST /metrics", &[], "").await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let world = World::new().await;
    let mut pipe = Pipe::open(&world.front, caller(&[]));
    let mut ids = Vec::new();
    for (line, status) in [("GET /healthz", 200), ("GET /", 404), ("POST /nothing/here", 404), ("GET /healthz", 200)] {
        let answer = pipe.ask(&request(line, &[], b"x")).await;
        assert_eq!(answer.status, status, "{line}");
        assert!(answer.headers.iter().all(|(name, _)| *name == name.to_ascii_lowercase()), "{answer:?}");
        ids.push(answer.header("x-ms-request-id").unwrap().to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
    pipe.io.write_all(&request("HEAD /readyz", &[], b"")).await.unwrap();
    let head = pipe.until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-length: 6\r\n"), "{head}");
    assert_eq!(pipe.ask(&request("GET /healthz", &[], b"")).await.text(), "ok\n", "an answer to HEAD has no body");
}

#[tokio::test]
async fn a_change_that_has_begun_is_brought_to_its_end() {
    let world = World::new().await;
    let mut pipe = Pipe::open(&world.front, caller(&[]));
    pipe.io.write_all(&request("PUT /subscriptions/slow", &[], b"{}")).await.unwrap();
    while world.management.waiting.load(Ordering::SeqCst) == 0 {
        yield_now().await;
    }
    let Pipe { io, served, .. } = pipe;
    drop(io);
    served.await.unwrap();
    assert_eq!(world.management.done.load(Ordering::SeqCst), 0);
    world.management.gate.add_permits(1);
    while world.management.done.load(Ordering::SeqCst) == 0 {
        yield_now().await;
    }
}

#[tokio::test]
async fn management_gets_what_it_claims() {
    let world = World::new().await;
    let answer = world.send("PUT /subscriptions/1/resourcegroups/a?api-version=2024-11-01", &[], r#"{"a":1}"#).await;
    assert_eq!((answer.status, answer.header("x-by")), (201, Some("management")));
    let said = r#"https://plant.example PUT /subscriptions/1/resourcegroups/a?api-version=2024-11-01 b"{\"a\":1}""#;
    assert_eq!(answer.text(), said);
    let with_port = b"GET /metadata/endpoints HTTP/1.1\r\nHost: localhost:8443\r\n\r\n";
    assert!(world.raw(with_port).await.text().starts_with("https://localhost:8443 GET "));
    let without_host = b"GET /metadata/endpoints HTTP/1.0\r\n\r\n";
    let mut pipe = Pipe::open(&world.front, caller(&[]));
    pipe.io.write_all(without_host).await.unwrap();
    let answer = pipe.rest().await;
    assert!(answer.contains("https://greeting.example GET "), "the name in the TLS greeting: {answer}");
    let large = world.send("PUT /subscriptions/1", &[], vec![b' '; 1024 * 1024 + 1]).await;
    assert_eq!((large.status, large.text()), (413, "the body has more than 1048576 bytes, which is the limit here\n"));
}

#[tokio::test]
async fn oversized_bodies_are_refused_in_the_words_of_who_is_asked() {
    let world = World::new().await;
    let text = |max: usize| format!("the body has more than {max} bytes, which is the limit here");
    let telemetry = world.send("POST /devices/dev1/messages/events", &[], vec![0; 512 * 1024 + 1]).await;
    assert_eq!(telemetry.hub_refusal(), (413, "MessageTooLarge".to_owned(), text(512 * 1024)));
    let register = world.send(&format!("PUT /{SCOPE}/registrations/a/register"), &[], vec![b' '; 96 * 1024 + 1]).await;
    assert_eq!(register.dps_refusal(), (400_004, format!("body: {}", text(96 * 1024))));
    let enrollment = world.send("PUT /enrollments/a", &[], vec![b' '; 1024 * 1024 + 1]).await;
    assert_eq!(enrollment.dps_refusal(), (400_004, format!("body: {}", text(1024 * 1024))));
}

#[tokio::test(start_paused = true)]
async fn slow_bodies_and_heads_are_not_waited_for() {
    let world = World::new().await;
    let slow = b"POST /devices/query HTTP/1.1\r\nHost: plant.example\r\nContent-Length: 10\r\n\r\n{";
    let answer = world.raw(slow).await;
    assert_eq!((answer.status, answer.text()), (408, "the body did not arrive within 60 s\n"));
    let mut pipe = Pipe::open(&world.front, caller(&[]));
    pipe.io.write_all(b"GET /healthz HTTP/1.1\r\nHost:").await.unwrap();
    assert_eq!(pipe.rest().await, "");
}

#[tokio::test]
async fn websockets_are_handed_on() {
    let world = World::new().await;
    for (offered, known) in [("MQTT", "Mqtt"), ("AMQPWSB10", "Amqp")] {
        let mut pipe = Pipe::open(&world.front, caller(&[]));
        let asked = format!(
            "{UPGRADE}Sec-WebSocket-Protocol: {offered}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        );
        let answer = pipe.ask(asked.as_bytes()).await;
        assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (101, Some(offered)));
        assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(answer.header("sec-websocket-extensions"), None);
        pipe.io.write_all(b"\x82\x01abc").await.unwrap();
        let mut said = String::new();
        pipe.io.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, format!("192.0.2.7:50000 said [130, 1, 97, 98, 99] in {known}"));
    }
}

#[tokio::test]
async fn other_upgrades_are_not() {
    let world = World::new().await;
    let chat = world.raw(format!("{UPGRADE}Sec-WebSocket-Protocol: chat\r\n\r\n").as_bytes()).await;
    assert_eq!((chat.status, chat.text()), (400, "Sec-WebSocket-Protocol must offer mqtt or AMQPWSB10\n"));
    let old = UPGRADE.replace("Version: 13", "Version: 8");
    let old = world.raw(format!("{old}Sec-WebSocket-Protocol: mqtt\r\n\r\n").as_bytes()).await;
    assert_eq!((old.status, old.header("sec-websocket-version")), (426, Some("13")));
    world.clock.advance_ms(1);
    let elsewhere = UPGRADE.replace("plant.example", "elsewhere.example");
    world.raw(format!("{elsewhere}Sec-WebSocket-Protocol: chat\r\n\r\n").as_bytes()).await;
    let noted = world.ask("GET /refusals/devices", json!(null)).await.ok();
    let told = |at: usize| {
        let one = &noted[at];
        assert_eq!(
            (one["cause"].as_str(), one.get("id"), one["protocol"].as_str()),
            (Some("badRequest"), None, Some("https"))
        );
        (one["target"].as_str().unwrap(), one["count"].as_i64().unwrap())
    };
    assert_eq!([told(0), told(1)], [("elsewhere.example", 1), ("plant.example", 2)]);
    // Java's and curl's clients offer HTTP/2 so; who does not speak it just answers.
    let h2c = world.send("GET /healthz", &[("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings")], "").await;
    assert_eq!(h2c.status, 200);
}

#[tokio::test]
async fn a_draining_server_ends_connections_between_requests() {
    let world = World::new().await;
    let mut pipe = Pipe::open(&world.front, caller(&[]));
    assert_eq!(pipe.ask(&request("GET /healthz", &[], b"")).await.status, 200);
    pipe.drain = None;
    assert_eq!(pipe.rest().await, "");
}

#[tokio::test]
async fn hosts_that_nobody_answers_to_are_named() {
    let world = World::new().await;
    let ask = |line: &str, host: &str| format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
    let hub = world.raw(ask("GET /devices/a", "other.example:8443").as_bytes()).await;
    let text = "no hub here answers to the name `other.example:8443`; `roadstead iot hub list` shows those that do";
    assert_eq!(hub.hub_refusal(), (401, "IotHubNotFound".to_owned(), text.to_owned()));
    let dps = world.raw(ask("GET /enrollments/a", "other.example").as_bytes()).await;
    let text = "no DPS instance here answers to the name `other.example`; `roadstead iot dps list` shows those that do";
    assert_eq!(dps.dps_refusal(), (404_201, text.to_owned()));
    // A port and the case of the host do not matter, nor does a hub's alias.
    for (line, host) in [
        ("GET /devices/a", "PLANT.example:8443"),
        ("GET /devices/a", "127.0.0.1"),
        ("GET /enrollments/a", "Plant.Example:443"),
    ] {
        let answer = world.raw(ask(line, host).as_bytes()).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status == 401 && text.contains("neither a token nor a client certificate"), "{host}: {text}");
    }
}

#[tokio::test]
async fn what_is_not_served_is_said() {
    let world = World::new().await;
    let removed = world.ask("DELETE /twins/dev1?api-version=2021-04-12", json!({})).await;
    let text = "DELETE /twins/dev1 is not served by this version of Roadstead";
    assert_eq!(removed.hub_refusal(), (400, "InvalidOperation".to_owned(), text.to_owned()));
    assert_eq!(world.ask("GET /jobs/v2/query", json!(null)).await.hub_refusal().1, "InvalidOperation");
    for line in [
        format!("PUT /{SCOPE}/registrations/register"),
        format!("DELETE /{SCOPE}/registrations/dev-01"),
        format!("POST /{SCOPE}/devices/dev-01/certificates/issue"),
        "PATCH /enrollments/dev-01".to_owned(),
        "GET /enrollments".to_owned(),
        "PUT /registrations/dev-01".to_owned(),
    ] {
        let (code, text) = world.send(&line, &[("Authorization", &policy_token("owner"))], "").await.dps_refusal();
        assert_eq!((code, text), (405_000, format!("{line} is not served by this version of Roadstead")));
    }
    assert_eq!(world.send(&format!("GET https://{HOST}/portal"), &[], "").await.status, 404);
}
