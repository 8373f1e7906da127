//! An API that knows one hub, one DPS instance and one device, and a browser.

use crate::elsewhere::Issuers;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use parking_lot::Mutex;
use roadstead_front_portal::{Body, Door, Portal};
use roadstead_model::{Clock, Random, UnixMillis};
use roadstead_service::{Credentials, InProcess, Transport};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use zeroize::Zeroizing;

/// Every text that comes from outside has this in it.
pub const HOSTILE: &str = "<script>alert('x')</script>\"&";
pub const DEVICE: &str = "d<b>'&\"1";
pub const KEY: &str = "c2VjcmV0LWtleS1vZi1hLWRldmljZQ==";
/// The secondary one where that makes a difference.
pub const SECONDARY_KEY: &str = "c2VjcmV0LWtleS1vZi1hLXBvbGljeQ==";

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
    /// Its stream of events opens, and says nothing. Else there is none.
    pub is_streaming: AtomicBool,
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

/// Two changes, by hostile names, of hostile texts.
fn history() -> Value {
    json!([
        {"version": 4, "time": "2026-11-21T20:02:50.0000000Z", "operation": "replace", "actor": "principal", "name": HOSTILE,
            "tags": {"site": HOSTILE}, "properties": {"desired": {"hz": 5, "$version": 2}}},
        {"version": 3, "time": "2026-11-21T20:02:40.0000000Z", "operation": "patch", "actor": "policy", "name": HOSTILE,
            "properties": {"desired": {"hz": 3, HOSTILE: HOSTILE, "$version": 1}}},
    ])
}

/// One file with a hostile name and type, one as most are.
fn uploads() -> Value {
    json!([
        {"blobName": format!("{DEVICE}/{HOSTILE}"), "blobUri": "https://h", "blobSizeInBytes": 1_300_000, "contentType": HOSTILE,
            "lastUpdatedTime": "2026-11-21T20:02:50+00:00"},
        {"blobName": format!("{DEVICE}/logs/1.txt"), "blobUri": "https://h", "blobSizeInBytes": 5, "lastUpdatedTime": "2026-11-21T20:02:50+00:00"},
    ])
}

