//! Links, sessions and connections that end, and one that is quiet.

use crate::client::{Asking, Line, Opening, body, partition, reader, recv};
use crate::world::{ENTITY, World};
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::link::{DetachError, SenderAttachError};
use fe2o3_amqp::types::definitions::{AmqpError, Error, ErrorCondition};
use fe2o3_amqp::{Sender, Session};
use std::time::Duration;

const START: &str = "amqp.annotation.x-opt-offset > '-1'";

#[tokio::test]
async fn a_link_is_detached_and_attached_again() {
    let world = World::start().await;
    world.device("d").await;
    world.send("d", "1").await;
    let mut line = Line::open(&world).await;
    let (number, _) = crate::client::find_events(&mut line.session, 1).await;
    for round in 0..3 {
        let mut receiver = reader(&mut line.session, &number, START, CreditMode::default()).await.unwrap();
        assert_eq!(body(&recv(&mut receiver).await.unwrap()), b"1");
        match round {
            0 => receiver.close().await.unwrap(),
            1 => {
                let error = Error::new(AmqpError::InternalError, "the client is at its end".to_owned(), None);
                receiver.close_with_error(error).await.unwrap();
            }
            _ => {
                receiver.detach().await.unwrap();
            }
        }
    }
    line.connection.close().await.unwrap();
}

#[tokio::test]
async fn a_session_and_a_connection_that_end_with_an_error() {
    let world = World::start().await;
    let mut line = Line::open(&world).await;
    let mut session = Session::begin(&mut line.connection).await.unwrap();
    let _reader = reader(&mut session, "0", START, CreditMode::default()).await.unwrap();
    let error = Error::new(AmqpError::IllegalState, "no reason".to_owned(), None);
    session.end_with_error(error.clone()).await.unwrap();
    let mut asking = Asking::attach(&mut line.session, "$management").await;
    assert_eq!(asking.read(&[("name", ENTITY), ("type", "com.microsoft:eventhub")]).await.status, 200);
    line.connection.close_with_error(error).await.unwrap();
}

#[tokio::test]
async fn senders_find_no_way_into_the_endpoint() {
    let world = World::start().await;
    let mut line = Line::open(&world).await;
    for address in [ENTITY.to_owned(), format!("{ENTITY}/Partitions/0"), partition("0")] {
        let error = match Sender::attach(&mut line.session, format!("to {address}"), address.as_str()).await {
            Err(SenderAttachError::RemoteClosedWithError(error)) => error,
            Err(other) => panic!("{other:?}"),
            Ok(mut sender) => match sender.on_detach().await {
                DetachError::RemoteDetachedWithError(error) | DetachError::RemoteClosedWithError(error) => error,
                other => panic!("{other:?}"),
            },
        };
        assert_eq!(error.condition, ErrorCondition::AmqpError(AmqpError::UnauthorizedAccess), "{error}");
    }
}

/// The library gives up when nothing comes for as long as it said: the server must send something in the meantime.
#[tokio::test]
async fn a_quiet_connection_is_kept() {
    let world = World::start().await;
    let mut line = Line::of(&world, Opening { idle_time_out_ms: Some(1500), ..Opening::default() }).await;
    let over = tokio::time::timeout(Duration::from_secs(5), line.connection.on_close()).await;
    assert!(over.is_err(), "{over:?}");
    let mut asking = Asking::attach(&mut line.session, "$management").await;
    assert_eq!(asking.read(&[("name", ENTITY), ("type", "com.microsoft:eventhub")]).await.status, 200);
}

#[tokio::test]
async fn many_sessions_with_links_of_their_own() {
    let world = World::start().await;
    let mut line = Line::open(&world).await;
    let mut held = Vec::new();
    for number in 0..30 {
        let mut session = Session::begin(&mut line.connection).await.unwrap();
        let mut asking = Asking::attach(&mut session, "$management").await;
        let answer = asking.read(&[("name", ENTITY), ("type", "com.microsoft:eventhub")]).await;
        assert_eq!(answer.status, 200, "session {number}");
        held.push((session, asking));
    }
    for (mut session, asking) in held {
        drop(asking);
        session.end().await.unwrap();
    }
    line.connection.close().await.unwrap();
}
