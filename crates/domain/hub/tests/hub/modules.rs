//! Modules: registered under conditions, limited in number, let in by their own credentials, closed with their device.

use futures_util::FutureExt;
use roadstead_auth::{AuthRefusal, Evidence, Segment};
use roadstead_hub::{
    AuthSpec, Beginning, CloseReason, EventPosition, HubError, IdentitySpec, IfMatch, ModuleSpec, limits,
};
use roadstead_model::{
    AuthMethod, Device, DeviceAuth, DeviceStatus, Etag, IdentityId, Module, ModuleId, Properties, Right, Secret,
};
use roadstead_sas::SasKey;

use crate::world::{HOST, World, id, sas_spec};

fn spec(device: &str, module: &str) -> ModuleSpec {
    ModuleSpec {
        device: id(device),
        id: ModuleId::parse(module).unwrap(),
        auth: AuthSpec::Sas { primary: None, secondary: None },
        managed_by: None,
    }
}

async fn module(world: &World, device: &str, module: &str) -> Module {
    world.hub.create_module(spec(device, module), Beginning::default()).await.unwrap()
}

fn secrets(auth: &DeviceAuth) -> (Secret, Secret) {
    let DeviceAuth::Sas { primary, secondary } = auth else { panic!("{auth:?} has no keys") };
    (primary.clone(), secondary.clone())
}

fn signed(resource: &str, key: &Secret) -> String {
    roadstead_sas::sign(resource, &SasKey::from_base64(key.expose()).unwrap(), 1_800_000_000, None)
}

fn own_token(module: &Module) -> String {
    signed(&format!("{HOST}/devices/{}/modules/{}", module.device, module.id), &secrets(&module.auth).0)
}

#[tokio::test]
async fn writes_happen_under_their_condition() {
    let world = World::new();
    let orphan = world.hub.create_module(spec("dev1", "m"), Beginning::default()).await;
    assert!(matches!(orphan, Err(HubError::DeviceNotFound(_))), "{orphan:?}");
    world.device("dev1").await;
    let created = module(&world, "dev1", "m").await;
    let again = world.hub.create_module(spec("dev1", "m"), Beginning::default()).await;
    assert!(matches!(again, Err(HubError::ModuleAlreadyExists(_))), "{again:?}");
    let stale = IfMatch::Etag(Etag::from_client("stale"));
    let refused = world.hub.update_module(spec("dev1", "m"), stale.clone()).await;
    assert!(matches!(refused, Err(HubError::EtagMismatch { .. })), "{refused:?}");
    let refused = world.hub.delete_module(&id("dev1"), &created.id, stale).await;
    assert!(matches!(refused, Err(HubError::EtagMismatch { .. })), "{refused:?}");

    let managed = ModuleSpec { managed_by: Some("IotEdge".to_owned()), ..spec("dev1", "m") };
    let changed = world.hub.update_module(managed, IfMatch::Etag(created.etag.clone())).await.unwrap();
    assert_ne!(changed.etag, created.etag);
    assert_eq!((&changed.auth, changed.generation), (&created.auth, created.generation), "keys left out stay");
    assert_eq!(changed.managed_by.as_deref(), Some("IotEdge"));
    let found = world.hub.find_identity(&changed.identity()).await.unwrap();
    assert_eq!((found.module.as_ref(), found.twin.version), (Some(&changed), 2));

    for (device, name) in [("dev1", "other"), ("dev2", "m")] {
        let absent = world.hub.update_module(spec(device, name), IfMatch::Any).await.unwrap_err();
        let found = world.hub.find_identity(&IdentityId::parse(device, Some(name)).unwrap()).await.unwrap_err();
        for error in [absent, found] {
            match device {
                "dev1" => assert!(matches!(error, HubError::ModuleNotFound(_)), "{error:?}"),
                _ => assert!(matches!(error, HubError::DeviceNotFound(_)), "{error:?}"),
            }
        }
    }
    world.hub.delete_module(&id("dev1"), &created.id, IfMatch::Etag(changed.etag)).await.unwrap();
    let gone = world.hub.delete_module(&id("dev1"), &created.id, IfMatch::Any).await;
    assert!(matches!(gone, Err(HubError::ModuleNotFound(_))), "{gone:?}");
    assert_ne!(module(&world, "dev1", "m").await.generation, created.generation);
}

