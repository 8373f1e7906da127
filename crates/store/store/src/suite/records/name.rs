//! Which names are compared without case.

use super::{Place, conflict, put, whole_device, whole_dps};
use crate::{
    records::{Expect, Write},
    suite::samples::{self, HUB, device_id, group_id, group_name, identity, registration_id, scope},
};

/// Resource groups, registration ids, enrollment group ids; each is given back as it was last written.
pub async fn names_are_compared_without_case(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, [Write::PutGroup(samples::resource_group("IoT-RG"), Expect::Absent)]).await;
    put(&*store, whole_dps(&scope(), "plant-dps")).await;
    let creates = [
        Write::PutGroup(samples::resource_group("iot-rg"), Expect::Absent),
        Write::PutEnrollment(scope(), samples::enrollment("dev-01"), Expect::Absent),
        Write::PutEnrollmentGroup(scope(), samples::enrollment_group("FLEET-a"), Expect::Absent),
        Write::PutRegistration(scope(), samples::registration("DEV-01", None), Expect::Absent),
    ];
    for write in creates {
        assert_eq!(conflict(&*store, vec![write.clone()]).await, Some(0), "{write:?}");
    }
    let shouted = registration_id("DEV-01");
    let found = store.find_enrollment(&scope(), &shouted).await.unwrap();
    assert_eq!(found, Some(samples::enrollment("Dev-01")));
    assert_eq!(store.find_registration(&scope(), &shouted).await.unwrap(), Some(samples::registration("Dev-01", None)));
    let found = store.find_enrollment_group(&scope(), &group_id("FLEET-A")).await.unwrap();
    assert_eq!(found, Some(samples::enrollment_group("Fleet-A")));

    put(&*store, [Write::PutEnrollment(scope(), samples::enrollment("dev-01"), Expect::Present)]).await;
    let found = store.find_enrollment(&scope(), &shouted).await.unwrap();
    assert_eq!(found, Some(samples::enrollment("dev-01")));

    let removals = [
        Write::DeleteGroup(group_name("IOT-RG"), Expect::Present),
        Write::DeleteEnrollment(scope(), shouted.clone(), Expect::Present),
        Write::DeleteEnrollmentGroup(scope(), group_id("FLEET-A"), Expect::Present),
        Write::DeleteRegistration(scope(), shouted, Expect::Present),
    ];
    assert_eq!(conflict(&*store, removals.to_vec()).await, None);
    assert_eq!(store.list_groups().await.unwrap(), []);
}

pub async fn device_ids_are_compared_with_case(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_device(HUB, "Thermo")).await;
    put(&*store, whole_device(HUB, "thermo")).await;
    assert_eq!(store.find_device(HUB, &device_id("THERMO")).await.unwrap(), None);
    put(&*store, [Write::DeleteDevice(HUB, device_id("thermo"), Expect::Present)]).await;
    assert_eq!(store.find_device(HUB, &device_id("Thermo")).await.unwrap(), Some(samples::device("Thermo")));
    assert_eq!(store.find_twin(HUB, &identity("Thermo")).await.unwrap(), Some(samples::twin()));
    assert_eq!(store.find_twin(HUB, &identity("thermo")).await.unwrap(), None);
}
