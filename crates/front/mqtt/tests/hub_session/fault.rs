//! Faults that a device asks for.

use super::*;

/// As the C# SDK asks for it.
fn ask_fault(kind: &str, delay_s: u32) -> Vec<u8> {
    publish_with(&format!(
        "AzIoTHub_FaultOperationType={kind}&AzIoTHub_FaultOperationCloseReason=boom\
         &AzIoTHub_FaultOperationDelayInSecs={delay_s}&AzIoTHub_FaultOperationDurationInSecs=5"
    ))
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_when_its_device_asked_for_it() {
    for (kind, delay_s, lasts) in [
        ("KillTcp", 2, true),
        ("KillTcp", 0, true),
        ("ShutDownMqtt", 2, true),
        ("InvokeThrottling", 2, false),
        ("InvokeAuthError", 2, false),
    ] {
        let world = World::with(HubSettings { fault_injection: true, ..HubSettings::default() }).await;
        let begun = tokio::time::Instant::now();
        let (mut client, served) = world.connect().await;
        client.write_all(&[ask_fault(kind, delay_s), publish()].concat()).await.unwrap();
        let mut acknowledged = [0; 8];
        client.read_exact(&mut acknowledged).await.unwrap();
        assert_eq!(acknowledged[..], [PUBACK, PUBACK].concat(), "{kind}");
        assert_eq!(begun.elapsed().as_millis(), 0, "{kind}: at once, whenever the fault comes");
        assert_eq!(rest(client).await, b"", "{kind}");
        served.await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), u64::from(delay_s), "{kind}");
        assert_eq!(world.stored(), 2, "{kind}: the message after it and the will, not the fault");
        world.clock.advance_ms(i64::from(delay_s) * 1000);
        let (.., connack) = world.knock().await;
        assert_eq!(connack, if lasts { CONNACK_UNAVAILABLE } else { CONNACK }, "{kind}");
        world.clock.advance_ms(5000);
        drop(world.connect().await);
    }
}

#[tokio::test]
async fn a_message_that_asks_in_vain_is_telemetry() {
    for (allowed, kind) in [(false, "KillTcp"), (true, "KillAmqpConnection"), (true, "KillCat")] {
        let world = World::with(HubSettings { fault_injection: allowed, ..HubSettings::default() }).await;
        let (mut client, served) = world.connect().await;
        let mut bytes = ask_fault(kind, 2);
        encode::disconnect(&mut bytes);
        client.write_all(&bytes).await.unwrap();
        assert_eq!(rest(client).await, PUBACK, "{kind}");
        served.await.unwrap();
        assert_eq!(world.stored(), 1, "{kind}");
    }
}