#[tokio::test]
async fn a_device_has_a_limited_number_of_modules() {
    let world = World::new();
    world.device("dev1").await;
    for at in 0..limits::MODULES_MAX {
        module(&world, "dev1", &format!("m{at:02}")).await;
    }
    let refused = world.hub.create_module(spec("dev1", "more"), Beginning::default()).await;
    assert!(matches!(refused, Err(HubError::TooManyModules { .. })), "{refused:?}");
    let again = world.hub.create_module(spec("dev1", "m07"), Beginning::default()).await;
    assert!(matches!(again, Err(HubError::ModuleAlreadyExists(_))), "{again:?}");
    assert_eq!(world.hub.list_module_identities(&id("dev1")).await.unwrap().len(), limits::MODULES_MAX);
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    world.device("dev1").await;
    assert!(world.hub.list_modules(&id("dev1")).await.unwrap().is_empty(), "a device takes its modules with it");
}

#[tokio::test]
async fn a_module_gets_in_by_what_is_its_own() {
    let world = World::new();
    let device = world.device("dev1").await;
    let module = module(&world, "dev1", "m").await;
    let session = world.login_module("dev1", "m", &own_token(&module)).await.unwrap();
    assert_eq!(session.id().to_string(), "dev1/m");
    let beside = world.connect(&device).await;
    assert!(session.closed().now_or_never().is_none(), "a device and its modules are connected side by side");
    assert_eq!(world.hub.connected_count(), 2);
    assert!(world.hub.find_identity(&module.identity()).await.unwrap().presence.connected);

    let policy = world.login_module("dev1", "m", &world.policy_token("device")).await.unwrap();
    assert_eq!(session.closed().await, CloseReason::TakenOver);
    let devices = signed(&format!("{HOST}/devices/dev1/modules/m"), &secrets(&device.auth).0);
    let refused = world.login_module("dev1", "m", &devices).await.unwrap_err();
    assert!(matches!(refused, HubError::Unauthorized(AuthRefusal::DevicesKey { .. })), "{refused:?}");
    let unknown = world.login_module("dev1", "other", &world.policy_token("device")).await.unwrap_err();
    assert!(matches!(unknown, HubError::UnknownModule(_)), "{unknown:?}");

    let mut events = world.hub.read_events(EventPosition::Latest).await.unwrap();
    let ticket = policy.send(&mut Properties::new(), b"{}").unwrap();
    policy.durable(ticket).await.unwrap();
    let (_, event) = events.next().await.unwrap();
    let event = event.view().unwrap();
    assert_eq!((event.device_id, event.module_id), ("dev1", Some("m")));
    assert_eq!((event.generation, event.auth), (module.generation, AuthMethod::HubSas));
    drop((session, beside, policy));
    assert_eq!(world.hub.connected_count(), 0);
}

#[tokio::test]
async fn what_ends_a_device_ends_its_modules() {
    let world = World::new();
    world.device("dev1").await;
    world.device("dev10").await;
    let (first, other) = (module(&world, "dev1", "m").await, module(&world, "dev10", "m").await);
    let bystander = world.login_module("dev10", "m", &own_token(&other)).await.unwrap();
    let session = world.login_module("dev1", "m", &own_token(&first)).await.unwrap();
    let disabled = IdentitySpec { status: DeviceStatus::Disabled, ..sas_spec("dev1") };
    world.hub.update_device(disabled, IfMatch::Any).await.unwrap();
    assert_eq!(session.closed().await, CloseReason::DeviceDisabled);
    let refused = world.login_module("dev1", "m", &own_token(&first)).await;
    assert!(matches!(refused, Err(HubError::DeviceDisabled(_))), "{refused:?}");

    world.hub.update_device(sas_spec("dev1"), IfMatch::Any).await.unwrap();
    let session = world.login_module("dev1", "m", &own_token(&first)).await.unwrap();
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    assert_eq!(session.closed().await, CloseReason::DeviceDeleted);

    world.hub.delete_module(&id("dev10"), &other.id, IfMatch::Any).await.unwrap();
    assert_eq!(bystander.closed().await, CloseReason::DeviceDeleted);
}

