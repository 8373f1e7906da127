//! What the client makes of connections, certificates and answers.

use crate::server::{Noon, Server, policy, told};
use roadstead_service::{HubService, Reach, ServiceError, Transport};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

async fn find(server: &Server, reach: Reach, host: &str) -> Result<Option<Value>, ServiceError> {
    let transport = Transport::new(&Reach { https_port: server.address.port(), ..reach }, Arc::new(Noon)).unwrap();
    HubService::new(transport, host, policy()).find_device("dev 1").await
}

#[tokio::test]
async fn a_request_carries_a_token_for_the_host_and_the_encoded_id() {
    let server = Server::start(|_, _| told(200, r#"{"deviceId":"dev 1"}"#)).await;
    let found = find(&server, server.reach(), "hub.localhost").await.unwrap();
    assert_eq!(found, Some(json!({"deviceId": "dev 1"})));
    let asked = server.asked().remove(0);
    assert_eq!(asked.line, "GET /devices/dev%201?api-version=2021-04-12");
    assert_eq!(asked.headers["host"], format!("hub.localhost:{}", server.address.port()));
    let token = &asked.headers["authorization"];
    assert!(token.starts_with("SharedAccessSignature sr=hub.localhost&sig="), "{token}");
    assert!(token.ends_with("&se=1795272000&skn=iothubowner"), "{token}");
}

#[tokio::test]
async fn only_the_named_ca_is_trusted_and_only_for_its_names() {
    let (server, other) = (Server::start(|_, _| told(200, "{}")).await, Server::start(|_, _| told(200, "{}")).await);
    let connect_to = BTreeMap::from([("elsewhere.example".to_owned(), IpAddr::from([127, 0, 0, 1]))]);
    let named = Reach { connect_to, ..server.reach() };
    for (reach, host, expected) in [
        (other.reach(), "localhost", "another CA issued it"),
        (server.reach(), "other.localhost", "it is for another name"),
        (named, "elsewhere.example", "it is for another name"),
    ] {
        match find(&server, reach, host).await {
            Err(ServiceError::Untrusted { cause, .. }) => assert_eq!(cause, expected),
            other => panic!("{host}: {other:?}"),
        }
    }
    assert_eq!(server.asked(), []);
}

#[tokio::test]
async fn who_does_not_answer_is_named() {
    let server = Server::start(|_, _| told(200, "{}")).await;
    let reach = server.reach();
    let transport = Transport::new(&reach, Arc::new(Noon)).unwrap();
    let port = server.stop().await.port();
    let error = HubService::new(transport, "localhost", policy()).find_device::<Value>("d").await.unwrap_err();
    let expected = format!("no Roadstead server answers at https://localhost:{port}: connection refused");
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().unwrap().contains("`roadstead dev`"));
}

#[tokio::test]
async fn what_was_not_taken_up_is_repeated_a_few_times() {
    for (busy, status, tries) in [(2, 429, 3), (3, 503, 4), (9, 429, 4)] {
        let server = Server::start(move |before, _| {
            if before < busy { told(status, "busy").header("retry-after", "0") } else { told(200, "{}") }
        });
        let server = server.await;
        let found = find(&server, server.reach(), "localhost").await;
        let refused_with = found.err().and_then(|error| error.status());
        assert_eq!(refused_with, (busy >= 4).then_some(status));
        assert_eq!(server.asked().len(), tries);
    }
}

#[tokio::test]
async fn absence_refusal_and_nonsense_are_different() {
    for (status, body, expected) in [
        (200, r#"{"a":1}"#, r#"Ok(Some(Object {"a": Number(1)}))"#),
        (404, "{}", "Ok(None)"),
        (200, "<html>", "Odd"),
        (302, "", "the server refused with HTTP 302 (HTTP 302)"),
        (401, r#"{"Message":"ErrorCode:IotHubUnauthorized;Unauthorized"}"#, "Unauthorized (IotHubUnauthorized)"),
    ] {
        let server = Server::start(move |_, _| told(status, body).header("location", "https://localhost/")).await;
        let shown = match find(&server, server.reach(), "localhost").await {
            Err(ServiceError::Odd { .. }) => "Odd".to_owned(),
            Err(error) => error.to_string(),
            found => format!("{found:?}"),
        };
        assert_eq!(shown, expected);
    }
}

#[tokio::test]
async fn pages_are_followed_until_enough_is_there() {
    for (top, expected, asked_for) in [
        (None, vec![0, 1, 2, 3, 4], vec!["1000", "1000", "1000"]),
        (Some(3), vec![0, 1, 2], vec!["3", "1"]),
        (Some(2), vec![0, 1], vec!["2"]),
    ] {
        let server = Server::start(|before, _| match before {
            0 => told(200, "[0,1]").header("x-ms-continuation", "p1"),
            1 => told(200, "[2,3]").header("x-ms-continuation", "p2"),
            _ => told(200, "[4]").header("x-ms-continuation", ""),
        });
        let server = server.await;
        let registry = HubService::new(server.transport(), "localhost", policy());
        assert_eq!(registry.query::<i32>("select * from devices", top).await.unwrap(), expected);
        let asked = server.asked();
        assert_eq!(asked.iter().map(|asked| &asked.headers["x-ms-max-item-count"]).collect::<Vec<_>>(), asked_for);
        let continued: Vec<_> = asked.iter().map(|asked| asked.headers.get("x-ms-continuation").cloned()).collect();
        let all = [None, Some("p1".to_owned()), Some("p2".to_owned())];
        assert_eq!(continued, all[..asked_for.len()]);
        assert_eq!(asked[0].body, r#"{"query":"select * from devices"}"#);
    }
}

#[tokio::test]
async fn etags_are_sent_as_az_sends_them() {
    let server = Server::start(|_, _| told(200, "{}")).await;
    let registry = HubService::new(server.transport(), "localhost", policy());
    for etag in [None, Some("*"), Some("abc="), Some("\"abc=\"")] {
        let _: Value = registry.put_device("d", &json!({"deviceId": "d"}), etag).await.unwrap();
    }
    assert!(registry.delete_device("d", None).await.unwrap());
    let sent: Vec<_> = server.asked().into_iter().map(|asked| asked.headers.get("if-match").cloned()).collect();
    let expected = [None, Some("\"*\""), Some("\"abc=\""), Some("\"abc=\""), Some("\"*\"")];
    assert_eq!(sent, expected.map(|etag| etag.map(str::to_owned)));
}
