//! Pages and counts.

use roadstead_model::DeviceStatus;

use super::{OTHER_HUB, Place, conflict, other_scope, put, whole_device};
use crate::{
    limits,
    records::{DeviceCounts, Expect, Page, Write},
    suite::samples::{self, HUB, device_id, etag, group_id, scope},
};

/// Byte order, `after` exclusive, `next` absent on the last page even if it is full.
pub async fn pages_come_in_key_order_and_end(place: &dyn Place) {
    let store = place.start().await;
    for id in ["b", "A", "a", "B", "a1", "a."] {
        put(&*store, whole_device(HUB, id)).await;
        put(&*store, whole_device(OTHER_HUB, &format!("{id}x"))).await;
    }
    let sorted = ["A", "B", "a", "a.", "a1", "b"];
    for limit in 1..=7 {
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        let mut pages = 0;
        loop {
            let devices = store.list_devices(HUB, after.as_deref(), limit).await.unwrap();
            let identities = store.list_identities(HUB, after.as_deref(), limit).await.unwrap();
            let of_identities: Vec<_> = identities.items.iter().map(|record| record.device.clone()).collect();
            assert_eq!((&of_identities, &identities.next), (&devices.items, &devices.next));
            assert!(identities.items.iter().all(|record| record.twin == samples::twin() && record.module.is_none()));
            seen.extend(devices.items.into_iter().map(|device| device.id.as_str().to_owned()));
            pages += 1;
            match devices.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!((seen, pages), (sorted.map(str::to_owned).to_vec(), sorted.len().div_ceil(limit)), "{limit} a page");
    }
    let page = store.list_devices(HUB, Some("a0"), 1).await.unwrap();
    assert_eq!((page.items.as_slice(), page.next.as_deref()), ([samples::device("a1")].as_slice(), Some("a1")));
    assert_eq!(store.list_devices(HUB, Some("b"), 9).await.unwrap(), Page { items: vec![], next: None });
}

/// [`limits::PAGE_ITEMS_MAX`], whatever is asked for.
pub async fn pages_are_bounded(place: &dyn Place) {
    let store = place.start().await;
    let devices = (0..=limits::PAGE_ITEMS_MAX).map(|i| samples::device(&format!("d{i:05}")));
    put(&*store, devices.map(|device| Write::PutDevice(HUB, device, Expect::Absent))).await;
    let page = store.list_devices(HUB, None, usize::MAX).await.unwrap();
    assert_eq!((page.items.len(), page.next.as_deref()), (limits::PAGE_ITEMS_MAX, Some("d00999")));
}

/// And `after` does not mind case either.
pub async fn keys_without_case_are_listed_in_lower_case(place: &dyn Place) {
    let store = place.start().await;
    for id in ["b", "C", "a"] {
        let batch = [
            Write::PutGroup(samples::resource_group(id), Expect::Absent),
            Write::PutEnrollment(scope(), samples::enrollment(id), Expect::Absent),
            Write::PutEnrollmentGroup(scope(), samples::enrollment_group(id), Expect::Absent),
            Write::PutRegistration(scope(), samples::registration(id, Some("Fleet-A")), Expect::Absent),
        ];
        put(&*store, batch).await;
    }
    assert_eq!(store.list_groups().await.unwrap(), ["a", "b", "C"].map(samples::resource_group));
    for after in ["a", "A"] {
        let page = store.list_enrollments(&scope(), Some(after), 1).await.unwrap();
        assert_eq!(page, Page { items: vec![samples::enrollment("b")], next: Some("b".to_owned()) });
        let page = store.list_enrollment_groups(&scope(), Some(after), 2).await.unwrap();
        assert_eq!(page, Page { items: ["b", "C"].map(samples::enrollment_group).to_vec(), next: None });
        let page = store.list_registrations(&scope(), &group_id("fleet-a"), Some(after), 2).await.unwrap();
        let items = ["b", "C"].map(|id| samples::registration(id, Some("Fleet-A"))).to_vec();
        assert_eq!(page, Page { items, next: None });
    }
}

/// Not those of other groups, nor those that came by an individual enrollment; a registration may change its group.
pub async fn registrations_are_listed_by_their_group(place: &dyn Place) {
    let store = place.start().await;
    for (id, group) in [("r1", Some("Fleet-A")), ("r2", Some("fleet-b")), ("r3", None), ("r4", Some("fleet-a"))] {
        put(&*store, [Write::PutRegistration(scope(), samples::registration(id, group), Expect::Absent)]).await;
    }
    let other = samples::registration("r1", Some("fleet-a"));
    put(&*store, [Write::PutRegistration(other_scope(), other, Expect::Absent)]).await;
    let ids = async |group: &str| -> Vec<String> {
        let page = store.list_registrations(&scope(), &group_id(group), None, 10).await.unwrap();
        page.items.into_iter().map(|registration| registration.registration_id.into()).collect()
    };
    assert_eq!(ids("FLEET-A").await, ["r1", "r4"]);
    assert_eq!(ids("fleet-b").await, ["r2"]);
    put(&*store, [Write::PutRegistration(scope(), samples::registration("r1", Some("fleet-b")), Expect::Present)])
        .await;
    put(&*store, [Write::PutRegistration(scope(), samples::registration("r4", None), Expect::Present)]).await;
    assert!(ids("fleet-a").await.is_empty());
    assert_eq!(ids("fleet-b").await, ["r1", "r2"]);
}

/// Creation, change of status, removal; a refused batch counts for nothing.
pub async fn devices_are_counted_by_status(place: &dyn Place) {
    use DeviceStatus::{Disabled, Enabled};
    let store = place.start().await;
    let device = |id, status| match status {
        DeviceStatus::Enabled => samples::device(id),
        DeviceStatus::Disabled => samples::disabled_device(id),
    };
    let write = |id, status, expect| Write::PutDevice(HUB, device(id, status), expect);
    let steps = [
        (vec![write("a", Enabled, Expect::Absent), write("b", Disabled, Expect::Absent)], (2, 1)),
        (vec![write("c", Enabled, Expect::Any)], (3, 2)),
        (vec![write("a", Enabled, Expect::Present)], (3, 2)),
        (vec![write("a", Disabled, Expect::Present), write("b", Enabled, Expect::Any)], (3, 2)),
        (vec![write("c", Disabled, Expect::Etag(etag("device-1")))], (3, 1)),
        (vec![write("d", Enabled, Expect::Absent), write("a", Enabled, Expect::Absent)], (3, 1)),
        (vec![Write::DeleteDevice(HUB, device_id("b"), Expect::Present)], (2, 0)),
        (vec![Write::DeleteDevice(HUB, device_id("b"), Expect::Any)], (2, 0)),
        (vec![Write::DeleteDevice(HUB, device_id("a"), Expect::Etag(etag("other")))], (2, 0)),
        (vec![Write::DeleteDevice(HUB, device_id("a"), Expect::Any)], (1, 0)),
    ];
    for (step, (batch, (total, enabled))) in steps.into_iter().enumerate() {
        conflict(&*store, batch).await;
        let expected = DeviceCounts { total, enabled, disabled: total - enabled };
        assert_eq!(store.count_devices(HUB).await.unwrap(), expected, "step {step}");
    }
    assert_eq!(store.count_devices(OTHER_HUB).await.unwrap(), DeviceCounts::default());
}
