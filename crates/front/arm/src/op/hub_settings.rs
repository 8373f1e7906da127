//! A hub's settings, between the members of its resource and what the domain calls them.

use roadstead_model::{CloudToDevice, EventSwitches, FileUploads, Hub, HubSettings, ThrottleProfile};
use roadstead_resources::{ResourceError, RouteSource, RouteSpec, SettingsSpec, Throttling};
use roadstead_wire::{
    IsoDuration, Words,
    arm::{
        self, EventHub, EventHubEndpoints, Feedback, HubProperties, MessagingEndpoints, Roadstead, Route, Routing,
        StorageEndpoint, StorageEndpoints,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;

/// The keys under which members that the hub follows are kept among its other ones, as they were written: the settings know
/// only what follows from them.
const ROUTING: &str = "routing";
const STORAGE: &str = "storageEndpoints";
const MESSAGING: &str = "messagingEndpoints";
const CLOUD_TO_DEVICE: &str = "cloudToDevice";
const EVENT_HUBS: &str = "eventHubEndpoints";
/// Others that hubs stored before there were settings keep there.
const SETTINGS: [&str; 2] = ["enableFileUploadNotifications", "roadstead"];
/// What the built-in endpoint is called.
const EVENTS: &str = "events";
/// Source: docs, template reference; `az iot hub message-route fallback` shows it under this name.
const FALLBACK: &str = "$fallback";

/// What a resource asks of the settings. Errors: durations that are none, a second storage account.
pub(crate) fn read(properties: &HubProperties) -> Result<SettingsSpec, Refusal> {
    let messages = properties.cloud_to_device.clone().unwrap_or_default();
    let feedback = messages.feedback.unwrap_or_default();
    let ours = properties.roadstead.clone().unwrap_or_default();
    let routing = properties.routing.as_ref();
    let storage = properties.storage_endpoints.as_ref().and_then(|endpoints| endpoints.default.as_ref());
    let told = properties.messaging_endpoints.clone().and_then(|endpoints| endpoints.file_notifications);
    let told = told.unwrap_or_default();
    if let Some(name) = properties.storage_endpoints.as_ref().and_then(|endpoints| endpoints.other.keys().next()) {
        return Err(second_storage(name).into());
    }
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

fn second_storage(name: &str) -> ResourceError {
    ResourceError::Value {
        member: "storageEndpoints",
        given: format!("named `{}`", name.chars().take(64).collect::<String>()),
        allowed: "the only one, named `$default`".to_owned(),
    }
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

/// What is not understood, and what is only in part, as it was written: names of routes, what is empty, members of members.
pub(crate) fn written(properties: HubProperties) -> Map<String, Value> {
    let mut other = properties.other;
    keep(&mut other, ROUTING, properties.routing.as_ref());
    keep(&mut other, STORAGE, properties.storage_endpoints.as_ref());
    keep(&mut other, MESSAGING, properties.messaging_endpoints.as_ref());
    keep(&mut other, CLOUD_TO_DEVICE, properties.cloud_to_device.as_ref());
    keep(&mut other, EVENT_HUBS, properties.event_hub_endpoints.as_ref());
    other
}

fn keep<T: Serialize>(other: &mut Map<String, Value>, member: &str, written: Option<&T>) {
    if let Some(written) = written {
        let written = serde_json::to_value(written).expect("texts and lists under text keys can be written as JSON");
        other.insert(member.to_owned(), written);
    }
}

/// A member as it was written; nothing if it was not, or before it had this form.
fn take<T: DeserializeOwned + Default>(other: &mut Map<String, Value>, member: &str) -> T {
    other.shift_remove(member).and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
}

/// `eventHubEndpoints`: the built-in one as it is, and what was kept.
pub(crate) fn take_event_hubs(other: &mut Map<String, Value>, hub: &Hub) -> EventHubEndpoints {
    let kept: EventHubEndpoints = take(other, EVENT_HUBS);
    let events = EventHub {
        retention_time_in_days: Some(hub.retention_days),
        partition_count: Some(hub.partition_count),
        partition_ids: Some((0..hub.partition_count).map(|partition| partition.to_string()).collect()),
        path: Some(hub.name.as_str().to_ascii_lowercase()),
        endpoint: Some(format!("sb://{}/", hub.host_name)),
        other: kept.events.unwrap_or_default().other,
    };
    EventHubEndpoints { events: Some(events), other: kept.other }
}

/// `storageEndpoints` as the hub follows it: what was kept, and for how long a device may write.
pub(crate) fn take_storage(other: &mut Map<String, Value>, files: &FileUploads) -> StorageEndpoints {
    let kept: StorageEndpoints = take(other, STORAGE);
    let mut members = kept.default.unwrap_or_default().other;
    for member in ["connectionString", "containerName"] {
        members.entry(member).or_insert_with(|| "".into());
    }
    let default = StorageEndpoint { sas_ttl: Some(duration(files.lifetime_s)), other: members };
    StorageEndpoints { default: Some(default), other: Map::new() }
}

/// `messagingEndpoints`, of which the hub has the one for notifications of files, and what was kept.
pub(crate) fn take_messaging(other: &mut Map<String, Value>, files: &FileUploads) -> MessagingEndpoints {
    let kept: MessagingEndpoints = take(other, MESSAGING);
    MessagingEndpoints {
        file_notifications: Some(Feedback {
            lock_duration: Some(duration(files.notification_lock_s)),
            ttl: Some(duration(files.notification_ttl_s)),
            max_delivery_count: Some(files.notification_delivery_count_max),
            other: kept.file_notifications.unwrap_or_default().other,
        }),
        other: kept.other,
    }
}

fn duration(seconds: u32) -> String {
    IsoDuration { seconds }.to_string()
}

/// `routing` as the hub follows it: the routes that were kept, and one for what was switched on otherwise.
pub(crate) fn take_routing(other: &mut Map<String, Value>, events: EventSwitches) -> Routing {
    for member in SETTINGS {
        other.shift_remove(member);
    }
    let mut routing: Routing = take(other, ROUTING);
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
        other: Map::new(),
    }
}

/// `az` sets members of these and fails where they are absent.
fn endpoints() -> Value {
    json!({"serviceBusQueues": [], "serviceBusTopics": [], "eventHubs": [], "storageContainers": [], "cosmosDBSqlContainers": []})
}

/// `cloudToDevice` as the hub follows it, and what was kept.
pub(crate) fn take_cloud_to_device(other: &mut Map<String, Value>, messages: &CloudToDevice) -> arm::CloudToDevice {
    let kept: arm::CloudToDevice = take(other, CLOUD_TO_DEVICE);
    arm::CloudToDevice {
        max_delivery_count: Some(messages.delivery_count_max),
        default_ttl: Some(duration(messages.default_ttl_s)),
        feedback: Some(Feedback {
            lock_duration: Some(duration(messages.feedback_lock_s)),
            ttl: Some(duration(messages.feedback_ttl_s)),
            max_delivery_count: Some(messages.feedback_delivery_count_max),
            other: kept.feedback.unwrap_or_default().other,
        }),
        other: kept.other,
    }
}

pub(crate) fn roadstead(settings: &HubSettings) -> Roadstead {
    Roadstead {
        message_queue_depth: Some(settings.cloud_to_device.depth_max),
        throttle: Some(settings.throttle.into()),
        fault_injection: Some(settings.fault_injection),
    }
}