#[tokio::test]
async fn only_a_key_that_is_gone_ends_the_session_that_rests_on_it() {
    let world = World::new();
    let device = world.device("dev1").await;
    let module = module(&world, "dev1", "m").await;
    let (by_device, by_module) =
        (world.connect(&device).await, world.login_module("dev1", "m", &own_token(&module)).await.unwrap());
    let by_policy = world.login_module("dev1", "n", &world.policy_token("device")).await;
    assert!(by_policy.is_err(), "there is no such module yet");

    let (primary, secondary) = secrets(&device.auth);
    let fresh = |byte: u8| Secret::new(SasKey::from_bytes(vec![byte; 32]).to_base64().as_str());
    let rekey = |primary: &Secret, secondary: &Secret| {
        let auth = AuthSpec::Sas { primary: Some(primary.clone()), secondary: Some(secondary.clone()) };
        world.hub.update_device(IdentitySpec::new(id("dev1"), auth), IfMatch::Any)
    };
    rekey(&secondary, &primary).await.unwrap();
    rekey(&fresh(7), &primary).await.unwrap();
    assert!(by_device.closed().now_or_never().is_none(), "the key it used is now the secondary one");
    rekey(&fresh(7), &fresh(8)).await.unwrap();
    assert_eq!(by_device.closed().await, CloseReason::CredentialsChanged);
    assert!(by_module.closed().now_or_never().is_none(), "a module does not rest on its device's keys");

    let (primary, secondary) = secrets(&module.auth);
    let rekey = |primary: &Secret, secondary: &Secret| {
        let auth = AuthSpec::Sas { primary: Some(primary.clone()), secondary: Some(secondary.clone()) };
        world.hub.update_module(ModuleSpec { auth, ..spec("dev1", "m") }, IfMatch::Any)
    };
    rekey(&secondary, &primary).await.unwrap();
    assert!(by_module.closed().now_or_never().is_none());
    rekey(&secondary, &fresh(7)).await.unwrap();
    assert_eq!(by_module.closed().await, CloseReason::CredentialsChanged);

    // Who came by a policy rests on nothing of the device's.
    let by_policy = world.login("dev1", &world.policy_token("device"), true).await.unwrap();
    let certified = IdentitySpec::new(id("dev1"), AuthSpec::CertificateAuthority);
    world.hub.update_device(certified, IfMatch::Any).await.unwrap();
    assert!(by_policy.closed().now_or_never().is_none());
}

async fn may_manage(world: &World, token: &str, device: &str) -> Result<(), HubError> {
    let path = [Segment::AnyCase("devices"), Segment::Exact(device), Segment::AnyCase("modules")];
    let evidence = Evidence { token: Some(token), chain: &[] };
    world.hub.authorize_modules(evidence, device, &path, Right::RegistryWrite).await
}

#[tokio::test]
async fn a_device_manages_its_own_modules() {
    let world = World::new();
    let (first, second) = (world.device("dev1").await, world.device("dev2").await);
    let token = |device: &Device| world.token_for(device, HOST);
    may_manage(&world, &token(&first), "dev1").await.unwrap();
    let foreign = may_manage(&world, &token(&second), "dev1").await;
    assert!(matches!(foreign, Err(HubError::Unauthorized(_))), "{foreign:?}");
    let unknown = may_manage(&world, &token(&first), "nobody").await;
    assert!(matches!(unknown, Err(HubError::UnknownDevice(_))), "{unknown:?}");
    for policy in ["device", "service"] {
        let lacking = may_manage(&world, &world.policy_token(policy), "dev1").await;
        let Err(HubError::Unauthorized(AuthRefusal::PolicyLacks { .. })) = lacking else { panic!("{lacking:?}") };
    }
    for nothing in ["", "Bearer x"] {
        let refused = may_manage(&world, nothing, "dev1").await;
        assert!(matches!(refused, Err(HubError::Unauthorized(_))), "{refused:?}");
    }
    let module = module(&world, "dev1", "m").await;
    let by_module = may_manage(&world, &own_token(&module), "dev1").await;
    assert!(matches!(by_module, Err(HubError::Unauthorized(_))), "{by_module:?}");
}
