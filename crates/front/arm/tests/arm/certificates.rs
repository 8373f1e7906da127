use hyper::Method;
use roadstead_pki::{Authority, KeyKind, Validity};
use roadstead_testkit::V1_CA;
use roadstead_wire::certificate_text::to_base64_pem;
use serde_json::{Value, json};

use crate::world::{NOW, World, of_group};

const DPS: &str = "/provisioningServices/textile-dps";

fn validity() -> Validity {
    Validity { now_s: NOW.seconds().0, lifetime_s: 30 * 86_400 }
}

fn path(tail: &str) -> String {
    of_group(&format!("{DPS}/certificates{tail}"))
}

async fn world_with_dps() -> World {
    let world = World::with_group().await;
    world.put(&of_group(DPS), json!({"properties": {}})).await;
    world
}

#[tokio::test]
async fn upload_and_proof_of_possession() {
    let world = world_with_dps().await;
    let root = Authority::root("TextileIoT-RootCA", KeyKind::P256, validity()).unwrap();
    let pem = to_base64_pem(root.certificate().der());
    assert_eq!(world.get(&path("")).await.body, json!({"value": []}));
    let created = world.put(&path("/textile-rootCA"), json!({ "certificate": pem })).await;
    assert_eq!(created.status, 200, "az takes 201 for a failure");
    let shown = &created.body["properties"];
    let at = "Fri, 15 Jan 2027 08:00:00 GMT";
    for (member, value) in [
        ("subject", json!("TextileIoT-RootCA")),
        ("expiry", json!("Sun, 14 Feb 2027 08:00:00 GMT")),
        ("thumbprint", json!(root.certificate().sha1().to_string())),
        ("isVerified", json!(false)),
        ("created", json!(at)),
        ("updated", json!(at)),
        ("certificate", json!(pem)),
        ("warning", Value::Null),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    assert_eq!(shown["verificationCode"].as_str().map(str::len), Some(48), "the seeds read it right after the upload");
    assert_eq!(created.body["type"], "Microsoft.Devices/provisioningServices/Certificates");
    assert_eq!(world.get(&path("/textile-rootca")).await.body, created.body);

    let etag = created.body["etag"].as_str().unwrap();
    let generate = path("/textile-rootCA/generateVerificationCode");
    let renewed = world.ask(Method::POST, &generate, Some(etag), Value::Null).await;
    assert_eq!(renewed.status, 200);
    let code = renewed.body["properties"]["verificationCode"].as_str().unwrap();
    let proof = root.device(code, KeyKind::P256, validity()).unwrap();
    let proof = json!({"certificate": to_base64_pem(proof.certificate.der())});
    let verify = path("/textile-rootCA/verify");
    let stale = world.ask(Method::POST, &verify, Some(etag), proof.clone()).await;
    assert_eq!((stale.status, stale.refusal().1), (412, "PreconditionFailed"));
    let etag = renewed.body["etag"].as_str().unwrap();
    let wrong = world.ask(Method::POST, &verify, Some(etag), json!({ "certificate": pem })).await;
    assert_eq!((wrong.status, wrong.refusal().1), (400, "CertificateVerificationFailed"));
    let proven = world.ask(Method::POST, &verify, Some(etag), proof).await;
    assert_eq!((proven.status, &proven.body["properties"]["isVerified"]), (200, &json!(true)));
    assert_eq!(proven.body["properties"]["verificationCode"], Value::Null);
    assert_eq!(world.get(&path("")).await.body, json!({"value": [proven.body]}));
    let etag = proven.body["etag"].as_str().unwrap();
    assert_eq!(world.ask(Method::DELETE, &path("/textile-rootCA"), Some(etag), Value::Null).await.status, 200);
    let gone = world.get(&path("/textile-rootCA")).await;
    let text = "certificate 'textile-rootCA' was not found in 'textile-dps'";
    assert_eq!(gone.refusal(), (404, "CertificateNotFound", text));
}

#[tokio::test]
async fn hubs_have_certificates_too() {
    let world = World::with_group().await;
    world.put(&of_group("/IotHubs/plant"), json!({"properties": {}})).await;
    let path = of_group("/IotHubs/plant/certificates/intermediate");
    let body = json!({"properties": {"certificate": V1_CA, "isVerified": true}});
    let created = world.put(&path, body.clone()).await;
    assert_eq!((created.status, &created.body["properties"]["isVerified"]), (201, &json!(true)));
    assert_eq!(created.body["type"], "Microsoft.Devices/IotHubs/Certificates");
    let warning = created.body["properties"]["warning"].as_str().unwrap();
    assert!(warning.contains("no basicConstraints"), "{warning}");
    let again = world.put(&path, body.clone()).await;
    assert_eq!((again.status, again.refusal().1), (409, "CertificateAlreadyExists"));
    let replaced = world.ask(Method::PUT, &path, created.body["etag"].as_str(), body).await;
    assert_eq!(replaced.status, 200);
}

#[tokio::test]
async fn refusals() {
    let world = world_with_dps().await;
    for (tail, body, status, code) in [
        ("/root", json!({}), 400, "InvalidRequestContent"),
        ("/root", json!({"certificate": "!"}), 400, "InvalidCertificate"),
        ("/root", json!({"certificate": to_base64_pem(b"0\x00")}), 400, "InvalidCertificate"),
        ("/a%20b", json!({"certificate": V1_CA}), 400, "InvalidResourceName"),
    ] {
        let answer = world.put(&path(tail), body.clone()).await;
        assert_eq!((answer.status, answer.refusal().1), (status, code), "{body}");
    }
    for tail in ["/root/verify", "/root/generateVerificationCode"] {
        let answer = world.post(&path(tail), json!({"certificate": V1_CA})).await;
        assert_eq!((answer.status, answer.refusal().1), (404, "CertificateNotFound"), "{tail}");
    }
    let nowhere = of_group("/provisioningServices/other/certificates/root");
    assert_eq!(world.put(&nowhere, json!({"certificate": V1_CA})).await.refusal().1, "ResourceNotFound");
    assert_eq!(world.post(&path("/root/sign"), Value::Null).await.refusal().1, "InvalidResourceType");
}
