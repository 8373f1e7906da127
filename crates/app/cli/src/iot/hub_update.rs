//! `roadstead iot hub update`: a hub is shown, changed and put back, unless somebody else changed it in between.

use super::lookup::{Found, find};
use crate::args::hub_settings::{Behaviour, HubUpdate, OwnBehaviour};
use crate::args::value::{ThrottleLike, tags};
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::{Kind, Management};
use serde_json::{Value, json};

pub async fn run(management: &Management, update: &HubUpdate) -> Result<Printed, Failure> {
    let found = find(management, Kind::Hub, &update.name, update.within.resource_group.as_deref()).await?;
    let Found { resource, document } = found;
    let etag = document.get("etag").and_then(Value::as_str).map(str::to_owned);
    let changed = changed(document, update)?;
    Ok(management.put::<Value>(&resource, &changed, etag.as_deref()).await?.into())
}

/// The document as the flags want it. Errors: there is nothing to change; a generic change leads nowhere.
fn changed(shown: Value, update: &HubUpdate) -> Result<Value, Failure> {
    let mut document = shown.clone();
    for (pointer, value) in [
        ("/sku/name", update.sku.as_deref().map(Value::from)),
        ("/sku/capacity", update.unit.map(Value::from)),
        ("/properties/eventHubEndpoints/events/retentionTimeInDays", update.retention_day.map(Value::from)),
        ("/tags", update.tags.as_deref().map(tags)),
    ] {
        set(&mut document, pointer, value);
    }
    behave(&mut document, &update.behaviour);
    behave_as_roadstead(&mut document, &update.own);
    update.changes.apply(&mut document).map_err(Failure::usage)?;
    if names_nothing(update) {
        return Err(Failure::usage("nothing to change")
            .hint("`roadstead iot hub update --help` lists what can be; `--set path=value` sets any member"));
    }
    Ok(document)
}

/// Whether no flag names a change; one that changes nothing is still one.
fn names_nothing(update: &HubUpdate) -> bool {
    // Against a document without members, every flag that is given leaves one.
    let mut document = json!({});
    behave(&mut document, &update.behaviour);
    behave_as_roadstead(&mut document, &update.own);
    let is_plain = update.sku.is_none() && update.unit.is_none() && update.retention_day.is_none();
    is_plain && update.tags.is_none() && update.changes.is_empty() && document == json!({})
}

/// Writes what flags say into a hub's resource. Source: azure-cli 2.77, `iot hub update`
pub fn behave(document: &mut Value, behaviour: &Behaviour) {
    let hours = |hours: Option<u32>| hours.map(|hours| Value::from(format!("PT{hours}H")));
    let seconds = |seconds: Option<u32>| seconds.map(|seconds| Value::from(format!("PT{seconds}S")));
    let number = |number: Option<u32>| number.map(Value::from);
    let messages = "/properties/cloudToDevice";
    let told = "/properties/messagingEndpoints/fileNotifications";
    for (above, member, value) in [
        (messages, "defaultTtlAsIso8601", hours(behaviour.c2d_ttl)),
        (messages, "maxDeliveryCount", number(behaviour.c2d_max_delivery_count)),
        (messages, "feedback/ttlAsIso8601", hours(behaviour.feedback_ttl)),
        (messages, "feedback/lockDurationAsIso8601", seconds(behaviour.feedback_lock_duration)),
        (messages, "feedback/maxDeliveryCount", number(behaviour.feedback_max_delivery_count)),
        ("/properties", "enableFileUploadNotifications", behaviour.fileupload_notifications.map(Value::from)),
        (told, "ttlAsIso8601", hours(behaviour.fileupload_notification_ttl)),
        (told, "maxDeliveryCount", number(behaviour.fileupload_notification_max_delivery_count)),
        (told, "lockDurationAsIso8601", seconds(behaviour.fileupload_notification_lock_duration)),
        ("/properties/storageEndpoints/$default", "sasTtlAsIso8601", hours(behaviour.fileupload_sas_ttl)),
    ] {
        set(document, &format!("{above}/{member}"), value);
    }
}