/// As Resource Manager shows it, with members that nobody knows.
pub fn hub() -> Value {
    let route = json!({"name": "mine", "source": "twinChangeEvents", "isEnabled": false, "endpointNames": ["events"]});
    json!({"id": format!("{GROUP}/IotHubs/h"), "name": "h", "etag": "h1", "location": "local", "tags": {"a": HOSTILE}, "properties": {
        "hostName": "h.localhost", "state": "Active", "unknown": {"x": 1},
        "eventHubEndpoints": {"events": {"retentionTimeInDays": 1, "partitionCount": 4}},
        "cloudToDevice": {"maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H", "other": 2,
            "feedback": {"lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10}},
        "storageEndpoints": {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": ""}},
        "messagingEndpoints": {"fileNotifications": {"lockDurationAsIso8601": "PT5S", "ttlAsIso8601": "P1DT12H", "maxDeliveryCount": 10}},
        "enableFileUploadNotifications": false,
        "routing": {"routes": [route], "enrichments": []},
        "roadstead": {"messageQueueDepth": 50, "throttle": null, "faultInjection": false}}})
}

/// The same of a DPS instance, which is linked to the hub and to one elsewhere.
pub fn dps() -> Value {
    let link = |host: &str| {
        json!({"name": host, "location": HOSTILE, "x": 1,
        "connectionString": format!("HostName={host};SharedAccessKeyName=iothubowner;SharedAccessKey=****")})
    };
    json!({"id": format!("{GROUP}/provisioningServices/d"), "name": "d", "etag": "d1", "properties": {
        "idScope": "0ne00ABC123", "serviceOperationsHostName": "d.localhost", "deviceProvisioningHostName": "d.localhost",
        "allocationPolicy": "Hashed", "state": "Active", "unknown": {"x": 1},
        "iotHubs": [link("h.localhost"), link("far.example")]}})
}

/// One group far behind in one of two partitions, and one that nobody read.
pub fn consumers() -> Value {
    let partition = |id: &str| json!({"partitionId": id, "readers": 0, "firstSequenceNumber": 0});
    let behind = json!({"partitionId": "1", "readers": 2, "firstSequenceNumber": 0, "lastEnqueuedSequenceNumber": 4999,
        "lastEnqueuedTime": "2026-11-21T20:02:50.5160000Z", "deliveredSequenceNumber": 99,
        "deliveredTime": "2026-11-21T20:02:40.0000000Z", "lag": 4900});
    json!({"eventBytes": 1_300_000, "consumerGroups": [
        {"consumerGroup": "$Default", "partitions": [partition("0"), partition("1")]},
        {"consumerGroup": HOSTILE, "partitions": [partition("0"), behind]},
    ]})
}

/// A page of which every text is hostile.
pub fn log() -> Value {
    let event = json!({"partition": 1, "offset": "17", "sequenceNumber": 17, "enqueuedTimeUtc": "2026-11-21T20:02:50.0000000Z",
        "systemProperties": {"message-id": HOSTILE}, "applicationProperties": {HOSTILE: HOSTILE, "bare": null},
        "annotations": {"iothub-connection-device-id": DEVICE, "iothub-connection-module-id": HOSTILE, "iothub-message-source": "Telemetry"},
        "body": {"t": HOSTILE}});
    json!({"events": [event], "older": "older:3,17", "newer": "newer:4,18", "examined": 20_000,
        "examinedTo": "2026-11-21T20:02:50.0000000Z"})
}

/// A certificate that was issued.
pub fn issued() -> Value {
    json!({"commonName": DEVICE, "serialNumber": "5A", "thumbprint": "AB", "sha256Thumbprint": "CD", "notBefore": "2026-11-21T20:02:50Z",
        "notAfter": "2026-12-01T20:02:50.0000000Z", "issued": "2026-11-21T20:02:50Z", "issuedBy": HOSTILE, "fromRequest": false,
        "certificateName": HOSTILE, "caThumbprint": "EF"})
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
        let (hub, dps) = (hub(), dps());
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
            "resourcegroups" => list(json!([{"name": "g", "location": "local"}])),
            "checkNameAvailability" | "checkProvisioningServiceNameAvailability" => {
                (200, json!({"nameAvailable": !body.contains("taken"), "message": "another hub has the name"}))
            }
            "IotHubs" => list(json!([hub])),
            "provisioningServices" => list(json!([dps])),
            "h" => (200, hub),
            "d" => (200, dps),
            "quotaMetrics" => list(
                json!([{"name": "TotalMessages", "currentValue": 7, "maxValue": 400_000}, {"name": "TotalDeviceCount", "currentValue": 3}]),
            ),
            "contents" => (200, json!({"hubs": 1, "devices": 3, "connected": 1})),
            "ConsumerGroups" => list(json!([{"name": "$Default"}, {"name": HOSTILE}])),
            "consumers" => (200, consumers()),
            "log" => (200, log()),
            "disk" => {
                (200, json!({"databaseBytes": 1, "eventBytes": 2, "fileBytes": 3, "freeBytes": 40, "totalBytes": 100}))
            }
            "listkeys" => list(
                json!([{"keyName": "iothubowner", "primaryKey": KEY, "secondaryKey": SECONDARY_KEY, "rights": "RegistryRead"}]),
            ),
            "certificates" => list(json!([certificate])),
            "root" => (200, certificate),
            "held" => (
                200,
                json!({"name": "held", "etag": "c1", "properties": {"subject": HOSTILE, "isVerified": true,
                    "expiry": "Sat, 21 Nov 2026 21:09:03 GMT", "roadstead": {"holdsKey": true}}}),
            ),
            "issued" | "issuedCertificates" => list(json!([issued()])),
            "values" => list(json!([{"operationId": "1", "eventTimestamp": "2026-11-21T20:02:50Z", "caller": HOSTILE,
                "operationName": {"value": "x/write"}, "resourceId": HOSTILE, "status": {"value": "Failed"}, "subStatus": {"value": "409 Conflict"},
                "httpRequest": {"clientIpAddress": "192.0.2.7"}}])),
            "timeline" => (200, timeline()),
            "uploads" => (200, uploads()),
            "history" => (200, history()),
            "devices" | "registrations" | "services" | "dpsServices" if path.starts_with("/refusals") => {
                (200, timeline())
            }
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
        let text = |name: &str| head.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (authorization, method) = (text("authorization"), head.method.clone());
        self.asked.lock().push((head.method.clone(), path.clone(), authorization, body.clone()));
        if path == "/messages/events" && self.is_streaming.load(Ordering::Relaxed) {
            let body = StreamBody::new(stream::pending()).boxed();
            return Response::builder().header("content-type", "text/event-stream").body(body).unwrap();
        }
        let (mut status, mut answer) = self.answer(&path, &body);
        let etag = text("if-match");
        if method == Method::PUT
            && status == 200
            && ["IotHubs/h", "provisioningServices/d"].iter().any(|end| path.ends_with(end))
        {
            (status, answer) = if etag.is_empty() || answer["etag"] == etag {
                (200, serde_json::from_str(&body).unwrap())
            } else {
                (412, json!({"error": {"code": "PreconditionFailed", "message": "it changed"}}))
            };
        }
        let next = self.next.lock().unwrap_or_default();
        let answer = answer.to_string();
        Response::builder()
            .status(status)
            .header("x-ms-continuation", next)
            .header("content-length", answer.len())
            .body(Full::new(Bytes::from(answer)).boxed())
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
    pub issuers: Arc<Issuers>,
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

/// Reads an answer to its end.
pub async fn read(answer: Response<Body>) -> Answer {
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, text: String::from_utf8(body.to_vec()).unwrap() }
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
            is_streaming: AtomicBool::new(false),
            logins: AtomicU64::new(0),
        });
        let transport = Transport::in_process(api.clone(), clock.clone()).unwrap();
        let issuers = Arc::new(Issuers::default());
        let random = Arc::new(Numbered::default());
        let portal = Portal::new(Arc::new(There(transport)), issuers.clone(), clock.clone(), random);
        Self { api, clock, issuers, portal }
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        read(self.open(method, path, headers, body).await).await
    }

    /// The head of an answer; its body is still to come.
    pub async fn open(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path).header("host", "h.localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let from = SocketAddr::from(([192, 0, 2, 7], 1));
        self.portal.answer(request, "https://h.localhost", from).await
    }

    pub async fn get(&self, cookie: &str, path: &str) -> Answer {
        self.send("GET", path, &[("cookie", cookie), ("accept", "text/html")], "").await
    }

    /// As the module asks for the parts of a page that move.
    pub async fn refresh(&self, cookie: &str, path: &str) -> Answer {
        self.send("GET", path, &[("cookie", cookie), ("accept", "text/html"), ("sec-fetch-dest", "empty")], "").await
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

    /// The same of a form that a page has for its own address, and that says which page it comes from.
    pub async fn submit(&self, cookie: &str, page: &str, form: &str) -> Answer {
        let referrer = format!("https://h.localhost{page}");
        let headers = [
            ("cookie", cookie),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("referer", &referrer),
        ];
        self.send("POST", page, &headers, form).await
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
