use roadstead_model::{AllocationPolicy, IdScope, Right};
use roadstead_resources::DpsSpec;

use crate::world::{World, refusal};

#[tokio::test]
async fn a_new_instance_has_a_scope_and_an_owner() {
    let world = World::with_group().await;
    let dps = world.dps("Gate").await;
    assert_eq!(IdScope::parse(dps.id_scope.as_str()), Ok(dps.id_scope.clone()));
    assert_eq!((dps.host_name.as_str(), dps.allocation_policy), ("gate.localhost", AllocationPolicy::Hashed));
    assert_eq!((dps.policies.len(), dps.policies[0].key_name.as_str()), (1, "provisioningserviceowner"));
    assert!(dps.policies[0].rights.allows(Right::EnrollmentRead));
    let directory = world.resources.directory();
    assert_eq!(directory.find_dps_by_scope(&dps.id_scope), Some(&dps));
    for host in ["GATE.localhost", "Gate.azure-devices-provisioning.net"] {
        assert_eq!(directory.find_dps_by_host(host), Some(&dps), "{host}");
    }
    assert_ne!(world.dps("gate2").await.id_scope, dps.id_scope);
}

#[tokio::test]
async fn a_change_keeps_scope_and_keys() {
    let world = World::with_group().await;
    let made = world.dps("gate").await;
    let spec = DpsSpec { allocation_policy: Some(AllocationPolicy::Static), ..DpsSpec::default() };
    let put = world.resources.put_dps("iot-rg", "GATE", spec, Some(made.etag.as_str())).await.unwrap();
    assert!(!put.created);
    assert_eq!((&put.record.id_scope, &put.record.policies), (&made.id_scope, &made.policies));
    let again = world.resources.put_dps("iot-rg", "gate", DpsSpec::default(), None).await.unwrap().record;
    assert_eq!(again.allocation_policy, AllocationPolicy::Static);
}

#[tokio::test]
async fn refusals_name_the_cause() {
    let world = World::with_group().await;
    world.hub("plant").await;
    world.dps("gate").await;
    let custom = DpsSpec { allocation_policy: Some(AllocationPolicy::Custom), ..DpsSpec::default() };
    for (group, name, spec, text) in [
        ("nowhere", "dps1", DpsSpec::default(), "resource group 'nowhere' could not be found"),
        ("iot-rg", "plant", DpsSpec::default(), "the name `plant` is not available: a hub has it already"),
        ("iot-rg", "-x-", DpsSpec::default(), "DPS name `-x-` is not of the form a DNS label: no - at either end"),
        (
            "iot-rg",
            "dps1",
            custom,
            "allocationPolicy is Custom; it must be Hashed, GeoLatency or Static; custom allocation is set on enrollments",
        ),
    ] {
        assert_eq!(refusal(world.resources.put_dps(group, name, spec, None).await), text);
    }
    assert_eq!(
        world.resources.dps_name_refusal("Gate").unwrap().to_string(),
        "the name `Gate` is not available: a DPS instance has it already"
    );
    assert!(world.resources.dps_name_refusal("gate2").is_none());
    assert_eq!(refusal(world.resources.dps("iot-rg", "dps1")), "DPS instance 'dps1' was not found in 'iot-rg'");
    let stale = world.resources.delete_dps("iot-rg", "gate", Some("\"old\"")).await;
    assert!(refusal(stale).starts_with("DPS instance 'gate' has changed"));
}

#[tokio::test]
async fn the_first_instance_may_share_the_hubs_name() {
    let world = World::with_group().await;
    let names = roadstead_resources::HostNames { host_name: "127.0.0.1".to_owned(), aliases: vec![] };
    let spec = roadstead_resources::HubSpec { host_names: Some(names), ..Default::default() };
    world.resources.put_hub("iot-rg", "dev", spec, None).await.unwrap();
    let spec = DpsSpec { host_name: Some("127.0.0.1".to_owned()), ..DpsSpec::default() };
    let dps = world.resources.put_dps("iot-rg", "dev-dps", spec.clone(), None).await.unwrap().record;
    assert_eq!(dps.host_name, "127.0.0.1");
    let second = world.resources.put_dps("iot-rg", "dev-dps2", spec, None).await;
    assert_eq!(refusal(second), "the name `127.0.0.1` is not available: a DPS instance has it already");
}

#[tokio::test]
async fn deleting_ends_the_scope() {
    let world = World::with_group().await;
    let dps = world.dps("gate").await;
    world.ears.heard();
    world.resources.delete_dps("iot-rg", "gate", None).await.unwrap();
    let directory = world.resources.directory();
    assert!(directory.find_dps_by_scope(&dps.id_scope).is_none());
    assert!(directory.find_dps_by_host("gate.azure-devices-provisioning.net").is_none());
    assert_eq!(world.ears.heard(), ["dps gone"]);
}