/// The same of what is ours. Which events a hub has is a matter of its routes, as in Azure.
fn behave_as_roadstead(document: &mut Value, own: &OwnBehaviour) {
    for (source, on) in [
        ("TwinChangeEvents", own.twin_change_events),
        ("DeviceLifecycleEvents", own.device_lifecycle_events),
        ("DeviceConnectionStateEvents", own.connection_state_events),
    ] {
        if let Some(on) = on {
            switch(document, source, on);
        }
    }
    let throttle = "/properties/roadstead/throttle";
    match own.throttle.map(ThrottleLike::tier) {
        // The units that there are stay.
        Some(Some(tier)) if document.pointer(throttle).is_some_and(Value::is_object) => {
            set(document, &format!("{throttle}/tier"), Some(tier.into()));
        }
        Some(tier) => {
            let like = tier.map_or(Value::Null, |tier| json!({ "tier": tier, "units": 1 }));
            set(document, throttle, Some(like));
        }
        None => {}
    }
    set(document, "/properties/roadstead/faultInjection", own.fault_injection.map(Value::from));
    set(document, "/properties/roadstead/messageQueueDepth", own.message_queue_depth.map(Value::from));
}

/// Lets all routes of a source count, or none; there is one when they shall.
fn switch(document: &mut Value, source: &str, on: bool) {
    let routes = place(document, "/properties/routing/routes");
    if !routes.is_array() {
        *routes = json!([]);
    }
    let Some(routes) = routes.as_array_mut() else { return };
    let is_of = |route: &Value| {
        route.get("source").and_then(Value::as_str).is_some_and(|named| named.eq_ignore_ascii_case(source))
    };
    let mut is_there = false;
    for route in routes.iter_mut().filter(|route| is_of(route)) {
        route["isEnabled"] = on.into();
        is_there = true;
    }
    if on && !is_there {
        routes.push(json!({
            "name": source, "source": source, "condition": "true", "endpointNames": ["events"], "isEnabled": true,
        }));
    }
}

fn set(document: &mut Value, pointer: &str, value: Option<Value>) {
    if let Some(value) = value {
        *place(document, pointer) = value;
    }
}

