use crate::world::{World, reader};

const HERE: &str = "/portal/hubs/g/h/devices/x/twin/history";

#[tokio::test]
async fn changes_are_told_and_lead_back() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let page = world.get(&cookie, HERE).await.text;
    let back = "/portal/hubs/g/h/devices/x/twin?version=3";
    for words in [
        "Version 4",
        "as a whole",
        "<del><code>3</code></del>",
        "<ins><code>5</code></ins>",
        "by the policy",
        "Nothing older is kept of desired:",
        back,
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("twin?version=4"), "what is there already need not be put back");
    let edit = world.get(&cookie, back).await.text;
    assert!(edit.contains("&#34;hz&#34;: 3") && edit.contains("Compare"), "{edit}");
    assert_eq!(world.get(&cookie, "/portal/hubs/g/h/devices/x/twin?version=99").await.status, 404);
    let changed = |path: &str| path.starts_with("/twins/") && !path.ends_with("/history");
    assert!(world.api.asked.lock().iter().filter(|(_, path, ..)| changed(path)).all(|(method, ..)| method == "GET"));
    assert!(world.get(&cookie, "/portal/hubs/g/h/devices/x").await.text.contains(HERE));

    *world.api.answers.lock() = vec![("/history", 200, serde_json::json!([]))];
    let empty = world.get(&cookie, HERE).await.text;
    assert!(empty.contains("Nobody has changed the tags"), "{empty}");
    world.api.answers.lock().clear();
    *world.api.roles.lock() = reader();
    let page = world.get(&cookie, HERE).await.text;
    assert!(page.contains("Version 4") && !page.contains("twin?version="), "{page}");
}
