use hyper::Method;
use roadstead_model::Role;
use roadstead_pki::{Authority, KeyKind, Validity};
use roadstead_resources::Place;
use roadstead_wire::{arm::role_words, certificate_text::to_base64_pem};
use serde_json::{Value, json};

use crate::world::{NOW, SUBSCRIPTION, World, of_group};

fn path(group: &str, tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/{group}{tail}?api-version=2024-11-01")
}

fn deployment(group: &str, tail: &str) -> String {
    path(group, &format!("/providers/Microsoft.Resources/deployments/d1{tail}"))
}

fn of(template: &Value) -> Value {
    json!({"properties": {"mode": "Incremental", "template": template, "parameters": {}}})
}

/// A hub with a verified CA, and a DPS.
async fn furnished() -> (World, Value) {
    let world = World::with_group().await;
    let body = json!({"location": "here", "tags": {"site": "north"}, "sku": {"name": "S2", "capacity": 3},
        "properties": {"eventHubEndpoints": {"events": {"partitionCount": 2}}, "comments": "kept"}});
    world.put(&of_group("/IotHubs/plant"), body).await;
    let validity = Validity { now_s: NOW.seconds().0, lifetime_s: 30 * 86_400 };
    let root = Authority::root("root", KeyKind::P256, validity).unwrap();
    let certificate =
        json!({"properties": {"certificate": to_base64_pem(root.certificate().der()), "isVerified": true}});
    assert_eq!(world.put(&of_group("/IotHubs/plant/certificates/root"), certificate).await.status, 201);
    world.put(&of_group("/provisioningServices/plant-dps"), json!({"location": "here", "properties": {}})).await;
    let wish = json!({"resources": ["*"], "options": "SkipAllParameterization"});
    let exported = world.post(&path("iot-rg", "/exportTemplate"), wish).await;
    assert_eq!(exported.status, 200);
    (world, exported.body["template"].clone())
}

#[tokio::test]
async fn what_is_exported_can_be_deployed() {
    let (world, template) = furnished().await;
    let resources = template["resources"].as_array().unwrap();
    let kinds: Value = resources.iter().map(|one| json!([one["type"], one["name"]])).collect();
    let expected = json!([
        ["Microsoft.Devices/IotHubs", "plant"],
        ["Microsoft.Devices/IotHubs/certificates", "plant/root"],
        ["Microsoft.Devices/provisioningServices", "plant-dps"]
    ]);
    assert_eq!(kinds, expected);
    assert_eq!(resources[1]["dependsOn"], json!(["[resourceId('Microsoft.Devices/IotHubs', 'plant')]"]));
    assert_eq!(resources[0]["identity"], json!({"type": "None"}), "`az iot hub state export` reads it");
    assert!(!template.to_string().contains("hostName"), "{template}");

    let before = world.get(&of_group("/IotHubs/plant")).await.body;
    for path in ["/IotHubs/plant", "/provisioningServices/plant-dps"] {
        assert_eq!(world.delete(&of_group(path)).await.status, 200);
    }
    assert_eq!(world.post(&deployment("iot-rg", "/validate"), of(&template)).await.status, 200);
    assert_eq!(world.get(&of_group("/IotHubs/plant")).await.status, 404, "nothing is done by asking");
    for _ in 0..2 {
        let deployed = world.put(&deployment("iot-rg", ""), of(&template)).await;
        assert_eq!((deployed.status, &deployed.body["properties"]["provisioningState"]), (200, &json!("Succeeded")));
    }
    let mut after = world.get(&of_group("/IotHubs/plant")).await.body;
    after["etag"] = before["etag"].clone();
    assert_eq!(after, before);
    let certificate = world.get(&of_group("/IotHubs/plant/certificates/root")).await;
    assert_eq!(certificate.body["properties"]["isVerified"], true);
    assert_eq!(world.get(&of_group("/provisioningServices/plant-dps")).await.status, 200);
    assert_eq!(
        world.get(&path("iot-rg", "/providers/Microsoft.Resources/deployments")).await.body,
        json!({"value": []})
    );
}

/// As `az deployment group create` sends it.
#[tokio::test]
async fn templates_may_have_comments() {
    let world = World::with_group().await;
    let body = "{\"properties\": {\"parameters\": {}, \"mode\": \"Incremental\", template:{\r\n  // a plant\r\n  \"resources\": \
                [{\"type\": \"Microsoft.Devices/IotHubs\", \"name\": \"plant\", \"location\": \"here\" /* anywhere */}]}}}";
    let deployed = world.put_text(&deployment("iot-rg", ""), body).await;
    assert_eq!(deployed.status, 200, "{deployed:?}");
    assert_eq!(world.get(&of_group("/IotHubs/plant")).await.status, 200);
}

#[tokio::test]
async fn one_resource_is_exported() {
    let (world, _) = furnished().await;
    let id = world.get(&of_group("/provisioningServices/plant-dps")).await.body["id"].clone();
    let exported = world.post(&path("iot-rg", "/exportTemplate"), json!({ "resources": [id] })).await;
    let resources = exported.body["template"]["resources"].clone();
    assert_eq!((resources[0]["name"].as_str(), resources[1].clone()), (Some("plant-dps"), Value::Null));
    let nowhere = world.post(&path("nowhere", "/exportTemplate"), json!({"resources": ["*"]})).await;
    assert_eq!(nowhere.refusal().1, "ResourceGroupNotFound");
}

