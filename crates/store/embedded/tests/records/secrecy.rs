//! What somebody sees who gets hold of the files.

use std::{fs, path::Path};

use roadstead_model::{CertificateOwner, Device, EnrollmentGroup};
use roadstead_store::{
    Expect, Records, Write,
    suite::samples::{self, HUB, SECRET_MARK, scope},
};

use super::open;

#[tokio::test]
async fn no_file_shows_a_secret() {
    let temporary = tempfile::tempdir().unwrap();
    let store = open(temporary.path());
    let mut batch = vec![
        Write::PutPrincipal(samples::user(1), Expect::Absent),
        Write::PutPrincipal(samples::service_principal(2), Expect::Absent),
        Write::PutGroup(samples::resource_group("iot-rg"), Expect::Absent),
        Write::PutHub(samples::hub(HUB, "plant"), Expect::Absent),
        Write::PutDps(samples::dps(&scope(), "plant-dps"), Expect::Absent),
        Write::PutCertificate(CertificateOwner::Hub(HUB), samples::certificate("rootCA"), Expect::Absent),
        Write::PutCertificate(CertificateOwner::Dps(scope()), samples::held_certificate("held"), Expect::Absent),
        Write::PutTwin(HUB, samples::identity("sas"), samples::twin(), Expect::Absent),
        Write::PutEnrollment(scope(), samples::enrollment("dev-01"), Expect::Absent),
        Write::PutRegistration(scope(), samples::registration("dev-01", None), Expect::Absent),
    ];
    for (id, auth) in samples::device_auths() {
        batch.push(Write::PutDevice(HUB, Device { auth, ..samples::device(id) }, Expect::Absent));
    }
    for (id, attestation) in samples::group_attestations() {
        let group = EnrollmentGroup { attestation, ..samples::enrollment_group(id) };
        batch.push(Write::PutEnrollmentGroup(scope(), group, Expect::Absent));
    }
    store.commit(batch).await.unwrap();
    // First the write-ahead log, then what it becomes when the store is closed.
    let open_files = check_files(temporary.path());
    assert!(open_files.contains(&"records.db-wal".to_owned()), "{open_files:?}");
    drop(store);
    assert_eq!(check_files(temporary.path()), ["lock", "records.db", "secrets.key"]);
}

/// No file has a secret, each is its owner's alone; returns their names.
fn check_files(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut records_found = false;
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let content = fs::read(entry.path()).unwrap();
        let has = |word: &str| content.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(!has(SECRET_MARK), "{name} shows a secret");
        records_found |= has("plant.localhost");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
        names.push(name);
    }
    assert!(records_found, "the search finds what is there");
    names.sort();
    names
}
