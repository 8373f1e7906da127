//! How a hub shall behave, as an administrator asks for it.

use std::{collections::HashSet, fmt, ops::RangeInclusive};

use roadstead_model::{HubSettings, ThrottleProfile};

use crate::{error::ResourceError, limits};

/// What of a hub's settings shall change; what is absent stays, or has Azure's default in a new hub.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettingsSpec {
    /// Messages that may wait for one device.
    pub depth_max: Option<u32>,
    /// How often a message to a device is delivered.
    pub delivery_count_max: Option<u32>,
    /// Seconds for which a message to a device waits that does not say.
    pub default_ttl_s: Option<u32>,
    /// Seconds for which feedback waits.
    pub feedback_ttl_s: Option<u32>,
    /// Seconds for which feedback is locked.
    pub feedback_lock_s: Option<u32>,
    /// How often feedback is delivered.
    pub feedback_delivery_count_max: Option<u32>,
    /// All of them: they say which events beside telemetry the hub's log has.
    pub routes: Option<Vec<RouteSpec>>,
    /// Where telemetry goes that no route takes.
    pub fallback: Option<RouteSpec>,
    /// What to be as slow as.
    pub throttle: Option<Throttling>,
    /// Whether messages may ask for faults.
    pub fault_injection: Option<bool>,
    /// Seconds that a device may take for an upload.
    pub upload_lifetime_s: Option<u32>,
    /// Whether finished uploads leave notifications.
    pub file_notifications: Option<bool>,
    /// Seconds for which a notification waits.
    pub file_notification_ttl_s: Option<u32>,
    /// Seconds for which a notification is locked.
    pub file_notification_lock_s: Option<u32>,
    /// How often a notification is delivered.
    pub file_notification_delivery_count_max: Option<u32>,
}

/// Whether a hub refuses when there is too much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttling {
    /// Never for that.
    Off,
    /// As a hub of this tier would.
    Like(ThrottleProfile),
}

/// A rule by which events come to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// Letters, digits, `.`, `-` and `_`; unique.
    pub name: String,
    /// What it takes events from.
    pub source: RouteSource,
    /// Text of the condition; empty when there is none.
    pub condition: String,
    /// Names of endpoints: `events`.
    pub endpoints: Vec<String>,
    /// Whether it counts.
    pub enabled: bool,
}

/// What a route takes events from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteSource {
    /// Telemetry.
    Telemetry,
    /// Changes of twins.
    TwinChanges,
    /// Devices and modules made and deleted.
    DeviceLifecycle,
    /// Devices connected and gone.
    ConnectionState,
    /// Something that this hub has no events of.
    Other(String),
}

/// The endpoint that every hub has: its own log.
pub const BUILT_IN_ENDPOINT: &str = "events";

/// Why a route cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteFault {
    /// Its name is none.
    Name,
    /// Another route has the name.
    NameTwice,
    /// The hub has no such events.
    Source(String),
    /// It would have to look at events.
    Condition,
    /// It leads elsewhere than to the hub's log.
    Endpoints,
    /// Telemetry would be lost without the fallback route.
    FallbackOff,
    /// The fallback route is for telemetry.
    FallbackSource,
}

impl fmt::Display for RouteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = limits::ROUTE_NAME_CHARS_MAX;
        match self {
            Self::Name => write!(f, "its name must be 1 to {max} letters, digits, `.`, `-` or `_`"),
            Self::NameTwice => f.write_str("another route has the same name"),
            Self::Source(source) => write!(
                f,
                "events of the source `{source}` are not supported yet; there are DeviceMessages, TwinChangeEvents, \
                 DeviceLifecycleEvents and DeviceConnectionStateEvents"
            ),
            Self::Condition => f.write_str("conditions are not supported yet: leave it out, or set it to `true`"),
            Self::Endpoints => write!(
                f,
                "endpoints beside the built-in one are not supported yet: its endpointNames must be [\"{BUILT_IN_ENDPOINT}\"]"
            ),
            Self::FallbackOff => f.write_str(
                "it cannot be disabled unless a route with source DeviceMessages takes its place: telemetry would be lost",
            ),
            Self::FallbackSource => f.write_str("its source must be DeviceMessages"),
        }
    }
}

impl RouteSpec {
    /// A route that brings all events of a source to the built-in endpoint.
    pub fn of_all(name: &str, source: RouteSource) -> Self {
        let endpoints = vec![BUILT_IN_ENDPOINT.to_owned()];
        Self { name: name.to_owned(), source, condition: String::new(), endpoints, enabled: true }
    }

