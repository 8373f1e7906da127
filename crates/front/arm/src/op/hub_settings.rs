//! A hub's settings, between the members of its resource and what the domain calls them.

use roadstead_model::{CloudToDevice, EventSwitches, FileUploads, HubSettings, ThrottleProfile};
use roadstead_resources::{ResourceError, RouteSource, RouteSpec, SettingsSpec, Throttling};
use roadstead_wire::{
    IsoDuration, Words,
    arm::{
        self, Feedback, HubProperties, MessagingEndpoints, Roadstead, Route, Routing, StorageEndpoint, StorageEndpoints,
    },
};
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;

/// The key under which `routing` is kept among a resource's other members: the settings know only what follows from it.
const ROUTING: &str = "routing";
/// The same of the place where uploads go.
const STORAGE: &str = "storageEndpoints";
/// Members that hubs stored before there were settings keep among the others.
const SETTINGS: [&str; 4] = ["cloudToDevice", "enableFileUploadNotifications", "messagingEndpoints", "roadstead"];
/// What the built-in endpoint is called.
const EVENTS: &str = "events";
/// Source: docs, template reference; `az iot hub message-route fallback` shows it under this name.
const FALLBACK: &str = "$fallback";

/// What a resource asks of the settings. Errors: durations that are none.
pub(crate) fn read(properties: &HubProperties) -> Result<SettingsSpec, Refusal> {
    let messages = properties.cloud_to_device.clone().unwrap_or_default();
    let feedback = messages.feedback.unwrap_or_default();
    let ours = properties.roadstead.clone().unwrap_or_default();
    let routing = properties.routing.as_ref();
    let storage = properties.storage_endpoints.as_ref().and_then(|endpoints| endpoints.default.as_ref());
    let told = properties.messaging_endpoints.clone().and_then(|endpoints| endpoints.file_notifications);
    let told = told.unwrap_or_default();
    Ok(SettingsSpec {
        depth_max: ours.message_queue_depth,
        delivery_count_max: messages.max_delivery_count,
        default_ttl_s: seconds("cloudToDevice.defaultTtlAsIso8601", messages.default_ttl.as_deref())?,
        feedback_ttl_s: seconds("cloudToDevice.feedback.ttlAsIso8601", feedback.ttl.as_deref())?,
        feedback_lock_s: seconds("cloudToDevice.feedback.lockDurationAsIso8601", feedback.lock_duration.as_deref())?,
        feedback_delivery_count_max: feedback.max_delivery_count,
        routes: routing.and_then(|routing| routing.routes.as_ref()).map(|routes| routes.iter().map(route).collect()),
        fallback: routing.and_then(|routing| routing.fallback_route.as_ref()).map(fallback),
        throttle: ours.throttle.map(|throttling| match throttling {
            arm::Throttling::Off => Throttling::Off,
            arm::Throttling::Like(like) => Throttling::Like(ThrottleProfile { tier: like.tier.0, units: like.units }),
        }),
        fault_injection: ours.fault_injection,
        upload_lifetime_s: seconds(
            "storageEndpoints.$default.sasTtlAsIso8601",
            storage.and_then(|storage| storage.sas_ttl.as_deref()),
        )?,
        file_notifications: properties.enable_file_upload_notifications,
        file_notification_ttl_s: seconds("messagingEndpoints.fileNotifications.ttlAsIso8601", told.ttl.as_deref())?,
        file_notification_lock_s: seconds(
            "messagingEndpoints.fileNotifications.lockDurationAsIso8601",
            told.lock_duration.as_deref(),
        )?,
        file_notification_delivery_count_max: told.max_delivery_count,
    })
}

fn seconds(member: &'static str, text: Option<&str>) -> Result<Option<u32>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let duration = IsoDuration::parse(text).ok_or_else(|| ResourceError::Value {
        member,
        given: format!("`{}`", text.chars().take(64).collect::<String>()),
        allowed: "an ISO 8601 duration such as PT1H or P1D".to_owned(),
    })?;
    Ok(Some(duration.seconds))
}

pub(crate) fn route(route: &Route) -> RouteSpec {
    RouteSpec {
        name: route.name.clone().unwrap_or_default(),
        source: source(&route.source),
        condition: route.condition.clone().unwrap_or_default(),
        endpoints: route.endpoint_names.clone().unwrap_or_default(),
        enabled: route.is_enabled.unwrap_or(true),
    }
}

/// The fallback route may leave out what cannot be otherwise.
fn fallback(given: &Route) -> RouteSpec {
    let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    let whole = Route {
        name: Some(or(given.name.as_deref().unwrap_or_default(), FALLBACK)),
        source: or(&given.source, arm::RouteSource::DeviceMessages.word()),
        endpoint_names: given.endpoint_names.clone().or_else(|| Some(vec![EVENTS.to_owned()])),
        ..given.clone()
    };
    route(&whole)
}

