//! What `/metrics` and `/readyz` say.

use std::sync::Arc;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use roadstead_front_arm::DiskGauge;
use roadstead_front_http::Operations;
use roadstead_front_transport::DrainWatch;
use roadstead_hub::Hubs;

/// Installs the process's recorder. A second server in one process (tests) shares the first one's.
pub fn recorder() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another metrics recorder was installed before; /metrics stays empty");
            }
            handle
        })
        .clone()
}

/// The answers of one server.
pub struct Pulse {
    pub recorder: PrometheusHandle,
    pub hubs: Arc<Hubs>,
    pub disk: Arc<dyn DiskGauge>,
    pub drain: DrainWatch,
}

impl Operations for Pulse {
    fn metrics(&self) -> String {
        for hub in self.hubs.all() {
            let name = hub.resource().name.to_string();
            metrics::gauge!("roadstead_connected_devices", "hub" => name.clone()).set(hub.connected_count() as f64);
            metrics::counter!("roadstead_lost_hub_events_total", "hub" => name.clone())
                .absolute(hub.lost_event_count());
            metrics::gauge!("roadstead_event_bytes", "hub" => name.clone()).set(hub.event_bytes() as f64);
            if let Some(messages) = hub.messages_today() {
                metrics::gauge!("roadstead_messages_today", "hub" => name).set(messages as f64);
            }
        }
        let disk = self.disk.read();
        metrics::gauge!("roadstead_database_bytes").set(disk.database_bytes as f64);
        if let Some(space) = disk.space {
            metrics::gauge!("roadstead_disk_free_bytes").set(space.free as f64);
            metrics::gauge!("roadstead_disk_total_bytes").set(space.total as f64);
        }
        self.recorder.render()
    }

    fn ready(&self) -> Result<(), String> {
        if self.drain.is_started() { Err("the server is shutting down".to_owned()) } else { Ok(()) }
    }
}
