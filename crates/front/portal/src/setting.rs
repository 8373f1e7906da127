//! The settings of a hub that a page changes: what each is called, where it is in the hub's resource, how it is typed.

mod field;

pub(crate) use self::field::{Field, Input};
use crate::ask::Ask;
use crate::fault::Fault;
use crate::limits::{DELIVERY_COUNT, LOCK_S, MESSAGE_DEPTH, RETENTION_DAYS, TTL_S, UPLOAD_LIFETIME_S};
use crate::span::Span;
use roadstead_wire::IsoDuration;
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// One setting.
pub(crate) struct Setting {
    /// Of its field in the form.
    pub(crate) name: &'static str,
    /// What a reader calls it.
    pub(crate) words: &'static str,
    /// What it does.
    pub(crate) hint: &'static str,
    /// How it is typed, and where it is.
    form: Form,
}

/// How a setting is typed, with where it is in the resource.
enum Form {
    /// A whole number.
    Count(&'static str, RangeInclusive<u32>),
    /// Seconds, as ISO 8601.
    Span(&'static str, RangeInclusive<u32>),
    /// On or off.
    Switch(&'static str),
    /// Whether events of this source are in the built-in log: its routes.
    Events(&'static str),
    /// A tier of Azure, and how many units of it; or none.
    Throttle(&'static str),
}

/// Settings that belong together.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) settings: &'static [Setting],
}

const RETENTION: &str = "/properties/eventHubEndpoints/events/retentionTimeInDays";

const fn setting(name: &'static str, words: &'static str, hint: &'static str, form: Form) -> Setting {
    Setting { name, words, hint, form }
}

/// All there are. Source: `reference/arm-and-az.md` 3 and 5; docs, "Configure IoT Hub", "Configure IoT Hub file uploads"
pub(crate) static SECTIONS: [Section; 5] = [
    Section {
        title: "Messages to devices",
        settings: &[
            setting(
                "queue-depth",
                "Messages that may wait for one device",
                "Further messages are refused. Azure allows 50",
                Form::Count("/properties/roadstead/messageQueueDepth", MESSAGE_DEPTH),
            ),
            setting(
                "message-ttl",
                "How long a message waits",
                "Unless its sender says; then it is dead-lettered",
                Form::Span("/properties/cloudToDevice/defaultTtlAsIso8601", TTL_S),
            ),
            setting(
                "message-deliveries",
                "Deliveries of a message",
                "Then it is dead-lettered",
                Form::Count("/properties/cloudToDevice/maxDeliveryCount", DELIVERY_COUNT),
            ),
        ],
    },
    Section {
        title: "Feedback on messages to devices",
        settings: &[
            setting(
                "feedback-ttl",
                "How long feedback waits",
                "For a back end to read it; then it is gone",
                Form::Span("/properties/cloudToDevice/feedback/ttlAsIso8601", TTL_S),
            ),
            setting(
                "feedback-lock",
                "How long feedback is locked",
                "A reader that does not settle it within is offered it again",
                Form::Span("/properties/cloudToDevice/feedback/lockDurationAsIso8601", LOCK_S),
            ),
            setting(
                "feedback-deliveries",
                "Deliveries of feedback",
                "Then it is gone",
                Form::Count("/properties/cloudToDevice/feedback/maxDeliveryCount", DELIVERY_COUNT),
            ),
        ],
    },
    Section {
        title: "File uploads",
        settings: &[
            setting(
                "upload-lifetime",
                "How long a device may take for an upload",
                "Then its upload address expires",
                Form::Span("/properties/storageEndpoints/$default/sasTtlAsIso8601", UPLOAD_LIFETIME_S),
            ),
            setting(
                "upload-notifications",
                "Finished uploads leave a notification",
                "For back ends that read them",
                Form::Switch("/properties/enableFileUploadNotifications"),
            ),
            setting(
                "upload-ttl",
                "How long a notification waits",
                "For a back end to read it; then it is gone",
                Form::Span("/properties/messagingEndpoints/fileNotifications/ttlAsIso8601", TTL_S),
            ),
            setting(
                "upload-lock",
                "How long a notification is locked",
                "A reader that does not settle it within is offered it again",
                Form::Span("/properties/messagingEndpoints/fileNotifications/lockDurationAsIso8601", LOCK_S),
            ),
            setting(
                "upload-deliveries",
                "Deliveries of a notification",
                "Then it is gone",
                Form::Count("/properties/messagingEndpoints/fileNotifications/maxDeliveryCount", DELIVERY_COUNT),
            ),
        ],
    },
    Section {
        title: "Messages from devices",
        settings: &[
            setting(
                "retention",
                "Days for which messages are kept",
                "For all readers; older ones are deleted, read or not",
                Form::Count(RETENTION, RETENTION_DAYS),
            ),
            setting(
                "twin-changes",
                "Changes of twins are among them",
                "Who reads the messages sees each change of a twin",
                Form::Events("TwinChangeEvents"),
            ),
            setting(
                "device-lifecycle",
                "Devices made and deleted are among them",
                "Modules, too",
                Form::Events("DeviceLifecycleEvents"),
            ),
            setting(
                "connection-state",
                "Devices that connect and leave are among them",
                "With why they left",
                Form::Events("DeviceConnectionStateEvents"),
            ),
        ],
    },
    Section {
        title: "Roadstead's own",
        settings: &[
            setting(
                "throttle",
                "Refuse too many requests",
                "As a hub of this tier of Azure would, to see what your devices do then",
                Form::Throttle("/properties/roadstead/throttle"),
            ),
            setting(
                "fault-injection",
                "Messages may ask for faults",
                "For tests of clients: the vendor's fault properties make the hub misbehave",
                Form::Switch("/properties/roadstead/faultInjection"),
            ),
        ],
    },
];

/// Words in the resource, and in a form, for what a hub can be as slow as.
const TIERS: [(&str, &str); 4] =
    [("", "never"), ("azure-s1", "like tier S1"), ("azure-s2", "like tier S2"), ("azure-s3", "like tier S3")];

/// One setting that becomes another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) words: &'static str,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// All settings in order.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// What is different in the second of two resources.
pub(crate) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let change = |setting: &'static Setting| {
        let (old, new) = (setting.read(before), setting.read(after));
        (old != new).then(|| Change { words: setting.words, before: setting.shown(&old), after: setting.shown(&new) })
    };
    all().filter_map(change).collect()
}

/// What a form says differently than the resource, a typing error as it was typed.
pub(crate) fn wanted(shown: &Value, ask: &Ask) -> Vec<Change> {
    let change = |setting: &'static Setting| {
        let now = setting.read(shown);
        let wanted = match setting.typed(ask) {
            Ok(typed) => (typed != now).then(|| setting.shown(&typed)),
            Err(_) => Some(setting.raw(ask)),
        };
        wanted.map(|before| Change { words: setting.words, before, after: setting.shown(&now) })
    };
    all().filter_map(change).collect()
}

/// What goes for good when the second of two resources takes the place of the first; `None` when nothing does.
pub(crate) fn loss(before: &Value, after: &Value) -> Option<String> {
    let days = |document: &Value| document.pointer(RETENTION)?.as_u64();
    let (now, then) = (days(before)?, days(after)?);
    let unit = if then == 1 { "day" } else { "days" };
    let text =
        || format!("Messages that are older than {then} {unit} are deleted, read or not; now {now} days are kept.");
    (then < now).then(text)
}

/// The resource as the form wants it: what it does not say differently stays as it is written.
///
/// Errors: `Invalid` when what was typed is no number.
pub(crate) fn applied(shown: &Value, ask: &Ask) -> Result<Value, Fault> {
    let mut document = shown.clone();
    for setting in all() {
        let typed = setting.typed(ask)?;
        if typed != setting.read(shown) {
            setting.write(&mut document, typed);
        }
    }
    Ok(document)
}

impl Setting {
    /// Its value in a resource: a number (of seconds, too), a boolean, or what a throttle is.
    fn read(&self, document: &Value) -> Value {
        let at = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
        match &self.form {
            Form::Count(pointer, _) | Form::Throttle(pointer) => at(pointer),
            Form::Switch(pointer) => (at(pointer) == true).into(),
            Form::Span(pointer, _) => {
                at(pointer).as_str().and_then(IsoDuration::parse).map_or(Value::Null, |span| span.seconds.into())
            }
            Form::Events(source) => {
                let routes = at("/properties/routing/routes");
                let counts = |route: &Value| is_of(route, source) && route["isEnabled"] != false;
                routes.as_array().is_some_and(|routes| routes.iter().any(counts)).into()
            }
        }
    }

