use crate::world::{World, reader};
use http::Method;
use serde_json::json;

const HERE: &str = "/portal/hubs/g/h/devices/x/uploads";

#[tokio::test]
async fn files_are_listed_and_only_saved() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    *world.api.next.lock() = Some("logs%2F1.txt");
    let page = world.get(&cookie, HERE).await.text;
    for words in [
        "href=\"/portal/hubs/g/h/devices/x/uploads/logs%2F1.txt\" download>logs/1.txt</a>",
        "1.3 MB",
        "2026-11-21 20:02:50 UTC",
        "name=\"file\" value=\"logs/1.txt\"",
        "uploads?after=logs%252F1.txt\" rel=\"next\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let device = world.get(&cookie, "/portal/hubs/g/h/devices/x").await.text;
    assert!(device.contains("Uploaded files") && device.contains("uploads/logs%2F1.txt"), "{device}");
    let refreshed =
        world.send("GET", "/portal/hubs/g/h/devices/x", &[("cookie", &cookie), ("sec-fetch-dest", "empty")], "").await;
    assert!(refreshed.status == 200 && !refreshed.text.contains("Uploaded files"));

    *world.api.answers.lock() = vec![("/uploads/x/logs/1.txt", 200, json!("<script>"))];
    let file = world.get(&cookie, &format!("{HERE}/logs%2F1.txt")).await;
    assert_eq!((file.status.as_u16(), file.text.as_str()), (200, "\"<script>\""));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "10"),
        ("content-disposition", "attachment; filename=\"1.txt\"; filename*=UTF-8''1.txt"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ] {
        assert_eq!(file.header(name), value, "{name}");
    }
    let (_, path, authorization, _) = world.api.asked.lock().last().cloned().unwrap();
    assert_eq!((path.as_str(), authorization.as_str()), ("/uploads/x/logs/1.txt", "Bearer access"));
    // Only where the hub says so is the file absent; else its own words are shown.
    let refusal = |code: &str| json!({"error": {"code": code, "message": "no hub answers here"}});
    for (code, words) in [("BlobNotFound", "There is no file gone."), ("ContainerNotFound", "no hub answers here")] {
        *world.api.answers.lock() = vec![("/uploads/x/gone", 404, refusal(code))];
        let absent = world.get(&cookie, &format!("{HERE}/gone")).await;
        assert_eq!(absent.status, 404);
        assert!(absent.header("content-disposition").is_empty() && absent.text.contains(words), "{}", absent.text);
    }
}

#[tokio::test]
async fn deleting_asks_for_the_name_and_is_for_writers() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    *world.api.answers.lock() = vec![("/uploads/x/logs/1.txt", 202, json!(null))];
    let form = |typed: &str| format!("csrf={token}&do=delete&file=logs%2F1.txt&name={typed}");
    let deleted = || {
        let asked = world.api.asked.lock();
        asked.iter().filter(|(method, path, ..)| *method == Method::DELETE && path == "/uploads/x/logs/1.txt").count()
    };
    assert_eq!(world.post(&cookie, HERE, &form("logs")).await.status, 400);
    assert_eq!(deleted(), 0);
    assert_eq!(world.post(&cookie, HERE, &form("logs%2F1.txt")).await.header("location"), HERE);
    assert_eq!(deleted(), 1);
    *world.api.roles.lock() = reader();
    let page = world.get(&cookie, HERE).await.text;
    assert!(page.contains("logs/1.txt") && !page.contains("value=\"delete\""), "{page}");
    assert_eq!(world.post(&cookie, HERE, &form("logs%2F1.txt")).await.status, 403);
    assert_eq!(deleted(), 1);
}
