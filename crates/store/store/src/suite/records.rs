//! The promises of [`Records`], one case each. An engine runs them all with [`records_suite!`](crate::records_suite).

mod access;
mod batch;
mod expectation;
mod happening;
mod issued;
mod listing;
mod message;
mod name;
mod presence;
mod query;
mod removal;
mod revision;
mod subscription;

use std::sync::Arc;

use async_trait::async_trait;
use roadstead_model::{CertificateOwner, Device, EnrollmentGroup, HubKey, IdScope};

pub use access::*;
pub use batch::*;
pub use expectation::*;
pub use happening::*;
pub use issued::*;
pub use listing::*;
pub use message::*;
pub use name::*;
pub use presence::*;
pub use query::*;
pub use removal::*;
pub use revision::*;
pub use subscription::*;

use super::samples::{self, HUB, device_id, group_id, identity, module_id, registration_id, scope};
use crate::{
    error::StoreError,
    records::{DeviceCounts, EnrollmentCounts, Expect, IdentityRecord, Page, Records, SessionRecord, Write},
};

/// Where an engine keeps its records: empty at first, and it outlives the engine.
#[async_trait]
pub trait Place: Send + Sync {
    /// Starts an engine here. Called again only after the one before was dropped: that is a restart.
    async fn start(&self) -> Arc<dyn Records>;
}

/// Stamps one `#[tokio::test]` per promise: `records_suite!(TemporaryPlace::new());`, where the expression makes a fresh
/// [`Place`](crate::suite::records::Place) each time.
#[macro_export]
macro_rules! records_suite {
    ($place:expr) => {
        $crate::records_suite! { @cases $place =>
            a_new_store_is_empty
            a_record_reads_back_as_it_was_written
            a_second_create_conflicts
            a_put_happens_only_as_expected
            a_removal_happens_only_as_expected
            a_conflict_names_its_write_and_leaves_nothing_of_its_batch
            a_batch_sees_its_own_writes
            an_empty_batch_is_fine
            one_of_many_creators_wins
            a_conflict_harms_no_other_batch
            names_are_compared_without_case
            device_ids_are_compared_with_case
            a_hub_takes_with_it_what_it_holds_and_nothing_else
            a_deleted_hub_is_known_until_it_is_forgotten
            a_dps_takes_with_it_what_it_holds_and_nothing_else
            a_device_takes_everything_with_it
            a_module_takes_its_own_with_it
            messages_are_queued_in_order
            a_queue_is_bounded
            sequence_numbers_are_never_used_twice
            expired_messages_are_found
            feedback_is_kept_until_deleted
            file_notifications_are_kept_until_deleted
            uploads_are_remembered_until_then
            presence_is_of_this_run
            activity_is_noted_where_there_is_presence
            queries_select_what_they_say
            queries_follow_changes
            a_query_for_everything_gives_records
            subscriptions_are_replaced_as_a_whole
            subscriptions_belong_to_a_device
            pages_come_in_key_order_and_end
            pages_are_bounded
            keys_without_case_are_listed_in_lower_case
            registrations_are_listed_by_their_group
            principals_and_roles_are_kept
            roles_go_with_whom_and_what_they_are_for
            the_audit_log_is_bounded
            journals_keep_what_happened
            refusals_that_are_alike_are_one_entry
            the_last_refusal_of_each_id_is_found
            journals_are_bounded
            a_journal_goes_with_its_owner
            what_was_issued_is_listed
            what_ends_at_once_is_listed_once
            what_was_issued_is_bounded
            what_was_issued_outlives_its_ca_but_not_its_dps
            twins_have_a_past
            the_past_of_twins_is_bounded
            the_past_of_a_twin_goes_with_its_identity
            devices_are_counted_by_status
            a_restart_finds_everything
        }
    };
    (@cases $place:expr => $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::suite::records::$case(&$place).await;
            }
        )*
    };
}

const OTHER_HUB: HubKey = HubKey(0x2b);

fn other_scope() -> IdScope {
    IdScope::parse("0ne00ABC124").unwrap()
}

async fn put(store: &dyn Records, writes: impl IntoIterator<Item = Write>) {
    store.commit(writes.into_iter().collect()).await.unwrap();
}

