use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use hyper::Method;
use roadstead_auth::limits::LOGINS_PER_NAME_MAX;
use roadstead_front_arm::Arm;
use roadstead_resources::limits::REFRESH_GRACE_MS;
use serde_json::{Value, json};

use crate::world::{ADDRESS, BASE, CLIENT_ID, SECRET, SUBSCRIPTION, TENANT, World, of_subscription};

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
        "/v1.0/users",
        "/7A0E2B1C-0000-4000-8000-000000000001/v2.0/.well-known/openid-configuration",
        "/organizations/oauth2/v2.0/token",
    ] {
        assert!(Arm::claims(path), "{path}");
    }
    for path in [
        "",
        "/",
        "/metadata",
        "/metadata/x",
        "/devices/adfs",
        "/twins/d",
        "/adfsx",
        "/0ne00000000/registrations/r",
        "/uploads/oauth2/v2.0/token",
        "/7a0e2b1c-0000-4000-8000-000000000001/registrations/r",
    ] {
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
    assert_eq!(ask("/adfs/oauth2/authorize").await.refusal().1, "InvalidResourceType");
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
    let unknown = "unknown client id, or wrong client secret, or one that expired";
    let form = "the form needs client_id and client_secret";
    for (body, status, error, text) in [
        (wrong.as_str(), 401, "invalid_client", unknown),
        (nobody, 401, "invalid_client", unknown),
        ("grant_type=client_credentials&client_id=x", 400, "invalid_request", form),
        (&password, 400, "invalid_grant", "unknown user name, or wrong password"),
        ("grant_type=refresh_token&refresh_token=x", 400, "invalid_grant", "the refresh token is of no use"),
        ("grant_type=refresh_token", 400, "invalid_request", "the form needs refresh_token"),
        ("grant_type=password&username=u", 400, "invalid_request", "the form needs username and password"),
        ("", 400, "unsupported_grant_type", "grant_type is ``; it can be"),
        ("\u{ff}=%", 400, "unsupported_grant_type", "grant_type is ``; it can be"),
    ] {
        let answer = world.send(Method::POST, "/adfs/oauth2/token", &[], Bytes::from(body.to_owned())).await;
        assert_eq!((answer.status, &answer.body["error"]), (status, &json!(error)), "{body}");
        assert!(answer.body["error_description"].as_str().unwrap().starts_with(text), "{body}");
        assert_eq!(answer.body["access_token"], Value::Null);
    }
}

/// As `azure-identity` does it, told the tenant and this host.
#[tokio::test]
async fn tokens_of_a_tenant() {
    let world = World::with_user("alice@plant.example", "correct horse").await;
    let ask = async |tenant: &str| {
        world.send(Method::GET, &format!("/{tenant}/v2.0/.well-known/openid-configuration"), &[], Bytes::new()).await
    };
    for tenant in [TENANT, &TENANT.to_uppercase(), "organizations", "common"] {
        let openid = ask(tenant).await;
        assert_eq!(openid.body["token_endpoint"], format!("{BASE}/{TENANT}/oauth2/v2.0/token"), "{tenant}");
        assert_eq!(openid.body["issuer"], format!("{BASE}/{TENANT}/v2.0"));
    }
    let other = "11111111-2222-4333-8444-555555555555";
    let refused = ask(other).await;
    assert_eq!((refused.status, &refused.body["error"]), (400, &json!("invalid_tenant")));

    let fields = [
        ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
        ("grant_type", "password"),
        ("username", "alice@plant.example"),
        ("password", "correct horse"),
        ("scope", "https://iothubs.azure.net/.default offline_access openid profile"),
    ];
    let answer = world.form(&format!("/{TENANT}/oauth2/v2.0/token"), &fields).await;
    let claims = id_claims(&answer.body);
    assert_eq!(claims["iss"], format!("{BASE}/{TENANT}/v2.0"));
    assert_eq!((&claims["preferred_username"], &claims["tid"]), (&json!("alice@plant.example"), &json!(TENANT)));
    let account = URL_SAFE_NO_PAD.decode(answer.body["client_info"].as_str().unwrap()).unwrap();
    let account: Value = serde_json::from_slice(&account).unwrap();
    assert_eq!(account, json!({"uid": claims["oid"], "utid": TENANT}));
    let refused = world.form(&format!("/{other}/oauth2/v2.0/token"), &fields).await;
    assert_eq!((refused.status, &refused.body["error"]), (400, &json!("invalid_tenant")));

    let service = [("client_id", CLIENT_ID), ("client_secret", SECRET), ("grant_type", "client_credentials")];
    let answer = world.form(&format!("/{TENANT}/oauth2/v2.0/token"), &service).await;
    assert_eq!((answer.status, &answer.body["client_info"]), (200, &Value::Null));
    let codes = world.form(&format!("/{TENANT}/oauth2/v2.0/devicecode"), &[("client_id", "c")]).await;
    assert_eq!(codes.body["verification_uri"], format!("{BASE}/adfs/oauth2/deviceauth"));
    let nothing = format!("/{TENANT}/oauth2/v2.0/authorize");
    assert_eq!(world.send(Method::GET, &nothing, &[], Bytes::new()).await.refusal().1, "InvalidResourceType");
}

