//! Every route there is, tried by those who may not and by those who may. A new route is tried by being in the table; what it
//! needs says by whom.

use hyper::Method;
use roadstead_auth::{Permission, permission::allows};
use roadstead_front_http::{Face, Needs, RouteInfo, routes};
use roadstead_model::{Right, Rights, Role};
use roadstead_pki::{Authority, Certificate, KeyKind, Validity};
use roadstead_sas::{BlobRights, UploadKey, sign};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    pipe::Pipe,
    world::{
        HOST, NOW_S, ROOT, SCOPE, World, base64, caller, device_token, key, leaf, policy_token, registration_token,
        request,
    },
};

const YEAR_S: i64 = 365 * 86_400;
/// Before and after the tests' now.
const EARLIER: &str = "2027-01-15T07:00:00Z";
const LATER: &str = "2027-01-15T09:00:00Z";

/// Somebody who comes to a route.
struct Visitor {
    /// Who, if the test fails.
    name: String,
    /// Whose path is asked for: `d` has keys, `c` a certificate.
    id: &'static str,
    shows: Shows,
}

enum Shows {
    Nothing,
    Token(String),
    /// `?sv=…`
    Signature(String),
    Certificate(Box<Certificate>),
}

fn visitor(name: &str, shows: Shows) -> Visitor {
    Visitor { name: name.to_owned(), id: "d", shows }
}

fn token(name: &str, token: impl Into<String>) -> Visitor {
    visitor(name, Shows::Token(token.into()))
}

fn certificate(name: &str, certificate: Certificate) -> Visitor {
    Visitor { id: "c", ..visitor(name, Shows::Certificate(Box::new(certificate))) }
}

/// The method and the path with something in place of each name.
fn line(route: &RouteInfo, visitor: &Visitor) -> String {
    let segments = route.path.split('/').map(|segment| match segment {
        "{device}" | "{registration}" | "{enrollment}" => visitor.id,
        "{module}" => "m",
        "{group}" => "g",
        "{scope}" => SCOPE,
        // Another text is no lock, whoever sends it.
        "{lock}" => "00000000-0000-4000-8000-000000000001",
        "{operation}" | "{correlation}" | "{*name}" => "x",
        word => {
            assert!(!word.contains('{'), "say what stands for {word}");
            word
        }
    });
    let mut line = format!("{} {}", route.method, segments.collect::<Vec<_>>().join("/"));
    if let Shows::Signature(signature) = &visitor.shows {
        line += signature;
    }
    if let Some(comp) = route.comp {
        line += if line.contains('?') { "&comp=" } else { "?comp=" };
        line += comp;
    }
    line
}

/// What any of them takes for a body; what is unreadable is refused before anybody is asked who sends it.
fn body(id: &str) -> Value {
    json!({"registrationId": id, "deviceId": id, "moduleId": "m", "blobName": "x", "correlationId": "x", "isSuccess": true,
        "statusCode": 200, "statusDescription": "x", "methodName": "x", "enrollmentGroupId": "g"})
}

/// Status, and all that came with it.
async fn ask(world: &World, route: &RouteInfo, visitor: &Visitor) -> (u16, String) {
    let mut headers = vec![("x-ms-blob-type", "BlockBlob")];
    let mut certificates = Vec::new();
    match &visitor.shows {
        Shows::Token(token) => headers.push(("Authorization", token.as_str())),
        Shows::Certificate(certificate) => certificates.push(&**certificate),
        Shows::Nothing | Shows::Signature(_) => {}
    }
    let request = request(&line(route, visitor), &headers, body(visitor.id).to_string().as_bytes());
    let mut pipe = Pipe::open(&world.front, caller(&certificates));
    if *route.method == Method::HEAD {
        pipe.io.write_all(&request).await.unwrap();
        let head = pipe.until("\r\n\r\n").await;
        return (head["HTTP/1.1 ".len()..][..3].parse().unwrap(), head);
    }
    let answer = pipe.ask(&request).await;
    (answer.status, format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body)))
}

fn validity(now_s: i64) -> Validity {
    Validity { now_s, lifetime_s: YEAR_S }
}

/// A hub with the device `d` by keys, its module `m`, and the device `c` by certificate; enrolled are `d` by keys, and `c` by a
/// group of the tests' CA. `c`'s certificate as well.
async fn world() -> (World, Certificate) {
    let world = World::new().await;
    world.device("d").await;
    let keys = json!({"primaryKey": base64(5), "secondaryKey": base64(6)});
    let module = json!({"deviceId": "d", "moduleId": "m", "authentication": {"type": "sas", "symmetricKey": keys}});
    world.ask("PUT /devices/d/modules/m", module).await.ok();
    let own = leaf("c");
    let thumbprint = json!({"primaryThumbprint": own.sha1().to_string()});
    let by_thumbprint =
        json!({"deviceId": "c", "authentication": {"type": "selfSigned", "x509Thumbprint": thumbprint}});
    world.ask("PUT /devices/c", by_thumbprint).await.ok();
    world.enroll("d", json!({})).await;
    world.upload("root-ca", ROOT.certificate()).await;
    let by_ca = json!({"type": "x509", "x509": {"caReferences": {"primary": "root-ca"}}});
    world.ask("PUT /enrollmentGroups/g", json!({"enrollmentGroupId": "g", "attestation": by_ca})).await.ok();
    (world, own)
}

