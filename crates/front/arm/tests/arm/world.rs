//! An installation that is spoken to as `az` does.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use bytes::Bytes;
use hyper::{Method, Request, Response, header};
use roadstead_front_arm::{Arm, DiskGauge, DiskReading, DiskSpace};
use roadstead_hub::Hubs;
use roadstead_meter::Meters;
use roadstead_model::{PrincipalId, Random, Role, Secret, UnixMillis};
use roadstead_resources::{
    Access, Change, Guid, Installation, Naming, Observer, Place, ProofSpec, Resources, SecretDigest, TokenFor, UserSpec,
};
use roadstead_testkit::{CountingRandom, FakeClock, MemoryRecords};
use serde_json::{Value, json};

use crate::federation::OneIssuer;

pub const BASE: &str = "https://localhost:8443";
pub const TENANT: &str = "7a0e2b1c-0000-4000-8000-000000000001";
pub const SUBSCRIPTION: &str = "5b0e2b1c-0000-4000-8000-000000000002";
pub const CLIENT_ID: &str = "c10e2b1c-0000-4000-8000-000000000003";
pub const SECRET: &str = "s3cret+with&odd=characters %";
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
/// 2027-01-15T08:00:00Z.
pub const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

struct Deaf;

#[async_trait::async_trait]
impl Observer for Deaf {
    async fn changed(&self, _: &Change) {}
}

/// A disk with some room.
pub struct HalfFull;

impl DiskGauge for HalfFull {
    fn read(&self) -> DiskReading {
        DiskReading { database_bytes: 5, has_files: true, space: Some(DiskSpace { free: 50, total: 100 }) }
    }
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
        let body = match std::str::from_utf8(&body).unwrap() {
            "" => Value::Null,
            page if page.starts_with('<') => Value::String(page.to_owned()),
            json => serde_json::from_str(json).unwrap(),
        };
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
    pub access: Arc<Access>,
    pub issuer: Arc<OneIssuer>,
    pub clock: Arc<FakeClock>,
    pub meters: Arc<Meters>,
    random: Arc<dyn Random>,
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
        let issuer = Arc::new(OneIssuer::default());
        let access = Arc::new(Access::new(installation, &[7; 32], resources.clone(), issuer.clone()));
        let meters = Arc::new(Meters::new());
        let arm = Arm::new(
            resources.clone(),
            access.clone(),
            Arc::new(Hubs::new()),
            meters.clone(),
            Arc::new(HalfFull),
            clock.clone(),
            random.clone(),
        );
        let mut world = Self { arm, resources, access, issuer, clock, meters, random, token: String::new() };
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

    /// With a user who may see everything.
    pub async fn with_user(name: &str, password: &str) -> Self {
        let world = Self::empty().await;
        let password = Secret::new(password);
        let proof = ProofSpec::Password(password);
        let spec = UserSpec { name: name.to_owned(), display_name: None, proof, enabled: true };
        let user = world.resources.create_user(spec).await.unwrap();
        let id = Guid::fresh(&*world.random);
        world.resources.put_assignment(id, user.id, Role::Reader, Place::Subscription).await.unwrap();
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
        Answer::of(self.arm.answer(request.body(body).unwrap(), BASE, ADDRESS).await)
    }

    /// The administrator's request.
    pub async fn ask(&self, method: Method, path: &str, etag: Option<&str>, body: Value) -> Answer {
        self.ask_as(&self.token, method, path, etag, body).await
    }

    /// A service principal with these roles, and a token of it.
    pub async fn service(&self, roles: &[(Role, Place<'_>)]) -> (PrincipalId, String) {
        let service = self.resources.create_service_principal("test").await.unwrap();
        for (role, place) in roles {
            self.resources.put_assignment(Guid::fresh(&*self.random), service.id, *role, *place).await.unwrap();
        }
        (service.id, self.token_of(service.id, TokenFor::Management).await)
    }

    pub async fn token_of(&self, id: PrincipalId, wanted: TokenFor) -> String {
        let made = self.resources.add_secret(id, "", None).await.unwrap();
        let given = self.access.log_in_service(&id.to_string(), made.secret.expose(), wanted).unwrap();
        given.access.expose().to_owned()
    }

    /// A form, as clients send it to the token endpoint.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encoded = fields.iter().map(|(name, value)| format!("{name}={}", roadstead_wire::percent::encode(value)));
        self.send(Method::POST, path, &[], encoded.collect::<Vec<_>>().join("&").into()).await
    }

    /// The request of whoever has this token.
    pub async fn ask_as(&self, token: &str, method: Method, path: &str, etag: Option<&str>, body: Value) -> Answer {
        let bearer = format!("Bearer {token}");
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
