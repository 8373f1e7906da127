//! What a deletion takes along, in words.

use crate::size;
use roadstead_service::Contents;

/// `2 hubs, 12 devices (3 connected), 5012 messages (1.3 MB)`. What there is none of is left out.
pub(crate) fn describe(contents: &Contents) -> String {
    let Contents { hubs, devices, connected, events, event_bytes, file_bytes, .. } = *contents;
    let Contents { provisioning_services, enrollments, enrollment_groups, registrations, .. } = *contents;
    let counted = |count: u64, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {one}s")),
    };
    let more = |text: Option<String>, detail: String| text.map(|text| format!("{text} ({detail})"));
    // One alone is what the sentence is about.
    let several = hubs + provisioning_services > 1;
    let devices = match connected {
        0 => counted(devices, "device"),
        _ => more(counted(devices, "device"), format!("{connected} connected")),
    };
    let parts: Vec<String> = [
        counted(hubs, "hub").filter(|_| several),
        counted(provisioning_services, "DPS instance").filter(|_| several),
        devices,
        more(counted(events, "message"), size::words(event_bytes)),
        (file_bytes > 0).then(|| format!("{} of uploaded files", size::words(file_bytes))),
        counted(enrollments, "enrollment"),
        counted(enrollment_groups, "enrollment group"),
        counted(registrations, "registration"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "nothing in it".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_none_of_is_left_out() {
        let hub =
            Contents { hubs: 1, devices: 12, connected: 3, events: 5012, event_bytes: 1_300_000, ..Default::default() };
        assert_eq!(describe(&hub), "12 devices (3 connected), 5012 messages (1.3 MB)");
        let dps = Contents { provisioning_services: 1, enrollments: 1, registrations: 2, ..Default::default() };
        assert_eq!(describe(&dps), "1 enrollment, 2 registrations");
        let both = Contents { provisioning_services: 1, file_bytes: 600, ..hub };
        assert!(describe(&both).starts_with("1 hub, 1 DPS instance, 12 devices"));
        assert!(describe(&both).ends_with("600 B of uploaded files"));
        assert_eq!(describe(&Contents { hubs: 1, ..Default::default() }), "nothing in it");
    }
}