/// A template gets nobody further than its resources would, one by one.
#[tokio::test]
async fn templates_need_what_their_resources_need() {
    let (world, template) = furnished().await;
    let (id, contributor) = world.service(&[(Role::Contributor, Place::Group("iot-rg"))]).await;
    let (_, owner) = world.service(&[(Role::Owner, Place::Group("iot-rg"))]).await;
    let (_, reader) = world.service(&[(Role::Reader, Place::Subscription)]).await;
    let (_, of_hub) = world.service(&[(Role::Owner, Place::Hub("iot-rg", "plant"))]).await;
    let deploy = async |token: &str, template: &Value| {
        world.ask_as(token, Method::PUT, &deployment("iot-rg", ""), None, of(template)).await
    };
    for token in [&reader, &of_hub] {
        assert_eq!(deploy(token, &template).await.refusal().1, "AuthorizationFailed");
    }
    assert_eq!(deploy(&contributor, &template).await.status, 200);

    let role = json!({"resources": [{
        "type": "Microsoft.Devices/IotHubs/providers/roleAssignments",
        "name": "plant/Microsoft.Authorization/00000000-0000-4000-8000-000000000009",
        "properties": {"roleDefinitionId": role_words(Role::Owner).1, "principalId": id.to_string()},
    }]});
    let refused = deploy(&contributor, &role).await;
    assert_eq!((refused.status, refused.refusal().1), (403, "AuthorizationFailed"));
    assert!(refused.refusal().2.contains("'Microsoft.Authorization/roleAssignments/write'"), "{refused:?}");
    assert_eq!(deploy(&owner, &role).await.refusal().1, "InvalidResourceType");
    let roles = path("iot-rg", "/providers/Microsoft.Authorization/roleAssignments");
    let given = world.get(&roles).await.body["value"].to_string();
    assert!(!given.contains("00000000-0000-4000-8000-000000000009"), "{given}");
}

/// Each resource, as if it had been sent alone, within the deployment.
#[tokio::test]
async fn what_templates_change_is_noted() {
    let world = World::with_group().await;
    let hub = json!({"type": "Microsoft.Devices/IotHubs", "name": "plant", "location": "here", "properties": {}});
    assert_eq!(world.put(&deployment("iot-rg", ""), of(&json!({"resources": [hub]}))).await.status, 200);
    let noted = world
        .get(&format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values"))
        .await;
    let lines = noted.body["value"].as_array().unwrap()[..4].iter();
    let lines: Value = lines.map(|line| json!([line["operationName"]["value"], line["status"]["value"]])).collect();
    let (outer, inner) = ("Microsoft.Resources/deployments/write", "Microsoft.Devices/IotHubs/write");
    let expected = json!([[outer, "Succeeded"], [inner, "Succeeded"], [inner, "Started"], [outer, "Started"]]);
    assert_eq!(lines, expected);
    assert_eq!(
        noted.body["value"][1]["resourceId"],
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/iot-rg/providers/Microsoft.Devices/IotHubs/plant")
    );
}

#[tokio::test]
async fn templates_that_cannot_be_deployed() {
    let world = World::with_group().await;
    let hub = json!({"type": "Microsoft.Devices/IotHubs", "name": "plant", "location": "here", "properties": {}});
    let with = |member: &str, value: Value| {
        let mut resource = hub.clone();
        resource[member] = value;
        of(&json!({ "resources": [resource] }))
    };
    let mut complete = of(&json!({"resources": []}));
    complete["properties"]["mode"] = json!("Complete");
    let many = of(&json!({"resources": vec![&hub; 801]}));
    for (body, code, word) in [
        (json!({}), "InvalidRequestContent", "properties"),
        (json!({"properties": {"templateLink": {}}}), "InvalidRequestContent", "template"),
        (complete, "InvalidTemplate", "Incremental"),
        (many, "InvalidTemplate", "800"),
        (with("type", Value::Null), "InvalidTemplate", "no type"),
        (with("type", json!("Microsoft.Compute/disks")), "InvalidTemplate", "Microsoft.Devices"),
        (with("type", json!("Microsoft.Devices/IotHubs/certificates")), "InvalidTemplate", "one name for each"),
        (with("name", json!("[parameters('name')]")), "InvalidTemplate", "expression"),
        (with("location", json!("[resourceGroup().location]")), "InvalidTemplate", "expression"),
    ] {
        for answer in [
            world.post(&deployment("iot-rg", "/validate"), body.clone()).await,
            world.put(&deployment("iot-rg", ""), body.clone()).await,
        ] {
            assert_eq!((answer.status, answer.refusal().1), (400, code), "{body}");
            assert!(answer.refusal().2.contains(word), "{answer:?}");
        }
    }
    let odd = with("properties", json!({"eventHubEndpoints": {"events": {"partitionCount": 0}}}));
    let refused = world.put(&deployment("iot-rg", ""), odd).await;
    assert_eq!(
        refused.refusal(),
        (400, "InvalidParameter", "resource 'plant': partitionCount is 0; it must be 1 to 128")
    );
    let nowhere = world.put(&deployment("nowhere", ""), of(&json!({"resources": [hub]}))).await;
    assert_eq!(nowhere.refusal().1, "ResourceGroupNotFound");
    let unknown = with("type", json!("Microsoft.Devices/ElasticPools"));
    assert_eq!(world.put(&deployment("iot-rg", ""), unknown).await.status, 404);
    assert_eq!(world.ask(Method::DELETE, &deployment("iot-rg", ""), None, Value::Null).await.status, 404);
}
