//! What was found, in words.

use super::{Answer, AsService, AtDps, AtHub, Device, Other};
use roadstead_service::Entry;
use std::fmt::Write;

/// Entries of one timeline that are told.
const TOLD_MAX: usize = 10;

/// All of it.
pub fn all(answer: &Answer) -> String {
    let mut text = Text::default();
    for dps in &answer.dps {
        text.line(0, &of_dps(&answer.id, dps));
        text.timeline(&dps.timeline);
    }
    for hub in &answer.hubs {
        text.line(0, &of_hub(&answer.id, hub));
        text.timeline(&hub.timeline);
    }
    if !answer.elsewhere.is_empty() {
        text.line(0, &format!("{} named a host name or an ID scope that nobody here has.", answer.id));
        text.timeline(&answer.elsewhere);
    }
    for AsService { at, timeline } in &answer.services {
        text.line(0, &format!("{} is a back end that {at} did not let in.", answer.id));
        text.timeline(timeline);
    }
    if !answer.found && !answer.others.is_empty() {
        text.line(0, "Refused in the last 10 minutes, under other ids:");
        for Other { at, entry } in &answer.others {
            let id = entry.id.as_deref().unwrap_or("(no id)");
            text.line(1, &format!("{}  {id} at {at}: {}", time(&entry.time), event(entry)));
        }
    }
    text.0
}

fn of_hub(id: &str, hub: &AtHub) -> String {
    let place = format!("hub {} ({})", hub.name, hub.host_name);
    match &hub.device {
        None => format!("{id} is not registered in {place}."),
        Some(device) => format!("{id} is registered in {place}: {}.", standing(device)),
    }
}

/// `enabled, connected since 2026-11-22 14:02:11Z`
fn standing(device: &Device) -> String {
    let Device { status, status_reason, connection_state, connection_state_updated_time: since } = device;
    let reason = status_reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let is_never = since.starts_with("0001-");
    let connection = match (connection_state.as_str(), is_never) {
        ("Connected", _) => format!("connected since {}", time(since)),
        (_, true) => "never connected".to_owned(),
        _ => format!("not connected since {}", time(since)),
    };
    format!("{status}{reason}, {connection}")
}

fn of_dps(id: &str, dps: &AtDps) -> String {
    let place = format!("DPS {} (ID scope {})", dps.name, dps.id_scope);
    let enrolled = match (dps.enrolled, dps.provisioning_status.as_deref()) {
        (false, _) => "has no individual enrollment in",
        (true, Some("disabled")) => "has a disabled enrollment in",
        (true, _) => "is enrolled in",
    };
    match &dps.assigned_hub {
        Some(hub) => format!("{id} {enrolled} {place}, and is assigned to {hub}."),
        None => format!("{id} {enrolled} {place}, and is not assigned to a hub."),
    }
}

/// `2026-11-22 14:02:11Z`
fn time(iso: &str) -> String {
    format!("{}Z", iso.get(..19).unwrap_or(iso).replace('T', " "))
}