/// Whether the batch was written (`None`), or which of its writes conflicted.
async fn conflict(store: &dyn Records, batch: Vec<Write>) -> Option<usize> {
    match store.commit(batch).await {
        Ok(()) => None,
        Err(StoreError::Conflict { index }) => Some(index),
        Err(error) => panic!("neither written nor a conflict: {error}"),
    }
}

/// A device, its module `camera`, and everything that either has.
fn whole_device(hub: HubKey, id: &str) -> Vec<Write> {
    let mut batch = vec![
        Write::PutDevice(hub, samples::device(id), Expect::Absent),
        Write::PutModule(hub, samples::module(id, "camera"), Expect::Absent),
        Write::EnqueueMessage { hub, device: device_id(id), message: samples::message(0), depth_max: 1 },
    ];
    for identity in [identity(id), module_id(id, "camera")] {
        batch.extend([
            Write::PutTwin(hub, identity.clone(), samples::twin(), Expect::Absent),
            Write::PutSubscriptions(hub, identity.clone(), samples::subscriptions()),
            Write::PutPresence(hub, identity, samples::presence()),
        ]);
    }
    batch
}

/// Presence after a restart is that of nobody connected.
async fn check_whole_device(store: &dyn Records, hub: HubKey, id: &str) {
    let (device, module) = (samples::device(id), samples::module(id, "camera"));
    assert_eq!(store.find_device(hub, &device.id).await.unwrap(), Some(device.clone()), "{id}");
    assert_eq!(store.find_module(hub, &module.identity()).await.unwrap(), Some(module.clone()), "{id}");
    assert_eq!(store.list_modules(hub, &device.id).await.unwrap(), std::slice::from_ref(&module), "{id}");
    let messages = store.list_messages(hub, &device.id, 0, 10).await.unwrap();
    let sequence = messages.first().unwrap().sequence;
    assert_eq!(messages, [samples::message(sequence)], "{id}");
    for (module, queued) in [(None, 1), (Some(module), 0)] {
        let identity = match &module {
            Some(module) => module.identity(),
            None => device.id.clone().into(),
        };
        assert_eq!(store.find_twin(hub, &identity).await.unwrap(), Some(samples::twin()), "{identity}");
        let found = store.find_session(hub, &identity).await.unwrap();
        let subscriptions = samples::subscriptions();
        let session = SessionRecord { device: device.clone(), module: module.clone(), subscriptions };
        assert_eq!(found, Some(session), "{identity}");
        let mut found = store.find_identity(hub, &identity).await.unwrap().unwrap();
        (found.presence.connected, found.presence.reason) = (true, None);
        let (device, twin, presence) = (device.clone(), samples::twin(), samples::presence());
        assert_eq!(found, IdentityRecord { device, module, twin, presence, queued }, "{identity}");
    }
}

/// A hub with one of everything that a hub holds.
fn whole_hub(hub: HubKey, name: &str) -> Vec<Write> {
    let owner = CertificateOwner::Hub(hub);
    let mut batch = vec![
        Write::PutHub(samples::hub(hub, name), Expect::Absent),
        Write::PutCertificate(owner, samples::certificate("rootCA"), Expect::Absent),
    ];
    batch.extend(whole_device(hub, "thermo-7"));
    batch.push(Write::AddFeedback(hub, samples::feedback("thermo-7")));
    batch.push(Write::AddFileNotification(hub, samples::file_notification("thermo-7")));
    batch
}

/// A DPS instance with one of everything that it holds, and a registration of either sort.
fn whole_dps(scope: &IdScope, name: &str) -> Vec<Write> {
    let owner = CertificateOwner::Dps(scope.clone());
    vec![
        Write::PutDps(samples::dps(scope, name), Expect::Absent),
        Write::PutCertificate(owner, samples::certificate("rootCA"), Expect::Absent),
        Write::PutEnrollment(scope.clone(), samples::enrollment("Dev-01"), Expect::Absent),
        Write::PutEnrollmentGroup(scope.clone(), samples::enrollment_group("Fleet-A"), Expect::Absent),
        Write::PutRegistration(scope.clone(), samples::registration("Dev-01", None), Expect::Absent),
        Write::PutRegistration(scope.clone(), samples::registration("Dev-02", Some("Fleet-A")), Expect::Absent),
    ]
}

