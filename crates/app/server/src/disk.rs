//! The disk under the data directory.

use std::sync::Arc;

use roadstead_front_arm::{DiskGauge, DiskReading, DiskSpace};
use roadstead_store_embedded::DataDirectory;

/// Looks at the file system of the data directory.
#[derive(Debug)]
pub struct DataDisk {
    pub directory: Arc<DataDirectory>,
    /// Whether uploaded files are kept there.
    pub has_files: bool,
}

impl DiskGauge for DataDisk {
    fn read(&self) -> DiskReading {
        DiskReading {
            database_bytes: self.directory.database_bytes(),
            has_files: self.has_files,
            space: space(&self.directory),
        }
    }
}

/// What is free for who is not root.
#[cfg(unix)]
fn space(directory: &DataDirectory) -> Option<DiskSpace> {
    let found = rustix::fs::statvfs(directory.path()).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Some(DiskSpace { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
}

#[cfg(not(unix))]
fn space(_: &DataDirectory) -> Option<DiskSpace> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_room_and_no_more_than_it_has() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(temporary.path()).unwrap();
        std::fs::write(temporary.path().join("records.db"), [0; 100]).unwrap();
        std::fs::write(temporary.path().join("records.db-wal"), [0; 11]).unwrap();
        let reading = DataDisk { directory, has_files: true }.read();
        let space = reading.space.unwrap();
        assert_eq!(reading.database_bytes, 111);
        assert!(space.free <= space.total && space.total > 0, "{space:?}");
    }
}