/// Whom no route but the open ones answers.
fn strangers() -> Vec<Visitor> {
    let mut strangers = vec![
        visitor("nobody", Shows::Nothing),
        token("an empty header", ""),
        token("another scheme", "Basic eDp5"),
        token("half a signature", format!("SharedAccessSignature sr={HOST}")),
        token("no signature", "SharedAccessSignature x"),
        token("wrong key of a policy", sign(HOST, &key(77), NOW_S + 600, Some("owner"))),
        token("expired token of a policy", sign(HOST, &key(9), NOW_S - 301, Some("owner"))),
        token("unknown policy", sign(HOST, &key(9), NOW_S + 600, Some("nobody"))),
        token("no policy named", sign(HOST, &key(9), NOW_S + 600, None)),
        token("policy elsewhere", sign("elsewhere.example", &key(9), NOW_S + 600, Some("owner"))),
        token("wrong key of the device", device_token("d", &key(77))),
        token("expired token of the device", sign(&format!("{HOST}/devices/d"), &key(1), NOW_S - 301, None)),
        token("another device", device_token("e", &key(1))),
        token("wrong key of the module", sign(&format!("{HOST}/devices/d/modules/m"), &key(77), NOW_S + 600, None)),
        token("wrong key of the enrollment", registration_token("d", &key(77))),
        token("another registration", registration_token("e", &key(3))),
        token("no bearer token", "Bearer"),
        token("foreign bearer token", "Bearer x"),
        token("expired bearer token", "Bearer late"),
        token("bearer token without a role", "Bearer nobody"),
    ];
    let resource = format!("{SCOPE}/registrations/d");
    let expired = sign(&resource, &key(3), NOW_S - 301, Some("registration"));
    strangers.push(token("expired token of the enrollment", expired));
    let other = Authority::root("other-ca", KeyKind::P256, validity(NOW_S)).unwrap();
    let of = |authority: &Authority, name: &str, now_s| {
        authority.device(name, KeyKind::P256, validity(now_s)).unwrap().certificate
    };
    strangers.extend([
        certificate("certificate of another CA", of(&other, "c", NOW_S)),
        certificate("certificate of another device", of(&ROOT, "e", NOW_S)),
        certificate("expired certificate", of(&ROOT, "c", NOW_S - 2 * YEAR_S)),
    ]);
    let signature = |name: &str, blob: &str, rights, expiry| {
        visitor(name, Shows::Signature(UploadKey::derive(b"installation", "plant").sign(blob, rights, expiry)))
    };
    let both = BlobRights { read: true, write: true };
    let good = UploadKey::derive(b"installation", "plant").sign("d/x", both, LATER);
    strangers.extend([
        signature("signature of another file", "d/y", both, LATER),
        signature("expired signature", "d/x", both, EARLIER),
        visitor("altered signature", Shows::Signature(good.replace(LATER.split(':').next().unwrap(), "2028-01-15T09"))),
        visitor(
            "another hub's signature",
            Shows::Signature(UploadKey::derive(b"installation", "other").sign("d/x", both, LATER)),
        ),
    ]);
    strangers
}

/// Everybody with good credentials of some kind, and whether that is what the route needs.
fn known(route: &RouteInfo, own: &Certificate) -> Vec<(Visitor, bool)> {
    let is_of_module = route.path.contains("{module}");
    let mut known = Vec::new();
    for right in Right::ALL {
        let has = |needed: Right| Rights::of(&[right]).allows(needed);
        let may = match route.needs {
            Needs::Right(needed, _) | Needs::RightOrDevice(needed, _) | Needs::UploadSignatureOrRight(needed, _) => {
                has(needed)
            }
            Needs::Device => has(Right::DeviceConnect),
            Needs::Nothing | Needs::Registrant | Needs::UploadSignature => false,
        };
        known.push((token(right.as_str(), policy_token(right.as_str())), may));
    }
    let takes_owner = !matches!(route.needs, Needs::Registrant | Needs::UploadSignature);
    known.push((token("owner", policy_token("owner")), takes_owner));
    for role in Role::ALL {
        let may = match route.needs {
            Needs::Right(_, permission)
            | Needs::RightOrDevice(_, permission)
            | Needs::UploadSignatureOrRight(_, permission) => allows(role, permission),
            _ => false,
        };
        known.push((token(&format!("{role:?}"), format!("Bearer {role:?}")), may));
    }
    let takes_device = match route.needs {
        Needs::Device => !is_of_module,
        Needs::RightOrDevice(..) => true,
        _ => false,
    };
    known.push((token("the device", device_token("d", &key(1))), takes_device));
    known.push((token("the device, by its other key", device_token("d", &key(2))), takes_device));
    let takes_certificate = takes_device || route.needs == Needs::Registrant;
    known.push((certificate("certificate", own.clone()), takes_certificate));
    let module = sign(&format!("{HOST}/devices/d/modules/m"), &key(5), NOW_S + 600, None);
    known.push((token("the module", module), route.needs == Needs::Device && is_of_module));
    known.push((token("the registration", registration_token("d", &key(3))), route.needs == Needs::Registrant));
    for (read, write) in [(true, true), (true, false), (false, true)] {
        let may = match route.needs {
            Needs::UploadSignature => write,
            Needs::UploadSignatureOrRight(..) => read,
            _ => false,
        };
        let signature = UploadKey::derive(b"installation", "plant").sign("d/x", BlobRights { read, write }, LATER);
        known.push((visitor(&format!("signature read={read} write={write}"), Shows::Signature(signature)), may));
    }
    known
}

