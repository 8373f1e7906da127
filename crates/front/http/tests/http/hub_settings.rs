//! What a hub's settings make of requests: throttles and faults.

use roadstead_model::{HubSettings, ThrottleProfile, Tier};
use serde_json::{Value, json};

use crate::world::{World, policy_token};

fn headers(token: &str) -> [(&str, &str); 1] {
    [("authorization", token)]
}

#[tokio::test]
async fn too_much_is_refused_with_429_and_the_time_to_wait() {
    let world = World::new().await;
    world.device("dev1").await;
    let throttle = Some(ThrottleProfile { tier: Tier::S1, units: 1 });
    world.set(HubSettings { throttle, ..HubSettings::default() });
    for _ in 0..100 {
        assert_eq!(world.ask("GET /devices/dev1", Value::Null).await.status, 200);
    }
    let refused = world.ask("GET /devices/dev1", Value::Null).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert_eq!(refused.header("iothub-errorcode"), Some("ThrottlingException"));
    assert!(
        refused.text().contains("ErrorCode:ThrottlingException;too many identity registry operations"),
        "{refused:?}"
    );
    let token = policy_token("DeviceConnect");
    let send = "POST /devices/dev1/messages/events";
    for _ in 0..100 {
        assert_eq!(world.send(send, &headers(&token), "{}").await.status, 204);
    }
    assert_eq!(world.send(send, &headers(&token), "{}").await.status, 429);
    assert_eq!(world.events().await.len(), 100);
    world.clock.advance_ms(1000);
    assert_eq!(world.send(send, &headers(&token), "{}").await.status, 204);
    assert_eq!(world.ask("GET /twins/dev1", Value::Null).await.status, 200);
    world.set(HubSettings::default());
    assert_eq!(world.ask("POST /devices/query", json!({"query": "SELECT * FROM devices"})).await.status, 200);
}

#[tokio::test]
async fn faults_that_a_message_asks_for() {
    let world = World::new().await;
    world.device("dev1").await;
    let token = policy_token("DeviceConnect");
    let send = "POST /devices/dev1/messages/events";
    let ask = |kind: &'static str| {
        [
            ("iothub-app-AzIoTHub_FaultOperationType", kind),
            ("iothub-app-AzIoTHub_FaultOperationCloseReason", "boom"),
            ("iothub-app-AzIoTHub_FaultOperationDelayInSecs", "2"),
            ("iothub-app-AzIoTHub_FaultOperationDurationInSecs", "5"),
            ("authorization", token.as_str()),
        ]
    };
    assert_eq!(world.send(send, &ask("InvokeThrottling"), "").await.status, 204);
    world.clock.advance_ms(2000);
    assert_eq!(world.send(send, &headers(&token), "{}").await.status, 204);
    assert_eq!(world.events().await.len(), 2, "a hub that allows none takes it for telemetry");
    world.set(HubSettings { fault_injection: true, ..HubSettings::default() });
    for (kind, status, code) in [
        ("InvokeThrottling", 429, "ThrottlingException"),
        ("InvokeMaxMessageQuota", 403, "IotHubQuotaExceeded"),
        ("InvokeAuthError", 401, "IotHubUnauthorized"),
    ] {
        assert_eq!(world.send(send, &ask(kind), "").await.status, 204);
        world.clock.advance_ms(2000);
        let refused = world.send(send, &headers(&token), "{}").await;
        assert_eq!((refused.status, refused.header("iothub-errorcode")), (status, Some(code)));
        assert_eq!(world.send(send, &ask(kind), "").await.status, status, "another fault does not end the first");
        world.clock.advance_ms(5000);
    }
    assert_eq!(world.events().await.len(), 2, "faults are not stored");
    for kind in ["KillTcp", "KillCat"] {
        assert_eq!(world.send(send, &ask(kind), "").await.status, 204);
        assert_eq!(world.send(send, &headers(&token), "{}").await.status, 204);
    }
    assert_eq!(world.events().await.len(), 6, "what a request cannot have is telemetry");
}