    /// Whether a hub could have it. Errors: `Route`.
    pub fn checked(&self) -> Result<(), ResourceError> {
        let shown = || self.name.chars().take(limits::ROUTE_NAME_CHARS_MAX).collect();
        self.check().map_err(|fault| ResourceError::Route { route: shown(), fault })
    }

    fn check(&self) -> Result<(), RouteFault> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if !(1..=limits::ROUTE_NAME_CHARS_MAX).contains(&self.name.len()) || !self.name.chars().all(is_name) {
            return Err(RouteFault::Name);
        }
        self.check_way()
    }

    /// Source: `reference/hub-service.md` 4.1 (an empty condition is true)
    fn check_way(&self) -> Result<(), RouteFault> {
        if let RouteSource::Other(source) = &self.source {
            return Err(RouteFault::Source(source.chars().take(limits::ROUTE_NAME_CHARS_MAX).collect()));
        }
        let condition = self.condition.trim();
        if !condition.is_empty() && !condition.eq_ignore_ascii_case("true") {
            return Err(RouteFault::Condition);
        }
        match self.endpoints.as_slice() {
            [one] if one.eq_ignore_ascii_case(BUILT_IN_ENDPOINT) => Ok(()),
            _ => Err(RouteFault::Endpoints),
        }
    }
}

impl SettingsSpec {
    /// The settings after the change. Errors: `Value`, `Route`, `TooMany`.
    pub(crate) fn applied(&self, mut settings: HubSettings) -> Result<HubSettings, ResourceError> {
        let (messages, files) = (&mut settings.cloud_to_device, &mut settings.files);
        for (member, given, place, allowed) in [
            ("roadstead.messageQueueDepth", self.depth_max, &mut messages.depth_max, limits::MESSAGE_DEPTH),
            (
                "cloudToDevice.maxDeliveryCount",
                self.delivery_count_max,
                &mut messages.delivery_count_max,
                limits::DELIVERY_COUNT,
            ),
            (
                "cloudToDevice.feedback.maxDeliveryCount",
                self.feedback_delivery_count_max,
                &mut messages.feedback_delivery_count_max,
                limits::DELIVERY_COUNT,
            ),
            (
                "messagingEndpoints.fileNotifications.maxDeliveryCount",
                self.file_notification_delivery_count_max,
                &mut files.notification_delivery_count_max,
                limits::DELIVERY_COUNT,
            ),
        ] {
            set(member, given, place, allowed, "")?;
        }
        for (member, given, place, allowed) in [
            ("cloudToDevice.defaultTtlAsIso8601", self.default_ttl_s, &mut messages.default_ttl_s, limits::TTL_S),
            ("cloudToDevice.feedback.ttlAsIso8601", self.feedback_ttl_s, &mut messages.feedback_ttl_s, limits::TTL_S),
            (
                "cloudToDevice.feedback.lockDurationAsIso8601",
                self.feedback_lock_s,
                &mut messages.feedback_lock_s,
                limits::LOCK_S,
            ),
            (
                "storageEndpoints.$default.sasTtlAsIso8601",
                self.upload_lifetime_s,
                &mut files.lifetime_s,
                limits::UPLOAD_LIFETIME_S,
            ),
            (
                "messagingEndpoints.fileNotifications.ttlAsIso8601",
                self.file_notification_ttl_s,
                &mut files.notification_ttl_s,
                limits::TTL_S,
            ),
            (
                "messagingEndpoints.fileNotifications.lockDurationAsIso8601",
                self.file_notification_lock_s,
                &mut files.notification_lock_s,
                limits::LOCK_S,
            ),
        ] {
            set(member, given, place, allowed, " seconds")?;
        }
        if let Some(routes) = &self.routes {
            check_routes(routes)?;
            let has = |source| routes.iter().any(|route| route.enabled && route.source == source);
            settings.events.twin_changes = has(RouteSource::TwinChanges);
            settings.events.device_lifecycle = has(RouteSource::DeviceLifecycle);
            settings.events.connection_state = has(RouteSource::ConnectionState);
        }
        self.check_fallback()?;
        match self.throttle {
            Some(Throttling::Off) => settings.throttle = None,
            Some(Throttling::Like(mut profile)) => {
                let units = profile.units;
                set("roadstead.throttle.units", Some(units), &mut profile.units, limits::THROTTLE_UNITS, "")?;
                settings.throttle = Some(profile);
            }
            None => {}
        }
        settings.fault_injection = self.fault_injection.unwrap_or(settings.fault_injection);
        settings.files.notifications = self.file_notifications.unwrap_or(settings.files.notifications);
        Ok(settings)
    }

