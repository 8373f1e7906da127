//! Paths, headers and bodies of a hub's APIs.

use crate::server::{Asked, Server, Told, policy, told};
use roadstead_model::{Properties, SystemProperty};
use roadstead_service::{FeedbackBatch, HubService, MethodCall, ServiceError, Settlement};
use serde_json::{Value, json};

async fn hub(answers: impl Fn(usize, &Asked) -> Told + Send + Sync + 'static) -> (Server, HubService) {
    let server = Server::start(answers).await;
    let hub = HubService::new(server.transport(), "hub.localhost", policy());
    (server, hub)
}

/// `GET /a if-match body`, without the version that all have.
fn shown(asked: &Asked) -> String {
    let line = asked.line.replace("?api-version=2021-04-12", "");
    let etag = asked.headers.get("if-match").map_or(String::new(), |etag| format!(" {etag}"));
    format!("{line}{etag} {}", asked.body)
}

#[tokio::test]
async fn identities_and_twins_of_devices_and_modules() {
    let (server, hub) = hub(|_, asked| {
        let (list, gone) = (asked.line.contains("/modules?"), asked.line.starts_with("DELETE"));
        if list { told(200, "[1]") } else { told(if gone { 204 } else { 200 }, "{}") }
    })
    .await;
    let body = json!({ "a": 1 });
    for module in [None, Some("m/1")] {
        assert!(hub.find_twin::<Value>("d 1", module).await.unwrap().is_some());
        hub.patch_twin::<Value>("d 1", module, &body, None).await.unwrap();
        hub.replace_twin::<Value>("d 1", module, &body, Some("e")).await.unwrap();
    }
    assert!(hub.find_module::<Value>("d", "m").await.unwrap().is_some());
    assert_eq!(hub.list_modules::<i32>("d").await.unwrap(), [1]);
    hub.put_module::<Value>("d", "m", &body, None).await.unwrap();
    hub.put_module::<Value>("d", "m", &body, Some("*")).await.unwrap();
    assert!(hub.delete_module("d", "m", Some("e")).await.unwrap());
    hub.device_statistics::<Value>().await.unwrap();
    hub.service_statistics::<Value>().await.unwrap();
    assert_eq!(
        server.asked().iter().map(shown).collect::<Vec<_>>(),
        [
            "GET /twins/d%201 ",
            r#"PATCH /twins/d%201 "*" {"a":1}"#,
            r#"PUT /twins/d%201 "e" {"a":1}"#,
            "GET /twins/d%201/modules/m%2F1 ",
            r#"PATCH /twins/d%201/modules/m%2F1 "*" {"a":1}"#,
            r#"PUT /twins/d%201/modules/m%2F1 "e" {"a":1}"#,
            "GET /devices/d/modules/m ",
            "GET /devices/d/modules ",
            r#"PUT /devices/d/modules/m {"a":1}"#,
            r#"PUT /devices/d/modules/m "*" {"a":1}"#,
            r#"DELETE /devices/d/modules/m "e" "#,
            "GET /statistics/devices ",
            "GET /statistics/service ",
        ]
    );
}

#[tokio::test]
async fn what_is_absent_and_what_is_refused() {
    let body = r#"{"Message":"ErrorCode:ModuleNotFound;no module","ExceptionMessage":"Tracking ID:t"}"#;
    let (_server, hub) = hub(move |_, _| told(404, body)).await;
    assert_eq!(hub.find_module::<Value>("d", "m").await.unwrap(), None);
    assert_eq!(hub.find_twin::<Value>("d", None).await.unwrap(), None);
    assert!(!hub.delete_module("d", "m", None).await.unwrap());
    let refused = hub.patch_twin::<Value>("d", None, &json!({}), None).await.unwrap_err();
    assert_eq!((refused.is_not_found(), refused.to_string()), (true, "no module (ModuleNotFound)".to_owned()));
}

