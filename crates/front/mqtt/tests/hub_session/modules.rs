//! Modules: connections beside their device's.

use super::*;

/// CONNECT of the module `$m` on dev1, by the hub's policy, with a will.
fn connect_module(client_id: &str) -> Vec<u8> {
    let token = sign(HOST, &SasKey::from_base64(KEY).unwrap(), NOW_S + TOKEN_S, Some("device"));
    let topic = "devices/dev1/modules/$m/messages/events/a=b";
    let connect = Connect {
        clean_session: false,
        keep_alive_s: 60,
        client_id,
        will: Some(Will { topic, payload: b"will", qos: QoS::AtLeastOnce, retain: false }),
        user_name: Some("hub1.example/dev1/$m/?api-version=2021-04-12"),
        password: Some(token.as_bytes()),
    };
    let mut bytes = Vec::new();
    encode::connect(&mut bytes, &connect).unwrap();
    bytes
}

async fn serve_module(world: &World, sent: &[u8]) -> Vec<u8> {
    let (mut client, server) = duplex(4096);
    let front = world.front.clone();
    let served = tokio::spawn(async move { front.serve(server, caller()).await });
    client.write_all(sent).await.unwrap();
    client.shutdown().await.unwrap();
    let answered = rest(client).await;
    served.await.unwrap();
    answered
}

#[tokio::test]
async fn a_module_speaks_for_itself_alone() {
    let world = World::new().await;
    assert_eq!(serve_module(&world, &connect_module("dev1/$m")).await, [0x20, 2, 0, 5], "no such module");
    let device = DeviceId::parse("dev1").unwrap();
    let spec = roadstead_hub::ModuleSpec {
        device,
        id: roadstead_model::ModuleId::parse("$m").unwrap(),
        auth: roadstead_hub::AuthSpec::None,
        managed_by: None,
    };
    world.hub.create_module(spec, roadstead_hub::Beginning::default()).await.unwrap();
    assert_eq!(serve_module(&world, &connect_module("dev1")).await, [0x20, 2, 0, 2], "another client id");

    let publish = |topic: &str| {
        let (qos, packet_id) = (QoS::AtLeastOnce, Some(PacketId::FIRST));
        let mut bytes = connect_module("dev1/$m");
        let publish = Publish { dup: false, qos, retain: false, topic, packet_id, payload: b"{}" };
        encode::publish(&mut bytes, &publish).unwrap();
        bytes
    };
    let answered = serve_module(&world, &publish("devices/dev1/modules/$m/messages/events/%24.on=out1")).await;
    assert_eq!(answered, [CONNACK, PUBACK].concat());
    let stored = world.log.read(0, 0, usize::MAX).await.unwrap();
    let output = |at: usize| {
        let event = stored[at].view().unwrap();
        assert_eq!((event.device_id, event.module_id), ("dev1", Some("$m")));
        event.properties.clone().next().map(|property| format!("{property:?}"))
    };
    assert!(output(0).is_some_and(|property| property.contains("OutputName") && property.contains("out1")));
    assert!(output(1).is_some_and(|property| property.contains(r#""a""#)), "its will");
    for topic in [EVENTS, "devices/dev1/modules/m/messages/events/"] {
        serve_module(&world, &publish(topic)).await;
    }
    let bodies: Vec<_> = world.log.read(0, 0, usize::MAX).await.unwrap();
    assert!(bodies[2..].iter().all(|event| event.view().unwrap().body == b"will"), "nothing else was taken");
}
