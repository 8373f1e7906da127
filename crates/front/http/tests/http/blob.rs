//! Files: a device asks for a place, puts its file there as storage SDKs do, and tells the end of it.

use roadstead_model::Right;
use serde_json::{Value, json};

use crate::{
    pipe::Answer,
    world::{HOST, World, device_token, key, policy_token},
};

const BLOCK: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

async fn ask(world: &World, device: &str, name: &str) -> Answer {
    let token = device_token(device, &key(1));
    let body = json!({"blobName": name}).to_string();
    world
        .send(&format!("POST /devices/{device}/files?api-version=2021-04-12"), &[("Authorization", &token)], body)
        .await
}

async fn tell(world: &World, device: &str, path: &str, body: Value) -> Answer {
    let token = device_token(device, &key(1));
    world.send(&format!("POST /devices/{device}/files/{path}"), &[("Authorization", &token)], body.to_string()).await
}

/// A world with a device, and the address of one file of it: path and signature.
async fn granted(name: &str) -> (World, String, String) {
    let world = World::new().await;
    world.device("dev1").await;
    let place = ask(&world, "dev1", name).await.ok();
    let text = |member: &str| place[member].as_str().unwrap().to_owned();
    assert_eq!((text("hostName"), text("containerName")), (HOST.to_owned(), "uploads".to_owned()));
    (world, format!("/uploads/{}", text("blobName")), text("sasToken"))
}

impl Answer {
    /// Status and code of a refusal, whose body and header must agree.
    fn blob_refusal(&self) -> (u16, String) {
        let (code, body) = (self.header("x-ms-error-code").unwrap().to_owned(), self.text());
        assert!(
            body.starts_with(&format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>")),
            "{body}"
        );
        assert_eq!(
            (self.header("content-type"), self.header("x-ms-version")),
            (Some("application/xml"), Some("2021-12-02"))
        );
        assert!(body.contains(self.header("x-ms-request-id").unwrap()), "{body}");
        (self.status, code)
    }
}

#[tokio::test]
async fn a_file_is_put_whole_and_fetched() {
    let (world, path, sas) = granted("logs/1.txt").await;
    assert_eq!(path, "/uploads/dev1/logs/1.txt");
    let missing = world.send(&format!("GET {path}{sas}"), &[], "").await;
    assert_eq!(missing.blob_refusal(), (404, "BlobNotFound".to_owned()));
    let headers =
        [BLOCK, ("x-ms-blob-content-type", "text/csv"), ("x-ms-meta-line", "3"), ("x-ms-client-request-id", "c-1")];
    let put = world.send(&format!("PUT {path}{sas}"), &headers, "hello").await;
    assert_eq!((put.status, put.header("content-md5")), (201, Some("XUFAKrxLKna5cZ2REBfFkg==")));
    assert_eq!(
        (put.header("x-ms-request-server-encrypted"), put.header("x-ms-client-request-id")),
        (Some("true"), Some("c-1"))
    );
    let get = world.send(&format!("GET {path}{sas}"), &[("x-ms-range", "bytes=1-33554431")], "").await;
    assert_eq!((get.status, get.text(), get.header("content-range")), (206, "ello", Some("bytes 1-4/5")));
    assert_eq!((get.header("etag"), get.header("last-modified")), (put.header("etag"), put.header("last-modified")));
    let all = world.send(&format!("GET {path}{sas}"), &[], "").await;
    assert_eq!((all.status, all.text(), all.header("content-type")), (200, "hello", Some("text/csv")));
    let for_browsers = (all.header("content-security-policy"), all.header("x-content-type-options"));
    assert_eq!(for_browsers, (Some("sandbox; default-src 'none'; frame-ancestors 'none'"), Some("nosniff")));
    assert_eq!((all.header("x-ms-meta-line"), all.header("x-ms-blob-type")), (Some("3"), Some("BlockBlob")));
    let beyond = world.send(&format!("GET {path}{sas}"), &[("Range", "bytes=5-")], "").await;
    assert_eq!(beyond.blob_refusal(), (416, "InvalidRange".to_owned()));
    let encoded = world.send(&format!("GET {}{sas}", path.replace("logs/", "logs%2F")), &[], "").await;
    assert_eq!(encoded.text(), "hello");
}

#[tokio::test]
async fn blocks_become_a_file() {
    let (world, path, sas) = granted("big.bin").await;
    let put = |id: &'static str, body: Vec<u8>| {
        let line = format!("PUT {path}{sas}&comp=block&blockid={id}");
        let world = &world;
        async move { world.send(&line, &[], body).await }
    };
    assert_eq!(put("MDAwMDAw", vec![1; 4 * 1024 * 1024]).await.status, 201);
    assert_eq!(put("MDAwMDAx", vec![2; 1000]).await.status, 201);
    assert_eq!(put("not base64", vec![]).await.status, 400);
    let list = |ids: &[&str]| {
        let ids = ids.iter().fold(String::new(), |ids, id| ids + "<Latest>" + id + "</Latest>");
        format!("<?xml version='1.0' encoding='utf-8'?>\n<BlockList>{ids}</BlockList>")
    };
    let line = format!("PUT {path}{sas}&comp=blocklist");
    let unknown = world.send(&line, &[], list(&["MDAwMDAw", "MDAwMDAy"])).await;
    assert_eq!(unknown.blob_refusal(), (400, "InvalidBlockList".to_owned()));
    assert_eq!(world.send(&line, &[], "<BlockList>").await.blob_refusal(), (400, "InvalidXmlDocument".to_owned()));
    for _ in 0..2 {
        assert_eq!(
            world.send(&line, &[], list(&["MDAwMDAx", "MDAwMDAw"])).await.status,
            201,
            "a lost answer is asked for again"
        );
    }
    let got = world.send(&format!("GET {path}{sas}"), &[], "").await;
    assert_eq!(got.body.len(), 4 * 1024 * 1024 + 1000);
    assert!(got.body[..1000].iter().all(|byte| *byte == 2) && got.body[1000..].iter().all(|byte| *byte == 1));
}

