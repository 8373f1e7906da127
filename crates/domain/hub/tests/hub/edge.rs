//! Edge devices: the modules they are born with, their scopes, their children.

use roadstead_hub::{
    AuthSpec, Beginning, DeviceSpec, Hub, HubError, IdentitySpec, IfMatch, Known, ModuleSpec, ScopeSpec,
};
use roadstead_model::{Device, DeviceAuth, InitialTwin, ModuleId, Secret};

use crate::world::{World, id, sas_spec};

fn edge(device: &str) -> IdentitySpec {
    IdentitySpec { iot_edge: Some(true), ..sas_spec(device) }
}

fn below(spec: IdentitySpec, parent: &Device) -> IdentitySpec {
    let parents = Some(parent.scope.iter().cloned().collect());
    IdentitySpec { scopes: ScopeSpec { scope: None, parents }, ..spec }
}

async fn modules(hub: &Hub, device: &str) -> Vec<(String, Option<String>)> {
    let modules = hub.list_module_identities(&id(device)).await.unwrap();
    modules
        .into_iter()
        .filter_map(|found| found.module)
        .map(|module| (module.id.to_string(), module.managed_by))
        .collect()
}

fn runtime() -> Vec<(String, Option<String>)> {
    ["$edgeAgent", "$edgeHub"].map(|id| (id.to_owned(), Some("iotEdge".to_owned()))).into()
}

fn own_scope(device: &Device) -> String {
    format!("ms-azure-iot-edge://{}-{}", device.id, device.generation)
}

