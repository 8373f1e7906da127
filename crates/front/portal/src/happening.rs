//! What happened to a device, as pages tell it.

use crate::cause;
use crate::moment::Moment;
use roadstead_model::RefusalCause;
use roadstead_service::{Entry, Mend};

/// One entry of a journal, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    /// Of several refusals, of the last.
    pub(crate) at: Option<Moment>,
    /// What kind of thing: `refused`.
    pub(crate) event: String,
    /// How its badge looks: `good`, `bad`, `warn` or nothing.
    pub(crate) look: &'static str,
    /// What it was: `token signed with another key`.
    pub(crate) words: String,
    /// `MQTT from 192.0.2.7`; empty where nobody came.
    pub(crate) from: String,
    /// As the protocol says it: `CONNACK 5`.
    pub(crate) code: String,
    /// As the log says it.
    pub(crate) message: String,
    /// How many refusals this is.
    pub(crate) count: u64,
    /// Of more than one refusal, when the first was.
    pub(crate) since: Option<Moment>,
    /// What mends it, where it is to be said.
    pub(crate) mend: Option<Mend>,
}

impl Happening {
    /// The entry, with what mends it.
    pub(crate) fn tell(entry: Entry) -> Self {
        let from = from(&entry);
        let (event, look, words) = what(&entry);
        let message = match (entry.message, entry.hub) {
            (None, Some(hub)) => Some(format!("It is assigned to {hub}.")),
            (message, _) => message,
        };
        let count = entry.count.unwrap_or(1);
        Self {
            at: Moment::parse(&entry.time),
            event,
            look,
            words,
            from,
            code: entry.code.unwrap_or_default(),
            message: message.unwrap_or_default(),
            count,
            since: entry.since.as_deref().filter(|_| count > 1).and_then(Moment::parse),
            mend: entry.mend,
        }
    }
}

/// All entries of a timeline, newest first. What mends a cause is said once, at its last refusal, and not where it was mended
/// after it: the device came through, or was enabled or added.
pub(crate) fn timeline(entries: Vec<Entry>) -> Vec<Happening> {
    let mut told: Vec<Option<String>> = Vec::new();
    let mut came_through = false;
    let mut tell = |mut entry: Entry| {
        came_through |= matches!(entry.event.as_str(), "connected" | "registered");
        told.extend(ended_by(&entry.event).map(|cause| Some(cause.to_string())));
        if came_through || told.contains(&entry.cause) {
            entry.mend = None;
        } else if entry.mend.is_some() {
            told.push(entry.cause.clone());
        }
        Happening::tell(entry)
    };
    entries.into_iter().map(&mut tell).collect()
}

/// The cause that an event puts an end to.
fn ended_by(event: &str) -> Option<RefusalCause> {
    match event {
        "enabled" => Some(RefusalCause::DeviceDisabled),
        "created" => Some(RefusalCause::UnknownDevice),
        _ => None,
    }
}

/// `MQTT from 192.0.2.7`
fn from(entry: &Entry) -> String {
    let protocol = entry.protocol.as_deref().unwrap_or_default().to_uppercase();
    match &entry.address {
        Some(address) => format!("{protocol} from {address}"),
        None => protocol,
    }
}

