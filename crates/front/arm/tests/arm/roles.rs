use hyper::Method;
use roadstead_model::Role;
use roadstead_resources::Place;
use roadstead_wire::arm::{role_definition_id, role_words};
use serde_json::{Value, json};

use crate::world::{SUBSCRIPTION, World, of_group, of_subscription};

const ID: &str = "00000000-0000-4000-8000-000000000001";

fn in_scope(scope: &str, tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}{scope}/providers/Microsoft.Authorization/{tail}")
}

async fn world() -> World {
    let world = World::with_group().await;
    for name in ["plant", "ship"] {
        assert_eq!(world.put(&of_group(&format!("/IotHubs/{name}")), json!({})).await.status, 201);
    }
    world
}

/// As `az role assignment create --role Reader --assignee … --scope …` goes.
#[tokio::test]
async fn a_role_is_given_shown_and_taken_away() {
    let world = world().await;
    let (id, token) = world.service(&[]).await;
    let roles = world.get(&in_scope("", "roleDefinitions?$filter=roleName%20eq%20%27reader%27")).await;
    let reader = roles.body["value"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(reader, role_definition_id(SUBSCRIPTION, Role::Reader));
    let hub = "/resourceGroups/IOT-RG/providers/Microsoft.Devices/IotHubs/plant";
    let path = in_scope(hub, &format!("roleAssignments/{ID}?api-version=2022-04-01"));
    let body =
        json!({"properties": {"roleDefinitionId": reader, "principalId": id.to_string(), "principalType": "User"}});
    let get = async |path: &str| world.ask_as(&token, Method::GET, path, None, Value::Null).await;
    assert_eq!(get(&of_group("/IotHubs/plant")).await.status, 403);
    let made = world.put(&path, body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        made.body["properties"]["scope"],
        format!("/subscriptions/{SUBSCRIPTION}{}", hub.replace("IOT-RG", "iot-rg"))
    );
    assert_eq!(made.body["properties"]["principalType"], "ServicePrincipal");
    assert_eq!(world.put(&path, body.clone()).await.status, 200);
    let other = path.replace(ID, "00000000-0000-4000-8000-000000000002");
    assert_eq!(world.put(&other, body.clone()).await.refusal().1, "RoleAssignmentExists");
    assert_eq!(get(&of_group("/IotHubs/plant")).await.status, 200);
    assert_eq!(get(&of_group("/IotHubs/ship")).await.status, 403);
    assert_eq!(world.get(&path).await.body, made.body);

    for (scope, filter, found) in [
        ("", "", 1),
        ("", "atScope()", 0),
        (hub, "atScope()", 1),
        ("/resourceGroups/iot-rg", "", 1),
        (&hub.replace("plant", "ship"), "", 0),
        ("", &format!("principalId eq '{id}'"), 1),
        ("", "assignedTo('00000000-0000-4000-8000-000000000000')", 0),
    ] {
        let filter = filter.replace(' ', "%20").replace('\'', "%27");
        let listed = world.get(&in_scope(scope, &format!("roleAssignments?$filter={filter}"))).await;
        assert_eq!(listed.body["value"].as_array().unwrap().len(), found, "{scope} {filter}");
    }
    let elsewhere = in_scope("", &format!("roleAssignments/{ID}"));
    assert_eq!((world.delete(&elsewhere).await.status, world.get(&path).await.status), (204, 200));
    assert_eq!(world.delete(&path).await.body, made.body);
    assert_eq!((world.delete(&path).await.status, get(&of_group("/IotHubs/plant")).await.status), (204, 403));
}

#[tokio::test]
async fn assignments_that_are_refused() {
    let world = world().await;
    let (id, _) = world.service(&[]).await;
    let body =
        |role: &str, principal: &str| json!({"properties": {"roleDefinitionId": role, "principalId": principal}});
    let (reader, id, nobody) = (role_words(Role::Reader).1, id.to_string(), "00000000-0000-4000-8000-0000000000ff");
    let group = "/resourceGroups/iot-rg";
    for (scope, name, body, status, code) in [
        (group, "x", body(reader, &id), 400, "InvalidParameter"),
        (group, ID, body("00000000-0000-4000-8000-000000000000", &id), 400, "InvalidParameter"),
        (group, ID, body(reader, nobody), 404, "PrincipalNotFound"),
        (group, ID, body(reader, "alice"), 400, "InvalidRequestContent"),
        (group, ID, json!({}), 400, "InvalidRequestContent"),
        ("/resourceGroups/none", ID, body(reader, &id), 404, "ResourceGroupNotFound"),
    ] {
        let answer = world.put(&in_scope(scope, &format!("roleAssignments/{name}")), body.clone()).await;
        assert_eq!((answer.status, answer.refusal().1), (status, code), "{scope} {body}");
    }
}

/// Who may see a hub sees that its group is there, and nothing else in it.
#[tokio::test]
async fn lists_show_what_one_may_see() {
    let world = world().await;
    let (_, on_hub) = world.service(&[(Role::Reader, Place::Hub("iot-rg", "ship"))]).await;
    let (_, on_group) = world.service(&[(Role::Contributor, Place::Group("iot-rg"))]).await;
    let (_, on_data) = world.service(&[(Role::HubDataContributor, Place::Subscription)]).await;
    let names = async |token: &str, path: &str| {
        let answer = world.ask_as(token, Method::GET, path, None, Value::Null).await;
        let names = |list: &Vec<Value>| list.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        answer.body["value"].as_array().map_or_else(|| vec![answer.status.to_string()], names)
    };
    let groups = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups");
    world.put(&format!("{groups}/other"), json!({"location": "centralindia"})).await;
    for (token, hubs, seen_groups) in [
        (&on_hub, vec!["ship"], vec!["iot-rg"]),
        (&on_group, vec!["plant", "ship"], vec!["iot-rg"]),
        (&on_data, vec!["403"], vec!["403"]),
    ] {
        assert_eq!(names(token, &of_subscription("/IotHubs")).await, hubs);
        assert_eq!(names(token, &of_group("/IotHubs")).await, hubs);
        assert_eq!(names(token, &groups).await, seen_groups);
    }
    let listed = world.ask_as(&on_data, Method::GET, "/subscriptions", None, Value::Null).await;
    assert_eq!(listed.body, json!({"value": []}));
}

/// Lists of all kinds and what else says what there is show no more.
#[tokio::test]
async fn nothing_unseen_is_in_lists_of_resources() {
    let world = world().await;
    world.put(&of_group("/provisioningServices/dps"), json!({"location": "hidden cove"})).await;
    let (_, on_hub) = world.service(&[(Role::Reader, Place::Hub("iot-rg", "ship"))]).await;
    let (_, on_all) = world.service(&[(Role::Reader, Place::Subscription)]).await;
    let ask = async |token: &str, tail: &str| {
        let path = format!("/subscriptions/{SUBSCRIPTION}{tail}");
        world.ask_as(token, Method::GET, &path, None, Value::Null).await
    };
    let names = async |token: &str, tail: &str| -> Value {
        let listed = ask(token, tail).await;
        listed.body["value"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect()
    };
    for (tail, seen, all) in [
        ("/resources", json!(["ship"]), json!(["plant", "ship", "dps"])),
        ("/resourcegroups/iot-rg/resources", json!(["ship"]), json!(["plant", "ship", "dps"])),
        ("/resources?$filter=name%20eq%20'plant'", json!([]), json!(["plant"])),
        ("/locations", json!(["centralindia"]), json!(["centralindia", "hiddencove"])),
    ] {
        assert_eq!((names(&on_hub, tail).await, names(&on_all, tail).await), (seen, all), "{tail}");
    }
    let provider = ask(&on_hub, "/providers/Microsoft.Devices").await;
    assert_eq!(provider.body["resourceTypes"][0]["locations"], json!(["centralindia"]));
    assert_eq!(ask(&on_hub, "/providers/Microsoft.Devices/usages").await.status, 403, "it counts everybody's");
}

/// In Azure's words: who, what, where.
#[tokio::test]
async fn a_reader_sees_no_keys_and_changes_nothing() {
    let world = world().await;
    let (id, reader) = world.service(&[(Role::Reader, Place::Subscription)]).await;
    let ask = async |method, tail: &str| world.ask_as(&reader, method, &of_group(tail), None, json!({})).await;
    assert_eq!(ask(Method::GET, "/IotHubs/plant").await.status, 200);
    let text = |action: &str| {
        format!(
            "The client '{id}' with object id '{id}' does not have authorization to perform action \
             'Microsoft.Devices/IotHubs/{action}' over scope '/subscriptions/{SUBSCRIPTION}/resourceGroups/iot-rg/providers/\
             Microsoft.Devices/IotHubs/plant'. An owner there can assign a role that allows it."
        )
    };
    for (method, tail, action) in [
        (Method::POST, "/IotHubs/plant/listkeys", "listkeys/action"),
        (Method::PUT, "/IotHubs/plant", "write"),
        (Method::DELETE, "/IotHubs/plant", "delete"),
    ] {
        let answer = ask(method, tail).await;
        assert_eq!(answer.refusal(), (403, "AuthorizationFailed", text(action).as_str()));
    }
}

/// A hub made again under its name is another hub.
#[tokio::test]
async fn roles_end_with_what_they_are_for() {
    let world = world().await;
    let places = [(Role::Reader, Place::Hub("iot-rg", "plant")), (Role::Reader, Place::Group("iot-rg"))];
    let (_, of_hub) = world.service(&places[..1]).await;
    let (_, of_group_) = world.service(&places[1..]).await;
    let status = async |token: &str| {
        world.ask_as(token, Method::GET, &of_group("/IotHubs/plant"), None, Value::Null).await.status
    };
    world.delete(&of_group("/IotHubs/plant")).await;
    world.put(&of_group("/IotHubs/plant"), json!({})).await;
    assert_eq!((status(&of_hub).await, status(&of_group_).await), (403, 200));
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/iot-rg");
    world.delete(&group).await;
    world.put(&group, json!({"location": "centralindia"})).await;
    world.put(&of_group("/IotHubs/plant"), json!({})).await;
    assert_eq!(status(&of_group_).await, 403);
    let left = world.get(&in_scope("", "roleAssignments")).await;
    assert_eq!(left.body, json!({"value": []}));
}

/// As a portal asks, to show only the buttons that would work.
#[tokio::test]
async fn who_asks_is_told_what_it_may() {
    let world = world().await;
    let roles = [(Role::Reader, Place::Hub("iot-rg", "ship")), (Role::HubDataReader, Place::Subscription)];
    let (_, token) = world.service(&roles).await;
    let reads = json!({"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []});
    let data = json!({
        "actions": [], "notActions": [], "notDataActions": [],
        "dataActions": ["Microsoft.Devices/IotHubs/*/read", "Microsoft.Devices/IotHubs/fileUpload/notifications/action"],
    });
    let hub = "/resourceGroups/iot-rg/providers/Microsoft.Devices/IotHubs/";
    for (scope, allowed) in [
        (String::new(), vec![&data]),
        ("/resourceGroups/iot-rg".to_owned(), vec![&data]),
        (format!("{hub}plant"), vec![&data]),
        (format!("{hub}ship"), vec![&reads, &data]),
    ] {
        let path = in_scope(&scope, "permissions?api-version=2022-04-01");
        let answer = world.ask_as(&token, Method::GET, &path, None, Value::Null).await;
        let told = answer.body["value"].as_array().unwrap();
        let is_all = told.len() == allowed.len() && allowed.iter().all(|one| told.contains(one));
        assert!(is_all, "{scope}: {answer:?}");
    }
}
