//! An API that knows one hub, one DPS instance and one device, and a browser.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use roadstead_front_portal::{Body, Door, Portal};
use roadstead_model::{Clock, Random, UnixMillis};
use roadstead_service::{Credentials, InProcess, Transport};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use zeroize::Zeroizing;

/// Every text that comes from outside has this in it.
pub const HOSTILE: &str = "<script>alert('x')</script>\"&";
pub const DEVICE: &str = "d<b>'&\"1";
pub const KEY: &str = "c2VjcmV0LWtleS1vZi1hLWRldmljZQ==";

pub struct Api {
    /// What it was asked: method, path, authorization, body.
    pub asked: Mutex<Vec<(Method, String, String, String)>>,
    /// What roles there are.
    pub roles: Mutex<Value>,
    /// Paths that end so are answered so.
    pub answers: Mutex<Vec<(&'static str, u16, Value)>>,
    /// What lists name as their next page.
    pub next: Mutex<Option<&'static str>>,
    /// The same, before these, and each but once.
    pub once: Mutex<Vec<(&'static str, u16, Value)>>,
    pub password: &'static str,
    /// Counts the tokens it gave, so that each is another one.
    pub logins: AtomicU64,
}

pub fn owner() -> Value {
    json!([
        {"actions": ["*"]},
        {"dataActions": ["Microsoft.Devices/IotHubs/*", "Microsoft.Devices/provisioningServices/*"]},
    ])
}

pub fn reader() -> Value {
    json!([
        {"actions": ["*/read"]},
        {"dataActions": ["Microsoft.Devices/IotHubs/*/read", "Microsoft.Devices/provisioningServices/*/read"]},
    ])
}

/// A refusal of which every text is hostile, after one that others caused.
fn timeline() -> Value {
    json!([
        {"time": "2026-11-21T20:02:50.0000000Z", "event": "refused", "id": HOSTILE, "protocol": "mqtt", "address": "192.0.2.7",
            "target": HOSTILE, "cause": "wrongKey", "code": "CONNACK 5", "message": HOSTILE, "count": 12, "since": "2026-11-21T19:00:00Z",
            "mend": {"text": "Give the device its own key.", "command": format!("roadstead why '{HOSTILE}'")}},
        {"time": "2026-11-21T20:02:00.0000000Z", "event": "connected", "id": DEVICE, "protocol": "amqp", "authentication": "certificate"},
    ])
}

const GROUP: &str = "/subscriptions/S/resourceGroups/g/providers/Microsoft.Devices";

impl Api {
    fn answer(&self, path: &str, body: &str) -> (u16, Value) {
        let mut once = self.once.lock();
        if let Some(at) = once.iter().position(|(end, ..)| path.ends_with(end)) {
            let (_, status, body) = once.remove(at);
            return (status, body);
        }
        drop(once);
        let made_up = self.answers.lock().iter().find(|(end, ..)| path.ends_with(end)).cloned();
        if let Some((_, status, body)) = made_up {
            return (status, body);
        }
        let list = |value: Value| (200, json!({ "value": value }));
        let hub = json!({"id": format!("{GROUP}/IotHubs/h"), "name": "h", "properties": {"hostName": "h.localhost", "state": "Active"}});
        let dps = json!({"id": format!("{GROUP}/provisioningServices/d"), "name": "d", "properties": {
            "idScope": "0ne00ABC123", "serviceOperationsHostName": "d.localhost", "deviceProvisioningHostName": "d.localhost"}});
        let device = json!({"deviceId": DEVICE, "etag": "e1", "status": "enabled", "statusReason": HOSTILE, "connectionState": "Connected",
            "lastActivityTime": "2026-11-21T20:02:50Z", "cloudToDeviceMessageCount": 1, "generationId": "1",
            "authentication": {"type": "sas", "symmetricKey": {"primaryKey": KEY, "secondaryKey": KEY}}});
        let twin = json!({"deviceId": DEVICE, "etag": "t1", "version": 4, "status": "enabled", "connectionState": "Connected",
            "authenticationType": "sas", "lastActivityTime": "0001-01-01T00:00:00Z", "tags": {"site": HOSTILE},
            "properties": {"desired": {"hz": 5, "$version": 1}, "reported": {HOSTILE: HOSTILE, "$version": 1}}});
        let certificate = json!({"name": "root", "etag": "c1", "properties": {"subject": HOSTILE, "thumbprint": "AB", "isVerified": false,
            "expiry": "Sat, 21 Nov 2026 21:09:03 GMT", "created": "Sat, 21 Nov 2026 21:09:03 GMT", "verificationCode": "CODE123", "warning": HOSTILE}});
        let enrollment = json!({"registrationId": DEVICE, "etag": "\"e\"", "provisioningStatus": "enabled",
            "attestation": {"type": "x509", "x509": {"clientCertificates": {"primary": {"info": {"subjectName": HOSTILE, "issuerName": HOSTILE}}}}},
            "registrationState": {"registrationId": DEVICE, "status": "failed", "errorMessage": HOSTILE}});
        let group = json!({"enrollmentGroupId": DEVICE, "etag": "\"e\"", "attestation": {"type": "symmetricKey"}});
        let last = path.rsplit('/').next().unwrap_or_default();
        match last {
            "token"
                if body.contains("grant_type=password")
                    && !body.split('&').any(|field| field.strip_prefix("password=") == Some(self.password)) =>
            {
                (400, json!({"error": "invalid_grant", "error_description": "unknown user name, or wrong password"}))
            }
            "token" => {
                let number = self.logins.fetch_add(1, Ordering::Relaxed);
                let refresh = format!("refresh-{number}");
                (200, json!({"access_token": "access", "expires_in": 3600, "refresh_token": refresh}))
            }
            "me" => (200, json!({"id": "1", "displayName": "Alice", "userPrincipalName": HOSTILE})),
            "revokeSignInSessions" => (200, json!({"value": true})),
            "subscriptions" => list(json!([{"subscriptionId": "S"}])),
            "permissions" => list(self.roles.lock().clone()),
            "IotHubs" => list(json!([hub])),
            "provisioningServices" => list(json!([dps])),
            "h" => (200, hub),
            "d" => (200, dps),
            "quotaMetrics" => list(json!([{"name": "TotalMessages", "currentValue": 7}])),
            "ConsumerGroups" => list(json!([{"name": "$Default"}, {"name": HOSTILE}])),
            "listkeys" => list(
                json!([{"keyName": "iothubowner", "primaryKey": KEY, "secondaryKey": KEY, "rights": "RegistryRead"}]),
            ),
            "certificates" => list(json!([certificate])),
            "root" => (200, certificate),
            "values" => list(json!([{"operationId": "1", "eventTimestamp": "2026-11-21T20:02:50Z", "caller": HOSTILE,
                "operationName": {"value": "x/write"}, "resourceId": HOSTILE, "status": {"value": "Failed"}, "subStatus": {"value": "409 Conflict"},
                "httpRequest": {"clientIpAddress": "192.0.2.7"}}])),
            "timeline" => (200, timeline()),
            "devices" | "registrations" if path.starts_with("/refusals") => (200, timeline()),
            "devices" if path.starts_with("/statistics") => {
                (200, json!({"totalDeviceCount": 1, "enabledDeviceCount": 1, "disabledDeviceCount": 0}))
            }
            "service" => (200, json!({"connectedDeviceCount": 1})),
            "query" if path.starts_with("/enrollmentGroups") => (200, json!([group])),
            "query" if path.starts_with("/registrations") => (200, json!([])),
            "query" if path.starts_with("/enrollments") => (200, json!([enrollment])),
            "query" => (200, json!([twin])),
            "modules" => (200, json!([{"moduleId": HOSTILE, "authentication": {"type": "sas"}}])),
            "methods" => (200, json!({"status": 200, "payload": HOSTILE})),
            "devicebound" => (204, Value::Null),
            "attestationmechanism" => {
                (200, json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": KEY, "secondaryKey": KEY}}))
            }
            _ if path.starts_with("/twins/") => (200, twin),
            _ if path.starts_with("/devices/") => (200, device),
            _ if path.starts_with("/enrollments/") => (200, enrollment),
            _ if path.starts_with("/enrollmentGroups/") => (200, group),
            _ if path.starts_with("/registrations/") => (204, Value::Null),
            _ => (404, json!({"error": {"code": "NotFound", "message": "not here"}})),
        }
    }
}

#[async_trait]
impl InProcess for Api {
    async fn answer(&self, request: Request<Bytes>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = String::from_utf8_lossy(&body).into_owned();
        let path = head.uri.path().to_owned();
        let authorization = head.headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
        self.asked.lock().push((head.method, path.clone(), authorization, body.clone()));
        let (status, answer) = self.answer(&path, &body);
        let next = self.next.lock().unwrap_or_default();
        Response::builder()
            .status(status)
            .header("x-ms-continuation", next)
            .body(Full::new(Bytes::from(answer.to_string())).boxed())
            .unwrap()
    }
}

pub struct Time(pub AtomicI64);

impl Clock for Time {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Default)]
struct Numbered(AtomicU64);

impl Random for Numbered {
    fn fill(&self, bytes: &mut [u8]) {
        bytes[..8].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    }
}

struct There(Transport);

impl Door for There {
    fn transport(&self, _: SocketAddr) -> Transport {
        self.0.clone()
    }
}

pub struct World {
    pub api: Arc<Api>,
    pub clock: Arc<Time>,
    pub portal: Portal,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What the browser sends back as its cookie.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }
}

impl World {
    pub fn new() -> Self {
        let clock = Arc::new(Time(AtomicI64::new(1_795_291_370_516)));
        let api = Arc::new(Api {
            asked: Mutex::default(),
            roles: Mutex::new(owner()),
            answers: Mutex::default(),
            next: Mutex::default(),
            once: Mutex::default(),
            password: "right",
            logins: AtomicU64::new(0),
        });
        let transport = Transport::in_process(api.clone(), clock.clone()).unwrap();
        let portal = Portal::new(Arc::new(There(transport)), clock.clone(), Arc::new(Numbered::default()));
        Self { api, clock, portal }
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "h.localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let from = SocketAddr::from(([192, 0, 2, 7], 1));
        let (head, body) = self.portal.answer(request, "https://h.localhost", from).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, text: String::from_utf8(body.to_vec()).unwrap() }
    }

    pub async fn get(&self, cookie: &str, path: &str) -> Answer {
        self.send("GET", path, &[("cookie", cookie), ("accept", "text/html")], "").await
    }

    /// As a browser sends a form of one of our pages.
    pub async fn post(&self, cookie: &str, path: &str, form: &str) -> Answer {
        let headers = [
            ("cookie", cookie),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send("POST", path, &headers, form).await
    }

    /// Signs in by password and gives back the cookie, and the token of forms.
    pub async fn sign_in(&self) -> (String, String) {
        let answer = self.post("", "/portal/sign-in", "username=alice&password=right").await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.cookie();
        let page = self.get(&cookie, "/portal/sessions").await;
        let token = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        (cookie, token)
    }

    pub fn invite(&self) -> String {
        let secret = Zeroizing::new("secret".to_owned());
        self.portal.invite(Credentials { client_id: "client".to_owned(), client_secret: secret })
    }
}