/// As `az login -u U -p P` does it, then as it gets tokens for the data plane.
#[tokio::test]
async fn users_log_in_with_a_password_and_get_new_tokens_for_a_refresh_token() {
    let world = World::with_user("Alice@plant.example", "correct horse").await;
    let scope = format!("{BASE}/.default offline_access openid profile");
    let fields = [
        ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
        ("grant_type", "password"),
        ("username", "alice@PLANT.example"),
        ("password", "correct horse"),
        ("scope", &scope),
    ];
    let answer = world.form("/adfs/oauth2/token", &fields).await;
    assert_eq!((answer.status, &answer.body["expires_in"]), (200, &json!(3600)));
    let claims = id_claims(&answer.body);
    assert_eq!((&claims["upn"], &claims["tid"]), (&json!("Alice@plant.example"), &json!(TENANT)));
    assert_eq!((&claims["aud"], &claims["iss"]), (&json!(fields[0].1), &json!(format!("{BASE}/adfs"))));
    let me = ask_me(&world, &answer.body).await;
    assert_eq!((me.status, &me.body["id"]), (200, &claims["sub"]));

    let refresh = async |token: &Value, scope: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap()), ("scope", scope)];
        world.form("/adfs/oauth2/token", &fields).await
    };
    let again = refresh(&answer.body["refresh_token"], &scope).await;
    assert_eq!(ask_me(&world, &again.body).await.status, 200);
    // The second is what clients of Event Hubs ask for, two slashes and all.
    let mut latest = again.body["refresh_token"].clone();
    for scope in ["https://iothubs.azure.net/.default", "https://eventhubs.azure.net//.default"] {
        let of_hub = refresh(&latest, scope).await;
        assert_eq!(ask_me(&world, &of_hub.body).await.refusal().1, "InvalidAuthenticationTokenAudience", "{scope}");
        latest = of_hub.body["refresh_token"].clone();
    }
    let as_access = json!({"access_token": answer.body["refresh_token"]});
    assert_eq!(ask_me(&world, &as_access).await.refusal().1, "InvalidAuthenticationTokenAudience");
    let as_refresh = refresh(&answer.body["access_token"], &scope).await;
    assert_eq!((as_refresh.status, &as_refresh.body["error"]), (400, &json!("invalid_grant")));

    let out = world.ask_as(token(&again.body), Method::POST, "/v1.0/me/revokeSignInSessions", None, json!({})).await;
    assert_eq!((out.status, out.body), (200, json!({"value": true})));
    assert_eq!(ask_me(&world, &again.body).await.refusal().1, "InvalidAuthenticationToken");
    let after = refresh(&latest, &scope).await;
    let text = "the refresh token is of no use: the bearer token was revoked; log in again";
    assert_eq!((after.status, &after.body["error_description"]), (400, &json!(text)));
}

/// A copy of a refresh token is good for nothing for long: who shows one that was used ends the login, wherever it is, and that
/// one only.
#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_its_login() {
    let world = World::with_user("alice", "correct horse").await;
    let log_in = async || {
        let fields = [("grant_type", "password"), ("username", "alice"), ("password", "correct horse")];
        world.form("/adfs/oauth2/token", &fields).await.body
    };
    let refresh = async |given: &Value| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", given["refresh_token"].as_str().unwrap())];
        world.form("/adfs/oauth2/token", &fields).await
    };
    let (other, first) = (log_in().await, log_in().await);
    let second = refresh(&first).await.body;
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    world.clock.advance_ms(REFRESH_GRACE_MS - 1);
    let retried = refresh(&first).await;
    assert_eq!(retried.status, 200, "its sender did not get the answer: {retried:?}");
    let third = refresh(&retried.body).await.body;
    assert_eq!(refresh(&second).await.status, 200, "it is as good as the one that the retry got");
    world.clock.advance_ms(REFRESH_GRACE_MS);
    for given in [&first, &second, &third] {
        assert_eq!(ask_me(&world, given).await.status, 200);
    }
    for given in [&second, &third, &first] {
        let refused = refresh(given).await;
        let text = "the refresh token is of no use: the bearer token was revoked; log in again";
        assert_eq!((refused.status, &refused.body["error_description"]), (400, &json!(text)));
        assert_eq!(ask_me(&world, &third).await.status, 401);
    }
    let kept = refresh(&other).await;
    assert_eq!(ask_me(&world, &kept.body).await.status, 200, "another login goes on");
}

