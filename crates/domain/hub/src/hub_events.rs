//! What the hub itself tells those who read its events: twins that changed, identities made and removed, devices that came
//! and went.
//!
//! Bodies and properties are Azure's, since they are stored as what they will be read as.
//! Source: docs, "Use IoT Hub message routing" (non-telemetry events), and the samples of its monitor output

use std::{
    error::Error,
    fmt::Write as _,
    sync::atomic::{AtomicI64, Ordering},
};

use roadstead_model::{
    AuthMethod, DisconnectReason, Event, EventSource, EventSwitches, GenerationId, IdentityId, ModuleId, Properties,
    SystemProperty, Twin, TwinSection, UnixMillis, twin::stamp,
};
use roadstead_store::Ticket;
use serde_json::{Map, Value, json};
use tracing::error;

use crate::{error::HubError, hub::Hub};

const CONNECTION_SCHEMA: &str = "deviceConnectionStateNotification";
const LIFECYCLE_SCHEMA: &str = "deviceLifecycleNotification";
const MODULE_LIFECYCLE_SCHEMA: &str = "moduleLifecycleNotification";
const TWIN_SCHEMA: &str = "twinChangeNotification";

/// Something that happened to an identity.
#[derive(Debug, Clone, Copy)]
pub(crate) enum News<'a> {
    Connected,
    Disconnected(DisconnectReason),
    /// With its first twin.
    Created(&'a Twin),
    /// With its last twin.
    Deleted(&'a Twin),
    TwinUpdated(TwinUpdate<'a>),
    /// With the whole twin after the replacement.
    TwinReplaced(&'a Twin),
}

/// What a patch changed in a twin: only the sections it named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TwinUpdate<'a> {
    /// The twin's version after the change.
    pub(crate) version: i64,
    /// When it was made, as in the section's metadata.
    pub(crate) at: &'a str,
    pub(crate) tags: Option<&'a Map<String, Value>>,
    pub(crate) desired: Option<SectionUpdate<'a>>,
    pub(crate) reported: Option<SectionUpdate<'a>>,
}

/// A patch of one section, nulls included, and the section's version after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SectionUpdate<'a> {
    pub(crate) patch: &'a Map<String, Value>,
    pub(crate) version: i64,
}

/// How one kind of news is labelled.
struct Label {
    source: EventSource,
    schema: &'static str,
    operation: &'static str,
}

impl News<'_> {
    fn label(&self, of_module: bool) -> Label {
        let (source, schema, operation) = match self {
            Self::Created(_) if of_module => {
                (EventSource::ModuleLifecycle, MODULE_LIFECYCLE_SCHEMA, "createModuleIdentity")
            }
            Self::Deleted(_) if of_module => {
                (EventSource::ModuleLifecycle, MODULE_LIFECYCLE_SCHEMA, "deleteModuleIdentity")
            }
            Self::Connected => (EventSource::DeviceConnectionState, CONNECTION_SCHEMA, "deviceConnected"),
            Self::Disconnected(_) => (EventSource::DeviceConnectionState, CONNECTION_SCHEMA, "deviceDisconnected"),
            Self::Created(_) => (EventSource::DeviceLifecycle, LIFECYCLE_SCHEMA, "createDeviceIdentity"),
            Self::Deleted(_) => (EventSource::DeviceLifecycle, LIFECYCLE_SCHEMA, "deleteDeviceIdentity"),
            Self::TwinUpdated(_) => (EventSource::TwinChange, TWIN_SCHEMA, "updateTwin"),
            Self::TwinReplaced(_) => (EventSource::TwinChange, TWIN_SCHEMA, "replaceTwin"),
        };
        Label { source, schema, operation }
    }

    fn is_wanted(&self, switches: EventSwitches) -> bool {
        match self {
            Self::Connected | Self::Disconnected(_) => switches.connection_state,
            Self::Created(_) | Self::Deleted(_) => switches.device_lifecycle,
            Self::TwinUpdated(_) | Self::TwinReplaced(_) => switches.twin_changes,
        }
    }
}

/// Numbers connection states, so that a reader can tell which of two is the later one: the time, but never twice the same.
#[derive(Debug, Default)]
pub(crate) struct Sequence(AtomicI64);

impl Sequence {
    /// 64 hex digits, greater than any before; also than those of an earlier run, unless the clock was put back.
    /// Shape: `000000000000000001DD79F34952CD40` and 32 zeros. Source: docs, connection state events, which say no more than
    /// that they compare as hexadecimal numbers
    fn next(&self, now: UnixMillis) -> String {
        const TICKS_TO_1970: i64 = 116_444_736_000_000_000; // 100 ns since 1601, as Windows counts
        let ticks = now.0.saturating_mul(10_000).saturating_add(TICKS_TO_1970);
        let after = |last: i64| ticks.max(last.saturating_add(1));
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
        format!("{:032X}{:032X}", after(last.unwrap_or_else(|last| last)), 0)
    }
}

