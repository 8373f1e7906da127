//! How much the installation holds, and how much room is left. Ours.

use roadstead_wire::arm::Disk;

use crate::{arm::Arm, refusal::Refusal, reply::Reply};

pub(crate) async fn show(arm: &Arm) -> Result<Reply, Refusal> {
    let reading = arm.disk.read();
    let (mut event_bytes, mut file_bytes) = (0_u64, 0_u64);
    for hub in arm.hubs.all() {
        event_bytes += hub.event_bytes();
        if reading.has_files {
            file_bytes += hub.file_bytes().await.map_err(|cause| Refusal::unread(&cause))?;
        }
    }
    Ok(Reply::ok(&Disk {
        database_bytes: reading.database_bytes,
        event_bytes,
        file_bytes: reading.has_files.then_some(file_bytes),
        free_bytes: reading.space.map(|space| space.free),
        total_bytes: reading.space.map(|space| space.total),
    }))
}