/// What a user may not do any more, a login may not do that began before.
#[tokio::test]
async fn a_device_is_not_let_in_when_its_user_was_signed_out_meanwhile() {
    let world = World::with_user("alice", "correct horse").await;
    let begun = world.form("/adfs/oauth2/devicecode", &[("client_id", "c"), ("scope", "x")]).await;
    let typed = [
        ("user_code", begun.body["user_code"].as_str().unwrap()),
        ("username", "alice"),
        ("password", "correct horse"),
    ];
    assert_eq!(world.form("/adfs/oauth2/deviceauth", &typed).await.status, 200);
    assert_eq!(world.post("/v1.0/users/alice/revokeSignInSessions", json!({})).await.status, 200);
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let fields = [("grant_type", grant), ("device_code", begun.body["device_code"].as_str().unwrap())];
    let refused = world.form("/adfs/oauth2/token", &fields).await;
    let text = "'alice' was changed or signed out meanwhile; log in again";
    assert_eq!((refused.status, &refused.body["error_description"]), (400, &json!(text)));
}

/// As `az login --use-device-code` does it.
#[tokio::test]
async fn a_device_logs_in_with_a_code_that_is_typed_elsewhere() {
    let world = World::with_user("alice", "correct horse").await;
    let begun = world.form("/adfs/oauth2/devicecode", &[("client_id", "c"), ("scope", "x")]).await;
    let code = begun.body["user_code"].as_str().unwrap();
    let uri = "/adfs/oauth2/deviceauth";
    assert_eq!(begun.body["verification_uri"], format!("{BASE}{uri}"));
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let fields = [("grant_type", grant), ("device_code", begun.body["device_code"].as_str().unwrap())];
    let ask = async || world.form("/adfs/oauth2/token", &fields).await;
    assert_eq!(ask().await.body["error"], "authorization_pending");
    assert_eq!(ask().await.body["error"], "slow_down");
    let short = [("grant_type", "device_code"), fields[1]];
    assert_eq!(world.form("/adfs/oauth2/token", &short).await.body["error"], "slow_down", "as MSAL for Node");

    let page = world.send(Method::GET, &format!("{uri}?user_code=%3Cscript%3E"), &[], Bytes::new()).await;
    assert!(page.body.as_str().unwrap().contains("value=\"&lt;script&gt;\""), "{page:?}");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert_eq!(policy, "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    for (code, password, status, text) in [
        (code, "wrong", 403, "unknown user name, or wrong password"),
        ("BBBBBBBB", "correct horse", 403, "no log-in waits for this code"),
        (code, "correct horse", 200, "Logged in"),
        (code, "correct horse", 403, "no log-in waits for this code"),
    ] {
        let typed = world.form(uri, &[("user_code", code), ("username", "alice"), ("password", password)]).await;
        assert_eq!(typed.status, status, "{typed:?}");
        assert!(typed.body.as_str().unwrap().contains(text), "{typed:?}");
    }
    let given = ask().await;
    assert_eq!(ask_me(&world, &given.body).await.body["userPrincipalName"], "alice");
    assert_eq!(ask().await.body["error"], "expired_token");
}

/// Strangers who try a name lock nobody out who was there before, nor a service principal with its secret.
#[tokio::test]
async fn guessing_is_slow() {
    let world = World::with_user("alice", "correct horse").await;
    let attempt = async |password| {
        let fields = [("grant_type", "password"), ("username", "alice"), ("password", password)];
        world.form("/adfs/oauth2/token", &fields).await
    };
    for _ in 0..LOGINS_PER_NAME_MAX {
        assert_eq!(attempt("wrong").await.body["error_description"], "unknown user name, or wrong password");
    }
    let refused = attempt("correct horse").await;
    let text = "too many log-ins failed with this name or from this address; try again in 60 s";
    assert_eq!((refused.status, &refused.body["error_description"]), (400, &json!(text)));
    let secret = [("client_id", CLIENT_ID), ("grant_type", "client_credentials"), ("client_secret", SECRET)];
    assert_eq!(world.form("/adfs/oauth2/token", &secret).await.status, 200);
    world.clock.advance_ms(60_000);
    assert_eq!(attempt("correct horse").await.status, 200);
}

fn token(answer: &Value) -> &str {
    answer["access_token"].as_str().unwrap()
}

async fn ask_me(world: &World, answer: &Value) -> crate::world::Answer {
    world.ask_as(token(answer), Method::GET, "/v1.0/me", None, Value::Null).await
}

fn id_claims(answer: &Value) -> Value {
    let claims = answer["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
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
    assert_eq!(check(world.arm.answer(request, "not a url \n", ADDRESS)).await.status(), 401);
}