/// The member at a pointer, made with the objects above it where it is absent.
fn place<'a>(document: &'a mut Value, pointer: &str) -> &'a mut Value {
    pointer.split('/').skip(1).fold(document, |holder, name| {
        if !holder.is_object() {
            *holder = json!({});
        }
        &mut holder[name]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::hub::HubCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;

    fn parsed(flags: &str) -> Result<HubUpdate, String> {
        let line = format!("roadstead iot hub update -n h {flags}");
        let cli = Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        let Command::Iot(IotCommand::Hub(HubCommand::Update(update))) = cli.command else { panic!("{line}") };
        Ok(*update)
    }

    fn shown() -> Value {
        json!({"name": "h", "etag": "E", "sku": {"name": "S1", "tier": "Standard", "capacity": 1}, "tags": {"a": "b"},
            "properties": {"eventHubEndpoints": {"events": {"retentionTimeInDays": 1, "partitionCount": 2}},
                "cloudToDevice": {"maxDeliveryCount": 10, "feedback": {"maxDeliveryCount": 10}},
                "roadstead": {"messageQueueDepth": 50, "throttle": null, "faultInjection": false},
                "routing": {"routes": [{"name": "mine", "source": "twinChangeEvents", "isEnabled": false}]}}})
    }

    /// What the flags make different, by pointer.
    fn differences(flags: &str) -> Vec<(String, Value)> {
        fn walk(path: &str, old: &Value, new: &Value, found: &mut Vec<(String, Value)>) {
            match (old, new) {
                (Value::Object(old), Value::Object(new)) => {
                    assert!(old.keys().all(|name| new.contains_key(name)), "{path} lost a member");
                    for (name, new) in new {
                        walk(&format!("{path}/{name}"), old.get(name).unwrap_or(&Value::Null), new, found);
                    }
                }
                _ if old != new => found.push((path.to_owned(), new.clone())),
                _ => {}
            }
        }
        let mut found = Vec::new();
        let changed = changed(shown(), &parsed(flags).unwrap()).unwrap();
        walk("", &shown(), &changed, &mut found);
        found
    }

    #[test]
    fn a_flag_changes_what_it_names() {
        let route = |name: &str, source: &str, on: bool| json!({"name": name, "source": source, "isEnabled": on});
        let full = |source: &str| json!({"name": source, "source": source, "condition": "true", "endpointNames": ["events"], "isEnabled": true});
        let off = route("mine", "twinChangeEvents", false);
        for (flags, pointer, value) in [
            ("--c2d-ttl 2", "/cloudToDevice/defaultTtlAsIso8601", json!("PT2H")),
            ("--cdd 3", "/cloudToDevice/maxDeliveryCount", json!(3)),
            ("--ft 48", "/cloudToDevice/feedback/ttlAsIso8601", json!("PT48H")),
            ("--fld 300", "/cloudToDevice/feedback/lockDurationAsIso8601", json!("PT300S")),
            ("--fd 1", "/cloudToDevice/feedback/maxDeliveryCount", json!(1)),
            ("--fn", "/enableFileUploadNotifications", json!(true)),
            ("--fnt 2", "/messagingEndpoints", json!({"fileNotifications": {"ttlAsIso8601": "PT2H"}})),
            ("--fnd 9", "/messagingEndpoints", json!({"fileNotifications": {"maxDeliveryCount": 9}})),
            ("--fnld 9", "/messagingEndpoints", json!({"fileNotifications": {"lockDurationAsIso8601": "PT9S"}})),
            ("--fst 24", "/storageEndpoints", json!({"$default": {"sasTtlAsIso8601": "PT24H"}})),
            ("--rd 7", "/eventHubEndpoints/events/retentionTimeInDays", json!(7)),
            ("--twin-change-events", "/routing/routes", json!([route("mine", "twinChangeEvents", true)])),
            ("--device-lifecycle-events", "/routing/routes", json!([off, full("DeviceLifecycleEvents")])),
            ("--connection-state-events true", "/routing/routes", json!([off, full("DeviceConnectionStateEvents")])),
            ("--throttle azure-s2", "/roadstead/throttle", json!({"tier": "azure-s2", "units": 1})),
            ("--fault-injection", "/roadstead/faultInjection", json!(true)),
            ("--message-queue-depth 1000", "/roadstead/messageQueueDepth", json!(1000)),
            ("--set properties.comments=x", "/comments", json!("x")),
        ] {
            assert_eq!(differences(flags), [(format!("/properties{pointer}"), value)], "{flags}");
        }
        assert_eq!(
            differences("--sku S2 --unit 3"),
            [("/sku/name".to_owned(), json!("S2")), ("/sku/capacity".to_owned(), json!(3))]
        );
        assert_eq!(changed(shown(), &parsed("--tags c=d").unwrap()).unwrap()["tags"], json!({"c": "d"}));
        assert_eq!(changed(shown(), &parsed("--tags").unwrap()).unwrap()["tags"], json!({}));
    }

    #[test]
    fn what_is_so_already_is_named_all_the_same() {
        for flags in ["--fault-injection false", "--throttle off", "--twin-change-events false", "--unit 1"] {
            assert_eq!(differences(flags), [], "{flags}");
        }
    }

    #[test]
    fn a_throttle_keeps_its_units() {
        let mut document = shown();
        document["properties"]["roadstead"]["throttle"] = json!({"tier": "azure-s1", "units": 5});
        for (flags, expected) in
            [("--throttle Azure-S3", json!({"tier": "azure-s3", "units": 5})), ("--throttle off", Value::Null)]
        {
            let changed = changed(document.clone(), &parsed(flags).unwrap()).unwrap();
            assert_eq!(changed["properties"]["roadstead"]["throttle"], expected, "{flags}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_range() {
        for (flags, why) in [
            ("--c2d-ttl 49", "49 is not in 1..=48"),
            ("--c2d-ttl 0", "0 is not in 1..=48"),
            ("--cdd 101", "101 is not in 1..=100"),
            ("--ft 0", "0 is not in 1..=48"),
            ("--fld 4", "4 is not in 5..=300"),
            ("--fd 0", "0 is not in 1..=100"),
            ("--fnt 49", "49 is not in 1..=48"),
            ("--fnd 101", "101 is not in 1..=100"),
            ("--fnld 301", "301 is not in 5..=300"),
            ("--fst 25", "25 is not in 1..=24"),
            ("--rd 8", "8 is not in 1..=7"),
            ("--message-queue-depth 1001", "1001 is not in 1..=1000"),
            ("--throttle s1", "[possible values: off, azure-s1, azure-s2, azure-s3]"),
            ("--fn maybe", "it must be `true` or `false`"),
        ] {
            let refusal = parsed(flags).unwrap_err();
            assert!(refusal.contains(why), "{flags}: {refusal}");
        }
        let nothing = changed(shown(), &parsed("").unwrap()).unwrap_err();
        assert!(nothing.to_string().contains("nothing to change") && nothing.hinted().is_some());
        let nowhere = changed(shown(), &parsed("--set name.x=1").unwrap()).unwrap_err();
        assert_eq!(nowhere.to_string(), "`name.x` leads through something that is no object");
    }
}
