//! The log against its port's promises, a failing disk, damage, a sudden death, and many writers.

mod damage;
mod failures;
mod faulty_disk;
mod kill;
mod retention;
mod suite;

use std::{path::Path, sync::Arc, time::Duration};

use roadstead_model::{AuthMethod, Event, EventSource, GenerationId, HubKey, Properties, UnixMillis};
use roadstead_store::{EventLog, HubLog, Partition, Retention, StoreError, StoredEvent, Ticket};

use super::{
    disk::{Disk, MachineDisk},
    logs::EmbeddedEventLog,
    shared::Tuning,
};
use crate::directory::DataDirectory;

const HUB: HubKey = HubKey(7);
const FOREVER: Retention = Retention { age_ms: i64::MAX, bytes_max: u64::MAX };
const T0: UnixMillis = UnixMillis(1_795_291_370_000);

/// Small segments, so that a test has many.
const SMALL: Tuning = Tuning {
    segment_bytes: 16 * 1024,
    segment_bytes_min: 16 * 1024,
    checkpoint_bytes: 2 * 1024,
    retry: Duration::from_millis(1),
};

fn logs_on(disk: Arc<dyn Disk>, path: &Path, tuning: Tuning) -> EmbeddedEventLog {
    EmbeddedEventLog::open_on(disk, DataDirectory::open(path).unwrap(), tuning).unwrap()
}

async fn open_on(disk: Arc<dyn Disk>, path: &Path, tuning: Tuning) -> Arc<dyn HubLog> {
    logs_on(disk, path, tuning).open(HUB, 2, FOREVER).await.unwrap()
}

async fn open(path: &Path) -> Arc<dyn HubLog> {
    open_on(Arc::new(MachineDisk), path, SMALL).await
}

fn append(log: &dyn HubLog, partition: Partition, body: &str, now: UnixMillis) -> Result<Ticket, StoreError> {
    let event = Event {
        source: EventSource::Telemetry,
        auth: AuthMethod::DeviceSas,
        device_id: "thermo-7",
        module_id: None,
        generation: GenerationId(7),
        properties: &Properties::new(),
        body: body.as_bytes(),
    };
    log.append(partition, &event, now)
}

/// Appends events named `from` to `to` to partition 0 and waits for the last.
async fn append_numbers(log: &dyn HubLog, numbers: std::ops::Range<u64>, now: UnixMillis) {
    let tickets = numbers.map(|n| append(log, 0, &format!("event {n}"), now).unwrap()).collect::<Vec<_>>();
    log.commits().wait(*tickets.last().unwrap()).await.unwrap();
}

/// The same, but each in a batch of its own.
async fn append_singly(log: &dyn HubLog, numbers: std::ops::Range<u64>, now: UnixMillis) {
    for n in numbers {
        append_numbers(log, n..n + 1, now).await;
    }
}

fn body(event: &StoredEvent) -> String {
    String::from_utf8(event.view().unwrap().body.to_vec()).unwrap()
}

async fn read_all(log: &dyn HubLog, partition: Partition) -> Vec<StoredEvent> {
    let (mut all, mut at) = (Vec::new(), 0);
    loop {
        let events = log.read(partition, at, 5000).await.unwrap();
        let Some(last) = events.last() else { return all };
        at = last.offset + 1;
        all.extend(events);
    }
}

/// Bodies with their offsets.
async fn contents(log: &dyn HubLog) -> Vec<(u64, String)> {
    read_all(log, 0).await.iter().map(|event| (event.offset, body(event))).collect()
}

fn numbered(numbers: std::ops::Range<u64>) -> Vec<(u64, String)> {
    numbers.map(|n| (n, format!("event {n}"))).collect()
}

/// The files of the hub with this ending, in order.
fn files(path: &Path, ending: &str) -> Vec<std::path::PathBuf> {
    let directory = path.join("events").join(HUB.to_string());
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = names.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    names.sort();
    names
}
