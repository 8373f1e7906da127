//! How dear it is to note what happens, and to store it: `cargo run --release -p roadstead-journal --example note_rates`.
//!
//! Notes connects of many devices from several threads, as fronts do, then stores them; the same with refusals.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, printed for who runs it")]

use std::{sync::Arc, thread, time::Instant};

use roadstead_journal::{Journal, Refused, limits};
use roadstead_model::{AuthMethod, DeviceProtocol, HubKey, JournalOwner, Origin, RefusalCause, UnixMillis, What};
use roadstead_store::suite::samples::Pattern;
use roadstead_store_embedded::{DataDirectory, EmbeddedRecords};
use roadstead_testkit::FakeClock;

const THREADS: usize = 2;
const NOTES: usize = limits::SHARDS * limits::OTHERS_WAITING_MAX / THREADS / 2;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let place = tempfile::tempdir().unwrap();
    let directory = DataDirectory::open(place.path()).unwrap();
    let key = directory.seal_key(&Pattern).unwrap();
    let records = Arc::new(EmbeddedRecords::open(directory, &key).unwrap());
    let journal = Journal::new(records, Arc::new(FakeClock::at(UnixMillis(1_800_000_000_000))));
    for (what, note) in [("connects", connect as fn(&Journal, &str)), ("refusals", refuse)] {
        let began = Instant::now();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let journal = &journal;
                scope.spawn(move || (0..NOTES).for_each(|n| note(journal, &format!("device-{thread}-{n}"))));
            }
        });
        let noting = began.elapsed();
        let began = Instant::now();
        journal.flush().await.unwrap();
        let (all, storing) = (THREADS * NOTES, began.elapsed());
        println!(
            "{all} {what}: {} ns each to note, on {THREADS} threads; stored in {} ms",
            noting.as_nanos() * THREADS as u128 / all as u128,
            storing.as_millis()
        );
    }
}

fn origin() -> Origin {
    Origin { protocol: DeviceProtocol::Mqtt, address: Some([192, 0, 2, 7].into()) }
}

fn connect(journal: &Journal, id: &str) {
    let what = What::Connected { origin: Some(origin()), method: AuthMethod::X509 };
    journal.note(JournalOwner::Hub(HubKey(1)), id, what);
}

fn refuse(journal: &Journal, id: &str) {
    journal.refused(Refused {
        owner: JournalOwner::Hub(HubKey(1)),
        id,
        origin: origin(),
        target: "plant.localhost",
        cause: RefusalCause::WrongKey,
        code: "CONNACK 5".to_owned(),
        message: format!("device `{id}`: the token is not signed with a key of device `{id}`"),
    });
}
