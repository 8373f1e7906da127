//! What is refused at the door, and how quickly the others are let in.

use std::{fs, path::Path};

use roadstead_store::{
    Expect, Records, SealKey, StoreError, Write,
    suite::samples::{self, HUB, Pattern, device_id},
};
use roadstead_store_embedded::{DataDirectory, EmbeddedRecords, OpenError};

use super::open;

async fn fill(path: &Path) {
    let batch = vec![Write::PutDevice(HUB, samples::device("thermo-7"), Expect::Absent)];
    open(path).commit(batch).await.unwrap();
}

fn refusal(path: &Path, key: &SealKey) -> OpenError {
    let directory = DataDirectory::open(path).unwrap();
    EmbeddedRecords::open(directory, key).err().expect("refused")
}

#[tokio::test]
async fn without_the_key_nothing_opens_and_nothing_is_lost() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path();
    fill(path).await;
    let kept = fs::read(path.join("secrets.key")).unwrap();
    fs::remove_file(path.join("secrets.key")).unwrap();
    let error = DataDirectory::open(path).unwrap().seal_key(&Pattern).unwrap_err();
    let root = fs::canonicalize(path).unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "{0}/secrets.key is missing, but {0}/records.db holds secrets sealed with it: put the key file back, without it \
             they cannot be read",
            root.display()
        )
    );
    let other = SealKey::parse(b"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").expect("a key of 32 bytes");
    assert!(matches!(refusal(path, &other), OpenError::KeyWrong { .. }));

    fs::write(path.join("secrets.key"), kept).unwrap();
    let found = open(path).find_device(HUB, &device_id("thermo-7")).await.unwrap();
    assert_eq!(found, Some(samples::device("thermo-7")));
}

#[tokio::test]
async fn a_later_schema_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    fill(temporary.path()).await;
    let database = rusqlite::Connection::open(temporary.path().join("records.db")).unwrap();
    database.pragma_update(None, "user_version", 1000).unwrap();
    drop(database);
    let error = refusal(temporary.path(), &SealKey::fresh(&Pattern));
    assert!(matches!(error, OpenError::Newer { found: 1000, known: 1..1000, .. }), "{error}");
}

#[test]
fn what_is_no_database_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    fs::write(temporary.path().join("records.db"), "no database at all ".repeat(1000)).unwrap();
    let error = refusal(temporary.path(), &SealKey::fresh(&Pattern));
    assert!(matches!(error, OpenError::Database { .. }), "{error}");
}

/// A record of a later version, a damaged one, and one moved to another place are refused alone.
#[tokio::test]
async fn one_unreadable_record_harms_no_other() {
    let temporary = tempfile::tempdir().unwrap();
    let ids = ["good", "later", "damaged", "moved"];
    let devices = ids.map(|id| Write::PutDevice(HUB, samples::device(id), Expect::Absent));
    open(temporary.path()).commit(devices.to_vec()).await.unwrap();
    let database = rusqlite::Connection::open(temporary.path().join("records.db")).unwrap();
    for (id, body) in [
        ("later", r#"json('{"v":2}')"#),
        ("damaged", "substr(body, 1, 40)"),
        ("moved", "(SELECT body FROM devices WHERE device = 'good')"),
    ] {
        database.execute(&format!("UPDATE devices SET body = {body} WHERE device = ?1"), [id]).unwrap();
    }
    drop(database);
    let store = open(temporary.path());
    for id in ids {
        let found = store.find_device(HUB, &device_id(id)).await;
        match id {
            "good" => assert_eq!(found.unwrap(), Some(samples::device("good"))),
            _ => assert!(matches!(found, Err(StoreError::Unreadable(_))), "{id}: {found:?}"),
        }
    }
}
