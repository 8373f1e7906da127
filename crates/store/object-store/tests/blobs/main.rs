//! The engine against the port's suite, on an object store in memory.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::{memory::InMemory, path::Path};
use roadstead_store::{Blobs, suite};
use roadstead_store_object::{ObjectBlobs, Place, limits::AZURE_METADATA_BYTES_MAX};

struct Bucket(Arc<InMemory>);

impl Bucket {
    fn new() -> Self {
        Self(Arc::new(InMemory::new()))
    }
}

#[async_trait]
impl suite::blobs::Place for Bucket {
    async fn start(&self, hub_bytes_max: u64) -> Arc<dyn Blobs> {
        let prefix = Path::parse("fleet/files").expect("a prefix");
        let place = Place { store: self.0.clone(), prefix, metadata_bytes_max: AZURE_METADATA_BYTES_MAX };
        Arc::new(ObjectBlobs::new(place, hub_bytes_max))
    }
}

roadstead_store::blobs_suite!(Bucket::new());
