//! Deletions that take data along: what there is, whether it is meant, what is gone.

use crate::args::Global;
use crate::failure::Failure;
use crate::note::note;
use roadstead_service::Contents;
use std::io::{BufRead, IsTerminal, Write};

/// Says what is about to be deleted (`what`: "hub `plant`"), and asks. Errors: it is not meant, or nobody can be asked.
pub fn confirm(what: &str, contents: Option<&Contents>) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    let in_it = contents.map_or_else(|| "all that is in it".to_owned(), describe);
    if !stdin.is_terminal() {
        let text = format!("this deletes {what} with {in_it}, and nobody is here to be asked");
        return Err(Failure::error(text).hint("say `--yes` if it is meant"));
    }
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "delete {what} with {in_it}? [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    let is_yes = read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if is_yes { Ok(()) } else { Err(Failure::error("nothing was deleted")) }
}

/// Says what is gone.
pub fn tell(global: &Global, what: &str, contents: Option<&Contents>) {
    if let Some(contents) = contents {
        note(global, &format!("deleted {what} with {}", describe(contents)));
    }
}

/// `2 hubs, 12 devices (3 connected), 5012 events (1.2 MiB)`. What there is none of is left out.
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
        more(counted(events, "event"), bytes(event_bytes)),
        (file_bytes > 0).then(|| format!("{} of uploaded files", bytes(file_bytes))),
        counted(enrollments, "enrollment"),
        counted(enrollment_groups, "enrollment group"),
        counted(registrations, "registration"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "nothing in it".to_owned() } else { parts.join(", ") }
}

/// `512 B`, `1.2 KiB`, `3.4 MiB`, `5.6 GiB`.
fn bytes(count: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", count / unit, count % unit * 10 / unit);
    match count {
        0..0x400 => format!("{count} B"),
        0x400..0x10_0000 => format!("{} KiB", tenths(0x400)),
        0x10_0000..0x4000_0000 => format!("{} MiB", tenths(0x10_0000)),
        _ => format!("{} GiB", tenths(0x4000_0000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_read_it() {
        let hub =
            Contents { hubs: 1, devices: 12, connected: 3, events: 5012, event_bytes: 1_300_000, ..Default::default() };
        assert_eq!(describe(&hub), "12 devices (3 connected), 5012 events (1.2 MiB)");
        let group = Contents { provisioning_services: 1, enrollments: 1, registrations: 2, file_bytes: 4096, ..hub };
        assert_eq!(
            describe(&group),
            "1 hub, 1 DPS instance, 12 devices (3 connected), 5012 events (1.2 MiB), 4.0 KiB of uploaded files, \
             1 enrollment, 2 registrations"
        );
        assert_eq!(describe(&Contents::default()), "nothing in it");
        assert_eq!(describe(&Contents { hubs: 1, devices: 1, ..Default::default() }), "1 device");
    }

    #[test]
    fn bytes_in_the_largest_unit() {
        for (count, text) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 20, "1.0 MiB"), (u64::MAX, "17179869183.9 GiB")]
        {
            assert_eq!(bytes(count), text);
        }
    }
}
