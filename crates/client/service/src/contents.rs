//! What is in hubs and DPS instances, in words.

use roadstead_wire::arm::Contents;

/// `2 hubs, 12 devices (3 connected), 5012 events (1.2 MiB)`. What there is none of is left out. `event`: what one is called where
/// this is read; `size`: how bytes are said there.
pub fn describe(contents: &Contents, event: &str, size: impl Fn(u64) -> String) -> String {
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
        more(counted(events, event), size(event_bytes)),
        (file_bytes > 0).then(|| format!("{} of uploaded files", size(file_bytes))),
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
        let told = |contents: &Contents| describe(contents, "event", |bytes| format!("{bytes} B"));
        let hub = Contents { hubs: 1, devices: 12, connected: 3, events: 5012, event_bytes: 9, ..Default::default() };
        assert_eq!(told(&hub), "12 devices (3 connected), 5012 events (9 B)");
        let dps = Contents { provisioning_services: 1, enrollments: 1, registrations: 2, ..Default::default() };
        assert_eq!(told(&dps), "1 enrollment, 2 registrations");
        let group = Contents { provisioning_services: 1, enrollments: 1, registrations: 2, file_bytes: 4096, ..hub };
        assert_eq!(
            told(&group),
            "1 hub, 1 DPS instance, 12 devices (3 connected), 5012 events (9 B), 4096 B of uploaded files, 1 enrollment, \
             2 registrations"
        );
        assert_eq!(told(&Contents::default()), "nothing in it");
        assert_eq!(told(&Contents { hubs: 1, ..Default::default() }), "nothing in it");
        assert_eq!(told(&Contents { hubs: 1, devices: 1, ..Default::default() }), "1 device");
    }
}
