//! Every refusal of a device is one entry of the journal, with the condition and the words of the answer.

use std::{sync::Arc, time::Duration};

use roadstead_amqp_proto::{
    DeliveryState, Detach, Open, Performative, Protocol, condition,
    message::MessageWriter,
    sasl::{SaslInit, SaslRequest},
};
use roadstead_hub::{AuthSpec, IdentitySpec, IfMatch};
use roadstead_journal::RefusalFilter;
use roadstead_model::{
    DeviceProtocol, DeviceStatus, Happening, Hub as HubResource, JournalOwner, RefusalCause, RefusalEntry, What,
};
use roadstead_sas::{SasKey, sign};
use serde_json::Value;

use crate::{
    client::{Client, sender},
    device::{EVENTS, cam, id, own_token, world_of},
    dps::{attaches, is_rejected, register},
    dps_world::{SCOPE, address, leaf},
    world::{HOST, NOW_S, TOKEN_S, World, token_of},
};

/// All refusals so far, newest first.
async fn refusals(world: &World, owner: &JournalOwner) -> Vec<(String, RefusalEntry)> {
    let found = world.hub.journal().refusals(owner, &RefusalFilter::default(), None, 100).await.unwrap();
    let refusal = |happening: Happening| match happening.what {
        What::Refused(refusal) => {
            assert_eq!(refusal.origin.protocol, DeviceProtocol::Amqp);
            assert!(refusal.origin.address.is_some());
            (happening.id, refusal)
        }
        other => panic!("{other:?}"),
    };
    found.items.into_iter().map(refusal).collect()
}

#[tokio::test]
async fn a_refused_token_is_one_entry() {
    let world = world_of(&["cam-1"]).await;
    for (at, (cause, device, expiry_s)) in [
        (RefusalCause::TokenExpired, "cam-1", NOW_S - TOKEN_S),
        (RefusalCause::UnknownDevice, "nobody", NOW_S + TOKEN_S),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = world.stranger().await;
        let (status, words) = client.put_token(&own_token(device, expiry_s)).await;
        client.closes().await;
        let found = refusals(&world, &world.hub.journal_owner()).await;
        assert_eq!(found.len(), at + 1);
        let (claimed, refusal) = &found[0];
        assert_eq!((claimed.as_str(), refusal.cause), (device, cause));
        assert_eq!((refusal.code.as_str(), &refusal.message), (&*status.to_string(), &words));
    }
}

#[tokio::test]
async fn a_back_end_that_is_not_let_in_is_one_entry() {
    let world = World::new().await;
    let services = world.hub.services_owner();
    let other_key = SasKey::from_bytes(vec![8; 32]);
    for (at, (cause, token)) in [
        (RefusalCause::WrongKey, sign(HOST, &other_key, NOW_S + TOKEN_S, Some("service"))),
        (RefusalCause::TokenExpired, token_of("service", HOST, NOW_S - TOKEN_S)),
        (RefusalCause::WrongPolicy, token_of("gone", HOST, NOW_S + TOKEN_S)),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = world.stranger().await;
        let (status, words) = client.put_token(&token).await;
        client.closes().await;
        let found = refusals(&world, &services).await;
        assert_eq!(found.len(), at + 1, "{found:?}");
        let (claimed, refusal) = &found[0];
        let expected = if cause == RefusalCause::WrongPolicy { "policy/gone" } else { "policy/service" };
        assert_eq!((claimed.as_str(), refusal.cause), (expected, cause));
        assert_eq!((refusal.code.as_str(), &refusal.message), (&*status.to_string(), &words));
    }
    // Let in, and refused the link.
    let mut client = world.stranger().await;
    client.put_token(&token_of("registry", HOST, NOW_S + TOKEN_S)).await;
    let error = client.is_refused(sender("c2d", 0, "/messages/devicebound")).await;
    let (claimed, refusal) = refusals(&world, &services).await.remove(0);
    assert_eq!((claimed.as_str(), refusal.cause), ("policy/registry", RefusalCause::WrongPolicy));
    assert_eq!((&*refusal.code, Some(&*refusal.message)), (&*error.condition, error.description.as_deref()));
    assert!(refusals(&world, &world.hub.journal_owner()).await.is_empty(), "they are no devices");
}

/// Who stays after that and says no more is ended, and was told why before.
#[tokio::test(start_paused = true)]
async fn a_refused_token_is_one_entry_however_long_its_device_stays() {
    let world = world_of(&["cam-1"]).await;
    let mut client = world.stranger().await;
    client.put_token(&own_token("cam-1", NOW_S - TOKEN_S)).await;
    while client.hears_frame().await.is_some() {}
    let causes: Vec<_> = refusals(&world, &world.hub.journal_owner()).await;
    let causes: Vec<_> = causes.iter().map(|(id, refusal)| (id.as_str(), refusal.cause)).collect();
    assert_eq!(causes, [("cam-1", RefusalCause::TokenExpired)]);
}

