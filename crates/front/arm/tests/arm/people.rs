//! People of another issuer, who log in with its ID token (RFC 8693).

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    federation::{ISSUER, OneIssuer, WORKLOADS},
    world::World,
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const USERS: &str = "/v1.0/users";

/// Status and answer.
async fn exchange(world: &World, token: &str) -> (u16, Value) {
    let fields = [("grant_type", GRANT), ("subject_token", token), ("subject_token_type", ID_TOKEN)];
    let answer = world.form("/adfs/oauth2/token", &fields).await;
    (answer.status, answer.body)
}

async fn refusal(world: &World, token: &str) -> String {
    let (status, body) = exchange(world, token).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_request")), "{body}");
    body["error_description"].as_str().unwrap().to_owned()
}

async fn user(world: &World, name: &str, issuer: &str, subject: Option<&str>) -> u16 {
    let mut identity = json!({"signInType": "federated", "issuer": issuer});
    if let Some(subject) = subject {
        identity["issuerAssignedId"] = json!(subject);
    }
    world.post(USERS, json!({"userPrincipalName": name, "identities": [identity]})).await.status
}

async fn identity(world: &World, name: &str) -> Value {
    world.get(&format!("{USERS}/{name}")).await.body["identities"][0].clone()
}

#[tokio::test]
async fn an_id_token_logs_its_person_in_once() {
    let world = World::empty().await;
    assert_eq!(user(&world, "lena@example.com", ISSUER, None).await, 201);
    assert_eq!(identity(&world, "lena@example.com").await, json!({"signInType": "federated", "issuer": ISSUER}));
    let token = world.issuer.id_token(&json!({}));
    let (status, given) = exchange(&world, &token).await;
    assert_eq!(status, 200, "{given}");
    assert_eq!(given["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let access = given["access_token"].as_str().unwrap();
    let me = world.ask_as(access, Method::GET, "/v1.0/me", None, Value::Null).await;
    assert_eq!(me.body["userPrincipalName"], "lena@example.com");
    assert_eq!(identity(&world, "lena@example.com").await["issuerAssignedId"], "f81d", "from now on it is this one");

    let again = refusal(&world, &token).await;
    assert_eq!(again, "this token was used to log in before; sign in at its issuer again");
    let resigned = world.issuer.id_token(&json!({}));
    assert_ne!(resigned, token);
    assert_eq!(refusal(&world, &resigned).await, again, "ES256 signs the same text differently each time");
    assert_eq!(exchange(&world, &world.issuer.id_token(&json!({"nonce": "other"}))).await.0, 200);
    assert_eq!(
        refusal(&world, &world.issuer.id_token(&json!({"sub": "a0b1"}))).await,
        format!(
            "the user Lena@example.com here belongs to another account of {ISSUER} (sub); if that is gone, an owner can \
             delete the user and create it again"
        )
    );

    let refresh = given["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_eq!(world.form("/adfs/oauth2/token", &fields).await.status, 200);
    let off = json!({"accountEnabled": false});
    assert_eq!(world.ask(Method::PATCH, &format!("{USERS}/lena@example.com"), None, off).await.status, 204);
    let (status, body) = exchange(&world, &world.issuer.id_token(&json!({"nonce": "x"}))).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert!(body["error_description"].as_str().unwrap().contains("is disabled"), "{body}");
    world.delete(&format!("{USERS}/lena@example.com")).await;
    assert!(refusal(&world, &world.issuer.id_token(&json!({"nonce": "y"}))).await.contains("is no user here"));
}

#[tokio::test]
async fn an_issuer_that_is_not_named_any_more_signs_its_people_out() {
    let world = World::with_user("anna@example.com", "right horse").await;
    assert_eq!(user(&world, "lena@example.com", ISSUER, None).await, 201);
    let (_, lena) = exchange(&world, &world.issuer.id_token(&json!({}))).await;
    let fields = [("grant_type", "password"), ("username", "anna@example.com"), ("password", "right horse")];
    let anna = world.form("/adfs/oauth2/token", &fields).await.body;
    let me = async |given: &Value| {
        let token = given["access_token"].as_str().unwrap();
        world.ask_as(token, Method::GET, "/v1.0/me", None, Value::Null).await
    };
    let refresh = async |given: &Value| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", given["refresh_token"].as_str().unwrap())];
        let answer = world.form("/adfs/oauth2/token", &fields).await;
        (answer.status, answer.body)
    };
    assert_eq!(me(&lena).await.status, 200);

    world.issuer.set_gone(true);
    let words = "the bearer token's user is of an OpenID Connect issuer that the configuration lets nobody in by any more; who \
                 runs the server can name it in [[issuers]] again";
    assert_eq!(me(&lena).await.refusal(), (401, "InvalidAuthenticationToken", words));
    let (status, body) = refresh(&lena).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert_eq!(body["error_description"], format!("the refresh token is of no use: {words}"));
    assert_eq!(me(&anna).await.status, 200, "a user with a password stays");
    assert_eq!(refresh(&anna).await.0, 200);

    world.issuer.set_gone(false);
    assert_eq!(me(&lena).await.status, 200);
    assert_eq!(refresh(&lena).await.0, 200, "what was refused was not used up");
}

#[tokio::test]
async fn who_is_not_linked_to_the_issuer_is_refused() {
    let world = World::with_user("anna@example.com", "right horse").await;
    for lets_nobody_in in ["https://elsewhere.example", WORKLOADS, &format!("{ISSUER}/")] {
        assert_eq!(user(&world, "ben@example.com", lets_nobody_in, None).await, 400, "{lets_nobody_in}");
    }
    assert_eq!(user(&world, "lena@example.com", ISSUER, Some("owner-said")).await, 201);
    for name in ["anna@example.com", "ben@example.com"] {
        let token = world.issuer.id_token(&json!({"preferred_username": name}));
        let text = format!(
            "the issuer's user {name} is no user here; an owner can add it: roadstead user create -n {name} --issuer {ISSUER}"
        );
        assert_eq!(refusal(&world, &token).await, text);
    }
    assert!(refusal(&world, &world.issuer.id_token(&json!({}))).await.contains("another account"));
    assert_eq!(exchange(&world, &world.issuer.id_token(&json!({"sub": "owner-said"}))).await.0, 200);

    let password = [("grant_type", "password"), ("username", "lena@example.com"), ("password", "")];
    assert_eq!(world.form("/adfs/oauth2/token", &password).await.status, 400, "nobody has that password");
    let change = json!({"passwordProfile": {"password": "a new password"}});
    let answer = world.ask(Method::PATCH, &format!("{USERS}/lena@example.com"), None, change).await;
    assert_eq!(answer.status, 400, "it stays without one");
}

#[tokio::test]
async fn tokens_that_let_nobody_in() {
    let world = World::empty().await;
    assert_eq!(user(&world, "lena@example.com", ISSUER, None).await, 201);
    let issuer = &world.issuer;
    let now = crate::world::NOW.seconds().0;
    for (number, (changes, text)) in [
        (json!({"aud": "api://AzureADTokenExchange"}), "not for this server"),
        (json!({"iss": WORKLOADS}), "the configuration lets nobody in by a token of that issuer"),
        (json!({"iss": "https://elsewhere.example"}), "the configuration lets nobody in by a token of that issuer"),
        (json!({"exp": now - 300}), "not in date"),
        (json!({"iat": now - 600}), "too old"),
        (json!({"preferred_username": null}), "does not name the person"),
        (json!({"preferred_username": "Lena Example"}), "can be no user name here"),
        (json!({"preferred_username": "<script>"}), "can be no user name here"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut changes = changes;
        changes["nonce"] = json!(number);
        let found = refusal(&world, &issuer.id_token(&changes)).await;
        assert!(found.contains(text), "{changes}: {found}");
    }
    let claims = json!({"aud": "portal", "sub": "f81d", "iat": now, "preferred_username": "lena@example.com"});
    for alg in ["none", "HS256"] {
        let found = refusal(&world, &issuer.signed(json!({"alg": alg}), &claims)).await;
        assert!(found.contains("RS256 and ES256 are"), "{alg}: {found}");
    }
    let good = issuer.id_token(&json!({}));
    let (head, rest) = good.split_once('.').unwrap();
    for broken in ["", "a.b.c", head, &format!("{head}.{rest}AAAA"), &format!("e30.{rest}")] {
        let fields = [("grant_type", GRANT), ("subject_token", broken), ("subject_token_type", ID_TOKEN)];
        assert_eq!(world.form("/adfs/oauth2/token", &fields).await.status, 400, "{broken}");
    }
    for (kind, text) in [("urn:ietf:params:oauth:token-type:jwt", "can be urn:"), ("", "can be urn:")] {
        let fields = [("grant_type", GRANT), ("subject_token", good.as_str()), ("subject_token_type", kind)];
        let answer = world.form("/adfs/oauth2/token", &fields).await;
        assert!(answer.body["error_description"].as_str().unwrap().contains(text), "{}", answer.body);
    }
    let old = issuer.id_token(&json!({"nonce": "old"}));
    issuer.change_key();
    assert_eq!(exchange(&world, &issuer.id_token(&json!({}))).await.0, 200, "a new key is asked for");
    assert!(refusal(&world, &old).await.contains("does not publish"), "a key that is gone");
}

#[tokio::test]
async fn attempts_are_counted() {
    let world = World::empty().await;
    let token = |n: usize| world.issuer.id_token(&json!({"nonce": n, "exp": 1}));
    for n in 0..10 {
        assert!(refusal(&world, &token(n)).await.contains("not in date"));
    }
    let (status, body) = exchange(&world, &token(10)).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert!(body["error_description"].as_str().unwrap().contains("too many log-ins failed"), "{body}");
    assert_eq!(user(&world, "lena@example.com", ISSUER, None).await, 201);
    assert_eq!(
        exchange(&world, &world.issuer.id_token(&json!({}))).await.0,
        200,
        "who has a good one has nothing to guess"
    );
}

/// Nobody shuts the issuer's people out, or makes this server ask the issuer without end, with tokens that it did not sign.
#[tokio::test]
async fn made_up_tokens_are_counted_before_the_issuer_is_asked() {
    let (world, other) = (World::empty().await, OneIssuer::default());
    let token = |n: usize| other.id_token(&json!({"nonce": n}));
    for n in 0..10 {
        assert!(refusal(&world, &token(n)).await.contains("does not publish"));
    }
    let renewed = world.issuer.renewals();
    assert_eq!(renewed, 10);
    let (_, body) = exchange(&world, &token(10)).await;
    assert!(body["error_description"].as_str().unwrap().contains("too many log-ins failed"), "{body}");
    assert_eq!(world.issuer.renewals(), renewed);
    assert_eq!(user(&world, "lena@example.com", ISSUER, None).await, 201);
    assert_eq!(exchange(&world, &world.issuer.id_token(&json!({}))).await.0, 200);
}

#[tokio::test]
async fn a_user_has_a_password_or_an_issuer() {
    let world = World::empty().await;
    let (password, identity) =
        (json!({"password": "right horse"}), json!({"signInType": "federated", "issuer": ISSUER}));
    for body in [
        json!({}),
        json!({"passwordProfile": password, "identities": [identity]}),
        json!({"identities": [identity, identity]}),
        json!({"identities": [{"signInType": "emailAddress", "issuer": ISSUER}]}),
    ] {
        let mut body = body;
        body["userPrincipalName"] = json!("lena@example.com");
        let answer = world.post(USERS, body.clone()).await;
        assert_eq!(answer.refusal().1, "Request_BadRequest", "{body}");
    }
    assert_eq!(user(&world, "lena@example.com", "", None).await, 400);
    assert_eq!(user(&world, "lena@example.com", ISSUER, Some("")).await, 400);
}