/// Event, look and words.
fn what(entry: &Entry) -> (String, &'static str, String) {
    let (event, look, words) = match entry.event.as_str() {
        "refused" => ("refused", "bad", cause::words(entry.cause.as_deref().unwrap_or_default()).to_owned()),
        "connected" => {
            let with = match entry.authentication.as_deref() {
                Some("certificate") => "with its certificate",
                Some("policyKey") => "with the key of a policy",
                Some("deviceKey") => "with its key",
                _ => "",
            };
            ("connected", "good", with.to_owned())
        }
        "disconnected" => ("disconnected", "", cause::reason(entry.reason.as_deref().unwrap_or_default()).to_owned()),
        "registered" => {
            let by = match (&entry.enrollment_group, &entry.enrollment) {
                (Some(group), _) => format!("by the enrollment group {group}"),
                (None, Some(_)) => "by its own enrollment".to_owned(),
                (None, None) => String::new(),
            };
            ("registered", "good", by)
        }
        "created" => ("added", "", "to the registry of the hub".to_owned()),
        "deleted" => ("deleted", "warn", "from the registry of the hub".to_owned()),
        "enabled" => ("enabled", "", "it may connect".to_owned()),
        "disabled" => ("disabled", "warn", "it is refused until it is enabled".to_owned()),
        "credentialsChanged" => ("keys changed", "", "or thumbprints, or the way it proves itself".to_owned()),
        "twinUpdated" => {
            let version = entry.version.map(|version| format!(", now at version {version}")).unwrap_or_default();
            ("twin changed", "", format!("by a back end{version}"))
        }
        other => (other, "", String::new()),
    };
    (event.to_owned(), look, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: &str) -> Entry {
        Entry { time: "2026-11-22T14:02:11.1230000Z".to_owned(), event: event.to_owned(), ..Entry::default() }
    }

    fn refused(cause: &str) -> Entry {
        let mend = Mend { text: format!("mend {cause}"), command: None };
        Entry { cause: Some(cause.to_owned()), count: Some(1), mend: Some(mend), ..entry("refused") }
    }

    #[test]
    fn every_event_is_told() {
        let some = |text: &str| Some(text.to_owned());
        let came = |event| Entry { protocol: some("mqtt"), address: some("192.0.2.7"), ..entry(event) };
        for (entry, event, words, from) in [
            (refused("wrongKey"), "refused", "token signed with another key", ""),
            (
                Entry { authentication: some("certificate"), ..came("connected") },
                "connected",
                "with its certificate",
                "MQTT from 192.0.2.7",
            ),
            (
                Entry { reason: some("takenOver"), ..entry("disconnected") },
                "disconnected",
                "a newer connection with its id took over",
                "",
            ),
            (
                Entry {
                    enrollment_group: some("fleet"),
                    hub: some("plant.localhost"),
                    address: None,
                    ..came("registered")
                },
                "registered",
                "by the enrollment group fleet",
                "MQTT",
            ),
            (
                Entry { enrollment: some("d"), hub: some("h"), ..entry("registered") },
                "registered",
                "by its own enrollment",
                "",
            ),
            (Entry { version: Some(7), ..entry("twinUpdated") }, "twin changed", "by a back end, now at version 7", ""),
            (entry("disabled"), "disabled", "it is refused until it is enabled", ""),
            (entry("newer"), "newer", "", ""),
        ] {
            let told = Happening::tell(entry);
            assert_eq!((told.event.as_str(), told.words.as_str(), told.from.as_str()), (event, words, from));
        }
    }

    #[test]
    fn one_that_registered_is_told_where_to() {
        let told = Happening::tell(Entry { hub: Some("plant.localhost".to_owned()), ..entry("registered") });
        assert_eq!(told.message, "It is assigned to plant.localhost.");
    }

    #[test]
    fn many_are_counted_since_the_first() {
        let since = Some("2026-11-22T14:00:00.0000000Z".to_owned());
        let told = Happening::tell(Entry { count: Some(3), since: since.clone(), ..refused("wrongKey") });
        assert_eq!((told.count, told.since.unwrap().shown.as_str()), (3, "2026-11-22 14:00:00 UTC"));
        assert_eq!(Happening::tell(Entry { since, ..refused("wrongKey") }).since, None);
    }

    #[test]
    fn what_mends_is_said_once_and_not_of_what_is_over() {
        let told = |entries: Vec<Entry>| -> Vec<Option<String>> {
            timeline(entries).into_iter().map(|told| told.mend.map(|mend| mend.text)).collect()
        };
        let mend = |cause: &str| Some(format!("mend {cause}"));
        assert_eq!(
            told(vec![refused("wrongKey"), entry("disconnected"), refused("tokenExpired"), refused("wrongKey")]),
            [mend("wrongKey"), None, mend("tokenExpired"), None]
        );
        assert_eq!(
            told(vec![refused("throttled"), entry("connected"), refused("wrongKey")]),
            [mend("throttled"), None, None]
        );
        assert_eq!(
            told(vec![refused("wrongKey"), entry("enabled"), refused("deviceDisabled"), refused("unknownDevice")]),
            [mend("wrongKey"), None, None, mend("unknownDevice")]
        );
        assert_eq!(told(vec![refused("unknownDevice"), entry("created")]), [mend("unknownDevice"), None]);
        assert_eq!(told(vec![entry("created"), refused("unknownDevice")]), [None, None]);
    }
}
