//! The port's own suite, and what only files can show.

use std::{fs, sync::Arc};

use async_trait::async_trait;
use roadstead_store::{
    BlobError, Blobs, StoreError,
    suite::blobs::{Place, content, path, put, put_block},
};
use tempfile::TempDir;

use super::open;

struct Temporary(TempDir);

impl Temporary {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Place for Temporary {
    async fn start(&self, hub_bytes_max: u64) -> Arc<dyn Blobs> {
        open(self.0.path(), hub_bytes_max)
    }
}

roadstead_store::blobs_suite!(Temporary::new());

#[tokio::test]
async fn a_damaged_file_is_told_and_may_be_replaced() {
    let temporary = tempfile::tempdir().unwrap();
    let blobs = open(temporary.path(), u64::MAX);
    put(&*blobs, &path("logs/1.txt"), "hello").await;
    let file = temporary.path().join("blobs/0000000000000007/files/thermo-7/logs%2F1.txt");
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"hello{"), "an operator can read it");
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let error = blobs.find(&path("logs/1.txt")).await.unwrap_err();
    assert!(
        matches!(&error, BlobError::Store(StoreError::Unreadable(text)) if text.contains("logs%2F1.txt")),
        "{error}"
    );
    put(&*blobs, &path("logs/1.txt"), "again").await;
    assert_eq!(content(&*blobs, &path("logs/1.txt")).await, b"again");
}

#[tokio::test]
async fn the_blocks_of_a_blob_need_no_room_twice() {
    const MIB: usize = 1024 * 1024;
    let temporary = tempfile::tempdir().unwrap();
    let blobs = open(temporary.path(), 5 * MIB as u64);
    for number in 0..4 {
        put_block(&*blobs, &path("a"), number, vec![0; MIB]).await;
    }
    roadstead_store::suite::blobs::commit(&*blobs, &path("a"), &[0, 1, 2, 3]).await.unwrap();
    // Four MiB and a little are taken now, not eight, nor none.
    put_block(&*blobs, &path("b"), 0, vec![0; MIB / 2]).await;
    let mut more = blobs.begin_block(&path("c"), &roadstead_store::suite::blobs::block(0)).await.unwrap();
    assert!(more.write(vec![0; MIB].into()).await.is_err());
}

#[tokio::test]
async fn nobody_else_may_look() {
    use std::os::unix::fs::PermissionsExt;
    let temporary = tempfile::tempdir().unwrap();
    let blobs = open(temporary.path(), u64::MAX);
    put(&*blobs, &path("a"), "a").await;
    let mode = |name: &str| fs::metadata(temporary.path().join(name)).unwrap().permissions().mode() & 0o777;
    let device = "blobs/0000000000000007/files/thermo-7";
    assert_eq!([mode("blobs"), mode(device), mode(&format!("{device}/a"))], [0o700, 0o700, 0o600]);
}
