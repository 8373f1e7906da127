//! Who judged something by a hub's resource hears of another one.

use std::{pin::pin, sync::Arc};

use futures_util::FutureExt;
use roadstead_hub::CloseReason;

use crate::world::World;

#[tokio::test]
async fn a_new_resource_is_told_of_however_early() {
    let world = World::new();
    let seen = world.hub.revision();
    let mut waits = pin!(world.hub.replaced_after(seen));
    assert!(waits.as_mut().now_or_never().is_none());
    world.hub.set_resource(world.hub.resource());
    assert_eq!(waits.await, Ok(()));
    assert_eq!(world.hub.replaced_after(seen).now_or_never(), Some(Ok(())), "who looked before is told at once");
    assert!(world.hub.replaced_after(world.hub.revision()).now_or_never().is_none());
}

#[tokio::test]
async fn the_hubs_end_comes_first() {
    let world = World::new();
    let seen = world.hub.revision();
    let waits = tokio::spawn({
        let hub = Arc::clone(&world.hub);
        async move { hub.replaced_after(seen).await }
    });
    tokio::task::yield_now().await;
    world.hub.close(CloseReason::HubDeleted);
    assert_eq!(waits.await.unwrap(), Err(CloseReason::HubDeleted));
    world.hub.set_resource(world.hub.resource());
    assert_eq!(world.hub.replaced_after(seen).await, Err(CloseReason::HubDeleted));
}
