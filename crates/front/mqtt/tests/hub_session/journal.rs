//! Every refusal is one entry of the journal, with the code that the wire has and the words that the log has.

use roadstead_hub::{AuthSpec, IdentitySpec, IfMatch};
use roadstead_journal::RefusalFilter;
use roadstead_model::{
    DeviceProtocol, DeviceStatus, DisconnectReason, Happening, JournalOwner, RefusalCause, RefusalEntry, What,
};
use roadstead_store::StoreError;

use super::*;

const OTHER_KEY: &str = "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=";

fn id(device: &str) -> DeviceId {
    DeviceId::parse(device).unwrap()
}

/// The device's own key is `KEY`.
async fn device(world: &World, name: &str) {
    let auth = AuthSpec::Sas { primary: Some(Secret::new(KEY)), secondary: None };
    world.hub.create_device(IdentitySpec::new(id(name), auth)).await.unwrap();
}

fn token(resource: &str, expiry_s: i64) -> String {
    sign(resource, &SasKey::from_base64(KEY).unwrap(), expiry_s, None)
}

/// The CONNACK code of such a client.
async fn knock(world: &World, client_id: &str, user_name: Option<&str>, password: Option<&str>) -> u8 {
    let (mut client, server) = duplex(4096);
    let front = world.front.clone();
    let served = tokio::spawn(async move { front.serve(server, caller()).await });
    let connect = Connect {
        clean_session: true,
        keep_alive_s: 60,
        client_id,
        will: None,
        user_name,
        password: password.map(str::as_bytes),
    };
    let mut bytes = Vec::new();
    encode::connect(&mut bytes, &connect).unwrap();
    client.write_all(&bytes).await.unwrap();
    let mut connack = [0; 4];
    client.read_exact(&mut connack).await.unwrap();
    drop(client);
    served.await.unwrap();
    connack[3]
}

/// All refusals so far, of the hub and of those who named none, newest first.
async fn refusals(world: &World) -> Vec<(String, RefusalEntry)> {
    let owner = world.hub.journal_owner();
    let found = world.hub.journal().refusals(&owner, &RefusalFilter::default(), None, 100).await.unwrap();
    let refusal = |happening: Happening| match happening.what {
        What::Refused(refusal) => (happening.id, refusal),
        other => panic!("{other:?}"),
    };
    found.items.into_iter().map(refusal).collect()
}

#[tokio::test]
async fn every_refused_connect_is_one_entry() {
    let world = World::new().await;
    for name in ["good", "off"] {
        device(&world, name).await;
    }
    let same = AuthSpec::Sas { primary: None, secondary: None };
    let off = IdentitySpec { status: DeviceStatus::Disabled, ..IdentitySpec::new(id("off"), same) };
    world.hub.update_device(off, IfMatch::Any).await.unwrap();
    let later = NOW_S + TOKEN_S;
    let own = |device: &str| token(&format!("{HOST}/devices/{device}"), later);
    let user = |device: &str| format!("{HOST}/{device}/?api-version=2021-04-12");
    let wrong_key = sign(&format!("{HOST}/devices/good"), &SasKey::from_base64(OTHER_KEY).unwrap(), later, None);
    let cases = [
        (RefusalCause::UnknownDevice, "nobody", Some(user("nobody")), Some(own("nobody"))),
        (RefusalCause::UnknownModule, "good/cam", Some(user("good/cam")), Some(own("good/modules/cam"))),
        (RefusalCause::WrongKey, "good", Some(user("good")), Some(wrong_key)),
        (RefusalCause::NoCredentials, "good", Some(user("good")), None),
        (RefusalCause::BadToken, "good", Some(user("good")), Some("SharedAccessSignature sig=c2VjcmV0".to_owned())),
        (
            RefusalCause::TokenExpired,
            "good",
            Some(user("good")),
            Some(token(&format!("{HOST}/devices/good"), NOW_S - TOKEN_S)),
        ),
        (RefusalCause::WrongAudience, "good", Some(user("good")), Some(own("other"))),
        (RefusalCause::DeviceDisabled, "off", Some(user("off")), Some(own("off"))),
        (RefusalCause::UnknownHost, "good", Some("other.example/good/?api-version=1".to_owned()), Some(own("good"))),
        (RefusalCause::BadRequest, "mixed", Some(user("good")), Some(own("good"))),
        (RefusalCause::BadRequest, "nameless", None, None),
        (
            RefusalCause::BadRequest,
            "formless",
            Some("SharedAccessSignature sig=c2VjcmV0".to_owned()),
            Some(own("good")),
        ),
    ];
    for (at, (cause, client_id, user_name, password)) in cases.into_iter().enumerate() {
        let code = knock(&world, client_id, user_name.as_deref(), password.as_deref()).await;
        let found = refusals(&world).await;
        assert_eq!(found.len(), at + 1, "{cause} {client_id}: one more");
        let (claimed, refusal) = &found[0];
        // What does not fit the user name is told under that of the user name.
        let expected = if client_id == "mixed" { "good" } else { client_id };
        assert_eq!((claimed.as_str(), refusal.cause, refusal.count), (expected, cause, 1));
        assert_eq!(refusal.code, format!("CONNACK {code}"), "{cause} {client_id}");
        assert!(!refusal.message.is_empty());
        assert_eq!(refusal.origin.protocol, DeviceProtocol::Mqtt);
        assert_eq!(refusal.origin.address, Some([192, 0, 2, 7].into()));
        let text = format!("{found:?}");
        assert!(!text.contains("c2VjcmV0"), "{text}");
    }
}

