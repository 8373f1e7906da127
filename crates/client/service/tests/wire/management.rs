//! Signing in, and the paths of the Resource Manager.

use crate::server::{Asked, Server, Told, told};
use roadstead_service::{Credentials, Kind, Management, Resource, ServiceError};
use serde_json::{Value, json};

fn management(server: &Server, subscription: Option<&str>) -> Management {
    let credentials = Credentials { client_id: "admin".to_owned(), client_secret: "s&cret".to_owned().into() };
    let endpoint = format!("https://localhost:{}/", server.address.port());
    Management::new(server.transport(), &endpoint, credentials, subscription.map(str::to_owned))
}

fn token(asked: &Asked, text: &str) -> Option<Told> {
    let body = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": text});
    asked.line.starts_with("POST /adfs/oauth2/token").then(|| told(200, &body.to_string()))
}

#[tokio::test]
async fn signs_in_once_and_finds_the_subscription_by_itself() {
    let server = Server::start(|_, asked| {
        let subscriptions =
            asked.line.starts_with("GET /subscriptions?").then(|| told(200, r#"{"value":[{"subscriptionId":"s-1"}]}"#));
        token(asked, "t-1").or(subscriptions).unwrap_or_else(|| told(200, r#"{"value":[1,2]}"#))
    });
    let server = server.await;
    let management = management(&server, None);
    for group in [None, Some("my group")] {
        assert_eq!(management.list::<i32>(Kind::Hub, group).await.unwrap(), [1, 2]);
    }
    let asked = server.asked();
    assert_eq!(
        server.lines(),
        [
            "POST /adfs/oauth2/token",
            "GET /subscriptions?api-version=2022-12-01",
            "GET /subscriptions/s-1/providers/Microsoft.Devices/IotHubs?api-version=2023-06-30",
            "GET /subscriptions/s-1/resourceGroups/my%20group/providers/Microsoft.Devices/IotHubs?api-version=2023-06-30",
        ]
    );
    let port = server.address.port();
    let form = format!(
        "grant_type=client_credentials&client_id=admin&client_secret=s%26cret&scope=https%3A%2F%2Flocalhost%3A{port}%2F.default"
    );
    assert_eq!(asked[0].body, form);
    assert_eq!(asked[0].headers["content-type"], "application/x-www-form-urlencoded");
    assert!(asked[1..].iter().all(|asked| asked.headers["authorization"] == "Bearer t-1"));
}

#[tokio::test]
async fn a_token_that_the_server_forgot_is_renewed_once() {
    for (forgotten, expected) in [(1, None), (9, Some(401))] {
        let server = Server::start(move |before, asked| {
            let is_known = asked.headers.get("authorization").is_some_and(|token| token == "Bearer t-0" && before < 2);
            let answer = if is_known || forgotten == 1 && before > 3 { told(200, "{}") } else { told(401, "{}") };
            token(asked, &format!("t-{before}")).unwrap_or(answer)
        });
        let server = server.await;
        let management = management(&server, Some("s"));
        management.find_group::<Value>("g").await.unwrap();
        let again = management.find_group::<Value>("g").await;
        assert_eq!(again.err().and_then(|error| error.status()), expected);
        let group = "GET /subscriptions/s/resourcegroups/g?api-version=2024-11-01";
        assert_eq!(server.lines(), ["POST /adfs/oauth2/token", group, group, "POST /adfs/oauth2/token", group]);
    }
}

#[tokio::test]
async fn refused_credentials_are_a_failed_sign_in() {
    let body = r#"{"error":"invalid_client","error_description":"wrong secret"}"#;
    let server = Server::start(move |_, _| told(401, body)).await;
    let error = management(&server, Some("s")).find_group::<Value>("g").await.unwrap_err();
    assert!(matches!(error, ServiceError::SignIn { .. }));
    let expected = format!(
        "the sign-in at https://localhost:{} was refused: wrong secret (invalid_client)",
        server.address.port()
    );
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error:?}{:?}", management(&server, None)).contains("s&cret"));
}

#[tokio::test]
async fn certificates_of_hubs_and_dps_have_their_own_bodies() {
    let server = Server::start(|_, asked| token(asked, "t").unwrap_or_else(|| told(200, "{}"))).await;
    let management = management(&server, Some("s"));
    for kind in [Kind::Hub, Kind::Dps] {
        let resource = Resource { kind, group: "g".to_owned(), name: "n".to_owned() };
        let _: Value = management.put_certificate(&resource, "root", "UEVN", Some(true), None).await.unwrap();
        let _: Value = management.put_certificate(&resource, "root", "UEVN", None, None).await.unwrap();
        let _: Value = management.generate_verification_code(&resource, "root", "e1").await.unwrap();
        let _: Value = management.verify_certificate(&resource, "root", "e2", "UEVN").await.unwrap();
        assert!(management.delete_certificate(&resource, "root", "e3").await.unwrap());
        assert!(management.find_key::<Value>(&resource, "owner").await.unwrap().is_some());
    }
    let shown: Vec<_> = (server.asked().iter().skip(1))
        .map(|asked| {
            let line = asked.line.replace("/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices", "");
            let etag = asked.headers.get("if-match").map_or(String::new(), |etag| format!(" {etag}"));
            format!("{line}{etag} {}", asked.body)
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#"PUT /IotHubs/n/certificates/root?api-version=2023-06-30 {"properties":{"certificate":"UEVN","isVerified":true}}"#,
            r#"PUT /IotHubs/n/certificates/root?api-version=2023-06-30 {"properties":{"certificate":"UEVN"}}"#,
            "POST /IotHubs/n/certificates/root/generateVerificationCode?api-version=2023-06-30 e1 ",
            r#"POST /IotHubs/n/certificates/root/verify?api-version=2023-06-30 e2 {"certificate":"UEVN"}"#,
            "DELETE /IotHubs/n/certificates/root?api-version=2023-06-30 e3 ",
            "POST /IotHubs/n/IotHubKeys/owner/listkeys?api-version=2023-06-30 ",
            r#"PUT /provisioningServices/n/certificates/root?api-version=2021-10-15 {"certificate":"UEVN","isVerified":true}"#,
            r#"PUT /provisioningServices/n/certificates/root?api-version=2021-10-15 {"certificate":"UEVN"}"#,
            "POST /provisioningServices/n/certificates/root/generateVerificationCode?api-version=2021-10-15 e1 ",
            r#"POST /provisioningServices/n/certificates/root/verify?api-version=2021-10-15 e2 {"certificate":"UEVN"}"#,
            "DELETE /provisioningServices/n/certificates/root?api-version=2021-10-15 e3 ",
            "POST /provisioningServices/n/keys/owner/listkeys?api-version=2021-10-15 ",
        ]
    );
}

#[tokio::test]
async fn permissions_are_asked_for_where_they_count() {
    let server = Server::start(|_, asked| token(asked, "t").unwrap_or_else(|| told(200, r#"{"value":[1]}"#)));
    let server = server.await;
    let management = management(&server, Some("s"));
    let hub = Resource { kind: Kind::Hub, group: "g".to_owned(), name: "h".to_owned() };
    for found in [
        management.list_permissions::<i32>(None).await,
        management.list_permissions::<i32>(Some(&hub)).await,
        management.list_group_permissions::<i32>("my group").await,
    ] {
        assert_eq!(found.unwrap(), [1]);
    }
    let tail = "/providers/Microsoft.Authorization/permissions?api-version=2022-04-01";
    assert_eq!(
        server.lines()[1..],
        [
            format!("GET /subscriptions/s{tail}"),
            format!("GET /subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h{tail}"),
            format!("GET /subscriptions/s/resourceGroups/my%20group{tail}"),
        ]
    );
}
