use crate::world::{KEY, SECONDARY_KEY, World, dps, hub, owner};
use serde_json::{Value, json};

/// Every field of the form of settings as the hub has it, but for these.
pub fn settings(changed: &[(&str, &str)]) -> String {
    let span = |name: &str, count: &str, unit: &str| {
        vec![(name.to_owned(), count.to_owned()), (format!("{name}-unit"), unit.to_owned())]
    };
    let count = |name: &str, count: &str| vec![(name.to_owned(), count.to_owned())];
    let mut fields = [
        count("etag", "h1"),
        count("queue-depth", "50"),
        span("message-ttl", "1", "hours"),
        count("message-deliveries", "10"),
        span("feedback-ttl", "1", "hours"),
        span("feedback-lock", "1", "minutes"),
        count("feedback-deliveries", "10"),
        span("upload-lifetime", "1", "hours"),
        span("upload-ttl", "36", "hours"),
        span("upload-lock", "5", "seconds"),
        count("upload-deliveries", "10"),
        count("retention", "1"),
        count("throttle", ""),
        count("throttle-units", "1"),
    ]
    .concat();
    for (name, value) in changed {
        fields.retain(|(field, _)| field != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    fields.iter().map(|(name, value)| format!("{name}={value}&")).collect::<Vec<_>>().concat()
}

/// The last resource that was put, with its path.
fn put(world: &World) -> Option<(String, Value)> {
    let asked = world.api.asked.lock();
    let (_, path, _, body) = asked.iter().rfind(|(method, ..)| method == "PUT")?;
    Some((path.clone(), serde_json::from_str(body).unwrap()))
}

#[tokio::test]
async fn settings_are_shown_with_bounds_and_units() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let page = world.get(&cookie, "/portal/hubs/g/h/settings").await.text;
    for words in [
        "name=\"queue-depth\" value=\"50\" min=\"1\" max=\"1000\"",
        "1 to 1000. Further messages are refused. Azure allows 50.",
        "1 minute to 2 days.",
        "5 seconds to 5 minutes.",
        "name=\"upload-ttl\" value=\"36\"",
        "<option value=\"\" selected>never</option>",
        "Gone with it: 3 devices (1 connected).",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let usage = world.get(&cookie, "/portal/hubs/g/h").await.text;
    assert!(usage.contains("<dt>Devices</dt><dd>3</dd>"), "{usage}");
    assert!(usage.contains("<dt>Messages today</dt><dd>7 of at most 400,000</dd>"));
    // A hub that is just being opened.
    *world.api.answers.lock() = vec![("quotaMetrics", 503, json!({}))];
    assert!(world.get(&cookie, "/portal/hubs/g/h").await.text.contains("<dt>Devices</dt><dd>not known</dd>"));
    *world.api.roles.lock() = json!([{"actions": ["*/read"]}]);
    let read = world.get(&cookie, "/portal/hubs/g/h/settings").await.text;
    assert!(
        read.contains("<dt>How long a message waits</dt><dd>1 hour</dd>") && !read.contains("<input type=\"number\""),
        "{read}"
    );
}

/// What the page does not name goes back as it came.
#[tokio::test]
async fn a_setting_changes_what_it_names() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let full = |source: &str| json!({"name": source, "source": source, "condition": "true", "endpointNames": ["events"], "isEnabled": true});
    let mine =
        |on: bool| json!({"name": "mine", "source": "twinChangeEvents", "isEnabled": on, "endpointNames": ["events"]});
    for (fields, pointer, value, words) in [
        (&[("queue-depth", "1")][..], "/roadstead/messageQueueDepth", json!(1), "wait for one device: 1, was 50"),
        (
            &[("message-ttl", "2"), ("message-ttl-unit", "days")],
            "/cloudToDevice/defaultTtlAsIso8601",
            json!("P2D"),
            "waits: 2 days, was 1 hour",
        ),
        (&[("message-deliveries", "3")], "/cloudToDevice/maxDeliveryCount", json!(3), "3, was 10"),
        (
            &[("feedback-ttl", "90"), ("feedback-ttl-unit", "minutes")],
            "/cloudToDevice/feedback/ttlAsIso8601",
            json!("PT1H30M"),
            "90 minutes, was",
        ),
        (
            &[("feedback-lock", "7"), ("feedback-lock-unit", "seconds")],
            "/cloudToDevice/feedback/lockDurationAsIso8601",
            json!("PT7S"),
            "7 seconds",
        ),
        (
            &[("upload-lifetime", "5"), ("upload-lifetime-unit", "minutes")],
            "/storageEndpoints/$default/sasTtlAsIso8601",
            json!("PT5M"),
            "5 minutes",
        ),
        (&[("upload-notifications", "on")], "/enableFileUploadNotifications", json!(true), "on, was off"),
        (&[("retention", "7")], "/eventHubEndpoints/events/retentionTimeInDays", json!(7), "7, was 1"),
        (
            &[("twin-changes", "on")],
            "/routing/routes",
            json!([mine(true)]),
            "Changes of twins are among them: on, was off",
        ),
        (
            &[("device-lifecycle", "on")],
            "/routing/routes",
            json!([mine(false), full("DeviceLifecycleEvents")]),
            "deleted are among them: on",
        ),
        (
            &[("throttle", "azure-s2"), ("throttle-units", "3")],
            "/roadstead/throttle",
            json!({"tier": "azure-s2", "units": 3}),
            "like tier S2, 3 units, was never",
        ),
        (&[("fault-injection", "on")], "/roadstead/faultInjection", json!(true), "faults: on"),
    ] {
        let form = settings(fields);
        let answer = world.post(&cookie, "/portal/hubs/g/h/settings", &format!("{form}do=save&csrf={token}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, "/portal/hubs/g/h/settings"),
            "{}",
            answer.text
        );
        let mut expected = hub();
        *expected["properties"].pointer_mut(pointer).unwrap() = value;
        let (path, body) = put(&world).unwrap();
        assert!(path.ends_with("/IotHubs/h"));
        assert_eq!(body, expected, "{pointer}");
        let page = world.get(&cookie, "/portal/hubs/g/h/settings").await.text;
        assert!(page.contains(words), "{words}: {page}");
    }
    world.api.asked.lock().clear();
    let answer =
        world.post(&cookie, "/portal/hubs/g/h/settings", &format!("{}do=save&csrf={token}", settings(&[]))).await;
    assert_eq!((answer.status.as_u16(), put(&world)), (303, None), "nothing was different");
}

#[tokio::test]
async fn settings_that_will_not_do_are_refused_with_what_was_typed() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let send = async |fields: &[(&str, &str)]| {
        let form = settings(fields);
        world.post(&cookie, "/portal/hubs/g/h/settings", &format!("{form}do=save&csrf={token}")).await
    };
    for (field, typed, words) in [
        ("queue-depth", "many", "Messages that may wait for one device: `many` is no whole number."),
        ("queue-depth", "", "`` is no whole number."),
        ("message-ttl", "4294967295", "4294967295 hours is too much"),
        ("message-ttl-unit", "weeks", "1 weeks is too much, or no time."),
        ("message-ttl", "-1", "`-1` is no whole number."),
    ] {
        let page = send(&[(field, typed)]).await;
        assert_eq!((page.status.as_u16(), put(&world)), (400, None), "{field} {typed}");
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let message = "roadstead.messageQueueDepth is 5000; it must be 1 to 1000";
    // The second time: the first is the resource itself.
    *world.api.once.lock() = vec![
        ("IotHubs/h", 200, hub()),
        ("IotHubs/h", 400, json!({"error": {"code": "InvalidParameter", "message": message}})),
    ];
    let page = send(&[("queue-depth", "5000")]).await;
    assert_eq!(page.status, 400);
    assert!(page.text.contains(message) && page.text.contains("value=\"5000\""), "{}", page.text);
}

/// Before the page was sent, or while it was.
#[tokio::test]
async fn settings_that_somebody_else_changed_are_not_overwritten() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let form = settings(&[("queue-depth", "7")]);
    let mut other = hub();
    other["etag"] = "h2".into();
    other["properties"]["roadstead"]["messageQueueDepth"] = 99.into();
    for once in [
        vec![("IotHubs/h", 200, other.clone())],
        vec![("IotHubs/h", 200, hub()), ("IotHubs/h", 412, json!({})), ("IotHubs/h", 200, other.clone())],
    ] {
        let before = world.api.asked.lock().iter().filter(|(method, ..)| method == "PUT").count();
        let is_late = once.len() > 1;
        *world.api.once.lock() = once;
        let page = world.post(&cookie, "/portal/hubs/g/h/settings", &format!("{form}do=save&csrf={token}")).await;
        assert_eq!(page.status, 412);
        for words in [
            "Somebody else changed it",
            "device: 7 (now 99)",
            "name=\"etag\" value=\"h2\"",
            "name=\"queue-depth\" value=\"99\"",
        ] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        let puts = world.api.asked.lock().iter().filter(|(method, ..)| method == "PUT").count() - before;
        assert_eq!(puts, usize::from(is_late));
    }
    // With a typing error, too: it is told beside the rest, and the form has what is there, which alone goes with its etag.
    *world.api.once.lock() = vec![("IotHubs/h", 200, other)];
    let typo = settings(&[("queue-depth", "x"), ("message-deliveries", "3"), ("message-ttl-unit", "weeks")]);
    let page = world.post(&cookie, "/portal/hubs/g/h/settings", &format!("{typo}do=save&csrf={token}")).await;
    assert_eq!(page.status, 412);
    for words in [
        "Somebody else changed it",
        "device: x (now 99)",
        "Deliveries of a message: 3 (now 10)",
        "How long a message waits: 1 weeks (now 1 hour)",
        "name=\"etag\" value=\"h2\"",
        "name=\"queue-depth\" value=\"99\"",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
}

#[tokio::test]
async fn a_policy_is_changed_and_the_others_stay() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let policy = |primary: Value, secondary: &str, rights: &str| json!({"keyName": "iothubowner", "primaryKey": primary, "secondaryKey": secondary, "rights": rights});
    let known = policy(json!(KEY), SECONDARY_KEY, "RegistryRead");
    for (path, form, expected) in [
        (
            "hubs/g/h",
            "do=renew-primary&policy=iothubowner&name=iothubowner",
            json!([policy(Value::Null, SECONDARY_KEY, "RegistryRead")]),
        ),
        (
            "hubs/g/h",
            "do=allow&policy=iothubowner&right-ServiceConnect=on&right-RegistryWrite=on",
            json!([policy(json!(KEY), SECONDARY_KEY, "RegistryWrite, ServiceConnect")]),
        ),
        (
            "hubs/g/h",
            "do=add&policy=mine&right-DeviceConnect=on",
            json!([known, {"keyName": "mine", "rights": "DeviceConnect"}]),
        ),
        (
            "dps/g/d",
            "do=add&policy=mine&right-EnrollmentRead=on",
            json!([known, {"keyName": "mine", "rights": "EnrollmentRead"}]),
        ),
        ("dps/g/d", "do=delete&policy=iothubowner&name=iothubowner", json!([])),
        ("dps/g/d", "do=swap&policy=iothubowner", json!([policy(json!(SECONDARY_KEY), KEY, "RegistryRead")])),
    ] {
        let path = format!("/portal/{path}/policies");
        let answer = world.post(&cookie, &path, &format!("{form}&csrf={token}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, path.as_str()), "{form} {}", answer.text);
        let (_, mut body) = put(&world).unwrap();
        let policies = body["properties"].as_object_mut().unwrap().remove("authorizationPolicies");
        assert_eq!(policies, Some(expected), "{form}");
        assert_eq!(body, if path.contains("/dps/") { dps() } else { hub() }, "{form}");
    }
    let before = world.api.asked.lock().iter().filter(|(method, ..)| method == "PUT").count();
    for (form, status, words) in [
        ("do=renew-primary&policy=iothubowner&name=other", 400, "is not iothubowner"),
        ("do=delete&policy=iothubowner", 400, "is not iothubowner"),
        ("do=add&policy=mine", 400, "Tick at least one right"),
        ("do=add&policy=mine&right-EnrollmentRead=on", 400, "Tick at least one right"),
        ("do=add&policy=&right-DeviceConnect=on", 400, "Type a name"),
        ("do=add&policy=IotHubOwner&right-DeviceConnect=on", 400, "There is a policy IotHubOwner already"),
        ("do=swap&policy=none", 404, "There is no policy none."),
    ] {
        let answer = world.post(&cookie, "/portal/hubs/g/h/policies", &format!("{form}&csrf={token}")).await;
        assert_eq!(answer.status, status, "{form}");
        assert!(answer.text.contains(words), "{form}: {}", answer.text);
    }
    let puts = world.api.asked.lock().iter().filter(|(method, ..)| method == "PUT").count();
    assert_eq!(puts, before, "nothing was changed");
}

#[tokio::test]
async fn who_links_a_hub_is_told_beside_its_policy() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let shown = world.post(&cookie, "/portal/hubs/g/h/policies", &format!("do=keys&csrf={token}")).await;
    assert!(shown.text.contains("DPS instance d. If the key"), "{}", shown.text);
    assert!(
        shown.text.contains(&format!("HostName=h.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}"))
    );
    // Keys without the right to write: shown, and no button to change them.
    *world.api.roles.lock() = json!([{"actions": ["*/read", "*/listkeys/action"]}]);
    let shown = world.post(&cookie, "/portal/hubs/g/h/policies", &format!("do=keys&csrf={token}")).await.text;
    assert!(shown.contains(KEY) && !shown.contains("renew-primary") && !shown.contains("Add a policy"));
    let refused =
        world.post(&cookie, "/portal/hubs/g/h/policies", &format!("do=swap&policy=iothubowner&csrf={token}")).await;
    assert_eq!(refused.status, 403);
    *world.api.roles.lock() = owner();
}

#[tokio::test]
async fn hubs_are_linked_changed_and_unlinked() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let page = world.get(&cookie, "/portal/dps/g/d").await.text;
    for words in [
        "0ne00ABC123",
        "far.example",
        "<a href=\"/portal/hubs/g/h\">h.localhost</a>",
        "<option value=\"Hashed\" selected>",
        "linked already",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let send = async |form: &str| world.post(&cookie, "/portal/dps/g/d", &format!("{form}&csrf={token}")).await;
    let links = || put(&world).unwrap().1["properties"]["iotHubs"].clone();
    let [first, second] = [0, 1].map(|at| dps()["properties"]["iotHubs"][at].clone());

    let far = "HostName%3Dnew.example%3BSharedAccessKeyName%3Da%3BSharedAccessKey%3Dk";
    assert_eq!(send(&format!("do=link&string={far}&weight=5&location=north")).await.status, 303);
    let added = json!({"connectionString": "HostName=new.example;SharedAccessKeyName=a;SharedAccessKey=k", "location": "north",
        "applyAllocationPolicy": false, "allocationWeight": 5});
    assert_eq!(links(), json!([first, second, added]));

    *world.api.answers.lock() = vec![(
        "IotHubs/h/listkeys",
        200,
        json!({"value": [{"keyName": "mine", "primaryKey": KEY, "rights": "RegistryWrite, ServiceConnect"}]}),
    )];
    assert_eq!(send("do=link&hub=g/h&applies=on").await.status, 303);
    let mut renewed = first.clone();
    renewed["connectionString"] = format!("HostName=h.localhost;SharedAccessKeyName=mine;SharedAccessKey={KEY}").into();
    renewed["applyAllocationPolicy"] = true.into();
    assert_eq!(links(), json!([second, renewed]));

    assert_eq!(send("do=change&host=far.example&weight=9&applies=on").await.status, 303);
    let mut changed = second.clone();
    (changed["allocationWeight"], changed["applyAllocationPolicy"]) = (9.into(), true.into());
    assert_eq!(links(), json!([first, changed]));

    assert_eq!(send("do=unlink&host=far.example&name=x").await.status, 400);
    assert_eq!(send("do=unlink&host=far.example&name=far.example").await.status, 303);
    assert_eq!(links(), json!([first]));

    assert_eq!(send("do=allocation&allocation=Static").await.status, 303);
    assert_eq!(put(&world).unwrap().1["properties"]["allocationPolicy"], "Static");

    *world.api.answers.lock() = vec![("IotHubs/h/listkeys", 200, json!({"value": []}))];
    for (form, status, words) in [
        ("do=link", 400, "Choose a hub, or paste"),
        (&*format!("do=link&hub=g/h&string={far}"), 400, "not both"),
        ("do=link&string=nonsense", 400, "names no HostName"),
        (&*format!("do=link&string={far}&weight=x"), 400, "Weight: `x` is no whole number."),
        ("do=link&hub=g/h", 400, "No policy of h has the rights"),
        ("do=link&hub=g/none", 404, "There is no hub none."),
        ("do=change&host=none.example", 404, "There is no linked hub none.example."),
    ] {
        let answer = send(form).await;
        assert_eq!(answer.status, status, "{form}");
        assert!(answer.text.contains(words), "{form}: {}", answer.text);
    }
    let refused = send(&format!("do=link&string={far}&weight=x")).await.text;
    assert!(
        refused.contains("value=\"HostName=new.example;SharedAccessKeyName=a;SharedAccessKey=k\""),
        "what was typed stays"
    );
}

#[tokio::test]
async fn what_is_new_is_made_where_its_maker_may() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    assert!(world.get(&cookie, "/portal/").await.text.contains("href=\"/portal/create\""));
    let made = json!({"properties": {"hostName": "new.localhost"}});
    *world.api.answers.lock() = vec![
        ("IotHubs/new", 200, made),
        ("provisioningServices/new", 200, json!({})),
        ("resourcegroups/there", 200, json!({})),
        ("IotHubs/odd", 400, json!({"error": {"code": "InvalidResourceName", "message": "no name"}})),
    ];
    let send = async |form: &str| world.post(&cookie, "/portal/create", &format!("{form}&csrf={token}")).await;
    let sku = json!({"name": "S1", "capacity": 1});
    for (form, path, body, there) in [
        (
            "do=create-hub&name=new&group=g&partitions=2",
            "/resourceGroups/g/providers/Microsoft.Devices/IotHubs/new",
            json!({"location": "local", "sku": sku, "properties": {"eventHubEndpoints": {"events": {"partitionCount": 2}}}}),
            "/portal/hubs/g/new",
        ),
        (
            "do=create-dps&name=new&group=g",
            "/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/new",
            json!({"location": "local", "sku": sku, "properties": {}}),
            "/portal/dps/g/new",
        ),
    ] {
        let answer = send(form).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, there), "{}", answer.text);
        let (asked, sent) = put(&world).unwrap();
        assert!(asked.ends_with(path), "{asked}");
        assert_eq!(sent, body);
    }
    world.api.asked.lock().clear();
    for (form, status, words) in [
        ("do=check-hub&name=free&group=g", 200, "free is free."),
        ("do=check-dps&name=taken&group=g", 400, "taken cannot be had: another hub has the name."),
        ("do=create-hub&name=taken&group=g&partitions=1", 400, "value=\"taken\""),
        ("do=create-hub&name=&group=g&partitions=1", 400, "Type a name."),
        ("do=create-hub&name=new&group=none&partitions=1", 400, "Choose a resource group."),
        ("do=create-hub&name=new&group=g&partitions=x", 400, "Partitions: `x` is no whole number."),
        ("do=create-group&name=there", 400, "There is a resource group there already."),
        ("do=create-other&name=new", 400, "There is no such button."),
    ] {
        let answer = send(form).await;
        assert_eq!((answer.status.as_u16(), put(&world)), (status, None), "{form}");
        assert!(answer.text.contains(words), "{form}: {}", answer.text);
    }
    let odd = send("do=create-hub&name=odd&group=g&partitions=1").await;
    assert!(odd.status == 400 && odd.text.contains("no name (InvalidResourceName)"), "{}", odd.text);

    // Rights in one group only: no new group.
    let contributor = json!({"value": [{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}]});
    *world.api.roles.lock() = json!([{"actions": ["*/read"]}]);
    *world.api.answers.lock() =
        vec![("/resourceGroups/g/providers/Microsoft.Authorization/permissions", 200, contributor)];
    let page = world.get(&cookie, "/portal/create").await.text;
    assert!(page.contains("Create the hub") && !page.contains("Create the resource group"), "{page}");
    assert_eq!(send("do=create-group&name=mine&location=local").await.status, 403);
    *world.api.answers.lock() = Vec::new();
    // Of DPS instances only: neither hubs nor groups.
    *world.api.roles.lock() = json!([{"actions": ["*/read", "Microsoft.Devices/provisioningServices/*"]}]);
    let page = world.get(&cookie, "/portal/create").await.text;
    assert!(page.contains("Create the DPS instance") && !page.contains("Create the hub"), "{page}");
    assert_eq!(send("do=create-hub&name=new&group=g&partitions=2").await.status, 403);

    *world.api.roles.lock() = json!([{"actions": ["*/read"]}]);
    let page = world.get(&cookie, "/portal/create").await;
    assert!(page.status == 403 && page.text.contains("Your roles do not let you make hubs"));
    let groups_asked =
        || world.api.asked.lock().iter().filter(|(_, path, ..)| path.ends_with("/resourcegroups")).count();
    let before = groups_asked();
    for _ in 0..3 {
        assert!(!world.get(&cookie, "/portal/").await.text.contains("/portal/create"));
    }
    assert_eq!(groups_asked(), before + 1, "a page that is refreshed does not ask for each group each time");
}
