//! How much the installation holds, and how much room is left. Ours.

use roadstead_wire::arm::Disk;
use tracing::warn;

use crate::{arm::Arm, reply::Reply};

pub(crate) async fn show(arm: &Arm) -> Reply {
    let reading = arm.disk.read();
    let (mut event_bytes, mut file_bytes) = (0_u64, reading.has_files.then_some(0_u64));
    for hub in arm.hubs.all() {
        event_bytes += hub.event_bytes();
        if let Some(sum) = file_bytes {
            let found = hub.file_bytes().await;
            let found = found
                .inspect_err(|cause| warn!(hub = %hub.resource().name, %cause, "the size of its files cannot be told"));
            file_bytes = found.ok().map(|bytes| sum + bytes);
        }
    }
    Reply::ok(&Disk {
        database_bytes: reading.database_bytes,
        event_bytes,
        file_bytes,
        free_bytes: reading.space.map(|space| space.free),
        total_bytes: reading.space.map(|space| space.total),
    })
}