    /// The value that the form has for it.
    fn typed(&self, ask: &Ask) -> Result<Value, Fault> {
        let number = |name: &str| -> Result<u32, Fault> {
            let typed = ask.field(name).trim();
            let odd = || Fault::Invalid(format!("{}: `{typed}` is no whole number.", self.words));
            typed.parse().map_err(|_| odd())
        };
        Ok(match &self.form {
            Form::Count(..) => number(self.name)?.into(),
            Form::Switch(_) | Form::Events(_) => (ask.field(self.name) == "on").into(),
            Form::Span(..) => {
                let (count, unit) = (number(self.name)?, ask.field(&self.unit_name()));
                let odd = || Fault::Invalid(format!("{}: {count} {unit} is too much, or no time.", self.words));
                Span::seconds(count, unit).ok_or_else(odd)?.into()
            }
            Form::Throttle(_) if ask.field(self.name).is_empty() => Value::Null,
            Form::Throttle(_) => json!({"tier": ask.field(self.name), "units": number(&self.units_name())?}),
        })
    }

    /// What the form has for it, word for word.
    fn raw(&self, ask: &Ask) -> String {
        let field = |name: &str| ask.field(name).trim().to_owned();
        match &self.form {
            Form::Span(..) => format!("{} {}", field(self.name), field(&self.unit_name())),
            Form::Throttle(_) => format!("{} {}", field(self.name), field(&self.units_name())),
            _ => field(self.name),
        }
    }

