use hyper::Method;
use serde_json::{Value, json};

use crate::world::{Answer, SUBSCRIPTION, World, of_group};

fn path(tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourcegroups{tail}?api-version=2024-11-01")
}

#[tokio::test]
async fn create_list_exists_delete() {
    let world = World::empty().await;
    assert_eq!(world.get(&path("")).await.body, json!({"value": []}));
    let created = world.put(&path("/mygroup"), json!({"location": "centralindia"})).await;
    let expected = json!({"id": format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/mygroup"), "name": "mygroup",
        "type": "Microsoft.Resources/resourceGroups", "location": "centralindia", "tags": {},
        "properties": {"provisioningState": "Succeeded"}});
    assert_eq!((created.status, &created.body), (201, &expected));
    let again = world.put(&path("/MyGroup"), json!({"location": "centralindia", "tags": {"a": "b"}})).await;
    assert_eq!((again.status, &again.body["name"], &again.body["tags"]), (200, &json!("mygroup"), &json!({"a": "b"})));
    assert_eq!(world.get(&path("/MYGROUP")).await.body, again.body);
    assert_eq!(world.get(&path("")).await.body, json!({"value": [again.body]}));
    for (name, status) in [("/mygroup", 204), ("/other", 404)] {
        let answer = world.ask(Method::HEAD, &path(name), None, Value::Null).await;
        assert_eq!((answer.status, answer.body), (status, Value::Null));
    }
    assert_eq!(world.delete(&path("/mygroup")).await.status, 200);
    let gone = world.delete(&path("/mygroup")).await;
    assert_eq!(gone.refusal(), (404, "ResourceGroupNotFound", "resource group 'mygroup' could not be found"));
    assert_eq!(world.get(&path("/mygroup")).await.refusal().0, 404);
}

#[tokio::test]
async fn tags_alone() {
    let world = World::with_group().await;
    let tagged = world.ask(Method::PATCH, &path("/IOT-RG"), None, json!({"tags": {"site": "north"}})).await;
    assert_eq!((tagged.status, &tagged.body["tags"]), (200, &json!({"site": "north"})));
    let untouched = world.ask(Method::PATCH, &path("/iot-rg"), None, json!({})).await;
    assert_eq!((untouched.status, &untouched.body["tags"]), (200, &json!({"site": "north"})));
    let absent = world.ask(Method::PATCH, &path("/nowhere"), None, json!({"tags": {}})).await;
    assert_eq!(absent.refusal().1, "ResourceGroupNotFound");
    for (filter, found) in [
        ("", 1),
        ("&%24filter=tagname%20eq%20%27site%27%20and%20tagvalue%20eq%20%27north%27", 1),
        ("&$filter=tagname+eq+'site'+and+tagvalue+eq+'south'", 0),
        ("&$top=0", 0),
    ] {
        let list = world.get(&(path("") + filter)).await;
        assert_eq!(list.body["value"].as_array().map(Vec::len), Some(found), "{filter}");
    }
    for filter in ["&$filter=tagname+ne+'site'", "&$top=many"] {
        assert_eq!(world.get(&(path("") + filter)).await.refusal().1, "InvalidFilterInQueryString", "{filter}");
    }
}

#[tokio::test]
async fn refusals() {
    let world = World::with_group().await;
    for (body, status, code) in [
        (json!({}), 400, "LocationRequired"),
        (json!({"location": 7}), 400, "InvalidRequestContent"),
        (json!("x"), 400, "InvalidRequestContent"),
        (Value::Null, 400, "InvalidRequestContent"),
        (json!({"location": "westus"}), 409, "InvalidResourceGroupLocation"),
        (json!({"location": "centralindia", "tags": {"a": {}}}), 400, "InvalidParameter"),
    ] {
        let answer = world.put(&path("/iot-rg"), body.clone()).await;
        assert_eq!((answer.status, answer.refusal().1), (status, code), "{body}");
    }
    let odd = world.put(&path("/a%2Fb"), json!({"location": "westus"})).await;
    assert_eq!(odd.refusal().1, "InvalidResourceName");
    for (method, path) in [
        (Method::POST, path("/iot-rg")),
        (Method::GET, path("/iot-rg/locks")),
        (Method::POST, of_group("/IotHubs/plant")),
        (Method::GET, of_group("")),
        (Method::GET, of_group("/ElasticPools")),
    ] {
        let answer = world.ask(method, &path, None, Value::Null).await;
        assert_eq!((answer.status, answer.refusal().1), (404, "InvalidResourceType"), "{path}");
    }
}

/// What a `DELETE` destroys is told beforehand, by its answer and in the audit log.
#[tokio::test]
async fn a_deletion_says_how_much() {
    let world = World::with_group().await;
    world.put(&of_group("/IotHubs/plant"), json!({})).await;
    world.put(&of_group("/provisioningServices/plant-dps"), json!({})).await;
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/iot-rg");
    let none = json!({"hubs": 0, "devices": 0, "connected": 0, "events": 0, "eventBytes": 0, "fileBytes": 0,
        "provisioningServices": 0, "enrollments": 0, "enrollmentGroups": 0, "registrations": 0});
    let with = |members: &[&str]| {
        let mut contents = none.clone();
        for member in members {
            contents[*member] = json!(1);
        }
        contents
    };
    let told = |answer: &Answer| -> Value {
        serde_json::from_str(answer.headers["x-roadstead-destroyed"].to_str().unwrap()).unwrap()
    };
    assert_eq!(world.get(&format!("{group}/contents")).await.body, with(&["hubs", "provisioningServices"]));
    assert_eq!(world.get(&of_group("/IotHubs/plant/contents")).await.body, with(&["hubs"]));
    assert_eq!(
        world.get(&of_group("/provisioningServices/plant-dps/contents")).await.body,
        with(&["provisioningServices"])
    );
    assert_eq!(world.get(&of_group("/IotHubs/other/contents")).await.refusal().1, "ResourceNotFound");
    let deleted = world.delete(&of_group("/IotHubs/plant")).await;
    assert_eq!((deleted.status, &deleted.body, told(&deleted)), (200, &Value::Null, with(&["hubs"])));
    let again = world.delete(&of_group("/IotHubs/plant")).await;
    assert_eq!((again.status, again.headers.get("x-roadstead-destroyed")), (404, None));
    let deleted = world.delete(&group).await;
    assert_eq!((deleted.status, told(&deleted)), (200, with(&["provisioningServices"])));
    let lines = world.resources.list_audit(None, 3).await.unwrap();
    let noted: Vec<&str> = lines.iter().map(|(_, line)| line.destroyed.as_str()).collect();
    assert_eq!(noted[1..], ["", ""], "a line about the begin, and one about a failure");
    assert_eq!(serde_json::from_str::<Value>(noted[0]).unwrap(), with(&["provisioningServices"]));
}
