//! CAs that the server holds, as their API is spoken to.

use hyper::Method;
use roadstead_model::Role;
use roadstead_pki::Certificate;
use roadstead_resources::Place;
use roadstead_testkit::DEVICE_REQUEST;
use serde_json::{Value, json};

use crate::world::{BASE, SUBSCRIPTION, World, of_group};

const DPS: &str = "/provisioningServices/textile-dps";

fn path(tail: &str) -> String {
    of_group(&format!("{DPS}/certificates{tail}"))
}

async fn world_with_ca() -> World {
    let world = World::with_group().await;
    world.put(&of_group(DPS), json!({"properties": {}})).await;
    let made = world.post(&path("/plant-ca/create"), json!({"commonName": "Plant CA", "days": 30})).await;
    assert_eq!(made.status, 200, "{made:?}");
    world
}

#[tokio::test]
async fn a_held_ca_looks_like_an_uploaded_one_and_shows_no_key() {
    let world = world_with_ca().await;
    let shown = world.get(&path("/plant-ca")).await;
    let properties = &shown.body["properties"];
    assert_eq!(properties["roadstead"], json!({"holdsKey": true}));
    assert_eq!(properties["expiry"], "Sun, 14 Feb 2027 08:00:00 GMT");
    assert_eq!((&properties["subject"], &properties["isVerified"]), (&json!("Plant CA"), &json!(true)));
    assert_eq!((&properties["verificationCode"], &properties["warning"]), (&Value::Null, &Value::Null));
    let listed = world.get(&path("")).await;
    assert_eq!(listed.body, json!({"value": [shown.body]}));
    let export = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/iot-rg/exportTemplate?api-version=2021-04-01");
    let template = world.post(&export, json!({"resources": ["*"]})).await;
    assert_eq!(template.status, 200);
    for answer in [&shown.body, &listed.body, &template.body] {
        assert!(!answer.to_string().contains("PRIVATE"), "{answer}");
    }
    // What a client read it may write back: the key stays.
    let certificate = &properties["certificate"];
    let body = json!({"certificate": certificate, "roadstead": {"holdsKey": false}});
    let again = world.ask(Method::PUT, &path("/plant-ca"), Some("*"), body).await;
    assert_eq!((again.status, &again.body["properties"]["roadstead"]), (200, &json!({"holdsKey": true})));
}