#[tokio::test]
async fn a_refused_link_is_one_entry() {
    let world = world_of(&["cam-1", "cam-2"]).await;
    let same = AuthSpec::Sas { primary: None, secondary: None };
    let off = IdentitySpec { status: DeviceStatus::Disabled, ..IdentitySpec::new(id("cam-2"), same) };
    world.hub.update_device(off, IfMatch::Any).await.unwrap();
    let mut client = cam(&world).await;
    for (at, (cause, device, path)) in [
        (RefusalCause::NoCredentials, "cam-2", "/devices/cam-2/messages/events"),
        (RefusalCause::UnknownDevice, "nobody", "/devices/nobody/messages/events"),
        (RefusalCause::BadRequest, "cam-1", "/devices/cam-1/messages/devicebound"),
    ]
    .into_iter()
    .enumerate()
    {
        let error = client.is_refused(sender("d2c", 0, path)).await;
        let found = refusals(&world, &world.hub.journal_owner()).await;
        assert_eq!(found.len(), at + 1, "{path}: {found:?}");
        let (claimed, refusal) = &found[0];
        assert_eq!((claimed.as_str(), refusal.cause), (device, cause), "{path}");
        assert_eq!(
            (&*refusal.code, Some(&*refusal.message)),
            (&*error.condition, error.description.as_deref()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn refused_telemetry_is_one_entry() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(sender("d2c", 0, EVENTS)).await;
    let mut large = Vec::new();
    MessageWriter::new(&mut large).data(&vec![b'x'; 260 * 1024]);
    let DeliveryState::Rejected(Some(error)) = client.asks(0, &large).await else { panic!("too large") };
    let found = refusals(&world, &world.hub.journal_owner()).await;
    let [(claimed, refusal)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((claimed.as_str(), refusal.cause), ("cam-1", RefusalCause::TooLarge));
    assert_eq!((&*refusal.code, Some(&*refusal.message)), (&*error.condition, error.description.as_deref()));
}

#[tokio::test]
async fn what_is_longer_than_a_link_takes_is_one_entry() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(sender("d2c", 0, EVENTS)).await;
    client.transfers(0, &vec![b'x'; 1024 * 1024 + 1]).await;
    let error = client.hears_detach(0).await;
    let found = refusals(&world, &world.hub.journal_owner()).await;
    let [(claimed, refusal)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((claimed.as_str(), refusal.cause), ("cam-1", RefusalCause::TooLarge));
    assert_eq!((&*refusal.code, Some(&*refusal.message)), (&*error.condition, error.description.as_deref()));
}

#[tokio::test]
async fn what_is_no_amqp_is_one_entry() {
    let world = World::new().await;
    let (io, served) = world.pipe();
    let mut client = Client::new(io);
    client.says(b"GET / HTTP/1.1\r\n\r\n").await;
    served.await.unwrap();
    let found = refusals(&world, &JournalOwner::NoHub).await;
    let [(claimed, refusal)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((claimed.as_str(), refusal.cause), ("", RefusalCause::BadRequest));
}

#[tokio::test]
async fn who_is_kept_out_by_sasl_is_one_entry() {
    let world = world_of(&["cam-1"]).await;
    let (devices, services) = (world.hub.journal_owner(), world.hub.services_owner());
    for (user, token, owner, expected) in [
        ("cam-1@sas.hub1", own_token("cam-1", NOW_S - TOKEN_S), &devices, "cam-1"),
        ("service@sas.root.hub1", token_of("service", HOST, NOW_S - TOKEN_S), &services, "policy/service"),
    ] {
        let (io, _) = world.pipe();
        let mut client = Client::new(io);
        client.says(&Protocol::Sasl.bytes()).await;
        client.hears_bytes(8).await;
        client.hears_frame().await.unwrap();
        let response = format!("\0{user}\0{token}");
        let mut bytes = Vec::new();
        let response = Some(response.as_bytes());
        SaslRequest::Init(SaslInit { mechanism: "PLAIN", initial_response: response, hostname: None })
            .write(&mut bytes);
        client.says(&bytes).await;
        client.hears_frame().await.unwrap();
        assert!(client.hears_or_end().await.is_none());
        let found = refusals(&world, owner).await;
        let [(claimed, refusal)] = &found[..] else { panic!("{found:?}") };
        let told = (claimed.as_str(), refusal.cause, &*refusal.code);
        assert_eq!(told, (expected, RefusalCause::TokenExpired, "SASL auth"));
        assert!(!format!("{found:?}").contains("sig="), "{found:?}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_here_is_told_to_all() {
    let world = World::new().await;
    let (io, served) = world.pipe();
    let mut client = Client::new(io);
    client.says(&Protocol::Amqp.bytes()).await;
    client.hears_bytes(8).await;
    let open = Open { hostname: Some("other.example".into()), ..Open::new("c") };
    client.sends(Performative::Open(Box::new(open)), b"").await;
    assert!(matches!(client.hears().await.0, Performative::Open(_)));
    let Performative::Close(close) = client.hears().await.0 else { panic!() };
    served.await.unwrap();
    let error = close.error.unwrap();
    let found = refusals(&world, &world.hub.journal_owner()).await;
    let [(claimed, refusal)] = &found[..] else { panic!("{found:?}") };
    let told = (claimed.as_str(), &*refusal.target, refusal.cause);
    assert_eq!(told, ("", "other.example", RefusalCause::UnknownHost));
    assert_eq!((&*refusal.code, Some(&*refusal.message)), (&*error.condition, error.description.as_deref()));
}

#[tokio::test]
async fn a_refused_registration_is_one_entry() {
    let world = World::new().await;
    let certificates = [leaf("stranger").der().to_vec()];
    let mut client = Client::open(world.pipe_with(&certificates).0, HOST).await;
    attaches(&mut client, &address("stranger")).await;
    let error = is_rejected(&mut client, &register("{}")).await;
    let said: Value = serde_json::from_str(error.description.as_deref().unwrap()).unwrap();
    let dps = world.dps.find(SCOPE).unwrap().journal_owner();
    client.transfers(1, &vec![b'x'; 101 * 1024]).await;
    client.hears_detach(1).await;
    let mut found = refusals(&world, &dps).await;
    found.retain(|(_, refusal)| refusal.cause != RefusalCause::TooLarge);
    assert_eq!(refusals(&world, &dps).await.len(), found.len() + 1, "what was too long is one more");
    let [(claimed, refusal)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((claimed.as_str(), refusal.target.as_str()), ("stranger", SCOPE));
    assert_eq!(
        (said["errorCode"].to_string(), said["message"].as_str()),
        (refusal.code.clone(), Some(&*refusal.message))
    );
}

/// Reads on until the server hangs up, with signs of life meanwhile, and tells why it did.
async fn waits_to_be_closed(client: &mut Client) -> String {
    loop {
        match tokio::time::timeout(Duration::from_secs(200), client.hears()).await {
            Ok((Performative::Close(close), _)) => return close.error.unwrap().condition.into_string(),
            Ok(_) => {}
            Err(_) => client.says(&[0, 0, 0, 8, 2, 0, 0, 0]).await,
        }
    }
}

/// Who was let in once and has nothing any more that speaks for it is hung up on, and is no stranger: nobody was refused.
#[tokio::test(start_paused = true)]
async fn who_was_known_once_is_hung_up_on_without_an_entry() {
    let world = world_of(&[]).await;
    let certificate = leaf("any name");
    let auth = AuthSpec::Thumbprints { primary: Some(certificate.sha1().to_string()), secondary: None };
    world.hub.create_device(IdentitySpec::new(id("cam-1"), auth)).await.unwrap();
    let mut device = Client::open(world.pipe_with(&[certificate.der().to_vec()]).0, HOST).await;
    device.attaches(sender("d2c", 0, EVENTS)).await;
    device.sends(Performative::Detach(Detach { handle: 0, closed: true, error: None }), b"").await;
    assert_eq!(waits_to_be_closed(&mut device).await, condition::UNAUTHORIZED_ACCESS);

    let mut backend = world.client().await;
    let resource = HubResource { policies: Vec::new(), ..(*world.hub.resource()).clone() };
    world.hub.set_resource(Arc::new(resource));
    assert_eq!(waits_to_be_closed(&mut backend).await, condition::UNAUTHORIZED_ACCESS);
    assert_eq!(refusals(&world, &world.hub.journal_owner()).await, []);

    let mut stranger = world.stranger().await;
    assert_eq!(waits_to_be_closed(&mut stranger).await, condition::UNAUTHORIZED_ACCESS);
    let found = refusals(&world, &world.hub.journal_owner()).await;
    let [(claimed, refusal)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((claimed.as_str(), refusal.cause), ("", RefusalCause::NoCredentials));
}