#[tokio::test]
async fn what_waits_of_an_upload_is_told() {
    let (world, path, sas) = granted("big.bin").await;
    let list = |kind: &str| format!("GET {path}{sas}&comp=blocklist{kind}");
    let missing = world.send(&list(""), &[], "").await;
    assert_eq!(missing.blob_refusal(), (404, "BlobNotFound".to_owned()));
    for (id, body) in [("MDAwMDAx", "12345"), ("MDAwMDAw", "1")] {
        assert_eq!(world.send(&format!("PUT {path}{sas}&comp=block&blockid={id}"), &[], body).await.status, 201);
    }
    let waiting = world.send(&list("&blocklisttype=all"), &[], "").await;
    let blocks = "<UncommittedBlocks><Block><Name>MDAwMDAw</Name><Size>1</Size></Block><Block><Name>MDAwMDAx</Name><Size>5</Size></Block></UncommittedBlocks>";
    let document = |inner: &str| format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{inner}</BlockList>");
    assert_eq!((waiting.status, waiting.text()), (200, &*document(&format!("<CommittedBlocks />{blocks}"))));
    assert_eq!((waiting.header("content-type"), waiting.header("etag")), (Some("application/xml"), None));
    let body = "<BlockList><Latest>MDAwMDAw</Latest></BlockList>";
    let put = world.send(&format!("PUT {path}{sas}&comp=blocklist"), &[], body).await;
    let empty = world.send(&list("&blocklisttype=uncommitted"), &[], "").await;
    assert_eq!(empty.text(), document("<UncommittedBlocks></UncommittedBlocks>"));
    assert_eq!((empty.header("etag"), empty.header("x-ms-blob-content-length")), (put.header("etag"), Some("1")));
    assert_eq!(world.send(&list(""), &[], "").await.text(), document("<CommittedBlocks />"));
    let odd = world.send(&list("&blocklisttype=latest"), &[], "").await;
    assert_eq!(odd.blob_refusal(), (400, "InvalidQueryParameterValue".to_owned()));
    let stranger = world.send(&format!("GET {path}?comp=blocklist"), &[], "").await;
    assert_eq!(stranger.blob_refusal(), (403, "AuthenticationFailed".to_owned()));
}