/// News on their way into the log.
#[derive(Debug)]
#[must_use = "the log may lose it until it was waited for"]
pub(crate) struct Told {
    id: IdentityId,
    ticket: Ticket,
}

impl Hub {
    /// Before something is done that is to be told of: whether it can be told, as far as the log knows by now.
    /// Errors: `Full`, `Internal`; then it must not be done.
    pub(crate) fn check_log(&self, is_told: impl Fn(EventSwitches) -> bool) -> Result<(), HubError> {
        match self.log().refusal().filter(|_| is_told(self.settings().events)) {
            Some(refusal) => Err(refusal.into()),
            None => Ok(()),
        }
    }

    /// Queues an event for those who read the hub's events, if its settings ask for such. It is there for good after
    /// [`Hub::told`]. What it tells of is done and stays so: an event that the log does not take is lost, and counted.
    pub(crate) fn tell(&self, id: &IdentityId, generation: GenerationId, news: News<'_>) -> Option<Told> {
        let queued = self.queue(id, generation, news).inspect_err(|error| self.note_lost(id, error)).ok().flatten();
        queued.map(|ticket| Told { id: id.clone(), ticket })
    }

    fn queue(&self, id: &IdentityId, generation: GenerationId, news: News<'_>) -> Result<Option<Ticket>, HubError> {
        let resource = self.resource();
        if !news.is_wanted(resource.settings.events) {
            return Ok(None);
        }
        let label = news.label(id.module.is_some());
        let mut properties = self.properties_of(resource.name.as_str(), id, &label);
        if let News::Disconnected(reason) = news {
            // Not Azure's, whose body and properties stay as they are.
            properties.push_application("disconnectReason", Some(reason.as_str()));
        }
        let body = self.body_of(id, &news).to_string();
        let event = Event {
            source: label.source,
            auth: AuthMethod::Hub,
            device_id: id.device.as_str(),
            module_id: id.module.as_ref().map(ModuleId::as_str),
            generation,
            properties: &properties,
            body: body.as_bytes(),
        };
        self.route(&event).map(Some)
    }

    /// The twin to tell of when the identity is removed; `None` when nobody is told.
    pub(crate) async fn last_twin(&self, id: &IdentityId) -> Result<Option<Twin>, HubError> {
        if !self.resource().settings.events.device_lifecycle {
            return Ok(None);
        }
        Ok(self.records().find_twin(self.key(), id).await?)
    }

    /// Waits until what was told is durable, or lost.
    pub(crate) async fn told(&self, told: Option<Told>) {
        let Some(Told { id, ticket }) = told else { return };
        if let Err(error) = self.log().commits().wait(ticket).await {
            self.note_lost(&id, &error);
        }
    }

    fn note_lost(&self, id: &IdentityId, cause: &dyn Error) {
        self.lost_events().fetch_add(1, Ordering::Relaxed);
        error!(identity = %id, hub = %self.resource().name, "an event of the hub is lost; what it tells of is done: {cause}");
    }

