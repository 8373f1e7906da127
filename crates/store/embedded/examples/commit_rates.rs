//! Prints how fast this machine opens, commits and reads: `cargo run --release --example commit_rates [directory]`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use roadstead_store::{
    Expect, Records, Write,
    suite::samples::{self, HUB, Pattern, device_id, scope},
};
use roadstead_store_embedded::{DataDirectory, EmbeddedRecords};

const SPAN: Duration = Duration::from_secs(3);

fn open(path: &Path) -> EmbeddedRecords {
    let begun = Instant::now();
    let directory = DataDirectory::open(path).unwrap();
    let key = directory.seal_key(&Pattern).unwrap();
    let store = EmbeddedRecords::open(directory, &key).unwrap();
    println!("opened in {:?}", begun.elapsed());
    store
}

/// What a device that registers makes DPS write.
fn registration(id: &str) -> Vec<Write> {
    vec![
        Write::PutDevice(HUB, samples::device(id), Expect::Absent),
        Write::PutTwin(HUB, device_id(id).into(), samples::twin(), Expect::Absent),
        Write::PutRegistration(scope(), samples::registration(id, Some("fleet")), Expect::Absent),
    ]
}

async fn commits(store: &Arc<EmbeddedRecords>, clients: usize) {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while begun.elapsed() < SPAN {
                    // Ids in no order, as a fleet's are.
                    let id = format!("{:08x}-{clients}-{client}", (waits.len() as u32).wrapping_mul(2_654_435_761));
                    let asked = Instant::now();
                    store.commit(registration(&id)).await.unwrap();
                    waits.push(asked.elapsed());
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    let rate = waits.len() as u64 * 1000 / begun.elapsed().as_millis() as u64;
    waits.sort();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100];
    println!("{clients:5} clients: {rate:6} registrations/s, p50 {:?}, p99 {:?}", at(50), at(99));
}

async fn reads(store: &EmbeddedRecords, ids: &[String]) {
    let begun = Instant::now();
    for id in ids {
        store.find_session(HUB, &device_id(id).into()).await.unwrap().unwrap();
    }
    println!("find_session: {:?} each, over {} devices", begun.elapsed() / ids.len() as u32, ids.len());
}

fn main() {
    let temporary = tempfile::tempdir().unwrap();
    let path = std::env::args().nth(1).map_or_else(|| temporary.path().join("data"), Into::into);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let store = Arc::new(open(&path));
    runtime.block_on(async {
        for clients in [1, 10, 100, 1000] {
            commits(&store, clients).await;
        }
        let have = store.count_devices(HUB).await.unwrap().total;
        for first in (have..100_000).step_by(500) {
            let batch = (first..first + 500).flat_map(|n| registration(&format!("more-{n}")));
            store.commit(batch.collect()).await.unwrap();
        }
        let mut ids = Vec::new();
        let mut after = None;
        loop {
            let page = store.list_devices(HUB, after.as_deref(), 1000).await.unwrap();
            ids.extend(page.items.into_iter().step_by(7).map(|device| device.id.as_str().to_owned()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        reads(&store, &ids).await;
        reads(&store, &ids).await;
    });
    drop(store);
    println!("again, with everything in it:");
    let store = open(&path);
    let begun = Instant::now();
    let counts = runtime.block_on(store.count_devices(HUB)).unwrap();
    println!("{counts:?} counted in {:?}", begun.elapsed());
}