#[tokio::test]
async fn a_signature_opens_one_file_for_a_known_device() {
    let (world, path, sas) = granted("mine.txt").await;
    for (path, sas) in [
        (path.clone(), String::new()),
        (path.clone(), sas.replace("sp=rw", "sp=rwd")),
        (path.clone(), sas.replace("se=20", "se=21")),
        (path.replace("mine", "other"), sas.clone()),
        (path.replace("dev1", "dev2"), sas.clone()),
    ] {
        for line in ["PUT", "GET"] {
            let refused = world.send(&format!("{line} {path}{sas}"), &[BLOCK], "x").await;
            assert_eq!(refused.blob_refusal(), (403, "AuthenticationFailed".to_owned()), "{path}{sas}");
        }
    }
    world.ask_with("DELETE /devices/dev1", &[("If-Match", "*")], Value::Null).await;
    let gone = world.send(&format!("PUT {path}{sas}"), &[BLOCK], "x").await;
    assert_eq!(gone.blob_refusal(), (403, "AuthenticationFailed".to_owned()));
}

#[tokio::test]
async fn bodies_are_checked_as_they_come() {
    let (world, path, sas) = granted("a").await;
    let line = format!("PUT {path}{sas}");
    let code = |answer: Answer| answer.blob_refusal().1;
    assert_eq!(code(world.send(&line, &[], "x").await), "MissingRequiredHeader");
    assert_eq!(code(world.send(&line, &[("x-ms-blob-type", "PageBlob")], "x").await), "InvalidHeaderValue");
    let wrong = [BLOCK, ("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==")];
    assert_eq!(code(world.send(&line, &wrong, "hello").await), "Md5Mismatch");
    assert_eq!(code(world.send(&line, &[BLOCK, ("x-ms-meta-a-b", "1")], "x").await), "InvalidMetadata");
    let full = world.send(&line, &[BLOCK], vec![0; 33 * 1024 * 1024]).await;
    assert_eq!(full.blob_refusal(), (413, "RequestBodyTooLarge".to_owned()), "over the quota");
    assert_eq!(code(world.send(&format!("{line}&comp=metadata"), &[], "").await), "UnsupportedQueryParameter");
    assert_eq!(code(world.send(&format!("POST {path}{sas}"), &[], "").await), "UnsupportedHttpVerb");
    assert_eq!(code(world.send(&format!("GET {path}{sas}"), &[], "").await), "BlobNotFound");
    let once = [BLOCK, ("If-None-Match", "*")];
    assert_eq!(world.send(&line, &once, "1").await.status, 201);
    assert_eq!(code(world.send(&line, &once, "2").await), "BlobAlreadyExists");
    assert_eq!(code(world.send(&line, &[BLOCK, ("If-Match", "\"0x1\"")], "2").await), "ConditionNotMet");
}

#[tokio::test]
async fn back_ends_fetch_and_remove_files() {
    let (world, path, sas) = granted("a").await;
    world.send(&format!("PUT {path}{sas}"), &[BLOCK], "hello").await;
    let reader = policy_token(Right::ServiceConnect.as_str());
    let other = policy_token(Right::RegistryRead.as_str());
    let get = world.send(&format!("GET {path}"), &[("Authorization", &reader)], "").await;
    assert_eq!((get.status, get.text()), (200, "hello"));
    for line in [format!("GET {path}"), format!("DELETE {path}")] {
        let refused = world.send(&line, &[("Authorization", &other)], "").await;
        assert_eq!(refused.blob_refusal(), (403, "AuthenticationFailed".to_owned()));
    }
    assert_eq!(world.send(&format!("DELETE {path}"), &[("Authorization", &reader)], "").await.status, 202);
    let gone = world.send(&format!("DELETE {path}"), &[("Authorization", &reader)], "").await;
    assert_eq!(gone.blob_refusal(), (404, "BlobNotFound".to_owned()));
}

#[tokio::test]
async fn who_logged_in_fetches_and_removes_by_role() {
    let (world, path, sas) = granted("a").await;
    world.send(&format!("PUT {path}{sas}"), &[BLOCK], "hello").await;
    let reader = ("Authorization", "Bearer HubDataReader");
    assert_eq!(world.send(&format!("GET {path}"), &[reader], "").await.text(), "hello");
    let refused = world.send(&format!("DELETE {path}"), &[reader], "").await;
    assert_eq!(refused.blob_refusal(), (403, "AuthenticationFailed".to_owned()));
    // A role does not stand for the signature that a device asks for.
    let writer = ("Authorization", "Bearer HubDataContributor");
    let put = world.send(&format!("PUT {path}"), &[BLOCK, writer], "x").await;
    assert_eq!(put.blob_refusal(), (403, "AuthenticationFailed".to_owned()));
    assert_eq!(world.send(&format!("DELETE {path}"), &[writer], "").await.status, 202);
}

