//! Uploads: the end of each is told once, whoever tells it and when.

use std::sync::Arc;

use roadstead_hub::{BlobProperties, HubError, UploadKey, UploadParts};
use roadstead_model::{FileUploads, HubKey, HubSettings, ThrottleProfile, Tier};
use roadstead_store::{BlobCondition, BlobPath, Blobs, limits::PAGE_ITEMS_MAX};
use roadstead_store_embedded::{DataDirectory, EmbeddedBlobs};
use tempfile::TempDir;

use crate::world::{World, id};

const FILES_BYTES_MAX: u64 = 1 << 20;

struct Files {
    blobs: Arc<EmbeddedBlobs>,
    _directory: TempDir,
}

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(directory.path()).unwrap();
        Self { blobs: Arc::new(EmbeddedBlobs::open(data, FILES_BYTES_MAX).unwrap()), _directory: directory }
    }

    fn give(&self, world: &World) {
        let key = UploadKey::derive(b"installation", "hub1");
        world.hub.set_uploads(UploadParts { blobs: self.blobs.clone(), key });
    }

    async fn put(&self, name: &str) {
        let path = BlobPath::parse(HubKey(7), id("dev1"), name).unwrap();
        let writer = self.blobs.begin_blob(&path, &BlobProperties::default()).await.unwrap();
        writer.commit(&BlobCondition::Any).await.unwrap();
    }
}

async fn told(world: &World) -> usize {
    world.records.list_file_notifications(HubKey(7), PAGE_ITEMS_MAX).await.unwrap().len()
}

async fn finish(world: &World, correlation_id: &str, succeeded: bool) -> Result<(), HubError> {
    let token = world.policy_token("device");
    world.hub.finish_upload(world.once("dev1", &token), correlation_id, succeeded, str::to_owned).await
}

#[tokio::test]
async fn the_end_of_an_upload_is_told_once() {
    let files = Files::new();
    let uploads = FileUploads { notifications: true, ..FileUploads::default() };
    let settings = HubSettings { files: uploads, ..HubSettings::default() };
    let world = World::with(settings);
    files.give(&world);
    world.device("dev1").await;
    let token = world.policy_token("device");
    let start = async |name: &str| {
        files.put(name).await;
        world.hub.start_upload(world.once("dev1", &token), name).await.unwrap().correlation_id
    };
    let (first, second) = (start("a").await, start("b").await);
    let ends = tokio::join!(finish(&world, &first, true), finish(&world, &first, true), finish(&world, &first, true));
    let ends = [ends.0, ends.1, ends.2];
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 1, "{ends:?}");
    assert!(ends.iter().all(|end| matches!(end, Ok(()) | Err(HubError::UploadUnknown))), "{ends:?}");
    assert_eq!(told(&world).await, 1);

    let restarted = World::over(world.records.clone(), world.clock.clone(), settings);
    files.give(&restarted);
    assert!(matches!(finish(&restarted, &first, true).await, Err(HubError::UploadUnknown)));
    finish(&restarted, &second, true).await.unwrap();
    assert!(matches!(finish(&restarted, &second, true).await, Err(HubError::UploadUnknown)));
    assert_eq!(told(&restarted).await, 2);
}

#[tokio::test]
async fn beginning_and_end_count_as_messages() {
    let files = Files::new();
    let throttle = Some(ThrottleProfile { tier: Tier::S1, units: 1 });
    let world = World::with(HubSettings { throttle, ..HubSettings::default() });
    files.give(&world);
    world.device("dev1").await;
    let token = world.policy_token("device");
    let grant = world.hub.start_upload(world.once("dev1", &token), "a").await.unwrap();
    assert_eq!(world.hub.messages_today(), Some(1));
    finish(&world, &grant.correlation_id, false).await.unwrap();
    assert_eq!(world.hub.messages_today(), Some(2));
    assert!(finish(&world, &grant.correlation_id, false).await.is_err());
    assert_eq!(world.hub.messages_today(), Some(2));
}
