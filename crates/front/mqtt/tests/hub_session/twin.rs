//! Twins: asked for, reported, changed by back ends.

use roadstead_hub::{IfMatch, SectionChange, TwinChange, TwinWrite};

use super::*;

const GET: &str = "$iothub/twin/GET/?$rid=";
const REPORT: &str = "$iothub/twin/PATCH/properties/reported/?$rid=";

#[tokio::test]
async fn a_device_reads_and_reports_its_twin() {
    let world = World::new().await;
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/res/#"]).await;
    let answer = |topic: &str, payload: &str| (topic.to_owned(), payload.to_owned());
    client.write_all(&request(&format!("{GET}Ab%20c"), b" ", None)).await.unwrap();
    let empty = r#"{"desired":{"$version":1},"reported":{"$version":1}}"#;
    assert_eq!(message(&mut client).await, answer("$iothub/twin/res/200/?$rid=Ab%20c", empty));

    // Several at once, one of them to be acknowledged: that comes first, the answer at QoS 0 nonetheless.
    let mut both = request(&format!("{REPORT}2"), r#"{"grün":1}"#.as_bytes(), Some(PacketId::FIRST));
    both.extend(request(&format!("{REPORT}3&$version=2"), b"{}", None));
    client.write_all(&both).await.unwrap();
    assert_eq!(packet(&mut client).await, PUBACK);
    assert_eq!(message(&mut client).await, answer("$iothub/twin/res/204/?$rid=2&$version=2", ""));
    assert_eq!(message(&mut client).await, answer("$iothub/twin/res/204/?$rid=3&$version=3", ""));
    client.write_all(&request(&format!("{GET}4"), b"", None)).await.unwrap();
    let reported = r#"{"desired":{"$version":1},"reported":{"gr\u00fcn":1,"$version":3}}"#;
    assert_eq!(message(&mut client).await.1, reported);
}

#[tokio::test]
async fn refused_twin_requests_say_why() {
    let world = World::new().await;
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/res/#"]).await;
    let big =
        format!("{{{}}}", (0..9).map(|n| format!("\"{n}\":\"{}\"", "x".repeat(4096))).collect::<Vec<_>>().join(","));
    for (rid, body, status, code) in [
        ("1", "", 400, 400_004),
        ("2", "{", 400, 400_004),
        ("3", "[]", 400, 400_004),
        ("4", "null", 400, 400_004),
        ("5", r#"{"a b":1}"#, 400, 400_004),
        ("6&$version=7", "{}", 412, 412_001),
        ("7", &big, 403, 403_100),
    ] {
        client.write_all(&request(&format!("{REPORT}{rid}"), body.as_bytes(), None)).await.unwrap();
        let (topic, body) = message(&mut client).await;
        assert_eq!(topic, format!("$iothub/twin/res/{status}/?$rid={}", &rid[..1]));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["errorCode"], code, "{body}");
        assert!(!body["message"].as_str().unwrap().is_empty() && !body["trackingId"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn who_asks_much_must_read_before_more_is_answered() {
    let world = World::new().await;
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/res/#"]).await;
    let big =
        format!("{{{}}}", (0..7).map(|n| format!("\"{n}\":\"{}\"", "x".repeat(4096))).collect::<Vec<_>>().join(","));
    client.write_all(&request(&format!("{REPORT}0"), big.as_bytes(), None)).await.unwrap();
    message(&mut client).await;
    let questions: Vec<u8> = (0..100).flat_map(|rid| request(&format!("{GET}{rid}"), b"", None)).collect();
    client.write_all(&questions).await.unwrap();
    let (topic, first) = message(&mut client).await;
    assert_eq!(topic, "$iothub/twin/res/200/?$rid=0");
    // What was answered before the first answer was taken does not know of this.
    let id = DeviceId::parse("dev1").unwrap().into();
    let desired = SectionChange::Write(Map::from_iter([("hz".to_owned(), 5.into())]));
    let change = TwinChange { desired, ..TwinChange::default() };
    world.hub.update_twin(&id, change, TwinWrite::Patch, IfMatch::Any).await.unwrap();
    let mut last = first;
    for rid in 1..100 {
        let (topic, body) = message(&mut client).await;
        assert_eq!(topic, format!("$iothub/twin/res/200/?$rid={rid}"));
        last = body;
    }
    assert!(last.starts_with(r#"{"desired":{"hz":5,"#), "all were answered before the first was taken");
}

#[tokio::test]
async fn who_does_not_listen_gets_no_answer() {
    let world = World::new().await;
    let (mut client, served) = world.connect().await;
    let mut bytes = request(&format!("{REPORT}1"), b"{\"a\":1}", Some(PacketId::FIRST));
    encode::disconnect(&mut bytes);
    client.write_all(&bytes).await.unwrap();
    assert_eq!(rest(client).await, PUBACK);
    served.await.unwrap();
    let twin = world.hub.find_identity(&DeviceId::parse("dev1").unwrap().into()).await.unwrap().twin;
    assert_eq!(twin.reported.version, 2, "but it is done");
}

#[tokio::test]
async fn other_topics_of_the_hub_end_the_connection() {
    for topic in ["$iothub/twin/PUT/?$rid=1", "$iothub/twin/GET/", "$iothub/twin/GET/?$rid=", "$iothub/x", "$SYS/x"] {
        let world = World::new().await;
        let (mut client, served) = world.connect().await;
        client.write_all(&request(topic, b"{}", Some(PacketId::FIRST))).await.unwrap();
        assert_eq!(rest(client).await, b"", "{topic}");
        served.await.unwrap();
    }
}

#[tokio::test]
async fn desired_properties_are_told_to_who_listens() {
    let world = World::new().await;
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/PATCH/properties/desired/#"]).await;
    let id = DeviceId::parse("dev1").unwrap().into();
    for (write, body) in
        [(TwinWrite::Patch, r#"{"a":1,"b":null,"$version":2}"#), (TwinWrite::Replace, r#"{"a":1,"$version":3}"#)]
    {
        let desired = SectionChange::Write(serde_json::from_str(r#"{"a":1,"b":null}"#).unwrap());
        let change = TwinChange { desired, ..TwinChange::default() };
        let version = world.hub.update_twin(&id, change, write, IfMatch::Any).await.unwrap().twin.desired.version;
        let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={version}");
        assert_eq!(message(&mut client).await, (topic, body.to_owned()));
    }
}

/// Clients that read their twin and then subscribe (C, Node) miss nothing in between.
#[tokio::test]
async fn changes_between_a_devices_question_and_its_subscription_are_told_after_it() {
    let world = World::new().await;
    let id = DeviceId::parse("dev1").unwrap().into();
    let desire = async |n: u32| {
        let desired = SectionChange::Write(Map::from_iter([("n".to_owned(), n.into())]));
        let change = TwinChange { desired, ..TwinChange::default() };
        world.hub.update_twin(&id, change, TwinWrite::Patch, IfMatch::Any).await.unwrap();
    };
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/res/#"]).await;
    desire(2).await;
    client.write_all(&request(&format!("{GET}1"), b"", None)).await.unwrap();
    message(&mut client).await;
    desire(3).await;
    client.write_all(&request(&format!("{GET}2"), b"", None)).await.unwrap();
    assert!(message(&mut client).await.1.starts_with(r#"{"desired":{"n":3,"#));
    desire(4).await;
    desire(5).await;
    let mut bytes = Vec::new();
    let filter = "$iothub/twin/PATCH/properties/desired/#";
    encode::subscribe(&mut bytes, PacketId::FIRST, [(filter, QoS::AtMostOnce)]).unwrap();
    client.write_all(&bytes).await.unwrap();
    assert_eq!(packet(&mut client).await, [0x90, 3, 0, 1, 0], "SUBACK comes first");
    for n in 4..7 {
        if n == 6 {
            desire(6).await;
        }
        let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={n}");
        assert_eq!(message(&mut client).await, (topic, format!(r#"{{"n":{n},"$version":{n}}}"#)));
    }
}