/// What happened, in one sentence without its end.
fn event(entry: &Entry) -> String {
    let from = match (&entry.protocol, &entry.address) {
        (Some(protocol), Some(address)) => format!(" over {} from {address}", protocol.to_uppercase()),
        (Some(protocol), None) => format!(" over {}", protocol.to_uppercase()),
        _ => String::new(),
    };
    let told = |member: &Option<String>| member.clone().unwrap_or_default();
    match entry.event.as_str() {
        "refused" => format!("refused{from}: {} [{}, {}]", told(&entry.message), told(&entry.cause), told(&entry.code)),
        "connected" => {
            let with = match entry.authentication.as_deref() {
                Some("certificate") => "its certificate",
                Some("policyKey") => "the key of a policy",
                _ => "its key",
            };
            format!("connected{from} with {with}")
        }
        "disconnected" => format!("disconnected: {}", told(&entry.reason)),
        "registered" => {
            let by = match (&entry.enrollment_group, &entry.enrollment) {
                (Some(group), _) => format!("enrollment group {group}"),
                (None, enrollment) => format!("enrollment {}", told(enrollment)),
            };
            format!("registered{from} by {by}, assigned to {}", told(&entry.hub))
        }
        "credentialsChanged" => "credentials changed".to_owned(),
        "twinUpdated" => format!("twin changed by a back end, version {}", entry.version.unwrap_or_default()),
        other => other.to_owned(),
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, depth: usize, text: &str) {
        writeln!(self.0, "{}{text}", "  ".repeat(depth)).expect("writing to a string does not fail");
    }

    /// Newest first; what mends a cause is said once, at its last refusal.
    fn timeline(&mut self, timeline: &[Entry]) {
        let mut mended: Vec<&Option<String>> = Vec::new();
        for entry in timeline.iter().take(TOLD_MAX) {
            self.line(1, &format!("{}  {}", time(&entry.time), event(entry)));
            if let (Some(count @ 2..), Some(since)) = (entry.count, &entry.since) {
                self.line(2, &format!("and {} more like this since {}", count - 1, time(since)));
            }
            let Some(mend) = entry.mend.as_ref().filter(|_| !mended.contains(&&entry.cause)) else { continue };
            mended.push(&entry.cause);
            self.line(2, &mend.text);
            if let Some(command) = &mend.command {
                self.line(2, &format!("$ {command}"));
            }
        }
        if timeline.len() > TOLD_MAX {
            self.line(1, &format!("and {} more; `-o json` shows all", timeline.len() - TOLD_MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_service::Mend;

    fn entry(time: &str, event: &str) -> Entry {
        Entry {
            time: format!("2026-11-22T{time}.0000000Z"),
            event: event.to_owned(),
            id: Some("thermo-7".to_owned()),
            protocol: Some("mqtt".to_owned()),
            address: Some("192.0.2.7".to_owned()),
            ..Entry::default()
        }
    }

    fn refused(time: &str) -> Entry {
        let mend = Mend { text: "Give the device its own key.".to_owned(), command: Some("roadstead x".to_owned()) };
        Entry {
            cause: Some("wrongKey".to_owned()),
            code: Some("CONNACK 5".to_owned()),
            message: Some("the token is not signed with a key of device `thermo-7`".to_owned()),
            mend: Some(mend),
            count: Some(1),
            since: Some(format!("2026-11-22T{time}.0000000Z")),
            ..entry(time, "refused")
        }
    }

    #[test]
    fn a_refused_device_is_told_with_what_mends_it() {
        let since = Some("2026-11-22T13:00:00.0000000Z".to_owned());
        let many = Entry { count: Some(12), since, ..refused("14:02:11") };
        let connected = Entry { authentication: Some("deviceKey".to_owned()), ..entry("12:00:00", "connected") };
        let gone = Entry {
            reason: Some("keepAliveTimeout".to_owned()),
            protocol: None,
            address: None,
            ..entry("12:30:00", "disconnected")
        };
        let registered = Entry {
            hub: Some("plant.localhost".to_owned()),
            enrollment_group: Some("fleet".to_owned()),
            ..entry("11:59:59", "registered")
        };
        let answer = Answer {
            id: "thermo-7".to_owned(),
            found: true,
            hubs: vec![AtHub {
                name: "plant".to_owned(),
                host_name: "plant.localhost".to_owned(),
                device: Some(Device {
                    status: "enabled".to_owned(),
                    status_reason: None,
                    connection_state: "Disconnected".to_owned(),
                    connection_state_updated_time: "2026-11-22T12:30:00.0000000Z".to_owned(),
                }),
                timeline: vec![many, gone, connected, refused("11:00:00")],
            }],
            dps: vec![AtDps {
                name: "plant-dps".to_owned(),
                id_scope: "0ne00ABC123".to_owned(),
                enrolled: false,
                provisioning_status: None,
                assigned_hub: Some("plant.localhost".to_owned()),
                timeline: vec![registered],
            }],
            elsewhere: Vec::new(),
            services: Vec::new(),
            others: Vec::new(),
        };
        insta::assert_snapshot!(all(&answer), @r"
        thermo-7 has no individual enrollment in DPS plant-dps (ID scope 0ne00ABC123), and is assigned to plant.localhost.
          2026-11-22 11:59:59Z  registered over MQTT from 192.0.2.7 by enrollment group fleet, assigned to plant.localhost
        thermo-7 is registered in hub plant (plant.localhost): enabled, not connected since 2026-11-22 12:30:00Z.
          2026-11-22 14:02:11Z  refused over MQTT from 192.0.2.7: the token is not signed with a key of device `thermo-7` [wrongKey, CONNACK 5]
            and 11 more like this since 2026-11-22 13:00:00Z
            Give the device its own key.
            $ roadstead x
          2026-11-22 12:30:00Z  disconnected: keepAliveTimeout
          2026-11-22 12:00:00Z  connected over MQTT from 192.0.2.7 with its key
          2026-11-22 11:00:00Z  refused over MQTT from 192.0.2.7: the token is not signed with a key of device `thermo-7` [wrongKey, CONNACK 5]
        ");
    }

    #[test]
    fn a_back_end_is_told_where_it_was_not_let_in() {
        let timeline = vec![Entry {
            protocol: Some("https".to_owned()),
            message: Some("the token is not signed with a key of policy `service`".to_owned()),
            code: Some("401002".to_owned()),
            ..refused("14:02:11")
        }];
        let answer = Answer {
            id: "policy/service".to_owned(),
            found: true,
            hubs: Vec::new(),
            dps: Vec::new(),
            elsewhere: Vec::new(),
            services: vec![AsService { at: "plant".to_owned(), timeline }],
            others: Vec::new(),
        };
        insta::assert_snapshot!(all(&answer), @r"
        policy/service is a back end that plant did not let in.
          2026-11-22 14:02:11Z  refused over HTTPS from 192.0.2.7: the token is not signed with a key of policy `service` [wrongKey, 401002]
            Give the device its own key.
            $ roadstead x
        ");
    }

    #[test]
    fn of_an_unknown_device_the_neighbours_are_told() {
        let others = vec![Other { at: "plant".to_owned(), entry: Entry { id: None, ..refused("14:00:00") } }];
        let answer = Answer {
            id: "x".to_owned(),
            found: false,
            hubs: Vec::new(),
            dps: Vec::new(),
            elsewhere: Vec::new(),
            services: Vec::new(),
            others,
        };
        insta::assert_snapshot!(all(&answer), @r"
        Refused in the last 10 minutes, under other ids:
          2026-11-22 14:00:00Z  (no id) at plant: refused over MQTT from 192.0.2.7: the token is not signed with a key of device `thermo-7` [wrongKey, CONNACK 5]
        ");
    }
}
