use bytes::Bytes;
use hyper::Method;
use roadstead_front_arm::Arm;
use serde_json::{Value, json};

use crate::world::{BASE, CLIENT_ID, SUBSCRIPTION, TENANT, World, of_subscription};

#[test]
fn claims_its_paths_and_no_others() {
    for path in [
        "/metadata/endpoints",
        "//metadata/endpoints",
        "/adfs/.well-known/openid-configuration",
        "/ADFS/oauth2/token",
        "/subscriptions",
        "/Subscriptions/S/resourcegroups",
        "/tenants",
    ] {
        assert!(Arm::claims(path), "{path}");
    }
    for path in
        ["", "/", "/metadata", "/metadata/x", "/devices/adfs", "/twins/d", "/adfsx", "/0ne00000000/registrations/r"]
    {
        assert!(!Arm::claims(path), "{path}");
    }
}

#[tokio::test]
async fn register_finds_the_authority_without_a_token() {
    let world = World::empty().await;
    let ask = |path: &'static str| world.send(Method::GET, path, &[], Bytes::new());
    let old = ask("/metadata/endpoints?api-version=2015-01-01").await;
    let authentication = json!({"loginEndpoint": format!("{BASE}/adfs"), "audiences": [BASE]});
    assert_eq!(old.body["authentication"], authentication);
    let new = ask("//metadata/endpoints?api-version=2022-09-01").await;
    assert_eq!((new.status, &new.body["name"], &new.body["suffixes"]), (200, &json!("Roadstead"), &json!({})));
    assert_eq!(new.body["authentication"]["tenant"], TENANT);
    assert!(ask("/metadata/endpoints?x=1&api-version=2019-05-01").await.body.is_array());
    let openid = ask("/adfs/.well-known/openid-configuration").await;
    assert_eq!(openid.body["token_endpoint"], format!("{BASE}/adfs/oauth2/token"));
    assert_eq!(ask("/adfs/oauth2/devicecode").await.refusal().1, "InvalidResourceType");
}

#[tokio::test]
async fn login_then_the_subscription() {
    let world = World::empty().await;
    let listed = world.get("/subscriptions?api-version=2022-12-01").await;
    let subscription = json!({"id": format!("/subscriptions/{SUBSCRIPTION}"), "subscriptionId": SUBSCRIPTION,
        "displayName": "Roadstead", "state": "Enabled", "tenantId": TENANT});
    assert_eq!(listed.body, json!({"value": [subscription]}));
    let capitals = SUBSCRIPTION.to_uppercase();
    assert_eq!(world.get(&format!("/subscriptions/{capitals}?api-version=2022-12-01")).await.body, subscription);
    let tenants = world.get("/tenants?api-version=2022-12-01").await;
    let tenant = json!({"id": format!("/tenants/{TENANT}"), "tenantId": TENANT, "displayName": "Roadstead"});
    assert_eq!(tenants.body, json!({"value": [tenant]}));
    assert_eq!(tenants.headers["cache-control"], "no-store");
    let other = world.get("/subscriptions/11111111-2222-4333-8444-555555555555/resourcegroups").await;
    let text = "the subscription '11111111-2222-4333-8444-555555555555' could not be found";
    assert_eq!(other.refusal(), (404, "SubscriptionNotFound", text));
}

#[tokio::test]
async fn logins_that_are_refused() {
    let world = World::empty().await;
    let wrong = format!("client_id={CLIENT_ID}&grant_type=client_credentials&client_secret=wrong");
    let nobody = "client_id=x&grant_type=client_credentials&client_secret=s3cret%2Bwith%26odd%3Dcharacters+%25";
    let password = format!("client_id={CLIENT_ID}&grant_type=password&username=u&password=p");
    let unknown = "unknown client id, or wrong client secret";
    let form = "the form needs client_id and client_secret";
    for (body, status, error, text) in [
        (wrong.as_str(), 401, "invalid_client", unknown),
        (nobody, 401, "invalid_client", unknown),
        ("grant_type=client_credentials&client_id=x", 400, "invalid_request", form),
        (&password, 400, "unsupported_grant_type", "grant_type is `password`: only service principals can log in"),
        ("", 400, "unsupported_grant_type", "grant_type is ``: only service principals can log in"),
        ("\u{ff}=%", 400, "unsupported_grant_type", "grant_type is ``: only service principals can log in"),
    ] {
        let answer = world.send(Method::POST, "/adfs/oauth2/token", &[], Bytes::from(body.to_owned())).await;
        assert_eq!((answer.status, &answer.body["error"]), (status, &json!(error)), "{body}");
        assert!(answer.body["error_description"].as_str().unwrap().starts_with(text), "{body}");
        assert_eq!(answer.body["access_token"], Value::Null);
    }
}

#[tokio::test]
async fn everything_else_needs_the_token() {
    let world = World::empty().await;
    for path in ["/subscriptions", "/tenants", "/subscriptions/x/y", &of_subscription("/IotHubs")] {
        for (headers, code) in [
            (vec![], "AuthenticationFailed"),
            (vec![("authorization", "SharedAccessSignature sr=x")], "AuthenticationFailed"),
            (vec![("authorization", "Bearer")], "AuthenticationFailed"),
            (vec![("authorization", "Bearer eyJ0eXAiOiJKV1Qi.e30.")], "InvalidAuthenticationToken"),
        ] {
            let answer = world.send(Method::GET, path, &headers, Bytes::new()).await;
            assert_eq!((answer.status, answer.refusal().1), (401, code), "{path} {headers:?}");
            let challenge = answer.headers["www-authenticate"].to_str().unwrap();
            assert_eq!(challenge, format!("Bearer authorization_uri=\"{BASE}/adfs\", error=\"invalid_token\""));
        }
    }
    world.clock.advance_ms(3_601_000);
    let late = world.get("/subscriptions").await;
    assert_eq!(late.refusal(), (401, "ExpiredAuthenticationToken", "the bearer token expired 1 s ago; log in again"));
}

#[tokio::test]
async fn a_server_can_dispatch_here_from_any_thread() {
    fn check<T: Send>(value: T) -> T {
        value
    }
    let world = World::empty().await;
    let request = hyper::Request::get("/subscriptions").body(Bytes::new()).unwrap();
    assert_eq!(check(world.arm.answer(request, "not a url \n")).await.status(), 401);
}
