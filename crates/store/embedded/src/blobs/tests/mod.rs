//! The files engine against its port's promises, damage, and a sudden death.

mod kill;
mod suite;

use std::{path::Path, sync::Arc};

use super::EmbeddedBlobs;
use crate::directory::DataDirectory;

fn open(path: &Path, hub_bytes_max: u64) -> Arc<EmbeddedBlobs> {
    Arc::new(EmbeddedBlobs::open(DataDirectory::open(path).unwrap(), hub_bytes_max).unwrap())
}