async fn check_whole_hub(store: &dyn Records, hub: HubKey, name: &str) {
    assert!(store.list_hubs().await.unwrap().contains(&samples::hub(hub, name)), "{name}");
    let certificates = store.list_certificates(&CertificateOwner::Hub(hub)).await.unwrap();
    assert_eq!(certificates, [samples::certificate("rootCA")], "{name}");
    check_whole_device(store, hub, "thermo-7").await;
    let listed = store.list_devices(hub, None, 10).await.unwrap();
    assert_eq!(listed, Page { items: vec![samples::device("thermo-7")], next: None }, "{name}");
    let listed = store.list_identities(hub, None, 10).await.unwrap();
    let found = store.find_identity(hub, &identity("thermo-7")).await.unwrap().unwrap();
    assert_eq!(listed, Page { items: vec![found], next: None }, "{name}");
    let feedback = store.list_feedback(hub, 10).await.unwrap();
    assert_eq!(feedback.iter().map(|(_, feedback)| feedback).collect::<Vec<_>>(), [&samples::feedback("thermo-7")]);
    assert_eq!(store.count_devices(hub).await.unwrap(), DeviceCounts { total: 1, enabled: 1, disabled: 0 }, "{name}");
}

async fn check_no_hub(store: &dyn Records, hub: HubKey) {
    let id = device_id("thermo-7");
    assert!(store.list_hubs().await.unwrap().iter().all(|found| found.key != hub));
    assert_eq!(store.list_certificates(&CertificateOwner::Hub(hub)).await.unwrap(), []);
    assert_eq!(store.find_device(hub, &id).await.unwrap(), None);
    for identity in [identity("thermo-7"), module_id("thermo-7", "camera")] {
        assert_eq!(store.find_session(hub, &identity).await.unwrap(), None);
        assert_eq!(store.find_twin(hub, &identity).await.unwrap(), None);
        assert_eq!(store.find_identity(hub, &identity).await.unwrap(), None);
        assert_eq!(store.find_module(hub, &identity).await.unwrap(), None);
    }
    assert_eq!(store.list_modules(hub, &id).await.unwrap(), []);
    assert_eq!(store.list_messages(hub, &id, 0, 10).await.unwrap(), []);
    assert_eq!(store.list_feedback(hub, 10).await.unwrap(), []);
    assert_eq!(store.list_file_notifications(hub, 10).await.unwrap(), []);
    assert_eq!(store.list_devices(hub, None, 10).await.unwrap(), Page { items: vec![], next: None });
    assert_eq!(store.list_identities(hub, None, 10).await.unwrap(), Page { items: vec![], next: None });
    assert_eq!(store.count_devices(hub).await.unwrap(), DeviceCounts::default());
}

async fn check_whole_dps(store: &dyn Records, scope: &IdScope, name: &str) {
    assert!(store.list_dps().await.unwrap().contains(&samples::dps(scope, name)), "{name}");
    let certificates = store.list_certificates(&CertificateOwner::Dps(scope.clone())).await.unwrap();
    assert_eq!(certificates, [samples::certificate("rootCA")], "{name}");
    let enrollment = samples::enrollment("Dev-01");
    assert_eq!(store.find_enrollment(scope, &registration_id("Dev-01")).await.unwrap().as_ref(), Some(&enrollment));
    let listed = store.list_enrollments(scope, None, 10).await.unwrap();
    assert_eq!(listed, Page { items: vec![enrollment], next: None }, "{name}");
    let group = samples::enrollment_group("Fleet-A");
    assert_eq!(store.find_enrollment_group(scope, &group_id("Fleet-A")).await.unwrap().as_ref(), Some(&group));
    let listed = store.list_enrollment_groups(scope, None, 10).await.unwrap();
    assert_eq!(listed, Page { items: vec![group], next: None }, "{name}");
    for (id, group) in [("Dev-01", None), ("Dev-02", Some("Fleet-A"))] {
        let found = store.find_registration(scope, &registration_id(id)).await.unwrap();
        assert_eq!(found, Some(samples::registration(id, group)), "{name}");
    }
    let listed = store.list_registrations(scope, &group_id("Fleet-A"), None, 10).await.unwrap();
    assert_eq!(listed, Page { items: vec![samples::registration("Dev-02", Some("Fleet-A"))], next: None }, "{name}");
    let counts = EnrollmentCounts { individual: 1, groups: 1, registrations: 2 };
    assert_eq!(store.count_enrollments(scope).await.unwrap(), counts, "{name}");
}