fn source(text: &str) -> RouteSource {
    match arm::RouteSource::parse_word(text) {
        Some(arm::RouteSource::DeviceMessages) => RouteSource::Telemetry,
        Some(arm::RouteSource::TwinChanges) => RouteSource::TwinChanges,
        Some(arm::RouteSource::DeviceLifecycle) => RouteSource::DeviceLifecycle,
        Some(arm::RouteSource::ConnectionState) => RouteSource::ConnectionState,
        None => RouteSource::Other(text.to_owned()),
    }
}

/// Keeps `routing` and `storageEndpoints` as they were written: names of routes, what is empty.
pub(crate) fn with_written(
    mut other: Map<String, Value>,
    routing: Option<&Routing>,
    storage: Option<&StorageEndpoints>,
) -> Map<String, Value> {
    let written = "texts and lists under text keys can be written as JSON";
    if let Some(routing) = routing {
        other.insert(ROUTING.to_owned(), serde_json::to_value(routing).expect(written));
    }
    if let Some(storage) = storage {
        other.insert(STORAGE.to_owned(), serde_json::to_value(storage).expect(written));
    }
    other
}

/// `storageEndpoints` as the hub follows it: what was kept, and for how long a device may write.
pub(crate) fn take_storage(other: &mut Map<String, Value>, files: &FileUploads) -> StorageEndpoints {
    let kept = other.shift_remove(STORAGE).and_then(|kept| serde_json::from_value::<StorageEndpoints>(kept).ok());
    let mut members = kept.and_then(|kept| kept.default).map(|default| default.other).unwrap_or_default();
    for member in ["connectionString", "containerName"] {
        members.entry(member).or_insert_with(|| "".into());
    }
    let sas_ttl = Some(IsoDuration { seconds: files.lifetime_s }.to_string());
    StorageEndpoints { default: Some(StorageEndpoint { sas_ttl, other: members }) }
}

pub(crate) fn messaging_endpoints(files: &FileUploads) -> MessagingEndpoints {
    let duration = |seconds| Some(IsoDuration { seconds }.to_string());
    MessagingEndpoints {
        file_notifications: Some(Feedback {
            lock_duration: duration(files.notification_lock_s),
            ttl: duration(files.notification_ttl_s),
            max_delivery_count: Some(files.notification_delivery_count_max),
        }),
    }
}

/// `routing` as the hub follows it: the routes that were kept, and one for what was switched on otherwise.
pub(crate) fn take_routing(other: &mut Map<String, Value>, events: EventSwitches) -> Routing {
    for member in SETTINGS {
        other.shift_remove(member);
    }
    let kept = other.shift_remove(ROUTING).and_then(|kept| serde_json::from_value::<Routing>(kept).ok());
    let mut routing = kept.unwrap_or_default();
    let routes = routing.routes.get_or_insert_default();
    for (source, on) in [
        (arm::RouteSource::TwinChanges, events.twin_changes),
        (arm::RouteSource::DeviceLifecycle, events.device_lifecycle),
        (arm::RouteSource::ConnectionState, events.connection_state),
    ] {
        let of_source = |route: &&mut Route| arm::RouteSource::parse_word(&route.source) == Some(source);
        let mut is_shown = false;
        for route in routes.iter_mut().filter(of_source) {
            let is_enabled = on && route.is_enabled.unwrap_or(true);
            route.is_enabled = Some(is_enabled);
            is_shown |= is_enabled;
        }
        if on && !is_shown {
            routes.push(all_of(source.word(), source));
        }
    }
    routing.fallback_route.get_or_insert_with(|| all_of(FALLBACK, arm::RouteSource::DeviceMessages));
    for (kind, empty) in [("endpoints", endpoints()), ("enrichments", json!([]))] {
        routing.other.entry(kind).or_insert(empty);
    }
    routing
}

fn all_of(name: &str, source: arm::RouteSource) -> Route {
    Route {
        name: Some(name.to_owned()),
        source: source.word().to_owned(),
        condition: Some("true".to_owned()),
        endpoint_names: Some(vec![EVENTS.to_owned()]),
        is_enabled: Some(true),
    }
}

/// `az` sets members of these and fails where they are absent.
fn endpoints() -> Value {
    json!({"serviceBusQueues": [], "serviceBusTopics": [], "eventHubs": [], "storageContainers": [], "cosmosDBSqlContainers": []})
}

pub(crate) fn cloud_to_device(messages: &CloudToDevice) -> arm::CloudToDevice {
    let duration = |seconds| Some(IsoDuration { seconds }.to_string());
    arm::CloudToDevice {
        max_delivery_count: Some(messages.delivery_count_max),
        default_ttl: duration(messages.default_ttl_s),
        feedback: Some(Feedback {
            lock_duration: duration(messages.feedback_lock_s),
            ttl: duration(messages.feedback_ttl_s),
            max_delivery_count: Some(messages.feedback_delivery_count_max),
        }),
    }
}

pub(crate) fn roadstead(settings: &HubSettings) -> Roadstead {
    Roadstead {
        message_queue_depth: Some(settings.cloud_to_device.depth_max),
        throttle: Some(settings.throttle.into()),
        fault_injection: Some(settings.fault_injection),
    }
}
