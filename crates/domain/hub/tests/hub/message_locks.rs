//! Messages that a session settles one by one, each with a token.

use roadstead_hub::{HubError, LockToken, Notice, Session, Settlement, limits};
use roadstead_model::MessageOutcome;

use crate::{
    messages::{LISTENING, outcomes, send},
    world::{World, id},
};

async fn listening(world: &World) -> Session {
    let session = world.login("dev1", &world.policy_token("device"), false).await.unwrap();
    session.attend(LISTENING);
    session
}

async fn lock(session: &Session, room: usize) -> Vec<(LockToken, String, u32)> {
    let locked = session.lock_messages(room).await.unwrap();
    locked
        .into_iter()
        .map(|(token, message)| (token, String::from_utf8(message.body).unwrap(), message.delivery_count))
        .collect()
}

fn bodies(locked: &[(LockToken, String, u32)]) -> Vec<&str> {
    locked.iter().map(|(_, body, _)| body.as_str()).collect()
}

#[tokio::test]
async fn every_settlement_does_what_it_says() {
    let world = World::new();
    world.device("dev1").await;
    send(&world, &["a", "b", "c"]).await;
    let session = listening(&world).await;
    let locked = lock(&session, 10).await;
    assert_eq!(bodies(&locked), ["a", "b", "c"]);
    assert!(lock(&session, 10).await.is_empty(), "all of them are in hand");
    session.settle_message(locked[0].0, Settlement::Complete).await.unwrap();
    session.settle_message(locked[1].0, Settlement::Reject).await.unwrap();
    session.take_notices();
    session.settle_message(locked[2].0, Settlement::Abandon).await.unwrap();
    assert_eq!(session.take_notices(), [Notice::MessagesWaiting]);
    assert!(matches!(session.settle_message(locked[0].0, Settlement::Complete).await, Err(HubError::LockLost)));
    let again = lock(&session, 10).await;
    assert_eq!((bodies(&again), again[0].2), (vec!["c"], 1));
    assert_ne!(again[0].0, locked[2].0);
    let ended = [("a".to_owned(), MessageOutcome::Success), ("b".to_owned(), MessageOutcome::Rejected)];
    assert_eq!(outcomes(&world).await, ended);
}

#[tokio::test]
async fn what_is_put_back_was_never_sent() {
    let world = World::new();
    world.device("dev1").await;
    send(&world, &["a", "b"]).await;
    let session = listening(&world).await;
    let locked = lock(&session, 1).await;
    assert_eq!(bodies(&locked), ["a"]);
    session.release_messages(&[locked[0].0]).await;
    assert_eq!(session.take_notices(), [Notice::MessagesWaiting]);
    let again = lock(&session, 10).await;
    assert_eq!((bodies(&again), again[0].2), (vec!["a", "b"], 0));
}

#[tokio::test]
async fn locks_end_with_their_time_or_their_session() {
    let world = World::new();
    world.device("dev1").await;
    send(&world, &["a"]).await;
    let session = listening(&world).await;
    let first = lock(&session, 10).await;
    world.clock.advance_ms(limits::MESSAGE_LOCK_MS);
    assert!(matches!(session.settle_message(first[0].0, Settlement::Complete).await, Err(HubError::LockLost)));
    assert_eq!(session.take_notices(), [Notice::MessagesWaiting]);
    assert_eq!(bodies(&lock(&session, 10).await), ["a"]);
    let other = listening(&world).await;
    assert!(matches!(session.lock_messages(1).await, Err(HubError::Closed(_))));
    assert_eq!(bodies(&lock(&other, 10).await), ["a"]);
    drop(other);
    let token = world.policy_token("device");
    assert!(world.hub.receive_message(world.once("dev1", &token)).await.unwrap().is_some(), "HTTPS has it at once");
}

#[tokio::test]
async fn so_many_are_in_hand_and_no_more() {
    let world = World::new();
    world.device("dev1").await;
    for number in 0..limits::LOCKS_PER_SESSION_MAX {
        send(&world, &[&number.to_string()]).await;
    }
    let session = listening(&world).await;
    let locked = lock(&session, usize::MAX).await;
    assert_eq!(locked.len(), limits::LOCKS_PER_SESSION_MAX);
    session.settle_message(locked[7].0, Settlement::Complete).await.unwrap();
    send(&world, &["one more"]).await;
    assert_eq!(bodies(&lock(&session, 10).await), ["one more"]);
}

#[tokio::test]
async fn a_renewed_token_is_what_the_session_rests_on() {
    let world = World::new();
    let device = world.device("dev1").await;
    let mut session = world.connect(&device).await;
    let expires = session.expires_at().unwrap();
    world.clock.advance_ms(60_000);
    session.renew(&world.token_for(&device, crate::world::HOST)).await.unwrap();
    assert_eq!(session.expires_at().unwrap().0, expires.0 + 60);
    assert!(session.renew("SharedAccessSignature sr=x&sig=y&se=1").await.is_err());
    assert_eq!(session.expires_at().unwrap().0, expires.0 + 60, "what was good is as good as before");
    session.renew(&world.policy_token("device")).await.unwrap();
    let auth = roadstead_hub::AuthSpec::None;
    world
        .hub
        .update_device(roadstead_hub::IdentitySpec::new(id("dev1"), auth), roadstead_hub::IfMatch::Any)
        .await
        .unwrap();
    assert_eq!(session.reason(), None, "the device's own keys are nothing to it now");
}
