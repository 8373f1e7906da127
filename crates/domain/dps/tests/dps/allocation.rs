//! Which hub a device gets, and what it is told when there is none.

use roadstead_dps::{LinkError, Precondition};
use roadstead_model::{AllocationPolicy, LinkedHub, Provisioning, RegistrationStatus, Substatus};

use crate::world::*;

fn named(hubs: &[&str], allocation: AllocationPolicy) -> Provisioning {
    let hubs = hubs.iter().map(|hub| (*hub).to_owned()).collect();
    Provisioning { hubs, allocation: Some(allocation), ..provisioning() }
}

#[tokio::test]
async fn each_policy_chooses_its_hub() {
    let world = World::new().await;
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    world.hubs.load(HUB_A, 10);
    world.hubs.load(HUB_B, 7);
    for (registration_id, provisioning, hub) in [
        ("dev-01", named(&[HUB_B], AllocationPolicy::Static), HUB_B),
        ("dev-02", named(&["A.Example"], AllocationPolicy::Hashed), HUB_A),
        ("dev-03", named(&[], AllocationPolicy::GeoLatency), HUB_B),
        ("dev-04", named(&[], AllocationPolicy::GeoLatency), HUB_B),
    ] {
        // 11 and 8 devices when dev-03 comes, then 11 and 9.
        world.enroll(registration_id, provisioning).await;
        let state = world.register(registration_id, &key(1)).await.unwrap();
        assert_eq!(assigned(&state), (hub, registration_id, Substatus::InitialAssignment));
        assert_eq!(world.register(registration_id, &key(1)).await.unwrap(), state, "stable");
    }
}

#[tokio::test]
async fn a_hub_goes_by_any_of_its_names() {
    let world = World::new().await;
    world.hubs.alias(HUB_A, "a.azure-devices.net");
    for (linked, named_as) in [(HUB_A, "A.azure-devices.net"), ("a.azure-devices.net", HUB_A)] {
        world.link(vec![link(linked), link(HUB_B)]).await;
        world.enroll("dev-01", named(&[named_as], AllocationPolicy::Static)).await;
        let (enrollment, _) = world.instance.find_enrollment(&id("dev-01")).await.unwrap();
        assert_eq!(enrollment.provisioning.hubs, [named_as.to_ascii_lowercase()], "as it was given");
        let state = world.register("dev-01", &key(1)).await.unwrap();
        assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment), "{linked}");
        assert_eq!(world.hubs.hubs_of("dev-01"), [HUB_A]);
    }
    let draft = key_draft("dev-02", named(&["b.azure-devices.net"], AllocationPolicy::Static));
    let refusal = world.instance.put_enrollment(draft, Precondition::Any).await.unwrap_err();
    let text =
        "iotHubs: `b.azure-devices.net` is not linked to this DPS instance; linked are a.azure-devices.net, b.example";
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (400_004, text));
}

#[tokio::test]
async fn many_devices_spread_over_the_hubs() {
    let world = World::new().await;
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    world.key_group("fleet", 10, provisioning()).await;
    let mut on_a = 0;
    for number in 0..100 {
        let registration_id = format!("dev-{number}");
        let state = world.register(&registration_id, &derived(10, &registration_id)).await.unwrap();
        on_a += usize::from(assigned(&state).0 == HUB_A);
    }
    assert!((30..70).contains(&on_a), "{on_a}");
}

#[tokio::test]
async fn no_hub_is_a_failure_that_names_the_cause() {
    let closed = LinkedHub { apply_allocation_policy: false, ..link(HUB_A) };
    for (linked, provisioning, message) in [
        (vec![], provisioning(), "no hub is linked to this DPS instance"),
        (
            vec![link(HUB_B)],
            named(&[HUB_A], AllocationPolicy::Hashed),
            "hub not specified: none of a.example is linked to this DPS instance",
        ),
        (vec![closed], provisioning(), "hub not specified: a.example is linked with applyAllocationPolicy=false"),
        (
            vec![link(HUB_A), link(HUB_B)],
            named(&[], AllocationPolicy::Static),
            "hub not specified: static allocation needs one hub, and 2 are eligible",
        ),
    ] {
        let world = World::new().await;
        world.enroll("dev-01", provisioning).await;
        world.link(linked).await;
        let state = world.register("dev-01", &key(1)).await.unwrap();
        assert_eq!(failed(&state), (400_208, message));
        let record = world.instance.find_registration(&id("dev-01")).await.unwrap();
        assert_eq!(record.status, RegistrationStatus::Failed { code: 400_208, message: message.to_owned() });
        let commits = world.records.commits();
        assert_eq!(world.register("dev-01", &key(1)).await.unwrap(), state);
        assert_eq!(world.records.commits(), commits, "the same failure is not written twice");
    }
}

#[tokio::test]
async fn a_failure_ends_when_its_cause_does() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    world.link(vec![]).await;
    assert_eq!(failed(&world.register("dev-01", &key(1)).await.unwrap()).0, 400_208);
    world.link(vec![link(HUB_A)]).await;
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_A, "dev-01", Substatus::InitialAssignment));
}

#[tokio::test]
async fn a_hub_that_refuses_fails_and_one_that_is_away_is_awaited() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    for (fault, code, message) in [
        (
            LinkError::Unauthorized,
            400_209,
            "hub `a.example`: it refuses the credentials of its link to this DPS instance",
        ),
        (LinkError::NotFound, 400_208, "hub `a.example`: it does not exist"),
        (
            LinkError::Refused("1 device is the most".into()),
            400_004,
            "hub `a.example`: it refuses: 1 device is the most",
        ),
    ] {
        world.hubs.fail(HUB_A, Some(fault));
        assert_eq!(failed(&world.register("dev-01", &key(1)).await.unwrap()), (code, message));
    }
    world.hubs.fail(HUB_A, Some(LinkError::Unavailable("no route".into())));
    let refusal = world.register("dev-01", &key(1)).await.unwrap_err();
    assert_eq!(refusal.code(), 503_001);
    assert_eq!(refusal.to_string(), "hub `a.example` cannot be reached now: no route");
    world.hubs.fail(HUB_A, None);
    assert_eq!(assigned(&world.register("dev-01", &key(1)).await.unwrap()).0, HUB_A);
}

#[tokio::test]
async fn custom_is_no_default() {
    let world = World::new().await;
    world.change(|dps| dps.allocation_policy = AllocationPolicy::Custom).await;
    world.enroll("dev-01", provisioning()).await;
    assert_eq!(assigned(&world.register("dev-01", &key(1)).await.unwrap()).0, HUB_A);
}
