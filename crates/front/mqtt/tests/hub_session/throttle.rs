//! Hubs as slow as one of Azure.

use roadstead_model::{ThrottleProfile, Tier};

use super::*;

/// Azure's smallest hub.
async fn slow() -> World {
    let throttle = Some(ThrottleProfile { tier: Tier::S1, units: 1 });
    World::with(HubSettings { throttle, ..HubSettings::default() }).await
}

#[tokio::test(start_paused = true)]
async fn telemetry_beyond_the_rate_is_acknowledged_later() {
    let world = slow().await;
    let (mut client, served) = world.connect().await;
    let begun = tokio::time::Instant::now();
    let mut puback = [0; 4];
    for sent in 1..=103 {
        client.write_all(&publish()).await.unwrap();
        client.read_exact(&mut puback).await.unwrap();
        assert_eq!(puback, PUBACK);
        // The hub's clock stands still: each message waits 10 ms longer than the one before.
        let expected = [0, 10, 30, 60][usize::try_from(sent - 100).unwrap_or(0)];
        assert!((expected..expected + 9).contains(&begun.elapsed().as_millis()), "{sent}: {:?}", begun.elapsed());
    }
    drop(client);
    served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn telemetry_far_beyond_the_rate_and_too_many_connections_are_refused() {
    let world = slow().await;
    let (mut client, served) = world.connect().await;
    let flood = publish().repeat(1200);
    let mut puback = [0; 4];
    let mut acknowledged = 0;
    let (mut read, mut write) = tokio::io::split(&mut client);
    let send = async { write.write_all(&flood).await };
    let receive = async {
        while read.read_exact(&mut puback).await.is_ok() {
            acknowledged += 1;
        }
    };
    let (sent, ()) = tokio::join!(send, receive);
    assert!(sent.is_err() || acknowledged <= 1100);
    served.await.unwrap();
    assert_eq!(world.stored(), 1101, "a second's worth, ten seconds' worth, and the will");
    for _ in 1..100 {
        drop(world.connect().await);
    }
    let (.., connack) = world.knock().await;
    assert_eq!(connack, CONNACK_UNAVAILABLE);
}
