//! The stored samples of every version so far keep loading.

use std::{fmt::Debug, fs, path::PathBuf};

use roadstead_model::{
    AuditEntry, AuditOutcome, CertificateOwner, Device, EnrollmentGroup, Happening, JournalOwner, PrincipalId, Role,
};

use super::{Place, Stored, Vault, happening};
use crate::{
    error::StoreError,
    seal::{SealKey, Sealer},
    suite::samples,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/stored-v1")
}

/// What to do with each sample: a generic closure.
trait Visit {
    fn record<T: Stored + PartialEq + Debug>(&mut self, file: &str, place: Place<'_>, sample: &T);
}

fn each_sample(visit: &mut impl Visit) {
    let (user, service) = (samples::user(1), samples::service_principal(2));
    visit.record("principal-user", Place::Principal(user.id), &user);
    visit.record("principal-user-logged-in", Place::Principal(user.id), &samples::logged_in_user(1));
    visit.record("principal-user-of-issuer", Place::Principal(user.id), &samples::user_of_issuer(1, None));
    let known = samples::user_of_issuer(1, Some("f81d4fae"));
    visit.record("principal-user-of-issuer-known", Place::Principal(user.id), &known);
    visit.record("principal-service", Place::Principal(PrincipalId(samples::guid(2))), &service);
    for ((name, scope), role) in samples::role_scopes().into_iter().zip(Role::ALL) {
        let assignment = samples::assignment(3, 1, role, scope);
        visit.record(&format!("assignment-{name}"), Place::Assignment(assignment.id), &assignment);
    }
    for (name, outcome) in samples::audit_outcomes() {
        visit.record(&format!("audit-{name}"), Place::Audit, &samples::audit_entry(outcome));
    }
    let deletion = samples::audit_entry(AuditOutcome::Succeeded { status: 200 });
    let deletion = AuditEntry { destroyed: r#"{"hubs":1,"devices":3}"#.to_owned(), ..deletion };
    visit.record("audit-deletion", Place::Audit, &deletion);
    for (name, happening) in samples::happenings() {
        let owner = JournalOwner::Hub(samples::HUB);
        visit.record(&format!("happening-{name}"), Place::Journal(&owner), &Entry(happening));
    }
    let (hub, scope) = (samples::HUB, samples::scope());
    let scope = scope.as_str();
    visit.record("resource-group", Place::Group("iot-rg"), &samples::resource_group("IoT-RG"));
    visit.record("hub", Place::Hub(hub), &samples::hub(hub, "plant"));
    visit.record("dps", Place::Dps(scope), &samples::dps(&samples::scope(), "plant-dps"));
    visit.record("dps-kept", Place::Dps(scope), &samples::dps_that_keeps(&samples::scope(), "plant-dps"));
    let owner = CertificateOwner::Hub(hub);
    let kept = samples::certificate_that_keeps("rootCA");
    visit.record("certificate-kept", Place::Certificate(&owner, "rootCA"), &kept);
    visit.record("certificate-held", Place::Certificate(&owner, "rootCA"), &samples::held_certificate("rootCA"));
    visit.record("issued", Place::Issued(scope), &samples::issued("Dev-01", 1));
    visit.record("certificate", Place::Certificate(&owner, "rootCA"), &samples::certificate("rootCA"));
    for (name, auth) in samples::device_auths() {
        let device = Device { auth, ..samples::device("thermo-7") };
        visit.record(&format!("device-{name}"), Place::Device(hub, "thermo-7"), &device);
    }
    visit.record("device-disabled", Place::Device(hub, "thermo-7"), &samples::disabled_device("thermo-7"));
    visit.record("device-nested", Place::Device(hub, "thermo-7"), &samples::nested_device("thermo-7"));
    visit.record("module", Place::Module(hub, "thermo-7/camera"), &samples::module("thermo-7", "camera"));
    visit.record("hub-tuned", Place::Hub(hub), &samples::tuned_hub(hub, "plant"));
    visit.record("hub-uploads", Place::Hub(hub), &samples::hub_of_uploads(hub, "plant"));
    visit.record("hub-consumer-groups", Place::Hub(hub), &samples::hub_of_groups(hub, "plant"));
    visit.record("message", Place::Message(hub, "thermo-7"), &samples::message(5));
    visit.record("feedback", Place::Feedback(hub), &samples::feedback("thermo-7"));
    visit.record("file-notification", Place::FileNotification(hub), &samples::file_notification("thermo-7"));
    visit.record("subscriptions", Place::Subscriptions(hub, "thermo-7"), &samples::subscriptions());
    visit.record("twin", Place::Twin(hub, "thermo-7"), &samples::twin());
    visit.record("twin-revision", Place::Twin(hub, "thermo-7"), &samples::twin_revision(7));
    visit.record("twin-revision-provisioned", Place::Twin(hub, "thermo-7"), &samples::provisioned_revision());
    visit.record("enrollment-keys", Place::Enrollment(scope, "dev-01"), &samples::enrollment("Dev-01"));
    let by_certificate = samples::enrollment_by_certificate("Dev-01");
    visit.record("enrollment-certificate", Place::Enrollment(scope, "dev-01"), &by_certificate);
    visit.record("enrollment-tpm", Place::Enrollment(scope, "dev-01"), &samples::enrollment_by_tpm("Dev-01"));
    for (name, attestation) in samples::group_attestations() {
        let group = EnrollmentGroup { attestation, ..samples::enrollment_group("Fleet-A") };
        visit.record(&format!("enrollment-group-{name}"), Place::EnrollmentGroup(scope, "fleet-a"), &group);
    }
    let place = Place::Registration(scope, "dev-01");
    visit.record("registration-assigned", place, &samples::registration("Dev-01", Some("Fleet-A")));
    visit.record("registration-tpm", place, &samples::registration_by_tpm("Dev-01"));
    visit.record("registration-failed", place, &samples::failed_registration("Dev-01"));
}

/// An entry of a journal. What stands beside its text is the same for all samples.
#[derive(Debug, PartialEq)]
struct Entry(Happening);

impl Stored for Entry {
    fn encode(&self, _: Vault<'_>) -> String {
        happening::encode(&self.0)
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let owner = JournalOwner::Hub(samples::HUB);
        Ok(Self(happening::decode(text, &owner, samples::NOW, (1, samples::NOW), vault)?))
    }
}

struct Check {
    sealer: Sealer,
    files: usize,
}

impl Visit for Check {
    fn record<T: Stored + PartialEq + Debug>(&mut self, file: &str, place: Place<'_>, sample: &T) {
        let vault = Vault { sealer: &self.sealer, place };
        let old = fs::read_to_string(folder().join(file).with_extension("json")).expect(file);
        assert_eq!(T::decode(&old, vault).expect(file), *sample, "{file} as first stored");
        let new = sample.encode(vault);
        assert!(!new.contains(samples::SECRET_MARK), "{file} shows a secret: {new}");
        assert_eq!(T::decode(&new, vault).expect(file), *sample, "{file} as stored now");
        self.files += 1;
    }
}

#[test]
fn every_stored_sample_loads() {
    let mut check = Check { sealer: Sealer::new(&SealKey::fresh(&samples::Pattern)), files: 0 };
    each_sample(&mut check);
    assert_eq!(fs::read_dir(folder()).unwrap().count(), check.files, "every file has its sample");
}

struct WriteMissing(Sealer);

impl Visit for WriteMissing {
    fn record<T: Stored + PartialEq + Debug>(&mut self, file: &str, place: Place<'_>, sample: &T) {
        let path = folder().join(file).with_extension("json");
        if !path.exists() {
            let text = sample.encode(Vault { sealer: &self.0, place });
            fs::write(path, text + "\n").unwrap();
        }
    }
}

#[test]
#[ignore = "writes the fixtures of records that have none yet"]
fn write_missing_fixtures() {
    each_sample(&mut WriteMissing(Sealer::new(&SealKey::fresh(&samples::Pattern))));
}
