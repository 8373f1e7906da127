//! The end of a session: what was sent before it is acknowledged.

use std::{
    io,
    pin::{Pin, pin},
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
};

use roadstead_front_mqtt::limits::TOKEN_GRACE;
use roadstead_hub::CloseReason;
use roadstead_store::StoreError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::*;

#[tokio::test]
async fn what_was_stored_is_acknowledged_before_a_goodbye_ends_the_session() {
    let world = World::new().await;
    let (mut client, served) = world.connect().await;
    let mut bytes = publish();
    encode::disconnect(&mut bytes);
    client.write_all(&bytes).await.unwrap();
    assert_eq!(rest(client).await, PUBACK);
    served.await.unwrap();
    assert_eq!(world.stored(), 1, "no will after a goodbye");
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_is_acknowledged_when_the_hub_closes_the_session() {
    for (outcome, acknowledged) in [(Ok(()), &PUBACK[..]), (Err(StoreError::Full("no space".to_owned())), &[])] {
        let world = World::new().await;
        let (mut client, served) = world.connect().await;
        world.log.hold();
        client.write_all(&publish()).await.unwrap();
        while world.stored() == 0 {
            tokio::task::yield_now().await;
        }
        world.hub.close(CloseReason::ShuttingDown);
        tokio::task::yield_now().await;
        world.log.release(outcome);
        assert_eq!(rest(client).await, acknowledged);
        served.await.unwrap();
    }
}

/// A client that has always something to say: CONNECT, then a ping in each second.
struct Flood {
    connect: Option<Vec<u8>>,
    clock: Arc<FakeClock>,
    seconds: Arc<AtomicU64>,
}

const FLOOD_S: u64 = 10_000;

impl AsyncRead for Flood {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(connect) = self.connect.take() {
            buffer.put_slice(&connect);
        } else if self.seconds.fetch_add(1, Ordering::Relaxed) < FLOOD_S {
            self.clock.advance_ms(1000);
            let mut advance = pin!(tokio::time::advance(Duration::from_secs(1)));
            while advance.as_mut().poll(cx).is_pending() {}
            buffer.put_slice(&[0xc0, 0]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_pauses_does_not_outlive_its_token() {
    let world = World::new().await;
    let seconds = Arc::new(AtomicU64::new(0));
    let flood = Flood { connect: Some(connect()), clock: world.clock.clone(), seconds: seconds.clone() };
    world.front.serve(flood, caller()).await;
    assert_eq!(seconds.load(Ordering::Relaxed), TOKEN_S as u64 + TOKEN_GRACE.as_secs());
}
