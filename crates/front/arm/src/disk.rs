//! The port to the disk under the server.

/// What the server's data directory takes and what is free around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskReading {
    /// Bytes of the database.
    pub database_bytes: u64,
    /// Whether uploaded files are kept there, too.
    pub has_files: bool,
    /// Bytes that may still be written there, and of the whole file system; `None` when the system does not say.
    pub space: Option<DiskSpace>,
}

/// The room of a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskSpace {
    pub free: u64,
    pub total: u64,
}

/// Looks at the disk. Does not wait.
pub trait DiskGauge: Send + Sync {
    fn read(&self) -> DiskReading;
}