    /// Telemetry always reaches the log.
    fn check_fallback(&self) -> Result<(), ResourceError> {
        let Some(fallback) = &self.fallback else { return Ok(()) };
        let is_replaced = || {
            let takes_telemetry = |route: &RouteSpec| route.enabled && route.source == RouteSource::Telemetry;
            self.routes.iter().flatten().any(takes_telemetry)
        };
        let refuse = |fault| Err(ResourceError::Route { route: fallback.name.clone(), fault });
        if fallback.source != RouteSource::Telemetry {
            return refuse(RouteFault::FallbackSource);
        }
        if !fallback.enabled && !is_replaced() {
            return refuse(RouteFault::FallbackOff);
        }
        fallback.check_way().or_else(refuse)
    }
}

fn check_routes(routes: &[RouteSpec]) -> Result<(), ResourceError> {
    if routes.len() > limits::ROUTES_MAX {
        return Err(ResourceError::TooMany { what: "routes of a hub", max: limits::ROUTES_MAX });
    }
    let mut names = HashSet::new();
    for route in routes {
        let is_new = names.insert(route.name.to_ascii_lowercase());
        let checked = route.check().and(if is_new { Ok(()) } else { Err(RouteFault::NameTwice) });
        let shown = || route.name.chars().take(limits::ROUTE_NAME_CHARS_MAX).collect();
        checked.map_err(|fault| ResourceError::Route { route: shown(), fault })?;
    }
    Ok(())
}

