//! A process that is killed while it uploads: a child puts blobs as fast as it can and tells what was acknowledged.

use std::{collections::HashMap, path::Path};

use roadstead_store::{
    Blobs,
    suite::blobs::{commit, content, path, pattern, put, put_block},
};
use roadstead_testkit::killed;

use super::open;

const WRITERS: usize = 4;

/// What writer `writer` puts as its version `n` of blob `n % 3`.
fn version(writer: usize, n: usize) -> Vec<u8> {
    let mut bytes = format!("{writer} {n}\n").into_bytes();
    bytes.extend(pattern(5000 + n % 7 * 3000, n as u32));
    bytes
}

/// Not a test of its own: [`what_was_acknowledged_survives_a_kill`] starts it as a process.
#[test]
#[ignore = "only does something in a process started by another test"]
fn child() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let blobs = open(&place, u64::MAX);
        let writers = (0..WRITERS).map(|writer| {
            let blobs = blobs.clone();
            tokio::spawn(async move {
                for n in 0.. {
                    let (name, whole) = (format!("{writer}/{}", n % 3), version(writer, n));
                    if n % 2 == 0 {
                        put(&*blobs, &path(&name), &whole).await;
                    } else {
                        let (first, second) = whole.split_at(4000);
                        put_block(&*blobs, &path(&name), 0, first).await;
                        put_block(&*blobs, &path(&name), 1, second).await;
                        commit(&*blobs, &path(&name), &[0, 1]).await.unwrap();
                    }
                    killed::acknowledge(format_args!("{writer} {n}"));
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

/// How many blobs were acknowledged to each writer.
fn run_and_kill(place: &Path, enough: usize) -> [usize; WRITERS] {
    let mut acknowledged = [0; WRITERS];
    for blob in killed::run("blobs::tests::kill::child", place, enough) {
        let (writer, n) = blob.split_once(' ').unwrap();
        let (writer, n): (usize, usize) = (writer.parse().unwrap(), n.parse().unwrap());
        acknowledged[writer] = acknowledged[writer].max(n + 1);
    }
    acknowledged
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    for count in [20, 100, 300] {
        let directory = tempfile::tempdir().unwrap();
        let acknowledged = run_and_kill(directory.path(), count);
        let blobs = open(directory.path(), u64::MAX);
        for (writer, acknowledged) in acknowledged.into_iter().enumerate() {
            // The newest version of each name that the writer was told of; one more may have been written unheard.
            let newest: HashMap<usize, usize> = (0..acknowledged).map(|n| (n % 3, n)).collect();
            for name in 0..3 {
                let blob = path(&format!("{writer}/{name}"));
                let Some(info) = blobs.find(&blob).await.unwrap() else {
                    assert!(!newest.contains_key(&name), "writer {writer} lost its blob {name}");
                    continue;
                };
                let found = content(&*blobs, &blob).await;
                let head = String::from_utf8(found.split(|byte| *byte == b'\n').next().unwrap().to_vec()).unwrap();
                let n: usize = head.split_once(' ').unwrap().1.parse().unwrap();
                assert!(found == version(writer, n) && info.size == found.len() as u64, "whole, and one version");
                let told = newest.get(&name).copied();
                assert!(Some(n) == told || n == acknowledged, "writer {writer} was told of {told:?}, found {n}");
            }
        }
        put(&*blobs, &path("afterwards"), "goes on").await;
        let new = directory.path().join("blobs/0000000000000007/new");
        assert_eq!(std::fs::read_dir(new).unwrap().count(), 0, "what was being written is dropped");
    }
}
