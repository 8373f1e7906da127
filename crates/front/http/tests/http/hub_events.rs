//! Server-sent events.

use roadstead_store::HubLog;
use tokio::io::AsyncWriteExt;

use crate::{
    pipe::Pipe,
    world::{NOW_S, World, caller, device_token, key, policy_token, request},
};

async fn send(world: &World, device: &str, body: &str) {
    let token = device_token(device, &key(1));
    let headers = [("Authorization", token.as_str()), ("iothub-contenttype", "application/json")];
    let answer = world.send(&format!("POST /devices/{device}/messages/events"), &headers, body).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

/// Opens a stream and reads what precedes its events.
async fn follow(world: &World, query: &str, headers: &[(&str, &str)]) -> Pipe {
    let token = policy_token("ServiceConnect");
    let headers = [headers, &[("Authorization", token.as_str()), ("Accept", "text/event-stream")]].concat();
    let mut pipe = Pipe::open(&world.front, caller(&[]));
    pipe.io.write_all(&request(&format!("GET /messages/events{query}"), &headers, b"")).await.unwrap();
    let head = pipe.until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/event-stream"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    pipe.until("id: ").await;
    pipe.until("\n\n").await;
    pipe
}

/// The id and the data of the next event.
async fn event(pipe: &mut Pipe) -> (String, serde_json::Value) {
    pipe.until("id: ").await;
    let id = pipe.until("\n").await.trim_end().to_owned();
    pipe.until("data: ").await;
    let data = pipe.until("\n\n").await;
    (id, serde_json::from_str(&data).unwrap())
}

/// What stands behind the events of one look: the position to go on from.
async fn position_behind(pipe: &mut Pipe) -> String {
    pipe.until("id: ").await;
    let id = pipe.until("\n\n").await;
    assert!(!id.contains("data"), "{id}");
    id.trim_end().to_owned()
}

#[tokio::test]
async fn what_comes_is_told_and_the_rest_can_be_asked_for() {
    let world = World::new().await;
    world.device("dev1").await;
    send(&world, "dev1", r#"{"n":0}"#).await;
    let mut live = follow(&world, "?api-version=2021-04-12", &[]).await;
    send(&world, "dev1", r#"{"n":1}"#).await;
    let (position, first) = event(&mut live).await;
    assert_eq!(
        (&first["body"]["n"], &first["annotations"]["iothub-connection-device-id"]),
        (&1.into(), &"dev1".into())
    );
    send(&world, "dev1", r#"{"n":2}"#).await;
    assert_eq!(event(&mut live).await.1["body"]["n"], 2);
    drop(live);

    // Who comes back with its position misses nothing.
    send(&world, "dev1", r#"{"n":3}"#).await;
    let mut again = follow(&world, "", &[("Last-Event-ID", &position)]).await;
    for n in [2, 3] {
        assert_eq!(event(&mut again).await.1["body"]["n"], n);
    }
    let mut from_start = follow(&world, &format!("?enqueuedTime={}", NOW_S * 1000), &[]).await;
    assert_eq!(event(&mut from_start).await.1["body"]["n"], 0);
}

#[tokio::test]
async fn only_one_device() {
    let world = World::new().await;
    for id in ["dev1", "dev2"] {
        world.device(id).await;
    }
    let mut stream = follow(&world, "?deviceId=dev2", &[]).await;
    for (device, body) in [("dev1", "1"), ("dev2", "2"), ("dev1", "3"), ("dev2", "4")] {
        send(&world, device, body).await;
    }
    for n in [2, 4] {
        assert_eq!(event(&mut stream).await.1["body"], n);
    }
}

/// Of the past the newest fifty, then so many a second, and how many more there were.
#[tokio::test(start_paused = true)]
async fn a_sample_is_what_somebody_can_look_at() {
    let world = World::new().await;
    world.device("dev1").await;
    let bodies = |range: std::ops::Range<u32>| range.map(|n| n.to_string());
    for body in bodies(0..60) {
        send(&world, "dev1", &body).await;
    }
    for query in ["?enqueuedTime=0&sample=4", "?enqueuedTime=0&sample=4&deviceId=dev1"] {
        let mut stream = follow(&world, query, &[]).await;
        let mut positions = Vec::new();
        for _ in 0..50 {
            positions.push(event(&mut stream).await.0);
        }
        let position = position_behind(&mut stream).await;
        assert!(positions.iter().all(|before| *before == positions[0] && *before != position), "{positions:?}");
        for body in bodies(0..10) {
            send(&world, "dev1", &body).await;
        }
        let (mut shown, mut skipped, mut last) = (0, 0, 0);
        while shown + skipped < 10 {
            let block = stream.until("\n\n").await;
            let Some((_, data)) = block.split_once("data: ") else { continue };
            let data: serde_json::Value = serde_json::from_str(data).unwrap();
            if block.contains("event: skipped\n") {
                assert_eq!(data["unseen"], 0, "{query}");
                skipped += data["skipped"].as_u64().unwrap();
            } else {
                (shown, last) = (shown + 1, data["body"].as_u64().unwrap());
            }
        }
        assert!(skipped > 0 && last == 9, "{query}: {shown} shown, {skipped} skipped, the last is {last}");
        drop(stream);
        let mut again = follow(&world, query, &[("Last-Event-ID", &position)]).await;
        assert_eq!(event(&mut again).await.1["body"], 0, "{query}");
    }
}

/// Who comes back is shown the newest fifty of what came meanwhile, and told how many more there were.
#[tokio::test(start_paused = true)]
async fn a_sample_that_goes_on_counts_what_went_by_meanwhile() {
    let world = World::new().await;
    world.device("dev1").await;
    for query in ["?sample=4", "?sample=4&deviceId=dev1"] {
        let mut before = follow(&world, query, &[]).await;
        send(&world, "dev1", "0").await;
        let (early, _) = event(&mut before).await;
        let position = position_behind(&mut before).await;
        drop(before);
        // Who lost the connection before the position came is told of it again.
        let mut again = follow(&world, query, &[("Last-Event-ID", &early)]).await;
        assert_eq!(event(&mut again).await.1["body"], 0, "{query}");
        drop(again);
        for n in 1..=60 {
            send(&world, "dev1", &n.to_string()).await;
        }
        let mut stream = follow(&world, query, &[("Last-Event-ID", &position)]).await;
        for n in 11..=60 {
            assert_eq!(event(&mut stream).await.1["body"], n, "{query}");
        }
        let told = stream.until("\n\n").await;
        assert!(told.contains("event: skipped\n"), "{query}: {told}");
        let counts: serde_json::Value = serde_json::from_str(told.split_once("data: ").unwrap().1).unwrap();
        assert_eq!(counts, serde_json::json!({"skipped": 10, "unseen": 0}), "{query}");
        // Who begins in the past is shown the newest of it, and none of it was promised.
        let mut begun = follow(&world, &format!("{query}&enqueuedTime=0"), &[]).await;
        for _ in 0..50 {
            event(&mut begun).await;
        }
        assert!(!begun.until(":\n\n").await.contains("skipped"), "{query}");
    }
}

/// Others' events come all the time, and of the one that is looked for none: the stream says that it is there.
#[tokio::test(start_paused = true)]
async fn a_sample_of_a_silent_device_is_kept_alive_among_others() {
    const OTHERS: [&str; 4] = ["dev1", "dev2", "dev3", "dev4"];
    let world = World::new().await;
    for id in OTHERS {
        world.device(id).await;
        send(&world, id, "0").await;
    }
    assert!([0, 1].iter().all(|partition| world.log.bounds(*partition).next > 0), "both partitions are busy");
    for between_ms in [1000, 14_500] {
        let mut stream = follow(&world, "?sample=20&deviceId=silent", &[]).await;
        let others = async {
            loop {
                tokio::time::sleep(std::time::Duration::from_millis(between_ms)).await;
                for id in OTHERS {
                    send(&world, id, "1").await;
                }
            }
        };
        let alive = async {
            for _ in 0..2 {
                let before = tokio::time::Instant::now();
                let heard = stream.until(":\n\n").await;
                assert!(!heard.contains("event") && !heard.contains("data"), "{heard}");
                assert_eq!(before.elapsed().as_secs(), 15, "{between_ms}: {:?}", before.elapsed());
            }
        };
        tokio::select! {
            () = alive => {}
            () = others => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled() {
    let world = World::new().await;
    for query in ["", "?sample=1"] {
        let mut stream = follow(&world, query, &[]).await;
        let before = tokio::time::Instant::now();
        stream.until(":\n\n").await;
        assert_eq!(before.elapsed().as_secs(), 15, "{query}");
    }
}

#[tokio::test]
async fn a_draining_server_ends_streams() {
    let world = World::new().await;
    let mut stream = follow(&world, "", &[]).await;
    stream.drain = None;
    assert!(stream.rest().await.ends_with("0\r\n\r\n"), "the stream ends as a whole");
}

/// Whose role was taken away sees no more of what comes, however long ago it began to look.
#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_bearer_token_does() {
    let world = World::new().await;
    let before = tokio::time::Instant::now();
    let mut stream = follow(&world, "", &[("Authorization", "Bearer brief")]).await;
    stream.until("0\r\n\r\n").await;
    assert_eq!(before.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_reads_ends() {
    let world = World::new().await;
    let Pipe { io, served, .. } = follow(&world, "", &[]).await;
    drop(io);
    served.await.unwrap();
}

#[tokio::test]
async fn refused() {
    let world = World::new().await;
    let service = policy_token("ServiceConnect");
    for (query, headers, status, code) in [
        ("", vec![], 401, "IotHubUnauthorized"),
        ("", vec![("Authorization", policy_token("RegistryWrite"))], 401, "IotHubUnauthorizedAccess"),
        ("?enqueuedTime=yesterday", vec![("Authorization", service.clone())], 400, "ArgumentInvalid"),
        ("?sample=0", vec![("Authorization", service.clone())], 400, "ArgumentInvalid"),
        ("?sample=101", vec![("Authorization", service.clone())], 400, "ArgumentInvalid"),
        ("?sample=all", vec![("Authorization", service.clone())], 400, "ArgumentInvalid"),
        ("", vec![("Authorization", service.clone()), ("Last-Event-ID", "x".to_owned())], 400, "ArgumentInvalid"),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refusal = world.send(&format!("GET /messages/events{query}"), &headers, "").await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (status, code), "{query}");
    }
    let post = world.send("POST /messages/events", &[("Authorization", &service)], "").await.hub_refusal();
    assert_eq!(post.1, "InvalidOperation");
}