/// Says that somebody is turned away, in the way of the face.
#[track_caller]
fn assert_refused(route: &RouteInfo, visitor: &Visitor, (status, text): &(u16, String)) {
    let (refused, code) = match route.face {
        Face::Hub => (401, "IotHubUnauthorized"),
        Face::DpsDevice | Face::DpsService => (401, "\"errorCode\":401"),
        Face::Files => (403, "AuthenticationFailed"),
        Face::Operations => panic!("{route:?} is open"),
    };
    assert_eq!(*status, refused, "{} at {route:?}: {text}", visitor.name);
    assert!(text.contains(code), "{} at {route:?}: {text}", visitor.name);
    let lacks = match route.needs {
        Needs::Right(right, _) | Needs::RightOrDevice(right, _) => right,
        Needs::Device => Right::DeviceConnect,
        _ => return,
    };
    if Right::ALL.iter().any(|right| right.as_str() == visitor.name) {
        assert!(text.contains(&format!("lacks {}:", lacks.as_str())), "{} at {route:?}: {text}", visitor.name);
    }
}

#[tokio::test]
async fn no_route_answers_strangers() {
    let (world, _) = world().await;
    let strangers = strangers();
    for route in routes().filter(|route| route.needs != Needs::Nothing) {
        for stranger in &strangers {
            assert_refused(&route, stranger, &ask(&world, &route, stranger).await);
        }
    }
}

#[tokio::test]
async fn every_route_answers_whom_it_should_and_nobody_else() {
    for route in routes() {
        // One of its own, as what is tried changes things.
        let (world, own) = world().await;
        let (good, bad): (Vec<_>, Vec<_>) = known(&route, &own).into_iter().partition(|(_, may)| *may);
        if route.needs != Needs::Nothing {
            for (visitor, _) in &bad {
                assert_refused(&route, visitor, &ask(&world, &route, visitor).await);
            }
        }
        assert!(!good.is_empty(), "{route:?} is for nobody");
        for (visitor, _) in &good {
            let (status, text) = ask(&world, &route, visitor).await;
            assert!(![401, 403, 405].contains(&status) && status < 500, "{} at {route:?}: {text}", visitor.name);
            assert!(!text.contains("is not served"), "{} at {route:?}: {text}", visitor.name);
        }
    }
}

#[tokio::test]
async fn open_are_these_and_no_other() {
    let (world, _) = world().await;
    let mut open = Vec::new();
    for route in routes().filter(|route| route.needs == Needs::Nothing) {
        let nobody = visitor("nobody", Shows::Nothing);
        assert_eq!(ask(&world, &route, &nobody).await.0, 200, "{route:?}");
        open.push(line(&route, &nobody));
    }
    let expected = ["GET /healthz", "HEAD /healthz", "GET /readyz", "HEAD /readyz", "GET /metrics", "HEAD /metrics"];
    assert_eq!(open, expected);
}

#[test]
fn permissions_are_of_the_api_that_they_open() {
    for route in routes() {
        let (Needs::Right(_, permission)
        | Needs::RightOrDevice(_, permission)
        | Needs::UploadSignatureOrRight(_, permission)) = route.needs
        else {
            continue;
        };
        let of_hub = matches!(permission, Permission::ReadHubData | Permission::WriteHubData);
        let of_dps = matches!(permission, Permission::ReadDpsData | Permission::WriteDpsData);
        assert_eq!(
            (of_hub, of_dps),
            (matches!(route.face, Face::Hub | Face::Files), route.face == Face::DpsService),
            "{route:?}"
        );
        let is_write = matches!(permission, Permission::WriteHubData | Permission::WriteDpsData);
        assert!(
            is_write || [Method::GET, Method::HEAD].contains(route.method) || route.path.ends_with("/query"),
            "{route:?}"
        );
    }
}
