//! Faults that a device asks for.

use std::sync::Arc;

use roadstead_amqp_proto::{AmqpError, DeliveryState, Performative, condition, message::MessageWriter};
use roadstead_hub::Hub;
use roadstead_model::{Hub as HubResource, HubSettings};

use crate::{
    client::{Client, receiver, sender},
    device::{EVENTS, cam, id, stored, world_of},
    world::World,
};

fn ask(kind: &str, duration_s: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut message = MessageWriter::new(&mut bytes);
    message.application_properties(|map| {
        map.string("AzIoTHub_FaultOperationType", kind);
        map.string("AzIoTHub_FaultOperationCloseReason", "boom");
        map.string("AzIoTHub_FaultOperationDelayInSecs", "1");
        map.string("AzIoTHub_FaultOperationDurationInSecs", &duration_s.to_string());
    });
    message.data(b"x");
    bytes
}

fn allow(hub: &Hub) {
    let settings = HubSettings { fault_injection: true, ..HubSettings::default() };
    hub.set_resource(Arc::new(HubResource { settings, ..(*hub.resource()).clone() }));
}

async fn sending(world: &World) -> Client {
    let mut client = cam(world).await;
    client.attaches(sender("d2c", 0, EVENTS)).await;
    client.attaches(receiver("c2d", 1, "/devices/cam-1/messages/devicebound")).await;
    client
}

#[tokio::test(start_paused = true)]
async fn links_sessions_and_connections_fail_when_asked_to() {
    let world = world_of(&["cam-1"]).await;
    allow(&world.hub);
    for (kind, expected) in [
        ("KillAmqpD2CLink", "detach 0 amqp:link:detach-forced"),
        ("KillAmqpC2DLink", "detach 1 amqp:link:detach-forced"),
        ("KillAmqpSession", "end amqp:link:detach-forced"),
        ("KillAmqpConnection", "end amqp:link:detach-forced, close amqp:connection:forced"),
        ("ShutDownAmqp", "end, close"),
        ("KillTcp", ""),
    ] {
        let mut client = sending(&world).await;
        assert_eq!(client.asks(0, &ask(kind, 0)).await, DeliveryState::Accepted, "before it comes");
        let mut said = Vec::new();
        loop {
            let error =
                |error: Option<AmqpError>| error.map_or_else(String::new, |error| format!(" {}", error.condition));
            said.push(match client.hears_or_end().await.map(|(said, _)| said) {
                // Our handles are numbered as the links were attached: those of tokens first.
                Some(Performative::Detach(detach)) => format!("detach {}{}", detach.handle - 2, error(detach.error)),
                Some(Performative::End(end)) => format!("end{}", error(end.error)),
                Some(Performative::Close(close)) => format!("close{}", error(close.error)),
                None => break,
                Some(other) => panic!("{kind}: {other:?}"),
            });
            // The connection stays: that was all.
            if expected == said.join(", ") && !expected.contains("close") {
                break;
            }
        }
        let said = said.join(", ");
        assert_eq!(said, expected, "{kind}");
    }
    assert!(stored(&world).await.is_empty(), "none of them is telemetry");
}

#[tokio::test]
async fn messages_are_refused_for_a_while() {
    let world = world_of(&["cam-1"]).await;
    allow(&world.hub);
    let mut client = sending(&world).await;
    for (kind, expected) in [
        ("InvokeThrottling", "com.microsoft:device-container-throttled"),
        ("InvokeMaxMessageQuota", condition::RESOURCE_LIMIT_EXCEEDED),
        ("InvokeAuthError", condition::UNAUTHORIZED_ACCESS),
    ] {
        assert_eq!(client.asks(0, &ask(kind, 10)).await, DeliveryState::Accepted);
        world.clock.advance_ms(1000);
        let mut message = Vec::new();
        MessageWriter::new(&mut message).data(b"refused");
        let DeliveryState::Rejected(Some(error)) = client.asks(0, &message).await else { panic!("{kind}") };
        assert_eq!(&*error.condition, expected);
        world.clock.advance_ms(10_000);
        let mut message = Vec::new();
        MessageWriter::new(&mut message).data(b"taken");
        assert_eq!(client.asks(0, &message).await, DeliveryState::Accepted, "{kind}");
    }
    assert_eq!(client.asks(0, &ask("KillTcp", 60)).await, DeliveryState::Accepted);
    assert!(client.hears_or_end().await.is_none());
    world.clock.advance_ms(2000);
    let mut other = cam(&world).await;
    let refusal = other.is_refused(sender("d2c", 0, EVENTS)).await;
    assert_eq!(&*refusal.condition, condition::DETACH_FORCED, "{:?}", refusal.description);
    world.clock.advance_ms(60_000);
    other.attaches(sender("d2c", 0, EVENTS)).await;
    assert!(world.hub.is_connected(&id("cam-1")));
}
