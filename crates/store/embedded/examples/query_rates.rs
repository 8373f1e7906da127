//! Prints how long queries over 100,000 twins take, and to note that all of their devices were heard of: `cargo run --release --example query_rates [directory]`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

use std::time::{Duration, Instant};

use roadstead_model::{InitialTwin, Twin, UnixMillis};
use roadstead_query::parse;
use roadstead_store::{
    Expect, Records, Write,
    suite::samples::{self, HUB, Pattern, identity},
};
use roadstead_store_embedded::{DataDirectory, EmbeddedRecords};
use serde_json::json;

const TWINS: usize = 100_000;
/// As a hub writes them (`ACTIVITY_BATCH_MAX`).
const ACTIVITY_BATCH: usize = 4096;

fn twin(n: usize) -> Twin {
    let now = UnixMillis(1_795_291_370_516);
    let initial = json!({
        "tags": {"site": format!("site-{}", n % 1000), "floor": n % 7, "line": {"name": format!("line-{}", n % 10)}},
        "desired": {"rate": n % 100, "firmware": {"version": "1.2.3", "url": "https://updates.example/1.2.3"}},
    });
    let reported = json!({"rate": n % 100, "firmware": {"version": format!("1.2.{}", n % 5)}, "uptime": n});
    let initial: InitialTwin = serde_json::from_value(initial).unwrap();
    Twin::new(&initial, now).with_reported(reported.as_object().unwrap().clone(), now)
}

async fn fill(store: &EmbeddedRecords) {
    for chunk in (0..TWINS).collect::<Vec<_>>().chunks(1000) {
        let writes = chunk.iter().flat_map(|n| {
            let id = format!("device-{n:06}");
            [
                Write::PutDevice(HUB, samples::device(&id), Expect::Absent),
                Write::PutTwin(HUB, identity(&id), twin(*n), Expect::Absent),
            ]
        });
        store.commit(writes.collect()).await.unwrap();
    }
}

async fn note_activity(store: &EmbeddedRecords) {
    let ids: Vec<_> = (0..TWINS).map(|n| identity(&format!("device-{n:06}"))).collect();
    for some in ids.chunks(1000) {
        let put = some.iter().map(|id| Write::PutPresence(HUB, id.clone(), samples::presence()));
        store.commit(put.collect()).await.unwrap();
    }
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    for some in ids.chunks(ACTIVITY_BATCH) {
        let committed = Instant::now();
        let heard = some.iter().map(|id| (id.clone(), UnixMillis(1_795_291_380_000))).collect();
        store.commit(vec![Write::PutActivity(HUB, heard)]).await.unwrap();
        longest = longest.max(committed.elapsed());
    }
    println!(
        "activity of {TWINS} noted in {:?}, no batch of {ACTIVITY_BATCH} in more than {longest:?}",
        begun.elapsed()
    );
}

#[tokio::main]
async fn main() {
    let temporary = tempfile::tempdir().unwrap();
    let path = std::env::args().nth(1).map_or_else(|| temporary.path().to_owned(), Into::into);
    let directory = DataDirectory::open(&path).unwrap();
    let key = directory.seal_key(&Pattern).unwrap();
    let store = EmbeddedRecords::open(directory, &key).unwrap();
    let begun = Instant::now();
    if store.count_devices(HUB).await.unwrap().total == 0 {
        fill(&store).await;
        println!("{TWINS} twins written in {:?}", begun.elapsed());
    }
    note_activity(&store).await;
    for text in [
        "SELECT * FROM devices WHERE tags.site = 'site-77'",
        "SELECT deviceId FROM devices WHERE tags.site = 'site-77' AND properties.reported.rate > 50",
        "SELECT * FROM devices",
        "SELECT * FROM devices WHERE properties.reported.firmware.version = '1.2.4'",
        "SELECT COUNT() AS n FROM devices",
        "SELECT COUNT() AS n FROM devices WHERE properties.reported.rate > 50",
        "SELECT COUNT() AS n FROM devices WHERE tags.line.name = 'line-3' AND properties.reported.uptime > 1000",
        "SELECT COUNT() AS n FROM devices WHERE STARTS_WITH(tags.site, 'site-7')",
        "SELECT properties.reported.firmware.version AS v, COUNT() AS n FROM devices GROUP BY properties.reported.firmware.version",
        "SELECT COUNT() AS n FROM devices WHERE lastActivityTime > '2026-11-21T20:02:51'",
        "SELECT AVG(properties.reported.rate) AS rate FROM devices WHERE connectionState = 'Disconnected'",
    ] {
        let query = parse(text).unwrap();
        let asked = Instant::now();
        let page = store.query(HUB, &query, None, 100).await.unwrap();
        println!("{:>9.1?}  {:>3} rows  {text}", asked.elapsed(), page.items.len());
    }
}
