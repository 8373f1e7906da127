//! A disk that runs full, tears writes, fails to sync or takes its time, as a test wants it.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::{Condvar, Mutex};

use super::super::disk::{Disk, DiskFile, MachineDisk};

#[derive(Default)]
pub struct Faults {
    /// Bytes that can still be written; `None` for no end.
    pub space: Mutex<Option<u64>>,
    /// All syncs fail while this is set.
    pub syncs_fail: AtomicBool,
    /// Truncation fails while this is set.
    pub truncates_fail: AtomicBool,
    /// Reads of a segment that touch this byte fail.
    pub bad_sector: Mutex<Option<u64>>,
    /// Syncs wait while this is set.
    pub stalled: Mutex<bool>,
    pub moves_on: Condvar,
    pub syncs: AtomicU64,
    /// Syncs do nothing: for tests that have no power cut in mind and no time.
    pub syncs_skipped: AtomicBool,
}

impl Faults {
    pub fn stall(&self, stalled: bool) {
        *self.stalled.lock() = stalled;
        self.moves_on.notify_all();
    }
}

#[derive(Clone, Default)]
pub struct FaultyDisk(pub Arc<Faults>);

struct FaultyFile {
    file: Arc<dyn DiskFile>,
    faults: Arc<Faults>,
}

impl FaultyDisk {
    fn wrap(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { file, faults: self.0.clone() })
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        MachineDisk.create_dir(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        MachineDisk.list(path)
    }
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        MachineDisk.create(path).map(|file| self.wrap(file))
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        MachineDisk.open(path).map(|file| self.wrap(file))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        MachineDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        MachineDisk.remove(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        MachineDisk.remove_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        MachineDisk.sync_dir(path)
    }
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        match *self.faults.bad_sector.lock() {
            Some(bad) if (at..at + bytes.len() as u64).contains(&bad) => Err(io::Error::from_raw_os_error(5)),
            _ => self.file.read_at(bytes, at),
        }
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut space = self.faults.space.lock();
        let fits = space.map_or(bytes.len(), |space| bytes.len().min(space as usize));
        if let Some(space) = space.as_mut() {
            *space -= fits as u64;
        }
        self.file.write_at(&bytes[..fits], at)?;
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.syncs.fetch_add(1, Ordering::Relaxed);
        let mut stalled = self.faults.stalled.lock();
        self.faults.moves_on.wait_while(&mut stalled, |stalled| *stalled);
        if self.faults.syncs_fail.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(5));
        }
        if self.faults.syncs_skipped.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.file.sync()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        if self.faults.truncates_fail.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.file.truncate(len)
    }
}
