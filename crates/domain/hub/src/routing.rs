//! The way of every event into the hub's log: what devices send, and what the hub itself has to tell.

use roadstead_model::Event;
use roadstead_store::Ticket;

use crate::{error::HubError, hub::Hub};

impl Hub {
    /// Queues an event in its device's partition. All events pass here, so that what may become of them on the way
    /// (enrichments, routes to other endpoints) has one place. Errors: `Full`.
    pub(crate) fn route(&self, event: &Event<'_>) -> Result<Ticket, HubError> {
        let partition = partition_of(event.device_id, self.log().partitions());
        Ok(self.log().append(partition, event, self.now())?)
    }
}

/// The partition of a device: stable over restarts and versions, since readers rely on a device's order (FNV-1a).
pub(crate) fn partition_of(device: &str, partitions: u16) -> u16 {
    let hash = device
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash % u64::from(partitions.max(1))) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_stable_and_used_evenly() {
        assert_eq!(partition_of("thermo-7", 4), partition_of("thermo-7", 4));
        assert_eq!(partition_of("anything", 1), 0);
        let mut used = [0; 4];
        for i in 0..4000 {
            used[usize::from(partition_of(&format!("dev-{i:06}"), 4))] += 1;
        }
        assert!(used.iter().all(|count| (800..1200).contains(count)), "{used:?}");
    }
}
