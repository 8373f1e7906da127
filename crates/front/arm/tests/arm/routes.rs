//! Every route there is, asked by those who may not and by one who may. A new route is tried by being in the table.

use bytes::Bytes;
use hyper::Method;
use roadstead_auth::{Permission, permission::allows};
use roadstead_front_arm::{Needed, RouteInfo, routes};
use roadstead_model::Role;
use roadstead_resources::{Place, TokenFor};
use serde_json::{Value, json};

use crate::world::{SUBSCRIPTION, World, of_group};

/// The route's path with something in place of each name.
fn filled(route: &RouteInfo) -> String {
    let segments = route.path.split('/').map(|segment| match segment {
        "{subscription}" => SUBSCRIPTION,
        "{group}" => "iot-rg",
        "{hub}" => "plant",
        "{dps}" => "plant-dps",
        "{assignment}" => "00000000-0000-4000-8000-000000000009",
        name if name.starts_with('{') => "x",
        word => word,
    });
    segments.collect::<Vec<_>>().join("/")
}

async fn world() -> World {
    let world = World::with_group().await;
    world.put(&of_group("/IotHubs/plant"), json!({})).await;
    world.put(&of_group("/provisioningServices/plant-dps"), json!({})).await;
    let other = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/other");
    world.put(&other, json!({"location": "centralindia"})).await;
    world
}

/// Such roles as allow a permission, or such as do not.
fn roles(permission: Permission, allow: bool) -> impl Iterator<Item = Role> {
    Role::ALL.into_iter().filter(move |role| allows(*role, permission) == allow)
}

#[tokio::test]
async fn no_route_answers_without_a_good_token_for_it() {
    let world = world().await;
    let owner = [(Role::Owner, Place::Subscription)];
    let (revoked_id, revoked) = world.service(&owner).await;
    let expired = world.service(&owner).await.1;
    world.clock.advance_ms(3_600_000);
    let (id, good) = world.service(&owner).await;
    world.resources.sign_out_everywhere(revoked_id).await.unwrap();
    let wrong = format!("{}AAAA", &good[..good.len() - 4]);
    let (hub, dps) = (world.token_of(id, TokenFor::Hub).await, world.token_of(id, TokenFor::Dps).await);
    let mut closed = 0;
    for route in routes().filter(|route| route.needs.is_some()) {
        closed += 1;
        let none = world.send(route.method.clone(), &filled(&route), &[], Bytes::new()).await;
        assert_eq!(none.status, 401, "{route:?}");
        for (token, code) in [
            (wrong.as_str(), "InvalidAuthenticationToken"),
            (&expired, "ExpiredAuthenticationToken"),
            (&revoked, "ExpiredAuthenticationToken"),
            (&hub, "InvalidAuthenticationTokenAudience"),
            (&dps, "InvalidAuthenticationTokenAudience"),
        ] {
            let answer = world.ask_as(token, route.method.clone(), &filled(&route), None, json!({})).await;
            assert_eq!(answer.status, 401, "{route:?}");
            if route.method != Method::HEAD {
                assert_eq!(answer.refusal().1, code, "{route:?}");
            }
        }
    }
    assert_eq!(closed + 10, routes().count(), "open: metadata, how to log in, and logging in");
}

#[tokio::test]
async fn no_route_does_more_than_the_caller_may() {
    let world = world().await;
    let nobody = world.service(&[]).await.1;
    let mut with_role = Vec::new();
    for role in Role::ALL {
        let here = world.service(&[(role, Place::Subscription)]).await.1;
        let elsewhere = world.service(&[(role, Place::Group("other"))]).await.1;
        with_role.push((role, here, elsewhere));
    }
    let of = |role: Role| with_role.iter().find(|(found, ..)| *found == role).unwrap();
    let ask = async |token: &str, route: &RouteInfo| {
        world.ask_as(token, route.method.clone(), &filled(route), None, json!({})).await
    };
    for route in routes() {
        let mut refused: Vec<&str> = Vec::new();
        match route.needs {
            None | Some(Needed::Token) => continue,
            Some(Needed::Sight) => refused.push(&nobody),
            Some(Needed::Right(permission)) => {
                refused.push(&nobody);
                refused.extend(roles(permission, false).map(|role| of(role).1.as_str()));
                refused.extend(roles(permission, true).map(|role| of(role).2.as_str()));
            }
        }
        for token in refused {
            let answer = ask(token, &route).await;
            assert_eq!(answer.status, 403, "{route:?}");
            if route.method != Method::HEAD {
                let (_, code, message) = answer.refusal();
                assert_eq!(code, "AuthorizationFailed", "{route:?}");
                assert!(message.contains(&format!("perform action '{}'", route.action)), "{message}");
            }
        }
    }
    // Now those who may. What they change does not matter here, so it comes last.
    for route in routes() {
        let allowed = match route.needs {
            None => continue,
            Some(Needed::Token) => &nobody,
            Some(Needed::Sight) => &of(Role::Reader).1,
            Some(Needed::Right(permission)) => &of(roles(permission, true).last().unwrap()).1,
        };
        let answer = ask(allowed, &route).await;
        // A hub that is not open, as in this test, cannot be counted.
        let is_uncounted =
            answer.status == 503 && matches!(route.path.rsplit('/').next(), Some("iothubstats" | "quotametrics"));
        let is_taken = ![401, 403, 405].contains(&answer.status) && answer.status < 500;
        assert!(is_taken || is_uncounted, "{route:?} {answer:?}");
    }
    let unknown = world.ask_as(&of(Role::Owner).1, Method::GET, "/subscriptions/x/y", None, Value::Null).await;
    assert_eq!(unknown.refusal().1, "InvalidResourceType");
}
