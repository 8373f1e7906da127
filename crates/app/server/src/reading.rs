//! Reads the meters of all hubs and DPS instances, again and again.

use std::sync::Arc;

use roadstead_hub::Hub;
use roadstead_meter::{Meters, Metric, Source};
use roadstead_model::{IdScope, JournalOwner};
use tracing::warn;

use crate::{limits, world::World};

/// Reads them until the server stops.
pub async fn read_meters(world: Arc<World>, meters: Arc<Meters>) {
    let mut tick = tokio::time::interval(limits::METER_READING);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let (hubs, instances) = (world.hubs.all(), world.dps.all());
        for hub in &hubs {
            read_hub(&world, &meters, hub).await;
        }
        for instance in &instances {
            let counts = instance.device_counts();
            let readings = [
                (Metric::Attestations, counts.attestations),
                (Metric::Registrations, counts.registrations),
                (Metric::Assignments, counts.assignments),
                (Metric::Refusals, world.journal.count_refusals(&JournalOwner::Dps(instance.scope().clone()))),
            ];
            meters.note(&Source::Dps(instance.scope().clone()), readings, world.clock.now());
        }
        let has_hub = |key| hubs.iter().any(|hub| hub.resource().key == key);
        let has_dps = |scope: &IdScope| instances.iter().any(|instance| instance.scope() == scope);
        meters.keep(|source| match source {
            Source::Hub(key) => has_hub(*key),
            Source::Dps(scope) => has_dps(scope),
        });
        world.journal.keep_counts(|owner| match owner {
            JournalOwner::Hub(key) | JournalOwner::HubServices(key) => has_hub(*key),
            JournalOwner::Dps(scope) | JournalOwner::DpsServices(scope) => has_dps(scope),
            JournalOwner::NoHub | JournalOwner::NoDps => true,
        });
    }
}

async fn read_hub(world: &World, meters: &Meters, hub: &Hub) {
    let (resource, counts) = (hub.resource(), hub.telemetry_counts());
    let source = Source::Hub(resource.key);
    let readings = [
        (Metric::ConnectedDevices, hub.connected_count() as u64),
        (Metric::Telemetry, counts.taken),
        (Metric::TelemetryAttempts, counts.taken.saturating_add(counts.refused)),
        (Metric::Refusals, world.journal.count_refusals(&JournalOwner::Hub(resource.key))),
    ];
    meters.note(&source, readings, world.clock.now());
    match hub.count_devices().await {
        Ok(devices) => meters.note(&source, [(Metric::Devices, devices.total)], world.clock.now()),
        Err(cause) => warn!(hub = %resource.name, %cause, "the devices of a hub could not be counted"),
    }
}
