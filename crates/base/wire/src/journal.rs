//! Entries of journals, over HTTP. Ours: Azure has no such API. See `docs/design/002-refusals.md`.

use roadstead_model::{AuthMethod, Happening, Origin, UnixMillis, What};
use serde::{Deserialize, Serialize};

/// What mends a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mend {
    pub text: String,
    /// The one command that does it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// One entry. Members that do not apply to its event are absent.
///
/// Shape: `{"time":"2026-11-22T14:02:11.1230000Z","event":"connected","id":"thermo-7","protocol":"mqtt","address":"192.0.2.7",
/// "authentication":"certificate"}`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Of several refusals, the last.
    pub time: String,
    /// `refused`, `connected`, `disconnected`, `registered`, `created`, `deleted`, `enabled`, `disabled`,
    /// `credentialsChanged`, `twinUpdated`
    pub event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `mqtt`, `amqp`, `https`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The host name or ID scope that the client named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// A word of `roadstead_model::RefusalCause`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// As the protocol says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<Mend>,
    /// How many refusals this entry stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// When the first of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// `deviceKey`, `policyKey`, `certificate`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<String>,
    /// A word of `roadstead_model::DisconnectReason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment_group: Option<String>,
    /// Of the twin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl Entry {
    /// An entry as it is shown; `mend` is for refusals.
    pub fn new(happening: &Happening, mend: Option<Mend>) -> Self {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut entry = Self { time: happening.at.iso(), id: text(&happening.id), ..Self::default() };
        let event = match &happening.what {
            What::Refused(refusal) => {
                entry.come_from(Some(refusal.origin));
                entry.target = text(&refusal.target);
                entry.cause = Some(refusal.cause.to_string());
                entry.code = text(&refusal.code);
                entry.message = text(&refusal.message);
                entry.mend = mend;
                entry.count = Some(refusal.count);
                entry.since = Some(refusal.since.iso());
                "refused"
            }
            What::Connected { origin, method } => {
                entry.come_from(*origin);
                let word = match method {
                    AuthMethod::DeviceSas => "deviceKey",
                    AuthMethod::HubSas | AuthMethod::Hub => "policyKey",
                    AuthMethod::X509 => "certificate",
                };
                entry.authentication = Some(word.to_owned());
                "connected"
            }
            What::Disconnected(reason) => {
                entry.reason = Some(reason.to_string());
                "disconnected"
            }
            What::Registered { origin, hub, enrollment, is_group } => {
                entry.come_from(*origin);
                entry.hub = Some(hub.clone());
                let by = if *is_group { &mut entry.enrollment_group } else { &mut entry.enrollment };
                *by = Some(enrollment.clone());
                "registered"
            }
            What::Created => "created",
            What::Deleted => "deleted",
            What::Enabled => "enabled",
            What::Disabled => "disabled",
            What::CredentialsChanged => "credentialsChanged",
            What::TwinUpdated { version } => {
                entry.version = Some(*version);
                "twinUpdated"
            }
        };
        event.clone_into(&mut entry.event);
        entry
    }

    fn come_from(&mut self, origin: Option<Origin>) {
        self.protocol = origin.map(|origin| origin.protocol.to_string());
        self.address = origin.and_then(|origin| origin.address).map(|address| address.to_string());
    }
}

/// A time in ISO 8601 as a filter names it: `2026-11-22T14:00:00Z`.
pub fn parse_time(text: &str) -> Option<UnixMillis> {
    text.parse::<jiff::Timestamp>().ok().map(|at| UnixMillis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::{DeviceProtocol, DisconnectReason, HubKey, JournalOwner, RefusalCause, RefusalEntry};

    fn shown(what: What, mend: Option<Mend>) -> String {
        let (owner, id, at) = (JournalOwner::Hub(HubKey(1)), "dev-1".to_owned(), UnixMillis(1_795_294_800_000));
        let entry = Entry::new(&Happening { owner, id, at, what }, mend);
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
        text.strip_prefix(r#"{"time":"2026-11-21T21:00:00.0000000Z","event":"#).unwrap().to_owned()
    }

    #[test]
    fn every_event_has_its_members_and_no_others() {
        let origin = Origin { protocol: DeviceProtocol::Mqtt, address: Some([192, 0, 2, 7].into()) };
        let refusal = RefusalEntry {
            origin,
            target: "plant.localhost".to_owned(),
            cause: RefusalCause::WrongKey,
            code: "CONNACK 5".to_owned(),
            message: "no".to_owned(),
            count: 2,
            since: UnixMillis(1_795_294_799_000),
        };
        let mend = Mend { text: "do".to_owned(), command: None };
        let from = r#""id":"dev-1","protocol":"mqtt","address":"192.0.2.7""#;
        let registered = |is_group| What::Registered {
            origin: None,
            hub: "plant.localhost".to_owned(),
            enrollment: "fleet".to_owned(),
            is_group,
        };
        for (what, expected) in [
            (
                What::Refused(refusal),
                format!(
                    r#""refused",{from},"target":"plant.localhost","cause":"wrongKey","code":"CONNACK 5","message":"no","mend":{{"text":"do"}},"count":2,"since":"2026-11-21T20:59:59.0000000Z"}}"#
                ),
            ),
            (
                What::Connected { origin: Some(origin), method: AuthMethod::X509 },
                format!(r#""connected",{from},"authentication":"certificate"}}"#),
            ),
            (
                What::Disconnected(DisconnectReason::Disabled),
                r#""disconnected","id":"dev-1","reason":"disabled"}"#.to_owned(),
            ),
            (
                registered(false),
                r#""registered","id":"dev-1","hub":"plant.localhost","enrollment":"fleet"}"#.to_owned(),
            ),
            (
                registered(true),
                r#""registered","id":"dev-1","hub":"plant.localhost","enrollmentGroup":"fleet"}"#.to_owned(),
            ),
            (What::TwinUpdated { version: 3 }, r#""twinUpdated","id":"dev-1","version":3}"#.to_owned()),
            (What::Created, r#""created","id":"dev-1"}"#.to_owned()),
        ] {
            assert_eq!(shown(what, Some(mend.clone())), expected);
        }
    }

    #[test]
    fn times_are_read() {
        for (text, found) in [
            ("2026-11-21T21:00:00Z", Some(1_795_294_800_000)),
            ("2026-11-21T21:00:00.0000000Z", Some(1_795_294_800_000)),
            ("2026-11-21T22:00:00+01:00", Some(1_795_294_800_000)),
            ("2026-11-21", None),
            ("yesterday", None),
        ] {
            assert_eq!(parse_time(text).map(|at| at.0), found, "{text}");
        }
    }
}