#[tokio::test]
async fn an_edge_device_is_born_with_its_runtime() {
    let world = World::new();
    let created = world.hub.create_device(edge("edge1")).await.unwrap();
    assert_eq!((created.scope.as_ref(), created.parent_scopes.len()), (Some(&own_scope(&created)), 0));
    assert_eq!(modules(&world.hub, "edge1").await, runtime());

    let again = world.hub.update_device(sas_spec("edge1"), IfMatch::Any).await.unwrap();
    assert_eq!((again.iot_edge, &again.scope), (true, &created.scope), "what is left out stays");
    let no_more = IdentitySpec { iot_edge: Some(false), ..sas_spec("edge1") };
    let refused = world.hub.update_device(no_more, IfMatch::Any).await;
    assert!(matches!(refused, Err(HubError::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn a_device_may_become_an_edge_device() {
    let world = World::new();
    world.device("dev1").await;
    let agent = ModuleSpec {
        device: id("dev1"),
        id: ModuleId::parse("$edgeAgent").unwrap(),
        auth: AuthSpec::None,
        managed_by: Some("me".to_owned()),
    };
    world.hub.create_module(agent, Beginning::default()).await.unwrap();
    let changed = world.hub.update_device(edge("dev1"), IfMatch::Any).await.unwrap();
    assert_eq!(changed.scope, Some(own_scope(&changed)));
    let [mut agent, hub] = <[_; 2]>::try_from(runtime()).unwrap();
    agent.1 = Some("me".to_owned());
    assert_eq!(modules(&world.hub, "dev1").await, [agent, hub], "a module that is there stays as it is");
}

#[tokio::test]
async fn parents_must_be_edge_devices_of_this_hub() {
    let world = World::new();
    let top = world.hub.create_device(edge("top")).await.unwrap();
    let scope = own_scope(&top);
    let middle = world.hub.create_device(below(edge("middle"), &top)).await.unwrap();
    assert_eq!((middle.scope.clone(), &middle.parent_scopes[..]), (Some(own_scope(&middle)), &[scope.clone()][..]));

    let leaf = world.hub.create_device(below(sas_spec("leaf"), &middle)).await.unwrap();
    assert_eq!((leaf.scope.as_ref(), leaf.parent_scopes.first()), (middle.scope.as_ref(), middle.scope.as_ref()));
    let moved = ScopeSpec { scope: Some(scope.clone()), parents: Some(leaf.parent_scopes.clone()) };
    let moved = IdentitySpec { scopes: moved, ..sas_spec("leaf") };
    let moved = world.hub.update_device(moved, IfMatch::Any).await.unwrap();
    assert_eq!((moved.scope.as_ref(), moved.parent_scopes.first()), (Some(&scope), Some(&scope)));
    let kept = world.hub.update_device(sas_spec("leaf"), IfMatch::Any).await.unwrap();
    assert_eq!(kept.parent_scopes, moved.parent_scopes);
    let alone = ScopeSpec { scope: Some(String::new()), parents: Some(moved.parent_scopes) };
    let alone =
        world.hub.update_device(IdentitySpec { scopes: alone, ..sas_spec("leaf") }, IfMatch::Any).await.unwrap();
    assert_eq!((alone.scope, alone.parent_scopes.len()), (None, 0));

    let plain = world.device("plain").await;
    for scope in [
        "nonsense".to_owned(),
        own_scope(&plain),
        "ms-azure-iot-edge://nobody-1".to_owned(),
        "ms-azure-iot-edge://top-1".to_owned(),
    ] {
        let scopes = ScopeSpec { scope: None, parents: Some(vec![scope.clone()]) };
        let refused = world.hub.create_device(IdentitySpec { scopes, ..sas_spec("child") }).await;
        assert!(matches!(refused, Err(HubError::Invalid(_))), "{scope}: {refused:?}");
    }
    let two = ScopeSpec { scope: None, parents: Some(vec![scope, own_scope(&middle)]) };
    let refused = world.hub.create_device(IdentitySpec { scopes: two, ..sas_spec("child") }).await;
    assert!(matches!(refused, Err(HubError::Invalid(_))), "{refused:?}");
    for parent in [&top, &middle] {
        let round = world.hub.update_device(below(edge("top"), parent), IfMatch::Any).await;
        assert!(matches!(round, Err(HubError::Invalid(_))), "{round:?}");
    }
}

#[tokio::test]
async fn edge_devices_stand_in_so_many_layers() {
    let world = World::new();
    let mut above = world.hub.create_device(edge("edge0")).await.unwrap();
    for layer in 1..=roadstead_hub::limits::EDGE_LAYERS_MAX {
        above = world.hub.create_device(below(edge(&format!("edge{layer}")), &above)).await.unwrap();
    }
    let refused = world.hub.create_device(below(sas_spec("leaf"), &above)).await;
    assert!(matches!(refused, Err(HubError::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn provisioning_makes_edge_devices_alike() {
    let world = World::new();
    let spec = |iot_edge, known| DeviceSpec {
        id: id("edge1"),
        auth: DeviceAuth::Sas { primary: Secret::new("cA=="), secondary: Secret::new("cw==") },
        iot_edge,
        initial_twin: InitialTwin::default(),
        known,
    };
    let adopt = Known::Adopt(Box::default());
    world.hub.ensure_device(&spec(true, adopt)).await.unwrap();
    let device = world.hub.find_device(&id("edge1")).await.unwrap();
    assert_eq!(device.scope, Some(own_scope(&device)));
    assert_eq!(modules(&world.hub, "edge1").await, runtime());
    world.hub.ensure_device(&spec(false, Known::Credentials)).await.unwrap();
    let kept = world.hub.find_device(&id("edge1")).await.unwrap();
    assert_eq!(kept, device, "an edge device stays one, and nothing was written");

    world.hub.delete_device(&id("edge1"), IfMatch::Any).await.unwrap();
    world.hub.ensure_device(&spec(false, Known::Credentials)).await.unwrap();
    assert!(modules(&world.hub, "edge1").await.is_empty());
    world.hub.ensure_device(&spec(true, Known::Credentials)).await.unwrap();
    let device = world.hub.find_device(&id("edge1")).await.unwrap();
    assert_eq!((device.iot_edge, &device.scope), (true, &Some(own_scope(&device))));
    assert_eq!(modules(&world.hub, "edge1").await, runtime());
}
