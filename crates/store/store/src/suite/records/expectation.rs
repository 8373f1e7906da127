//! What a write expects, for each kind of record.

use roadstead_model::{
    CaCertificate, CertificateOwner, Device, Dps, Enrollment, EnrollmentGroup, Hub, Module, Registration, Twin,
};

use super::{Place, conflict};
use crate::{
    records::{Expect, Write},
    suite::samples::{self, HUB, device_id, etag, group_id, group_name, identity, module_id, registration_id, scope},
};

/// One kind of record: how to put the same one with another etag, and how to remove it.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) put: fn(&str, Expect) -> Write,
    pub(super) delete: Option<fn(Expect) -> Write>,
    pub(super) has_etag: bool,
}

pub(super) fn kinds() -> Vec<Kind> {
    fn certificate(owner: CertificateOwner, version: &str, expect: Expect) -> Write {
        let certificate = CaCertificate { etag: etag(version), ..samples::certificate("rootCA") };
        Write::PutCertificate(owner, certificate, expect)
    }
    fn delete_certificate(owner: CertificateOwner, expect: Expect) -> Write {
        Write::DeleteCertificate(owner, samples::certificate_name("rootCA"), expect)
    }
    vec![
        Kind {
            name: "resource group",
            put: |_, expect| Write::PutGroup(samples::resource_group("iot-rg"), expect),
            delete: Some(|expect| Write::DeleteGroup(group_name("iot-rg"), expect)),
            has_etag: false,
        },
        Kind {
            name: "hub",
            put: |version, expect| Write::PutHub(Hub { etag: etag(version), ..samples::hub(HUB, "plant") }, expect),
            delete: Some(|expect| Write::DeleteHub(HUB, expect)),
            has_etag: true,
        },
        Kind {
            name: "dps",
            put: |version, expect| Write::PutDps(Dps { etag: etag(version), ..samples::dps(&scope(), "dps") }, expect),
            delete: Some(|expect| Write::DeleteDps(scope(), expect)),
            has_etag: true,
        },
        Kind {
            name: "certificate of a hub",
            put: |version, expect| certificate(CertificateOwner::Hub(HUB), version, expect),
            delete: Some(|expect| delete_certificate(CertificateOwner::Hub(HUB), expect)),
            has_etag: true,
        },
        Kind {
            name: "certificate of a dps",
            put: |version, expect| certificate(CertificateOwner::Dps(scope()), version, expect),
            delete: Some(|expect| delete_certificate(CertificateOwner::Dps(scope()), expect)),
            has_etag: true,
        },
        Kind {
            name: "device",
            put: |version, expect| {
                Write::PutDevice(HUB, Device { etag: etag(version), ..samples::device("thermo-7") }, expect)
            },
            delete: Some(|expect| Write::DeleteDevice(HUB, device_id("thermo-7"), expect)),
            has_etag: true,
        },
        Kind {
            name: "twin",
            put: |version, expect| {
                let number = |text: &str| text.parse().unwrap();
                let expect = match expect {
                    Expect::Etag(etag) => Expect::Version(number(etag.as_str())),
                    other => other,
                };
                let twin = Twin { version: number(version), ..samples::twin() };
                Write::PutTwin(HUB, identity("thermo-7"), twin, expect)
            },
            delete: None,
            has_etag: true,
        },
        Kind {
            name: "module",
            put: |version, expect| {
                let module = Module { etag: etag(version), ..samples::module("thermo-7", "camera") };
                Write::PutModule(HUB, module, expect)
            },
            delete: Some(|expect| Write::DeleteModule(HUB, module_id("thermo-7", "camera"), expect)),
            has_etag: true,
        },
        Kind {
            name: "enrollment",
            put: |version, expect| {
                let enrollment = Enrollment { etag: etag(version), ..samples::enrollment("dev-01") };
                Write::PutEnrollment(scope(), enrollment, expect)
            },
            delete: Some(|expect| Write::DeleteEnrollment(scope(), registration_id("dev-01"), expect)),
            has_etag: true,
        },
        Kind {
            name: "enrollment group",
            put: |version, expect| {
                let group = EnrollmentGroup { etag: etag(version), ..samples::enrollment_group("fleet-a") };
                Write::PutEnrollmentGroup(scope(), group, expect)
            },
            delete: Some(|expect| Write::DeleteEnrollmentGroup(scope(), group_id("fleet-a"), expect)),
            has_etag: true,
        },
        Kind {
            name: "registration",
            put: |version, expect| {
                let registration = Registration { etag: etag(version), ..samples::registration("dev-01", None) };
                Write::PutRegistration(scope(), registration, expect)
            },
            delete: Some(|expect| Write::DeleteRegistration(scope(), registration_id("dev-01"), expect)),
            has_etag: true,
        },
    ]
}

/// [`Expect::Absent`].
pub async fn a_second_create_conflicts(place: &dyn Place) {
    let store = place.start().await;
    for Kind { name, put, .. } in kinds() {
        assert_eq!(conflict(&*store, vec![put("1", Expect::Absent)]).await, None, "{name}");
        assert_eq!(conflict(&*store, vec![put("2", Expect::Absent)]).await, Some(0), "{name}");
    }
}

/// Each [`Expect`] against an absent record, and against one at several versions.
pub async fn a_put_happens_only_as_expected(place: &dyn Place) {
    let store = place.start().await;
    for Kind { name, put, has_etag, .. } in kinds() {
        let at = |version: &str| Expect::Etag(etag(version));
        let steps = [
            ("1", Expect::Present, false),
            ("1", at("1"), false),
            ("1", Expect::Any, true),
            ("2", at("0"), false),
            ("2", at("1"), has_etag),
            ("3", at("1"), false),
            ("3", Expect::Present, true),
            ("4", Expect::Any, true),
            ("5", at("3"), false),
            ("5", at("4"), has_etag),
        ];
        for (step, (version, expect, happens)) in steps.into_iter().enumerate() {
            let found = conflict(&*store, vec![put(version, expect.clone())]).await;
            assert_eq!(found.is_none(), happens, "{name}, step {step}: {expect:?}");
        }
    }
}

/// Each [`Expect`] for a removal. Removing what is not there is fine when nothing else was expected.
pub async fn a_removal_happens_only_as_expected(place: &dyn Place) {
    let store = place.start().await;
    for Kind { name, put, delete, has_etag } in kinds() {
        let Some(delete) = delete else { continue };
        let at = |version: &str| Expect::Etag(etag(version));
        let steps = [
            (delete(Expect::Any), true),
            (delete(Expect::Absent), true),
            (delete(Expect::Present), false),
            (delete(at("1")), false),
            (put("1", Expect::Absent), true),
            (delete(Expect::Absent), false),
            (delete(at("0")), false),
            (delete(Expect::Present), true),
            (put("2", Expect::Absent), true),
            (delete(Expect::Any), true),
            (put("3", Expect::Absent), true),
            (delete(at("3")), has_etag),
            (put("4", if has_etag { Expect::Absent } else { Expect::Present }), true),
        ];
        for (step, (write, happens)) in steps.into_iter().enumerate() {
            assert_eq!(conflict(&*store, vec![write]).await.is_none(), happens, "{name}, step {step}");
        }
    }
}