#[tokio::test]
async fn who_says_no_connect_that_is_understood_is_one_entry() {
    let world = World::new().await;
    let too_new = b"\x10\x0f\0\x04MQTT\x05\x02\0\x3c\0\0\x02ab";
    for (at, (bytes, code)) in [
        (&too_new[..], "CONNACK 1"),
        (b"\x10\xff\xff\xff\xff", "connection closed"),
        (b"GET / HTTP", "connection closed"),
    ]
    .into_iter()
    .enumerate()
    {
        world.clock.advance_ms(3_600_001);
        let (mut client, server) = duplex(4096);
        let front = world.front.clone();
        let served = tokio::spawn(async move { front.serve(server, caller()).await });
        client.write_all(bytes).await.unwrap();
        rest(client).await;
        served.await.unwrap();
        let found = refusals(&world).await;
        assert_eq!(found.len(), at + 1, "{found:?}");
        let (claimed, refusal) = &found[0];
        assert_eq!((claimed.as_str(), refusal.cause, &*refusal.code), ("", RefusalCause::BadRequest, code));
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_one_entry_and_who_leaves_is_none() {
    let world = World::new().await;
    for (says, expected) in [(None, 0), (Some(&b""[..]), 1), (Some(&b"\x10"[..]), 1)] {
        let (mut client, server) = duplex(4096);
        let front = world.front.clone();
        let served = tokio::spawn(async move { front.serve(server, caller()).await });
        match says {
            Some(bytes) => {
                client.write_all(bytes).await.unwrap();
                rest(client).await;
            }
            None => drop(client),
        }
        served.await.unwrap();
        assert_eq!(refusals(&world).await.len(), expected, "those that are alike are one entry");
    }
    let (claimed, refusal) = refusals(&world).await.remove(0);
    assert_eq!((claimed.as_str(), refusal.cause, refusal.count), ("", RefusalCause::BadRequest, 2));
    assert_eq!(refusal.message, "no CONNECT within 30 s");
}

#[tokio::test]
async fn a_session_ends_in_the_timeline_and_what_ended_it_is_there() {
    let world = World::new().await;
    let (mut client, served) = world.connect().await;
    world.clock.advance_ms(1);
    client.write_all(&request("devices/dev2/messages/events/", b"{}", None)).await.unwrap();
    rest(client).await;
    served.await.unwrap();
    let owner = world.hub.journal_owner();
    let found = world.hub.journal().timeline(&owner, "dev1", None, 10).await.unwrap().items;
    let [ended, refused, connected, created] = &found[..] else { panic!("{found:?}") };
    assert_eq!(ended.what, What::Disconnected(DisconnectReason::ProtocolError));
    let What::Refused(refusal) = &refused.what else { panic!("{refused:?}") };
    assert_eq!((refusal.cause, refusal.code.as_str()), (RefusalCause::BadRequest, "connection closed"));
    assert!(refusal.message.contains("topic `devices/dev2/messages/events/`"), "{}", refusal.message);
    assert!(matches!(connected.what, What::Connected { origin: Some(_), .. }), "{connected:?}");
    assert_eq!(created.what, What::Created);
}

#[tokio::test]
async fn what_found_no_room_is_one_entry_that_does_not_name_the_disk() {
    let world = World::new().await;
    let (mut client, served) = world.connect().await;
    world.log.hold();
    client.write_all(&publish()).await.unwrap();
    while world.stored() == 0 {
        tokio::task::yield_now().await;
    }
    world.log.release(Err(StoreError::Full("/var/lib/roadstead: no space left".to_owned())));
    assert!(rest(client).await.is_empty(), "nothing is acknowledged");
    served.await.unwrap();
    let found = refusals(&world).await;
    let [(claimed, refusal)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((claimed.as_str(), refusal.cause), ("dev1", RefusalCause::ServerBusy));
    assert_eq!(refusal.message, "the hub cannot store more now");
}

#[tokio::test]
async fn a_refused_report_is_one_entry() {
    let world = World::new().await;
    let (mut client, _served) = subscribed(&world, &["$iothub/twin/res/#"]).await;
    client.write_all(&request("$iothub/twin/PATCH/properties/reported/?$rid=1", b"[]", None)).await.unwrap();
    let (topic, body) = message(&mut client).await;
    assert!(topic.starts_with("$iothub/twin/res/400/"), "{topic}");
    let found = refusals(&world).await;
    let [(claimed, refusal)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((claimed.as_str(), refusal.cause), ("dev1", RefusalCause::BadRequest));
    let said: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (said["errorCode"].to_string(), said["message"].as_str()),
        (refusal.code.clone(), Some(&*refusal.message))
    );
}

#[tokio::test]
async fn an_unknown_id_scope_is_told_to_all() {
    let world = World::new().await;
    let user = "0ne00FFFFFF/registrations/lost/api-version=2019-03-31";
    let (mut client, server) = duplex(4096);
    let front = world.front.clone();
    let served = tokio::spawn(async move { front.serve(server, caller()).await });
    let connect = Connect {
        clean_session: true,
        keep_alive_s: 60,
        client_id: "lost",
        will: None,
        user_name: Some(user),
        password: None,
    };
    let mut bytes = Vec::new();
    encode::connect(&mut bytes, &connect).unwrap();
    encode::subscribe(&mut bytes, PacketId::FIRST, [("$dps/registrations/res/#", QoS::AtMostOnce)].into_iter())
        .unwrap();
    client.write_all(&bytes).await.unwrap();
    assert_eq!(packet(&mut client).await, CONNACK);
    packet(&mut client).await;
    client.write_all(&request("$dps/registrations/PUT/iotdps-register/?$rid=1", b"{}", None)).await.unwrap();
    let (_, body) = message(&mut client).await;
    let said: serde_json::Value = serde_json::from_str(&body).unwrap();
    world.clock.advance_ms(1);
    client.write_all(&request(EVENTS, b"{}", None)).await.unwrap();
    rest(client).await;
    served.await.unwrap();
    let owner = JournalOwner::NoDps;
    let found = world.hub.journal().refusals(&owner, &RefusalFilter::default(), None, 10).await.unwrap().items;
    let [Happening { what: What::Refused(last), .. }, Happening { id, what: What::Refused(refusal), .. }] = &found[..]
    else {
        panic!("{found:?}")
    };
    assert_eq!((last.cause, &*last.code), (RefusalCause::BadRequest, "connection closed"), "telemetry is not for DPS");
    assert_eq!((id.as_str(), refusal.cause, &*refusal.target), ("lost", RefusalCause::UnknownIdScope, "0ne00FFFFFF"));
    assert_eq!(
        (said["errorCode"].to_string(), said["message"].as_str()),
        (refusal.code.clone(), Some(&*refusal.message))
    );
}
