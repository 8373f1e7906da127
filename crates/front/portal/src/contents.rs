//! What a deletion takes along, in words.

use crate::fault::Fault;
use crate::size;
use roadstead_service::{Contents, Deletion, Management, Resource};

/// `2 hubs, 12 devices (3 connected), 5012 messages (1.3 MB)`. What there is none of is left out.
fn describe(contents: &Contents) -> String {
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

/// What is in a hub or DPS instance, in words.
pub(crate) async fn held(management: &Management, resource: &Resource) -> Result<String, Fault> {
    match management.count(resource).await {
        Ok(Some(held)) => Ok(describe(&held)),
        // It could not be counted: nobody is kept from deleting it for that.
        Ok(None) => Ok("all that is in it".to_owned()),
        Err(error) if error.status().is_some_and(|status| status >= 500) => Ok("all that is in it".to_owned()),
        Err(error) => Err(error.into()),
    }
}

/// What is gone, in words.
pub(crate) fn deleted(name: &str, gone: Deletion) -> String {
    match gone {
        Deletion::Absent => format!("{name} was gone already."),
        Deletion::Done(Some(held)) => format!("{name} is deleted, with {}.", describe(&held)),
        Deletion::Done(None) => format!("{name} is deleted."),
    }
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
