//! Queries against the evaluator that says what they mean.

use std::sync::LazyLock;

use proptest::prelude::*;
use roadstead_model::{Device, DeviceAuth, InitialTwin, Module, Presence, Twin, UnixMillis};
use roadstead_query::{Query, Source, eval};
use roadstead_store::{
    Expect, QueryRow, Records, Write,
    query::document,
    suite::samples::{self, HUB, identity, module_id},
};
use roadstead_store_embedded::EmbeddedRecords;
use roadstead_testkit::query::{any_members, any_query};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::open;

/// One database for all cases: each replaces what the one before left.
static GROUND: LazyLock<(Runtime, EmbeddedRecords, TempDir)> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    (Runtime::new().unwrap(), open(directory.path()), directory)
});

fn twin((tags, desired, reported): (Map<String, Value>, Map<String, Value>, Map<String, Value>)) -> Twin {
    let now = UnixMillis(1_795_291_370_516);
    Twin::new(&InitialTwin { tags, desired }, now).with_reported(reported, now)
}

async fn fill(store: &EmbeddedRecords, twins: &[Twin]) {
    let ids: Vec<String> = (0..6).map(|n| format!("dev-{n}")).collect();
    let removals = ids.iter().map(|id| Write::DeleteDevice(HUB, samples::device_id(id), Expect::Any));
    store.commit(removals.collect()).await.unwrap();
    let mut batch = Vec::new();
    for (index, twin) in twins.iter().enumerate() {
        let id = &ids[index / 2];
        if index % 2 == 0 {
            let base = if index % 4 == 0 { samples::device(id) } else { samples::disabled_device(id) };
            batch.push(Write::PutDevice(HUB, Device { auth: DeviceAuth::None, ..base }, Expect::Absent));
            batch.push(Write::PutTwin(HUB, identity(id), twin.clone(), Expect::Absent));
        } else {
            let module = Module { auth: DeviceAuth::None, ..samples::module(id, "m") };
            batch.push(Write::PutModule(HUB, module, Expect::Absent));
            batch.push(Write::PutTwin(HUB, module_id(id, "m"), twin.clone(), Expect::Absent));
        }
        // Of a device's and its module's, one is connected; some came and went, some were never there.
        let of = if index % 2 == 0 { identity(id) } else { module_id(id, "m") };
        if index % 3 < 2 {
            let presence = Presence { connected: index % 3 == 0, ..samples::presence() };
            batch.push(Write::PutPresence(HUB, of, presence));
        }
    }
    store.commit(batch).await.unwrap();
}

async fn expected(store: &EmbeddedRecords, query: &Query) -> Vec<Value> {
    let mut documents = Vec::new();
    for record in store.list_identities(HUB, None, 1000).await.unwrap().items {
        match query.source {
            Source::Modules => {
                for module in store.list_modules(HUB, &record.device.id).await.unwrap() {
                    documents.push(document(&store.find_identity(HUB, &module.identity()).await.unwrap().unwrap()));
                }
            }
            Source::Devices | Source::Jobs => documents.push(document(&record)),
        }
    }
    eval::run(query, &documents)
}

async fn found(store: &EmbeddedRecords, query: &Query, limit: usize) -> Vec<Value> {
    let (mut rows, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = store.query(HUB, query, after.as_deref(), limit).await.unwrap();
        rows.extend(page.items.into_iter().map(|row| match row {
            QueryRow::Identity(record) => document(&record),
            QueryRow::Values(values) => values,
        }));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    rows.truncate(query.top.unwrap_or(u64::MAX) as usize);
    rows
}

/// Rows of groups come in no order.
fn sorted(query: &Query, rows: Vec<Value>) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    if query.aggregates() {
        rows.sort();
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn sql_finds_what_the_evaluator_does(
        twins in prop::collection::vec((any_members(), any_members(), any_members()).prop_map(twin), 0..12),
        queries in prop::collection::vec(any_query(), 1..8),
        limit in 1_usize..8,
    ) {
        let (runtime, store, _) = &*GROUND;
        runtime.block_on(async {
            fill(store, &twins).await;
            for mut query in queries {
                if query.aggregates() {
                    // Which groups TOP leaves depends on their order.
                    query.top = None;
                }
                let expected = sorted(&query, expected(store, &query).await);
                prop_assert_eq!(sorted(&query, found(store, &query, limit).await), expected, "{}", query);
            }
            Ok(())
        })?;
    }
}
