//! Forms that are refused come back with what was typed, and with why. They are sent as browsers do: with the page they come from.

use crate::world::World;
use serde_json::Value;

fn puts(world: &World) -> Vec<Value> {
    let asked = world.api.asked.lock();
    let puts = asked.iter().filter(|(method, ..)| method == "PUT");
    puts.map(|(.., body)| serde_json::from_str(body).unwrap()).collect()
}

#[tokio::test]
async fn messages_are_deleted_by_the_hubs_name_only() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let here = "/portal/hubs/g/h/settings";
    let mut kept = crate::world::hub();
    kept["properties"]["eventHubEndpoints"]["events"]["retentionTimeInDays"] = 7.into();
    let send = async |form: &str| {
        *world.api.once.lock() = vec![("IotHubs/h", 200, kept.clone())];
        let form = crate::administration::settings(&[("retention", "2"), ("queue-depth", "9")]) + form;
        world.submit(&cookie, here, &format!("{form}&do=save&csrf={token}")).await
    };
    for (form, status) in [("", 200), ("name=x", 400)] {
        let asked = send(form).await;
        assert_eq!((asked.status.as_u16(), puts(&world).len()), (status, 0), "{}", asked.text);
        for words in [
            "Messages that are older than 2 days are deleted, read or not; now 7 days are kept.",
            "name=\"retention\" value=\"2\"",
            "name=\"queue-depth\" value=\"9\"",
            "Type <code>h</code> to confirm",
        ] {
            assert!(asked.text.contains(words), "{words}: {}", asked.text);
        }
    }
    assert_eq!(send("name=h").await.header("location"), here);
    assert_eq!(puts(&world)[0]["properties"]["eventHubEndpoints"]["events"]["retentionTimeInDays"], 2);
}
