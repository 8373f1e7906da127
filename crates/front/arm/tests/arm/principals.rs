use hyper::Method;
use roadstead_auth::limits::LOGINS_PER_NAME_MAX;
use roadstead_model::Role;
use roadstead_resources::Place;
use serde_json::{Value, json};

use crate::world::{CLIENT_ID, World};

async fn log_in(world: &World, name: &str, password: &str) -> (u16, Value) {
    let fields = [("grant_type", "password"), ("username", name), ("password", password)];
    let answer = world.form("/adfs/oauth2/token", &fields).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_user_from_first_to_last() {
    let world = World::empty().await;
    let body = json!({"userPrincipalName": "alice@plant.example", "displayName": "Alice", "mailNickname": "alice",
        "accountEnabled": true, "passwordProfile": {"password": "correct horse", "forceChangePasswordNextSignIn": false}});
    let made = world.post("/v1.0/users", body.clone()).await;
    assert_eq!((made.status, &made.body["displayName"]), (201, &json!("Alice")));
    assert!(!made.body.to_string().contains("correct") && !made.body.to_string().contains("argon"), "{made:?}");
    assert_eq!(world.post("/v1.0/users", body).await.refusal().1, "ObjectConflict");
    let id = made.body["id"].as_str().unwrap();
    for path in ["/v1.0/users/ALICE@plant.example", &format!("/v1.0/users/{id}")] {
        assert_eq!(world.get(path).await.body, made.body);
    }
    let (_, tokens) = log_in(&world, "alice@plant.example", "correct horse").await;
    let me = async || {
        let token = tokens["access_token"].as_str().unwrap();
        world.ask_as(token, Method::GET, "/v1.0/me", None, Value::Null).await.status
    };
    assert_eq!(me().await, 200);
    let disabled = world.ask(Method::PATCH, "/v1.0/users/alice@plant.example", None, json!({"accountEnabled": false}));
    assert_eq!((disabled.await.status, me().await), (204, 401));
    let (status, refusal) = log_in(&world, "alice@plant.example", "correct horse").await;
    let text = "'alice@plant.example' is disabled; an owner can enable it again";
    assert_eq!((status, &refusal["error_description"]), (400, &json!(text)));
    let change = json!({"accountEnabled": true, "passwordProfile": {"password": "battery staple"}});
    world.ask(Method::PATCH, &format!("/v1.0/users/{id}"), None, change).await;
    assert_eq!(me().await, 401, "enabled again, but the token stays revoked");
    assert_eq!(log_in(&world, "alice@plant.example", "correct horse").await.0, 400);
    assert_eq!(log_in(&world, "alice@plant.example", "battery staple").await.0, 200);
    assert_eq!(world.delete(&format!("/v1.0/users/{id}")).await.status, 204);
    assert_eq!(world.delete(&format!("/v1.0/users/{id}")).await.refusal().1, "Request_ResourceNotFound");
    assert_eq!(log_in(&world, "alice@plant.example", "battery staple").await.0, 400);
}

#[tokio::test]
async fn users_that_are_refused() {
    let world = World::empty().await;
    let user =
        |name: &str, password: &str| json!({"userPrincipalName": name, "passwordProfile": {"password": password}});
    for (body, code) in [
        (user("a b", "correct horse"), "InvalidResourceName"),
        (user("alice", "short"), "InvalidParameter"),
        (user("alice", &"x".repeat(257)), "InvalidParameter"),
        (json!({"userPrincipalName": "alice"}), "Request_BadRequest"),
        (json!({}), "InvalidRequestContent"),
    ] {
        let answer = world.post("/v1.0/users", body).await;
        assert_eq!((answer.status, answer.refusal().1), (400, code));
    }
}

#[tokio::test]
async fn users_change_their_own_password_and_nothing_else() {
    let world = World::with_user("alice", "correct horse").await;
    let (_, tokens) = log_in(&world, "alice", "correct horse").await;
    let token = tokens["access_token"].as_str().unwrap();
    let change = async |present: &str| {
        let body = json!({"currentPassword": present, "newPassword": "battery staple"});
        world.ask_as(token, Method::POST, "/v1.0/me/changePassword", None, body).await
    };
    assert_eq!(change("wrong").await.refusal().1, "InvalidParameter");
    let patch = json!({"accountEnabled": false});
    assert_eq!(world.ask_as(token, Method::PATCH, "/v1.0/users/alice", None, patch).await.status, 403);
    assert_eq!(change("correct horse").await.status, 204);
    assert_eq!(change("battery staple").await.status, 401);
    let (_, tokens) = log_in(&world, "alice", "battery staple").await;
    let token = tokens["access_token"].as_str().unwrap();
    world.clock.advance_ms(60_000);
    let guess = async || {
        let body = json!({"currentPassword": "a guess", "newPassword": "of a thief"});
        world.ask_as(token, Method::POST, "/v1.0/me/changePassword", None, body).await
    };
    for _ in 0..LOGINS_PER_NAME_MAX {
        assert_eq!(guess().await.status, 400);
    }
    let text = "too many tries; try again in 60 s";
    assert_eq!(guess().await.refusal(), (429, "TooManyRequests", text));
    let lines = world.resources.list_audit(None, 3).await.unwrap();
    assert_eq!(guess().await.status, 429);
    assert_eq!(world.resources.list_audit(None, 3).await.unwrap(), lines, "nobody fills the audit log so");
    world.clock.advance_ms(60_000);
    assert_eq!(log_in(&world, "alice", "battery staple").await.0, 200);
}

#[tokio::test]
async fn a_service_principals_secret_is_told_once_and_ends() {
    let world = World::empty().await;
    let made = world.post("/v1.0/servicePrincipals", json!({"displayName": "nightly"})).await;
    assert_eq!((made.status, &made.body["appId"]), (201, &made.body["id"]));
    let id = made.body["id"].as_str().unwrap();
    let path = |tail: &str| format!("/v1.0/servicePrincipals/{id}{tail}");
    let wish = json!({"passwordCredential": {"displayName": "ci", "endDateTime": "2027-01-16T08:00:00Z"}});
    let secret = world.post(&path("/addPassword"), wish).await;
    assert_eq!((secret.status, &secret.body["endDateTime"]), (200, &json!("2027-01-16T08:00:00.0000000Z")));
    let text = secret.body["secretText"].as_str().unwrap();
    assert_eq!((text.len(), &secret.body["hint"]), (43, &json!(&text[..3])));
    let shown = world.get(&path("")).await;
    assert!(!shown.body.to_string().contains(text), "{shown:?}");
    let log_in = async || {
        let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", text)];
        world.form("/adfs/oauth2/token", &fields).await
    };
    let given = log_in().await.body["access_token"].as_str().unwrap().to_owned();
    let me = async || world.ask_as(&given, Method::GET, "/v1.0/me", None, Value::Null).await.status;
    assert_eq!(me().await, 200);
    assert_eq!(me().await, 200);
    let second = world.post(&path("/addPassword"), Value::Null).await;
    let remove = json!({"keyId": second.body["keyId"]});
    assert_eq!(world.post(&path("/removePassword"), remove.clone()).await.status, 204);
    assert_eq!(world.post(&path("/removePassword"), remove).await.status, 404);
    assert_eq!(me().await, 401, "a removed secret ends all tokens");
    for end in ["2029-06-01T00:00:00Z", "2027-01-01T00:00:00Z", "soon"] {
        let wish = json!({"passwordCredential": {"endDateTime": end}});
        assert_eq!(world.post(&path("/addPassword"), wish).await.refusal().1, "InvalidParameter", "{end}");
    }
    world.clock.advance_ms(24 * 3600 * 1000 - 1);
    assert_eq!(log_in().await.status, 200);
    world.clock.advance_ms(1);
    assert_eq!(log_in().await.body["error"], "invalid_client");
}

/// As `az ad sp create-for-rbac` goes about it.
#[tokio::test]
async fn an_application_is_its_service_principal() {
    let world = World::empty().await;
    let filter = "/v1.0/applications?$filter=startswith(displayName,%27ci%27)";
    assert_eq!(world.get(filter).await.body, json!({"value": []}));
    let made = world.post("/v1.0/applications", json!({"displayName": "ci", "keyCredentials": []})).await;
    assert_eq!((made.status, &made.body["passwordCredentials"]), (201, &json!([])));
    let id = made.body["appId"].as_str().unwrap();
    let path = |tail: &str| format!("/v1.0/applications/{id}{tail}");
    let secret = world.post(&path("/addPassword"), json!({"passwordCredential": {"displayName": "rbac"}})).await;
    let service = world.post("/v1.0/servicePrincipals", json!({"appId": id, "accountEnabled": true})).await;
    assert_eq!((service.status, &service.body["id"], &service.body["appId"]), (201, &json!(id), &json!(id)));
    let text = secret.body["secretText"].as_str().unwrap();
    let fields = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", text)];
    assert_eq!(world.form("/adfs/oauth2/token", &fields).await.status, 200);
    // The second time, `az` finds it, changes it, and gives it another secret.
    let found = world.get(filter).await;
    assert_eq!(found.body["value"][0]["passwordCredentials"][0]["keyId"], secret.body["keyId"]);
    let renamed = world.ask(Method::PATCH, &path(""), None, json!({"displayName": "ci2"})).await;
    assert_eq!((renamed.status, &world.get(&path("")).await.body["displayName"]), (204, &json!("ci2")));
    let remove = json!({"keyId": secret.body["keyId"]});
    assert_eq!(world.post(&path("/removePassword"), remove).await.status, 204);
    assert_eq!(world.delete(&path("")).await.status, 204);
    assert_eq!(world.get(&format!("/v1.0/servicePrincipals/{id}")).await.status, 404);
    for (path, body, code) in [
        ("/v1.0/servicePrincipals", json!({"appId": id}), "Request_BadRequest"),
        ("/v1.0/servicePrincipals", json!({}), "InvalidParameter"),
        ("/v1.0/applications", json!({}), "InvalidRequestContent"),
        ("/v1.0/applications", json!({"displayName": "ci", "keyCredentials": [{}]}), "InvalidParameter"),
    ] {
        let answer = world.post(path, body).await;
        assert_eq!((answer.status, answer.refusal().1), (400, code), "{answer:?}");
    }
    let user = World::with_user("alice", "correct horse").await;
    let users = user.get("/v1.0/users").await;
    let of_a_user = user.post("/v1.0/servicePrincipals", json!({"appId": users.body["value"][0]["id"]})).await;
    assert_eq!(of_a_user.refusal().1, "Request_BadRequest");
    assert_eq!(user.get("/v1.0/applications").await.body, json!({"value": []}), "neither users nor the first one");
}

#[tokio::test]
async fn lists_and_filters() {
    let world = World::with_user("alice", "correct horse").await;
    let (id, _) = world.service(&[(Role::Owner, Place::Subscription)]).await;
    for (path, found) in [
        ("/v1.0/users".to_owned(), 1),
        ("/v1.0/users?$filter=userPrincipalName%20eq%20%27Alice%27".to_owned(), 1),
        ("/v1.0/users?$filter=startswith(displayName,%27ali%27)".to_owned(), 1),
        ("/v1.0/users?$filter=displayName%20eq%20%27ali%27".to_owned(), 0),
        ("/v1.0/servicePrincipals".to_owned(), 2),
        (format!("/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c%20eq%20%27{id}%27)"), 1),
        (format!("/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c%20eq%20%27{CLIENT_ID}%27)"), 1),
    ] {
        assert_eq!(world.get(&path).await.body["value"].as_array().unwrap().len(), found, "{path}");
    }
    let ids = json!({"ids": [id.to_string(), CLIENT_ID, "00000000-0000-4000-8000-0000000000ff"]});
    let named = world.post("/v1.0/directoryObjects/getByIds", ids).await;
    assert_eq!(
        named.body["value"].as_array().unwrap().iter().map(|one| &one["id"]).collect::<Vec<_>>(),
        [&json!(id.to_string()), &json!(CLIENT_ID)]
    );
    assert_eq!(world.get(&format!("/v1.0/users/{id}")).await.status, 404, "a service principal is no user");
}