#[tokio::test]
async fn methods_are_answered_by_the_device_or_refused_by_the_hub() {
    let call = |name: &str| MethodCall {
        method_name: name.to_owned(),
        payload: None,
        response_timeout_in_seconds: Some(5),
        connect_timeout_in_seconds: None,
    };
    let (server, hub) = hub(|_, asked| {
        if asked.body.contains("offline") {
            let inner = r#"{\"errorCode\":404103,\"trackingId\":\"t\",\"message\":\"Timed out waiting for device to connect.\"}"#;
            return told(404, &format!(r#"{{"Message":"{inner}","ExceptionMessage":""}}"#));
        }
        told(200, r#"{"status":418,"payload":null}"#)
    })
    .await;
    let answer: Value = hub.invoke_method("d", None, &call("brew")).await.unwrap();
    assert_eq!(answer, json!({"status": 418, "payload": null}));
    let refused = hub.invoke_method::<Value>("d", Some("m"), &call("offline")).await.unwrap_err();
    assert_eq!(refused.to_string(), "Timed out waiting for device to connect. (404103)");
    assert_eq!(
        server.asked().iter().map(shown).collect::<Vec<_>>(),
        [
            r#"POST /twins/d/methods {"methodName":"brew","responseTimeoutInSeconds":5}"#,
            r#"POST /twins/d/modules/m/methods {"methodName":"offline","responseTimeoutInSeconds":5}"#,
        ]
    );
}

#[tokio::test]
async fn messages_to_devices_carry_their_properties_as_headers() {
    let (server, hub) = hub(|_, asked| match asked.line.split(' ').next() {
        Some("DELETE") => told(200, r#"{"totalMessagesPurged":2,"deviceId":"d","moduleId":null}"#),
        _ => told(201, ""),
    })
    .await;
    let mut properties = Properties::new();
    for (property, value) in [(SystemProperty::MessageId, "m1"), (SystemProperty::Ack, "full")] {
        properties.push_system(property, value);
    }
    properties.push_application("color", Some("dark red"));
    hub.send_to_device("d 1", &properties, b"hello".to_vec()).await.unwrap();
    assert_eq!(hub.purge_messages("d").await.unwrap().total_messages_purged, 2);
    let asked = server.asked();
    assert_eq!(asked[0].line, "POST /messages/devicebound?api-version=2021-04-12");
    for (name, value) in [
        ("iothub-to", "/devices/d 1/messages/devicebound"),
        ("iothub-messageid", "m1"),
        ("iothub-ack", "full"),
        ("iothub-app-color", "dark red"),
    ] {
        assert_eq!(asked[0].headers[name], value);
    }
    assert_eq!(asked[0].body, "hello");
    assert_eq!(asked[1].line, "DELETE /devices/d/commands?api-version=2021-04-12");

    for (name, value) in [("a b", "v"), ("a", "ä"), ("a", "two\nlines")] {
        let mut properties = Properties::new();
        properties.push_application(name, Some(value));
        let refused = hub.send_to_device("d", &properties, Vec::new()).await.unwrap_err();
        assert!(matches!(refused, ServiceError::Unsendable { .. }), "{refused}");
        assert!(refused.hint().is_some());
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn feedback_is_received_and_settled_by_its_lock() {
    let record = r#"{"originalMessageId":"m1","description":"Success","deviceGenerationId":"1","deviceId":"d","enqueuedTimeUtc":"2026-11-21T20:00:00.0000000Z","statusCode":"Success"}"#;
    let (server, hub) = hub(move |before, asked| match before {
        0 => told(200, &format!("[{record}]")).header("etag", "\"l-1\""),
        1 => told(200, "[]"),
        _ if asked.line.starts_with("GET") => told(204, ""),
        _ => told(204, ""),
    })
    .await;
    let FeedbackBatch { lock_token, records } = hub.receive_feedback().await.unwrap().unwrap();
    assert_eq!((lock_token.as_str(), records[0].original_message_id.as_str()), ("l-1", "m1"));
    assert!(matches!(hub.receive_feedback().await, Err(ServiceError::Odd { .. })), "without a lock");
    assert_eq!(hub.receive_feedback().await.unwrap(), None);
    hub.complete_feedback("l-1").await.unwrap();
    hub.abandon_feedback("l-1").await.unwrap();
    assert_eq!(
        server.asked()[3..].iter().map(shown).collect::<Vec<_>>(),
        ["DELETE /messages/serviceBound/feedback/l-1 ", "POST /messages/serviceBound/feedback/l-1/abandon "]
    );
}

#[tokio::test]
async fn what_devices_do_over_https() {
    let (server, hub) = hub(|before, asked| match (before, asked.line.starts_with("GET")) {
        (1, true) => told(200, "hello").header("etag", "\"lock-1\"").header("iothub-app-color", "red"),
        _ => told(204, ""),
    })
    .await;
    hub.send_event("d", &[("iothub-app-a".to_owned(), "b".to_owned())], b"{}".to_vec()).await.unwrap();
    let delivery = hub.receive_message("d", Some(60)).await.unwrap().unwrap();
    assert_eq!((delivery.lock_token.as_str(), delivery.body.as_slice()), ("lock-1", &b"hello"[..]));
    assert!(delivery.headers.contains(&("iothub-app-color".to_owned(), "red".to_owned())));
    assert_eq!(hub.receive_message("d", None).await.unwrap(), None);
    for how in [Settlement::Complete, Settlement::Reject, Settlement::Abandon] {
        hub.settle_message("d", "lock-1", how).await.unwrap();
    }
    let asked = server.asked();
    assert_eq!(asked[0].headers["iothub-app-a"], "b");
    assert_eq!(asked[1].headers["iothub-messagelocktimeout"], "60");
    assert!(!asked[2].headers.contains_key("iothub-messagelocktimeout"));
    assert_eq!(
        asked.iter().map(|asked| asked.line.replace("?api-version=2021-04-12", "")).collect::<Vec<_>>(),
        [
            "POST /devices/d/messages/events",
            "GET /devices/d/messages/deviceBound",
            "GET /devices/d/messages/deviceBound",
            "DELETE /devices/d/messages/deviceBound/lock-1",
            "DELETE /devices/d/messages/deviceBound/lock-1&reject=",
            "POST /devices/d/messages/deviceBound/lock-1/abandon",
        ]
    );
}

#[tokio::test]
async fn a_file_is_put_where_the_hub_says_and_the_hub_hears_of_it() {
    for (stored, told_hub) in [
        (201, r#"{"correlationId":"c","isSuccess":true,"statusCode":201,"statusDescription":"Created"}"#),
        (403, r#"{"correlationId":"c","isSuccess":false,"statusCode":403,"statusDescription":"no (HTTP 403)"}"#),
    ] {
        let (server, hub) = hub(move |_, asked| match asked.line.split(['/', ' ']).nth(2) {
            Some("up loads" | "up%20loads") => told(stored, "no"),
            _ if asked.line.contains("/files?") => told(
                200,
                r#"{"correlationId":"c","hostName":"localhost","containerName":"up loads","blobName":"d/a b.txt","sasToken":"?sv=1&sig=s%3D"}"#,
            ),
            _ => told(204, ""),
        })
        .await;
        let uploaded = hub.upload_file("d", "a b.txt", "text/plain", b"content".to_vec()).await;
        assert_eq!(uploaded.is_ok(), stored == 201);
        let asked = server.asked();
        assert_eq!(shown(&asked[0]), r#"POST /devices/d/files {"blobName":"a b.txt"}"#);
        assert_eq!(asked[1].line, "PUT /up%20loads/d/a%20b.txt?sv=1&sig=s%3D");
        assert_eq!(
            (&*asked[1].headers["content-type"], &*asked[1].headers["x-ms-blob-type"]),
            ("text/plain", "BlockBlob")
        );
        assert!(!asked[1].headers.contains_key("authorization"));
        assert_eq!(shown(&asked[2]), format!("POST /devices/d/files/notifications {told_hub}"));
    }
}