#[tokio::test]
async fn what_a_device_uploaded_is_listed_in_pages() {
    let (world, ..) = granted("z").await;
    let reader = policy_token(Right::ServiceConnect.as_str());
    let list = async |line: &str, more: &[(&str, &str)]| {
        let headers: Vec<_> = [("Authorization", reader.as_str())].into_iter().chain(more.iter().copied()).collect();
        world.send(line, &headers, "").await
    };
    let empty = list("GET /devices/dev1/uploads", &[]).await;
    assert_eq!((empty.status, empty.text(), empty.header("x-ms-continuation")), (200, "[]", None));
    for (name, body) in [("b", "22"), ("logs/a 1.txt", "1"), ("c", "333")] {
        let place = ask(&world, "dev1", name).await.ok();
        let path = format!("/uploads/dev1/{}", name.replace(' ', "%20"));
        let headers = [BLOCK, ("x-ms-blob-content-type", "text/csv")];
        let put = world.send(&format!("PUT {path}{}", place["sasToken"].as_str().unwrap()), &headers, body).await;
        assert_eq!(put.status, 201);
    }
    let page = list("GET /devices/dev1/uploads", &[("x-ms-max-item-count", "2")]).await;
    let found: Value = serde_json::from_str(page.text()).unwrap();
    let time = found[0]["lastUpdatedTime"].as_str().unwrap();
    assert!(time.ends_with("+00:00"), "{time}");
    let file = |name: &str, path: &str, bytes: u64| {
        json!({"blobName": format!("dev1/{name}"), "blobUri": format!("https://plant.example/uploads/dev1/{path}"),
            "blobSizeInBytes": bytes, "contentType": "text/csv", "lastUpdatedTime": time})
    };
    let names = |found: &Value| -> Vec<String> {
        found.as_array().unwrap().iter().map(|one| one["blobName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found[0], file("b", "b", 2));
    assert_eq!(names(&found), ["dev1/b", "dev1/c"]);
    let next = page.header("x-ms-continuation").unwrap().to_owned();
    let last = list("GET /devices/dev1/uploads", &[("x-ms-continuation", &next)]).await;
    let found: Value = serde_json::from_str(last.text()).unwrap();
    assert_eq!(
        (found[0]["blobUri"].as_str(), last.header("x-ms-continuation")),
        (Some("https://plant.example/uploads/dev1/logs/a%201.txt"), None)
    );
    assert_eq!(list("GET /devices/dev%002/uploads", &[]).await.status, 400);
    assert_eq!(list("GET /devices/another/uploads", &[]).await.text(), "[]");
}

#[tokio::test]
async fn uploads_end_once_and_are_bounded() {
    let (world, ..) = granted("a").await;
    let place = ask(&world, "dev1", "logs/2.txt").await.ok();
    let status = json!({"correlationId": place["correlationId"], "isSuccess": true, "statusCode": 200, "statusDescription": "ok"});
    assert_eq!(tell(&world, "dev1", "notifications/", status.clone()).await.status, 204);
    let again = tell(&world, "dev1", "notifications", status).await.hub_refusal();
    assert_eq!((again.0, again.1.as_str()), (400, "InvalidFileUploadCorrelationId"));
    let mut ids = Vec::new();
    for _ in 0..9 {
        ids.push(ask(&world, "dev1", "b").await.ok()["correlationId"].as_str().unwrap().to_owned());
    }
    let refused = ask(&world, "dev1", "b").await.hub_refusal();
    assert_eq!((refused.0, refused.1.as_str()), (403, "DeviceMaximumActiveFileUploadLimitExceeded"));
    let failed = json!({"isSuccess": false, "statusCode": 500, "statusDescription": "no"});
    assert_eq!(tell(&world, "dev1", &format!("notifications/{}", ids[0]), failed).await.status, 204);
    ask(&world, "dev1", "b").await.ok();
    let bad = ask(&world, "dev1", "../b").await.hub_refusal();
    assert_eq!((bad.0, bad.1.as_str()), (400, "ArgumentInvalid"));
    world.device("dev2").await;
    let foreign = json!({"correlationId": ids[1], "isSuccess": true});
    assert_eq!(tell(&world, "dev2", "notifications", foreign).await.hub_refusal().1, "InvalidFileUploadCorrelationId");
}
