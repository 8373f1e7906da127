//! Reads the meters of all hubs and DPS instances, again and again.

use std::sync::Arc;

use roadstead_hub::Hub;
use roadstead_meter::{Meters, Metric, Source};
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
            ];
            meters.note(&Source::Dps(instance.scope().clone()), readings, world.clock.now());
        }
        meters.keep(|source| match source {
            Source::Hub(key) => hubs.iter().any(|hub| hub.resource().key == *key),
            Source::Dps(scope) => instances.iter().any(|instance| instance.scope() == scope),
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
    ];
    meters.note(&source, readings, world.clock.now());
    match hub.count_devices().await {
        Ok(devices) => meters.note(&source, [(Metric::Devices, devices.total)], world.clock.now()),
        Err(cause) => warn!(hub = %resource.name, %cause, "the devices of a hub could not be counted"),
    }
}
