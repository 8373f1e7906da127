//! An installation that is spoken to as `az` does.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Method, Request, Response, header};
use roadstead_front_arm::Arm;
use roadstead_hub::Hubs;
use roadstead_model::{Random, UnixMillis};
use roadstead_resources::{Administrators, Change, Guid, Installation, Naming, Observer, Resources, SecretDigest};
use roadstead_testkit::{CountingRandom, FakeClock, MemoryRecords};
use serde_json::{Value, json};

pub const BASE: &str = "https://localhost:8443";
pub const TENANT: &str = "7a0e2b1c-0000-4000-8000-000000000001";
pub const SUBSCRIPTION: &str = "5b0e2b1c-0000-4000-8000-000000000002";
pub const CLIENT_ID: &str = "c10e2b1c-0000-4000-8000-000000000003";
pub const SECRET: &str = "s3cret+with&odd=characters %";
/// 2027-01-15T08:00:00Z.
pub const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

struct Deaf;

#[async_trait::async_trait]
impl Observer for Deaf {
    async fn changed(&self, _: &Change) {}
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: header::HeaderMap,
}

impl Answer {
    fn of(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Self { status: head.status.as_u16(), body, headers: head.headers }
    }

    /// Status, code and message of a refusal.
    pub fn refusal(&self) -> (u16, &str, &str) {
        let text = |member: &str| self.body["error"][member].as_str().unwrap();
        (self.status, text("code"), text("message"))
    }
}

pub struct World {
    pub arm: Arm,
    pub resources: Arc<Resources>,
    pub clock: Arc<FakeClock>,
    token: String,
}

impl World {
    /// Nothing there, the administrator logged in.
    pub async fn empty() -> Self {
        let clock = Arc::new(FakeClock::at(NOW));
        let random: Arc<dyn Random> = Arc::new(CountingRandom::default());
        let naming = Naming { hub_domain: "localhost".to_owned(), dps_domain: "localhost".to_owned() };
        let records = Arc::new(MemoryRecords::new());
        let resources = Resources::open(records, Arc::new(Deaf), clock.clone(), random.clone(), naming).await;
        let resources = Arc::new(resources.unwrap());
        let installation = Installation {
            tenant_id: Guid::parse(TENANT).unwrap(),
            subscription_id: Guid::parse(SUBSCRIPTION).unwrap(),
            client_id: CLIENT_ID.to_owned(),
            secret: SecretDigest::of(SECRET),
        };
        let administrators = Administrators::new(installation, &[7; 32], clock.clone(), random);
        let arm = Arm::new(resources.clone(), Arc::new(administrators), Arc::new(Hubs::new()));
        let mut world = Self { arm, resources, clock, token: String::new() };
        let form = format!(
            "client_id={CLIENT_ID}&grant_type=client_credentials&client_info=1&client_secret=s3cret%2Bwith%26odd%3Dcharacters+%25\
             &claims=%7B%22access_token%22%3A+%7B%22xms_cc%22%3A+%7B%22values%22%3A+%5B%22CP1%22%5D%7D%7D%7D\
             &scope=https%3A%2F%2Flocalhost%3A8443%2F%2F.default"
        );
        let answer = world.send(Method::POST, "/adfs/oauth2/token", &[], form.into()).await;
        assert_eq!(
            (answer.status, &answer.body["token_type"], &answer.body["expires_in"]),
            (200, &json!("Bearer"), &json!(3600))
        );
        world.token = answer.body["access_token"].as_str().unwrap().to_owned();
        world
    }

    /// With the group `iot-rg`.
    pub async fn with_group() -> Self {
        let world = Self::empty().await;
        let path = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/iot-rg?api-version=2024-11-01");
        assert_eq!(world.put(&path, json!({"location": "centralindia"})).await.status, 201);
        world
    }

    /// A request as it is, without the administrator's token unless it is among the headers.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{BASE}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(self.arm.answer(request.body(body).unwrap(), BASE).await)
    }

    /// The administrator's request.
    pub async fn ask(&self, method: Method, path: &str, etag: Option<&str>, body: Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str()), ("accept", "application/json")];
        headers.extend(etag.map(|etag| ("if-match", etag)));
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        self.send(method, path, &headers, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, Value::Null).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, None, body).await
    }

    /// The administrator's `PUT` of a text.
    pub async fn put_text(&self, path: &str, body: &'static str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.send(Method::PUT, path, &[("authorization", &bearer)], Bytes::from_static(body.as_bytes())).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, None, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None, Value::Null).await
    }
}

/// A path under the subscription's providers: `/…/providers/Microsoft.Devices{tail}`.
pub fn of_subscription(tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Devices{tail}?api-version=2023-06-30-preview")
}

/// A path in the group `iot-rg`: `/…/resourceGroups/iot-rg/providers/Microsoft.Devices{tail}`.
pub fn of_group(tail: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/iot-rg/providers/Microsoft.Devices{tail}?api-version=2021-10-15"
    )
}
