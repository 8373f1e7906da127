//! Revocation: who is sent away, and who stays.

use roadstead_auth::Evidence;
use roadstead_dps::{DpsSession, Precondition};
use roadstead_model::{Provisioning, ProvisioningStatus};

use crate::world::*;

const ENABLED: ProvisioningStatus = ProvisioningStatus::Enabled;
const DISABLED: ProvisioningStatus = ProvisioningStatus::Disabled;

/// Why the session is to be closed, as of now.
async fn closed(session: &DpsSession) -> Option<&'static str> {
    tokio::select! {
        biased;
        reason = session.closed() => Some(reason),
        () = std::future::ready(()) => None,
    }
}

/// Sessions of an individual device, one of a key group, and one of a certificate group.
async fn three(world: &World) -> [DpsSession; 3] {
    world.upload("root", CAS.root.certificate(), true).await;
    world.enroll("single", provisioning()).await;
    world.key_group("keys", 10, provisioning()).await;
    world.reference_group("certificates", "root", ENABLED).await.unwrap();
    let sessions = [world.session("single"), world.session("keyed"), world.session("certified")];
    let tokens = [token("single", &key(1)), token("keyed", &derived(10, "keyed"))];
    let presented = chain(&[&leaf(&CAS.intermediate, "certified"), CAS.intermediate.certificate()]);
    for (session, evidence) in sessions.iter().zip([
        Evidence { token: Some(&tokens[0]), chain: &[] },
        Evidence { token: Some(&tokens[1]), chain: &[] },
        Evidence { token: None, chain: &presented },
    ]) {
        session.register(&evidence, request()).await.unwrap();
        assert_eq!(closed(session).await, None);
    }
    sessions
}

async fn reasons(sessions: &[DpsSession; 3]) -> [Option<&'static str>; 3] {
    let [single, keyed, certified] = sessions;
    [closed(single).await, closed(keyed).await, closed(certified).await]
}

#[tokio::test]
async fn disabling_and_deleting_sends_away_whom_it_concerns() {
    let world = World::new().await;
    let sessions = three(&world).await;
    let disabled = Provisioning { status: DISABLED, ..provisioning() };
    world.enroll("SINGLE", disabled.clone()).await;
    assert_eq!(reasons(&sessions).await, [Some("enrollment disabled"), None, None]);
    world.key_group("keys", 10, disabled).await;
    assert_eq!(reasons(&sessions).await, [Some("enrollment disabled"), Some("enrollment group disabled"), None]);
    world.instance.delete_enrollment_group(&group_id("certificates"), Precondition::Any).await.unwrap();
    assert_eq!(reasons(&sessions).await[2], Some("enrollment group deleted"));

    let sessions = three(&World::new().await).await;
    assert_eq!(reasons(&sessions).await, [None, None, None]);
}

#[tokio::test]
async fn deleting_an_enrollment_sends_its_device_away() {
    let world = World::new().await;
    let sessions = three(&world).await;
    world.instance.delete_enrollment(&id("single"), Precondition::Any).await.unwrap();
    assert_eq!(reasons(&sessions).await, [Some("enrollment deleted"), None, None]);
    assert_eq!(world.hubs.hubs_of("single"), [HUB_A], "the device stays on its hub");
}

#[tokio::test]
async fn revoking_a_ca_sends_away_who_rests_on_it() {
    for deleted in [true, false] {
        let world = World::new().await;
        let sessions = three(&world).await;
        world.upload("other", CAS.stranger.certificate(), true).await;
        assert_eq!(reasons(&sessions).await, [None, None, None], "another CA concerns nobody");
        if deleted {
            world.delete_ca("root").await;
        } else {
            world.upload("root", CAS.root.certificate(), false).await;
        }
        assert_eq!(reasons(&sessions).await, [None, None, Some("CA certificate revoked")]);
        let presented = chain(&[&leaf(&CAS.intermediate, "certified"), CAS.intermediate.certificate()]);
        assert_eq!(world.present("certified", &presented).await.unwrap_err().code(), 401_002);
    }
}

#[tokio::test]
async fn deleting_the_instance_sends_everybody_away() {
    let world = World::new().await;
    let sessions = three(&world).await;
    let waiting = world.session("not-yet-seen");
    let delete = roadstead_store::Write::DeleteDps(scope(), roadstead_store::Expect::Any);
    roadstead_store::Records::commit(&*world.records, vec![delete]).await.unwrap();
    world.instances.refresh().await.unwrap();
    assert_eq!(reasons(&sessions).await, [Some("instance deleted"); 3]);
    assert_eq!(closed(&waiting).await, Some("instance deleted"));
    assert_eq!(world.instances.find("0ne00ABC123").unwrap_err().code(), 401_002);
}