#[tokio::test]
async fn issued_listed_and_audited() {
    let world = world_with_ca().await;
    let made = world.post(&path("/plant-ca/issue"), json!({"commonName": "dev-01", "days": 7})).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(made.headers["cache-control"], "no-store");
    let text = |member: &str| made.body[member].as_str().unwrap().to_owned();
    let leaf = Certificate::from_text(&text("certificate")).unwrap();
    assert_eq!(text("thumbprint"), leaf.sha1().to_string());
    assert_eq!(text("sha256Thumbprint"), leaf.sha256().to_string());
    assert_eq!(text("serialNumber"), leaf.serial());
    assert_eq!(text("notAfter"), "2027-01-22T08:00:00.0000000Z");
    assert_eq!(text("chain").matches("BEGIN CERTIFICATE").count(), 2);
    assert!(text("privateKey").starts_with("-----BEGIN PRIVATE KEY-----"));
    let by_request = world.post(&path("/plant-ca/issue"), json!({"certificateRequest": DEVICE_REQUEST})).await;
    assert_eq!((by_request.status, &by_request.body["privateKey"]), (200, &Value::Null));

    let listed = world.get(&path("/plant-ca/issued")).await;
    let names = |list: &Value| {
        let all = list["value"].as_array().unwrap().iter();
        all.map(|one| one["commonName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&listed.body), ["dev-01", "Dev-03"]);
    let expected = json!({
        "commonName": "dev-01", "serialNumber": text("serialNumber"), "thumbprint": text("thumbprint"),
        "sha256Thumbprint": text("sha256Thumbprint"), "notBefore": "2027-01-15T07:55:00.0000000Z",
        "notAfter": text("notAfter"), "issued": "2027-01-15T08:00:00.0000000Z", "issuedBy": "Roadstead administrator",
        "fromRequest": false, "certificateName": "plant-ca", "caThumbprint": text("caThumbprint"),
    });
    assert_eq!(listed.body["value"][0], expected);
    let searched = world.get(&(path("/plant-ca/issued") + "&commonNamePrefix=DEV-03")).await;
    assert_eq!(names(&searched.body), ["Dev-03"]);
    let first = world.get(&(path("/plant-ca/issued") + "&$top=1")).await;
    assert_eq!(names(&first.body), ["dev-01"]);
    let next = first.body["nextLink"].as_str().unwrap().strip_prefix(BASE).unwrap();
    let second = world.get(next).await;
    assert_eq!((names(&second.body), &second.body["nextLink"]), (vec!["Dev-03".to_owned()], &Value::Null));
    let calendar = of_group(&format!("{DPS}/issuedCertificates"));
    assert_eq!(names(&world.get(&calendar).await.body), ["dev-01", "Dev-03"]);
    let later = world.get(&format!("{calendar}&endsAfter=2027-01-23T00:00:00Z")).await;
    assert_eq!(names(&later.body), ["Dev-03"]);

    let log = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values?api-version=1"
    );
    let log = world.get(&log).await.body;
    let count = |action: &str| {
        let lines = log["value"].as_array().unwrap().iter();
        let action = format!("Microsoft.Devices/provisioningServices/certificates/{action}/action");
        lines.filter(|line| line["operationName"]["value"] == action && line["status"]["value"] == "Succeeded").count()
    };
    assert_eq!((count("create"), count("issue")), (1, 2));
    assert!(!log.to_string().contains("PRIVATE"), "{log}");
    world.delete(&path("/plant-ca")).await;
    assert_eq!(names(&world.get(&path("/plant-ca/issued")).await.body), ["dev-01", "Dev-03"]);
}

#[tokio::test]
async fn refusals() {
    let world = world_with_ca().await;
    let (issue, calendar) =
        (path("/plant-ca/issue"), of_group(&format!("{DPS}/issuedCertificates")) + "&endsAfter=soon");
    for (at, body, status, code) in [
        (path("/plant-ca/create"), json!({"commonName": "x"}), 409, "CertificateAlreadyExists"),
        (path("/other/create"), json!({}), 400, "InvalidRequestContent"),
        (path("/other/create"), json!({"commonName": "x", "days": 0}), 400, "InvalidParameter"),
        (path("/other/issue"), json!({"commonName": "x"}), 404, "CertificateNotFound"),
        (issue.clone(), json!({}), 400, "InvalidParameter"),
        (issue.clone(), json!({"commonName": "x", "certificateRequest": DEVICE_REQUEST}), 400, "InvalidParameter"),
        (issue.clone(), json!({"commonName": "not an id"}), 400, "InvalidResourceName"),
        (issue, json!({"certificateRequest": "x"}), 400, "InvalidCertificateRequest"),
    ] {
        let answer = world.post(&at, body.clone()).await;
        assert_eq!((answer.status, answer.refusal().1), (status, code), "{at} {body}");
    }
    assert_eq!(world.get(&calendar).await.refusal().1, "InvalidParameter");
    // Who goes on from nowhere is not shown the beginning again.
    let log = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values?api-version=1"
    );
    for (list, token) in [
        (path("/plant-ca/issued"), "dev-01"),
        (path("/plant-ca/issued"), "dev-01/x"),
        (of_group(&format!("{DPS}/issuedCertificates")), "soon/1"),
        (of_group(&format!("{DPS}/issuedCertificates")), "dev-01/1"),
        (log, "last"),
    ] {
        let answer = world.get(&format!("{list}&$skipToken={token}")).await;
        let (status, code, words) = answer.refusal();
        assert_eq!((status, code), (400, "InvalidParameter"), "{list} {token}");
        assert_eq!(words, "$skipToken is no place in this list; it must be one of a nextLink of this list");
    }
    assert_eq!(world.get(&path("/other/issued")).await.refusal().1, "CertificateNotFound");
    let reader = world.service(&[(Role::Reader, Place::Subscription)]).await.1;
    let listed = world.ask_as(&reader, Method::GET, &path("/plant-ca/issued"), None, Value::Null).await;
    assert_eq!(listed.status, 200);
    let refused = world.ask_as(&reader, Method::POST, &path("/plant-ca/issue"), None, json!({"commonName": "x"})).await;
    assert_eq!((refused.status, refused.refusal().1), (403, "AuthorizationFailed"));
}
