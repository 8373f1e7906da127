//! Who is let in, and as whom.

use crate::client::{Asking, Opening, Wire, partition, recv, refusal, source};
use crate::world::{HOST, POLICY, World};
use fe2o3_amqp::connection::OpenError;
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::types::definitions::{AmqpError, ErrorCondition};
use fe2o3_amqp::types::sasl::SaslCode;
use fe2o3_amqp::{Receiver, Session};

fn plain(user: &str, password: String) -> SaslProfile {
    SaslProfile::Plain { username: user.to_owned(), password }
}

#[tokio::test]
async fn plain_as_a_policy() {
    let world = World::start().await;
    for wire in [Wire::Plain, Wire::Tls] {
        let sasl = plain(&format!("{POLICY}@sas.root.dev"), world.token(HOST));
        let mut connection = Opening { wire, sasl: Some(sasl), ..Opening::default() }.open(&world).await.unwrap();
        let mut session = Session::begin(&mut connection).await.unwrap();
        let receiver = Receiver::attach(&mut session, "feedback", "/messages/serviceBound/feedback").await.unwrap();
        receiver.close().await.unwrap();
        session.end().await.unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn plain_is_refused_with_a_code() {
    let world = World::start().await;
    for (user, password) in [
        (format!("{POLICY}@sas.root.dev"), world.token(HOST).replace("sig=", "sig=A")),
        (format!("{POLICY}@sas.root.dev"), "no token".to_owned()),
        ("device@sas.root.dev".to_owned(), world.token(HOST)),
        (POLICY.to_owned(), world.token(HOST)),
    ] {
        for wire in [Wire::Plain, Wire::Tls] {
            let sasl = plain(&user, password.clone());
            match (Opening { wire, sasl: Some(sasl), ..Opening::default() }).open(&world).await {
                Err(OpenError::SaslError { code: SaslCode::Auth, .. }) => {}
                other => panic!("{user} over {wire:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn nobody_with_a_token() {
    let world = World::start().await;
    for (wire, sasl) in [
        (Wire::Plain, Some(SaslProfile::Anonymous)),
        (Wire::Tls, Some(SaslProfile::Anonymous)),
        (Wire::Tls, None), // as the C# SDK: no SASL at all
    ] {
        let mut connection = Opening { wire, sasl, ..Opening::default() }.open(&world).await.unwrap();
        let mut session = Session::begin(&mut connection).await.unwrap();
        let start = Some("amqp.annotation.x-opt-offset > '-1'");
        let refused = refusal(&mut session, source(&partition("0"), start)).await;
        assert_eq!(refused.condition, ErrorCondition::AmqpError(AmqpError::UnauthorizedAccess), "{refused}");
        let mut tokens = Asking::attach(&mut session, "$cbs").await;
        for wrong in ["nonsense".to_owned(), world.event_token().replace("sig=", "sig=A")] {
            let answer = tokens.put_token(&wrong).await;
            assert_eq!(answer.status, 401, "{answer:?}");
        }
        assert_eq!(tokens.put_token(&world.event_token()).await.status, 200);
        world.hub.find_device::<serde_json::Value>("nobody").await.unwrap();
        let receiver = Receiver::builder().name("r").source(source(&partition("0"), start)).attach(&mut session).await;
        receiver.unwrap().close().await.unwrap();
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_token_opens_only_what_it_is_for() {
    let world = World::start().await;
    let mut connection = Opening::default().open(&world).await.unwrap();
    let mut session = Session::begin(&mut connection).await.unwrap();
    let mut tokens = Asking::attach(&mut session, "$cbs").await;
    let narrow = world.token(&format!("{HOST}/messages/serviceBound/feedback"));
    assert_eq!(tokens.put_token(&narrow).await.status, 200);
    let refused = refusal(&mut session, "/messages/serviceBound/filenotifications").await;
    assert_eq!(refused.condition, ErrorCondition::AmqpError(AmqpError::UnauthorizedAccess), "{refused}");
    let feedback = Receiver::attach(&mut session, "feedback", "/messages/serviceBound/feedback").await;
    feedback.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn no_such_hub() {
    let world = World::start().await;
    for sasl in [Some(SaslProfile::Anonymous), None] {
        let opened = Opening { sasl, host: "other.localhost", ..Opening::default() }.open(&world).await;
        // The library may learn of the close just after it has opened.
        let error = match opened {
            Err(OpenError::RemoteClosedWithError(error)) => error,
            Err(other) => panic!("{other:?}"),
            Ok(mut connection) => match connection.on_close().await {
                Err(fe2o3_amqp::connection::Error::RemoteClosedWithError(error)) => error,
                other => panic!("{other:?}"),
            },
        };
        let not_found = ErrorCondition::Custom("com.microsoft:iot-hub-not-found-error".into());
        assert_eq!(error.condition, not_found);
        assert!(error.description.unwrap().contains("other.localhost"));
    }
}

#[tokio::test]
async fn the_hub_goes() {
    let world = World::start().await;
    let mut line = crate::client::Line::open(&world).await;
    let mut receiver =
        crate::client::reader(&mut line.session, "0", "amqp.annotation.x-opt-offset > '-1'", CreditMode::default())
            .await
            .unwrap();
    world.server.resources.delete_hub("dev", "dev", None).await.unwrap();
    assert!(recv(&mut receiver).await.is_err());
    match line.connection.on_close().await {
        Err(fe2o3_amqp::connection::Error::RemoteClosedWithError(error)) => {
            assert!(error.description.unwrap().contains("the hub closed the connection"));
        }
        other => panic!("{other:?}"),
    }
}
