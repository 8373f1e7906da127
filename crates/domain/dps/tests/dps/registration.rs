//! Operations, look-ups and registration records.

use roadstead_auth::Evidence;
use roadstead_dps::{DpsError, PageRequest, Precondition, RegistrationRequest};
use roadstead_model::{AllocationPolicy, Etag, Provisioning, Substatus};
use roadstead_sas::SasKey;

use crate::world::*;

async fn status(world: &World, device: &str, key: &SasKey, operation: &str) -> Result<Option<String>, DpsError> {
    let token = token(device, key);
    let evidence = Evidence { token: Some(&token), chain: &[] };
    let status = world.session(device).operation_status(&evidence, operation).await?;
    assert_eq!(status.operation_id, operation);
    Ok(status.state.map(|state| assigned(&state).0.to_owned()))
}

#[tokio::test]
async fn operation_ids_outlive_a_restart() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    world.enroll("dev-02", provisioning()).await;
    let operation = world.register_as("dev-01", Some(&token("dev-01", &key(1))), &[]).await.unwrap().operation_id;
    assert_eq!(status(&world, "dev-01", &key(1), &operation).await.unwrap().as_deref(), Some(HUB_A));

    let restarted = world.another_node().await;
    let text = token("dev-01", &key(1));
    let evidence = Evidence { token: Some(&text), chain: &[] };
    let after = restarted.session(id("dev-01")).operation_status(&evidence, &operation).await.unwrap();
    assert_eq!(assigned(&after.state.unwrap()), (HUB_A, "dev-01", Substatus::InitialAssignment));

    for (device, key, operation, code) in [
        ("dev-01", key(1), "5.0123456789abcdef.b1e02da8-0000-4000-8000-7ea7a6b7f550", 404_202),
        ("dev-01", key(1), "nonsense", 404_202),
        ("dev-01", key(9), operation.as_str(), 401_002),
        ("dev-02", key(1), operation.as_str(), 404_202),
    ] {
        assert_eq!(status(&world, device, &key, operation).await.unwrap_err().code(), code, "{device} {operation}");
    }
}

#[tokio::test]
async fn look_ups_tell_what_is_recorded() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    let text = token("dev-01", &key(1));
    let evidence = Evidence { token: Some(&text), chain: &[] };
    let session = world.session("dev-01");
    let refusal = session.registration_status(&evidence).await.unwrap_err();
    assert_eq!((refusal.code(), refusal.to_string().as_str()), (404_202, "there is no registration of `dev-01`"));
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(session.registration_status(&evidence).await.unwrap(), state);
}

#[tokio::test]
async fn the_body_may_not_speak_for_another() {
    let world = World::new().await;
    world.enroll("dev-01", provisioning()).await;
    let text = token("dev-01", &key(1));
    let evidence = Evidence { token: Some(&text), chain: &[] };
    for (registration_id, expected) in [
        (Some("DEV-01"), None),
        (None, None),
        (Some("dev-02"), Some("registrationId: `dev-02` is not `dev-01`, as which the device authenticated")),
    ] {
        let request = RegistrationRequest { registration_id: registration_id.map(str::to_owned), ..request() };
        let refusal = world.session("dev-01").register(&evidence, request).await.err();
        assert_eq!(refusal.as_ref().map(DpsError::code), expected.map(|_| 400_004));
        assert_eq!(refusal.map(|refusal| refusal.to_string()).as_deref(), expected);
    }
}

#[tokio::test]
async fn a_deleted_record_makes_the_next_register_a_first_one() {
    let world = World::new().await;
    world.link(vec![link(HUB_A), link(HUB_B)]).await;
    let on = |hub: &str| Provisioning {
        hubs: vec![hub.to_owned()],
        allocation: Some(AllocationPolicy::Static),
        ..provisioning()
    };
    world.enroll("dev-01", on(HUB_A)).await;
    world.register("dev-01", &key(1)).await.unwrap();
    let stale = Precondition::Etag(Etag::from_client("stale"));
    assert_eq!(world.instance.delete_registration(&id("dev-01"), stale).await.unwrap_err().code(), 412_201);
    let etag = world.instance.find_registration(&id("dev-01")).await.unwrap().etag;
    world.instance.delete_registration(&id("dev-01"), Precondition::Etag(etag)).await.unwrap();
    let gone = world.instance.delete_registration(&id("dev-01"), Precondition::Any).await.unwrap_err();
    assert_eq!(gone.code(), 404_202);
    world.enroll("dev-01", on(HUB_B)).await;
    let state = world.register("dev-01", &key(1)).await.unwrap();
    assert_eq!(assigned(&state), (HUB_B, "dev-01", Substatus::InitialAssignment));
    assert_eq!(world.hubs.hubs_of("dev-01"), [HUB_A, HUB_B], "nothing told of hub a any more");
}

#[tokio::test]
async fn registrations_of_a_group_by_pages() {
    let world = World::new().await;
    world.key_group("fleet", 10, provisioning()).await;
    world.key_group("other", 20, provisioning()).await;
    for device in ["dev-1", "dev-2", "dev-3"] {
        world.register(device, &derived(10, device)).await.unwrap();
    }
    world.register("zoo", &derived(20, "zoo")).await.unwrap();
    let mut page = PageRequest { items_max: Some(2), continuation: None };
    let mut found = Vec::new();
    loop {
        let listing = world.instance.list_registrations(&group_id("FLEET"), &page).await.unwrap();
        found.push(listing.items.iter().map(|item| item.registration_id.to_string()).collect::<Vec<_>>());
        page.continuation = listing.continuation;
        if page.continuation.is_none() {
            break;
        }
    }
    assert_eq!(found, [vec!["dev-1", "dev-2"], vec!["dev-3"]]);
}