fn set(
    member: &'static str,
    given: Option<u32>,
    place: &mut u32,
    allowed: RangeInclusive<u32>,
    unit: &str,
) -> Result<(), ResourceError> {
    let Some(given) = given else { return Ok(()) };
    if !allowed.contains(&given) {
        let allowed = format!("{} to {}{unit}", allowed.start(), allowed.end());
        return Err(ResourceError::Value { member, given: format!("{given}{unit}"), allowed });
    }
    *place = given;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::{FileUploads, Tier};

    fn refusal(spec: SettingsSpec) -> String {
        spec.applied(HubSettings::default()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_left_out_stays() {
        let all = SettingsSpec {
            depth_max: Some(7),
            delivery_count_max: Some(100),
            default_ttl_s: Some(60),
            feedback_ttl_s: Some(172_800),
            feedback_lock_s: Some(300),
            feedback_delivery_count_max: Some(1),
            routes: Some(vec![
                RouteSpec::of_all("a", RouteSource::TwinChanges),
                RouteSpec { enabled: false, ..RouteSpec::of_all("b", RouteSource::DeviceLifecycle) },
                RouteSpec { condition: " TRUE ".to_owned(), ..RouteSpec::of_all("c", RouteSource::ConnectionState) },
                RouteSpec::of_all("d", RouteSource::Telemetry),
            ]),
            fallback: Some(RouteSpec { enabled: false, ..RouteSpec::of_all("$fallback", RouteSource::Telemetry) }),
            throttle: Some(Throttling::Like(ThrottleProfile { tier: Tier::S2, units: 3 })),
            fault_injection: Some(true),
            upload_lifetime_s: Some(86_400),
            file_notifications: Some(true),
            file_notification_ttl_s: Some(60),
            file_notification_lock_s: Some(300),
            file_notification_delivery_count_max: Some(2),
        };
        let settings = all.applied(HubSettings::default()).unwrap();
        let messages = settings.cloud_to_device;
        assert_eq!((messages.depth_max, messages.delivery_count_max, messages.default_ttl_s), (7, 100, 60));
        let feedback = (messages.feedback_ttl_s, messages.feedback_lock_s, messages.feedback_delivery_count_max);
        assert_eq!(feedback, (172_800, 300, 1));
        let events = settings.events;
        assert_eq!((events.twin_changes, events.device_lifecycle, events.connection_state), (true, false, true));
        assert_eq!(settings.throttle, Some(ThrottleProfile { tier: Tier::S2, units: 3 }));
        assert!(settings.fault_injection);
        let files = FileUploads {
            lifetime_s: 86_400,
            notifications: true,
            notification_ttl_s: 60,
            notification_lock_s: 300,
            notification_delivery_count_max: 2,
        };
        assert_eq!(settings.files, files);
        assert_eq!(SettingsSpec::default().applied(settings).unwrap(), settings);
        let off = SettingsSpec { routes: Some(vec![]), throttle: Some(Throttling::Off), ..SettingsSpec::default() };
        let off = off.applied(settings).unwrap();
        assert_eq!((off.events, off.throttle), (HubSettings::default().events, None));
    }

    #[test]
    fn numbers_beyond_their_bounds() {
        let none = SettingsSpec::default;
        for (spec, expected) in [
            (SettingsSpec { depth_max: Some(0), ..none() }, "roadstead.messageQueueDepth is 0; it must be 1 to 1000"),
            (
                SettingsSpec { delivery_count_max: Some(101), ..none() },
                "cloudToDevice.maxDeliveryCount is 101; it must be 1 to 100",
            ),
            (
                SettingsSpec { default_ttl_s: Some(172_801), ..none() },
                "cloudToDevice.defaultTtlAsIso8601 is 172801 seconds; it must be 60 to 172800 seconds",
            ),
            (
                SettingsSpec { feedback_lock_s: Some(4), ..none() },
                "cloudToDevice.feedback.lockDurationAsIso8601 is 4 seconds; it must be 5 to 300 seconds",
            ),
            (
                SettingsSpec { feedback_ttl_s: Some(59), ..none() },
                "cloudToDevice.feedback.ttlAsIso8601 is 59 seconds; it must be 60 to 172800 seconds",
            ),
            (
                SettingsSpec { feedback_delivery_count_max: Some(0), ..none() },
                "cloudToDevice.feedback.maxDeliveryCount is 0; it must be 1 to 100",
            ),
            (
                SettingsSpec { upload_lifetime_s: Some(86_401), ..none() },
                "storageEndpoints.$default.sasTtlAsIso8601 is 86401 seconds; it must be 60 to 86400 seconds",
            ),
            (
                SettingsSpec { file_notification_ttl_s: Some(59), ..none() },
                "messagingEndpoints.fileNotifications.ttlAsIso8601 is 59 seconds; it must be 60 to 172800 seconds",
            ),
            (
                SettingsSpec { file_notification_lock_s: Some(301), ..none() },
                "messagingEndpoints.fileNotifications.lockDurationAsIso8601 is 301 seconds; it must be 5 to 300 seconds",
            ),
            (
                SettingsSpec { file_notification_delivery_count_max: Some(0), ..none() },
                "messagingEndpoints.fileNotifications.maxDeliveryCount is 0; it must be 1 to 100",
            ),
            (
                SettingsSpec {
                    throttle: Some(Throttling::Like(ThrottleProfile { tier: Tier::S1, units: 201 })),
                    ..none()
                },
                "roadstead.throttle.units is 201; it must be 1 to 200",
            ),
        ] {
            assert_eq!(refusal(spec), expected);
        }
    }

    #[test]
    fn routes_that_cannot_be_had() {
        let good = || RouteSpec::of_all("r", RouteSource::TwinChanges);
        let routes = |routes| SettingsSpec { routes: Some(routes), ..SettingsSpec::default() };
        for (spec, why) in [
            (
                routes(vec![good(), RouteSpec { name: "R".to_owned(), ..good() }]),
                "route 'R' cannot be had: another route",
            ),
            (routes(vec![RouteSpec { name: String::new(), ..good() }]), "1 to 64 letters"),
            (routes(vec![RouteSpec { name: "a b".to_owned(), ..good() }]), "1 to 64 letters"),
            (
                routes(vec![RouteSpec { source: RouteSource::Other("DigitalTwinChangeEvents".to_owned()), ..good() }]),
                "`DigitalTwinChangeEvents` are not supported yet",
            ),
            (routes(vec![RouteSpec { condition: "$body.a = 1".to_owned(), ..good() }]), "conditions are not supported"),
            (routes(vec![RouteSpec { endpoints: vec!["mine".to_owned()], ..good() }]), "must be [\"events\"]"),
            (routes(vec![RouteSpec { endpoints: vec![], ..good() }]), "must be [\"events\"]"),
            (routes(vec![good(); limits::ROUTES_MAX + 1]), "at most 100 routes"),
        ] {
            let refusal = refusal(spec);
            assert!(refusal.contains(why), "{refusal}");
        }
        let fallback = |fallback| SettingsSpec { fallback: Some(fallback), ..SettingsSpec::default() };
        let telemetry = || RouteSpec::of_all("$fallback", RouteSource::Telemetry);
        for (spec, why) in [
            (fallback(RouteSpec { enabled: false, ..telemetry() }), "telemetry would be lost"),
            (fallback(RouteSpec { source: RouteSource::TwinChanges, ..telemetry() }), "must be DeviceMessages"),
            (fallback(RouteSpec { condition: "a = 1".to_owned(), ..telemetry() }), "conditions"),
        ] {
            let refusal = refusal(spec);
            assert!(refusal.starts_with("route '$fallback' cannot be had") && refusal.contains(why), "{refusal}");
        }
    }
}