    fn properties_of(&self, hub: &str, id: &IdentityId, label: &Label) -> Properties {
        let mut bytes = [0; 16];
        self.random().fill(&mut bytes);
        let correlation = bytes.iter().fold(String::with_capacity(32), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let mut properties = Properties::new();
        properties.push_system(SystemProperty::CorrelationId, &correlation);
        properties.push_system(SystemProperty::UserId, hub);
        properties.push_system(SystemProperty::ContentType, "application/json");
        properties.push_system(SystemProperty::ContentEncoding, "utf-8");
        properties.push_application("hubName", Some(hub));
        properties.push_application("deviceId", Some(id.device.as_str()));
        if let Some(module) = &id.module {
            properties.push_application("moduleId", Some(module.as_str()));
        }
        properties.push_application("operationTimestamp", Some(&self.now().iso()));
        properties.push_system(SystemProperty::MessageSchema, label.schema);
        properties.push_application("opType", Some(label.operation));
        properties
    }

    fn body_of(&self, id: &IdentityId, news: &News<'_>) -> Value {
        match news {
            News::Connected | News::Disconnected(_) => json!({ "sequenceNumber": self.sequence().next(self.now()) }),
            News::Created(twin) | News::Deleted(twin) | News::TwinReplaced(twin) => whole(id, twin),
            News::TwinUpdated(update) => changes(update),
        }
    }
}

/// Shape: `{"deviceId":"dev1","moduleId":"m1","etag":"AAAAAAAAAAE=","version":2,"tags":{…},"properties":{"desired":{…},
/// "reported":{…}}}`; without tags when there are none, as in the docs' sample.
fn whole(id: &IdentityId, twin: &Twin) -> Value {
    let mut body = Map::new();
    body.insert("deviceId".to_owned(), id.device.as_str().into());
    if let Some(module) = &id.module {
        body.insert("moduleId".to_owned(), module.as_str().into());
    }
    body.insert("etag".to_owned(), twin.etag.as_str().into());
    body.insert("version".to_owned(), twin.version.into());
    if !twin.tags.is_empty() {
        body.insert("tags".to_owned(), twin.tags.clone().into());
    }
    let section = |TwinSection { value, metadata, version }: &TwinSection| shown(value, metadata.clone(), *version);
    let properties = json!({ "desired": section(&twin.desired), "reported": section(&twin.reported) });
    body.insert("properties".to_owned(), properties);
    body.into()
}

/// Shape: `{"version":7,"tags":{"tag1":"x"},"properties":{"desired":{"p":1,"$metadata":{…},"$version":6}}}`
fn changes(update: &TwinUpdate<'_>) -> Value {
    let mut body = Map::new();
    body.insert("version".to_owned(), update.version.into());
    if let Some(tags) = update.tags {
        body.insert("tags".to_owned(), tags.clone().into());
    }
    let mut properties = Map::new();
    if let Some(SectionUpdate { patch, version }) = update.desired {
        properties.insert("desired".to_owned(), shown(patch, stamp(patch, update.at, Some(version)), version));
    }
    if let Some(SectionUpdate { patch, version }) = update.reported {
        properties.insert("reported".to_owned(), shown(patch, stamp(patch, update.at, None), version));
    }
    if !properties.is_empty() {
        body.insert("properties".to_owned(), properties.into());
    }
    body.into()
}

fn shown(value: &Map<String, Value>, metadata: Map<String, Value>, version: i64) -> Value {
    let mut shown = value.clone();
    shown.insert("$metadata".to_owned(), metadata.into());
    shown.insert("$version".to_owned(), version.into());
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::InitialTwin;

    #[test]
    fn sequence_numbers_grow_whatever_the_clock_does() {
        let sequence = Sequence::default();
        let numbers: Vec<String> =
            [1_795_291_370_516, 1_795_291_370_516, 1_795_291_360_000, 1_795_291_370_517, i64::MAX, i64::MIN]
                .map(|now| sequence.next(UnixMillis(now)))
                .into();
        assert!(numbers[0].starts_with("000000000000000001DD79F34952CD40"), "{}", numbers[0]);
        for number in &numbers {
            assert!(number.len() == 64 && number.bytes().all(|digit| digit.is_ascii_hexdigit()), "{number}");
        }
        assert!(numbers[..5].is_sorted_by(|earlier, later| earlier < later), "{numbers:?}");
    }

    #[test]
    fn a_whole_twin() {
        let now = UnixMillis(0);
        let mut twin = Twin::new(&InitialTwin::default(), now);
        let id = IdentityId::from_text("dev1/m1").unwrap();
        let section = json!({"$metadata": {"$lastUpdated": "0001-01-01T00:00:00Z"}, "$version": 1});
        let expected = json!({"deviceId": "dev1", "moduleId": "m1", "etag": "AAAAAAAAAAE=", "version": 2,
            "properties": {"desired": section, "reported": section}});
        assert_eq!(whole(&id, &twin), expected);
        twin.tags.insert("site".to_owned(), "north".into());
        let device = id.device.into();
        assert_eq!(whole(&device, &twin)["tags"], json!({"site": "north"}));
        assert_eq!(whole(&device, &twin).get("moduleId"), None);
    }

    #[test]
    fn only_what_changed() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let (tags, patch) = (map(json!({"tag1": "x"})), map(json!({"p": {"q": 1}, "gone": null})));
        let desired = Some(SectionUpdate { patch: &patch, version: 6 });
        let update = TwinUpdate { version: 7, at: "now", tags: Some(&tags), desired, reported: None };
        let leaf = json!({"$lastUpdated": "now", "$lastUpdatedVersion": 6});
        let inner = json!({"$lastUpdated": "now", "$lastUpdatedVersion": 6, "q": leaf});
        let metadata = json!({"$lastUpdated": "now", "$lastUpdatedVersion": 6, "p": inner});
        let expected = json!({"version": 7, "tags": {"tag1": "x"}, "properties": {
            "desired": {"p": {"q": 1}, "gone": null, "$metadata": metadata, "$version": 6}}});
        assert_eq!(changes(&update), expected);
        let reported = Some(SectionUpdate { patch: &patch, version: 3 });
        let shown = changes(&TwinUpdate { tags: None, desired: None, reported, ..update });
        assert_eq!(
            shown["properties"]["reported"]["$metadata"]["p"],
            json!({"$lastUpdated": "now", "q": {"$lastUpdated": "now"}})
        );
        assert_eq!(shown.get("tags"), None);
    }
}