    fn write(&self, document: &mut Value, value: Value) {
        match &self.form {
            Form::Count(pointer, _) | Form::Throttle(pointer) | Form::Switch(pointer) => {
                *place(document, pointer) = value;
            }
            Form::Span(pointer, _) => {
                let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or_default();
                *place(document, pointer) = IsoDuration { seconds }.to_string().into();
            }
            Form::Events(source) => switch(document, source, value == true),
        }
    }

    /// A value in words: `50`, `1 hour`, `on`, `like tier S1, 2 units`.
    fn shown(&self, value: &Value) -> String {
        match (&self.form, value) {
            (Form::Throttle(_), Value::Object(like)) => {
                let tier = like.get("tier").and_then(Value::as_str).unwrap_or_default();
                let words = TIERS.iter().find(|(word, _)| *word == tier).map_or(tier, |(_, words)| words);
                let units = like.get("units").and_then(Value::as_u64).unwrap_or(1);
                if units == 1 { words.to_owned() } else { format!("{words}, {units} units") }
            }
            (Form::Throttle(_), _) => TIERS[0].1.to_owned(),
            (Form::Switch(_) | Form::Events(_), value) => if *value == true { "on" } else { "off" }.to_owned(),
            (_, Value::Null) => "not set".to_owned(),
            (Form::Span(..), value) => Span::of(value.as_u64().unwrap_or_default()).to_string(),
            (Form::Count(..), value) => value.to_string(),
        }
    }

    fn unit_name(&self) -> String {
        format!("{}-unit", self.name)
    }

    fn units_name(&self) -> String {
        format!("{}-units", self.name)
    }
}

fn is_of(route: &Value, source: &str) -> bool {
    route["source"].as_str().is_some_and(|named| named.eq_ignore_ascii_case(source))
}

/// Lets all routes of a source count, or none; there is one when they shall.
fn switch(document: &mut Value, source: &str, on: bool) {
    let routes = place(document, "/properties/routing/routes");
    if !routes.is_array() {
        *routes = json!([]);
    }
    let Some(routes) = routes.as_array_mut() else { return };
    let mut is_there = false;
    for route in routes.iter_mut().filter(|route| is_of(route, source)) {
        route["isEnabled"] = on.into();
        is_there = true;
    }
    if on && !is_there {
        routes.push(json!({
            "name": source, "source": source, "condition": "true", "endpointNames": ["events"], "isEnabled": true,
        }));
    }
}

/// The member at a pointer, made with the objects above it where it is absent.
pub(crate) fn place<'a>(document: &'a mut Value, pointer: &str) -> &'a mut Value {
    pointer.split('/').skip(1).fold(document, |holder, name| {
        if !holder.is_object() {
            *holder = json!({});
        }
        &mut holder[name]
    })
}