async fn check_no_dps(store: &dyn Records, scope: &IdScope) {
    assert!(store.list_dps().await.unwrap().iter().all(|found| found.id_scope != *scope));
    assert_eq!(store.list_certificates(&CertificateOwner::Dps(scope.clone())).await.unwrap(), []);
    assert_eq!(store.find_enrollment(scope, &registration_id("Dev-01")).await.unwrap(), None);
    assert_eq!(store.list_enrollments(scope, None, 10).await.unwrap(), Page { items: vec![], next: None });
    assert_eq!(store.find_enrollment_group(scope, &group_id("Fleet-A")).await.unwrap(), None);
    assert_eq!(store.list_enrollment_groups(scope, None, 10).await.unwrap(), Page { items: vec![], next: None });
    assert_eq!(store.find_registration(scope, &registration_id("Dev-01")).await.unwrap(), None);
    let listed = store.list_registrations(scope, &group_id("Fleet-A"), None, 10).await.unwrap();
    assert_eq!(listed, Page { items: vec![], next: None });
    assert_eq!(store.count_enrollments(scope).await.unwrap(), EnrollmentCounts::default());
}

/// Absence is `Ok(None)` or an empty page, never an error.
pub async fn a_new_store_is_empty(place: &dyn Place) {
    let store = place.start().await;
    assert_eq!(store.list_groups().await.unwrap(), []);
    assert_eq!(store.list_principals().await.unwrap(), []);
    assert_eq!(store.list_assignments().await.unwrap(), []);
    assert_eq!(store.list_audit(None, 10).await.unwrap(), []);
    check_no_hub(&*store, HUB).await;
    check_no_dps(&*store, &scope()).await;
}

/// Every member of every kind of record, secrets among them, comes back.
pub async fn a_record_reads_back_as_it_was_written(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, [Write::PutGroup(samples::resource_group("IoT-RG"), Expect::Absent)]).await;
    assert_eq!(store.list_groups().await.unwrap(), [samples::resource_group("IoT-RG")]);
    put(&*store, whole_hub(HUB, "plant")).await;
    check_whole_hub(&*store, HUB, "plant").await;
    put(&*store, whole_dps(&scope(), "plant-dps")).await;
    check_whole_dps(&*store, &scope(), "plant-dps").await;

    for (id, auth) in samples::device_auths() {
        let device = Device { auth, ..samples::device(id) };
        put(&*store, [Write::PutDevice(HUB, device.clone(), Expect::Absent)]).await;
        assert_eq!(store.find_device(HUB, &device.id).await.unwrap(), Some(device));
    }
    for (id, attestation) in samples::group_attestations() {
        let group = EnrollmentGroup { attestation, ..samples::enrollment_group(id) };
        put(&*store, [Write::PutEnrollmentGroup(scope(), group.clone(), Expect::Absent)]).await;
        assert_eq!(store.find_enrollment_group(&scope(), &group.id).await.unwrap(), Some(group));
    }
    let enrollment = samples::enrollment_by_certificate("by-certificate");
    put(&*store, [Write::PutEnrollment(scope(), enrollment.clone(), Expect::Absent)]).await;
    assert_eq!(store.find_enrollment(&scope(), &enrollment.registration_id).await.unwrap(), Some(enrollment));
    let registration = samples::failed_registration("failed");
    put(&*store, [Write::PutRegistration(scope(), registration.clone(), Expect::Absent)]).await;
    assert_eq!(store.find_registration(&scope(), &registration.registration_id).await.unwrap(), Some(registration));
}

/// Also after the second restart, with writes in between.
pub async fn a_restart_finds_everything(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, [Write::PutGroup(samples::resource_group("iot-rg"), Expect::Absent)]).await;
    put(&*store, whole_hub(HUB, "plant")).await;
    drop(store);
    let store = place.start().await;
    check_whole_hub(&*store, HUB, "plant").await;
    put(&*store, whole_dps(&scope(), "plant-dps")).await;
    drop(store);
    let store = place.start().await;
    assert_eq!(store.list_groups().await.unwrap(), [samples::resource_group("iot-rg")]);
    check_whole_hub(&*store, HUB, "plant").await;
    check_whole_dps(&*store, &scope(), "plant-dps").await;
}
