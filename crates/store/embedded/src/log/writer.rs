//! Group commit: appends fill one batch while the log's own thread makes the one before durable.
//!
//! A batch that fails takes with it whatever has been appended behind it, since that has got later offsets: both batches are told,
//! their offsets are given out again, and appends are refused for a moment before the disk is tried anew.

use std::{io, sync::Arc, thread::JoinHandle};

use parking_lot::{Mutex, MutexGuard};
use roadstead_model::{Event, UnixMillis};
use roadstead_store::{Partition, StoreError, Ticket, event, limits::LOG_PENDING_BYTES_MAX};
use tracing::{error, info};

use super::{limits, preface::Head, record, shared::Shared};

/// The batch that appends go into.
pub(crate) struct Filling {
    /// Records but for their checks.
    buffer: Vec<u8>,
    /// Bytes of the batch that is being written.
    writing: usize,
    batch: Ticket,
    /// Where each partition stands once everything appended is durable.
    heads: Vec<Head>,
    /// Why appends are refused, while they are.
    refusing: Option<StoreError>,
    closing: bool,
    thread: Option<JoinHandle<()>>,
}

impl Filling {
    pub(crate) fn new(heads: Vec<Head>) -> Mutex<Self> {
        Mutex::new(Self {
            buffer: Vec::new(),
            writing: 0,
            batch: Ticket(1),
            heads,
            refusing: None,
            closing: false,
            thread: None,
        })
    }

    fn too_much_waits(&self) -> Option<StoreError> {
        (self.buffer.len() + self.writing >= LOG_PENDING_BYTES_MAX)
            .then(|| StoreError::Full(format!("{LOG_PENDING_BYTES_MAX} bytes of events wait for the disk already")))
    }

    fn push(&mut self, partition: Partition, event: &Event<'_>, now: UnixMillis) -> Result<Ticket, StoreError> {
        if let Some(refusal) = self.too_much_waits() {
            return Err(refusal);
        }
        let partitions = self.heads.len();
        let Some(head) = self.heads.get_mut(usize::from(partition)) else {
            return Err(StoreError::Unavailable(format!(
                "there is no partition {partition}, only {partitions} from 0 on"
            )));
        };
        let start = self.buffer.len();
        record::begin(&mut self.buffer);
        event::encode(event, &mut self.buffer);
        let bytes = self.buffer.len() - start;
        if bytes > record::RECORD_BYTES_MAX {
            self.buffer.truncate(start);
            return Err(StoreError::Full(format!("an event of {bytes} bytes is larger than the log takes")));
        }
        let enqueued_at = now.max(head.last_at);
        record::place(&mut self.buffer, start, partition, head.next, enqueued_at);
        *head = Head { next: head.next + 1, last_at: enqueued_at };
        Ok(self.batch)
    }
}

impl Shared {
    /// Adds an event to the batch being filled.
    pub(crate) fn append(
        self: &Arc<Self>,
        partition: Partition,
        event: &Event<'_>,
        now: UnixMillis,
    ) -> Result<Ticket, StoreError> {
        let mut filling = self.filling.lock();
        if let Some(refusal) = &filling.refusing {
            return Err(refusal.clone());
        }
        if filling.thread.is_none() {
            filling.thread = Some(start(self.clone())?);
        }
        let asleep = filling.buffer.is_empty();
        let ticket = filling.push(partition, event, now)?;
        drop(filling);
        if asleep {
            self.wake.notify_one();
        }
        Ok(ticket)
    }

    /// Why an event would be refused now.
    pub(crate) fn refusal(&self) -> Option<StoreError> {
        let filling = self.filling.lock();
        filling.refusing.clone().or_else(|| filling.too_much_waits())
    }

    /// Writes what has been appended, then refuses everything and ends the writer's thread. Blocks until then.
    pub(crate) fn close(&self, reason: &str) {
        let thread = {
            let mut filling = self.filling.lock();
            filling.closing = true;
            filling.refusing = Some(StoreError::Unavailable(reason.to_owned()));
            filling.thread.take()
        };
        self.wake.notify_one();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            error!(directory = %self.directory.display(), "the log's writer had panicked");
        }
    }
}

fn start(shared: Arc<Shared>) -> Result<JoinHandle<()>, StoreError> {
    let writer = Writer { shared, block: Vec::new(), failing: false, busy: false };
    let thread = std::thread::Builder::new().name("event log".to_owned());
    thread
        .spawn(|| writer.run())
        .map_err(|error| StoreError::Unavailable(format!("cannot start the log's writer: {error}")))
}

struct Writer {
    shared: Arc<Shared>,
    /// The batch being written; changes places with the one being filled.
    block: Vec<u8>,
    failing: bool,
    /// The batch before was not small: more is probably on its way.
    busy: bool,
}

impl Writer {
    fn run(mut self) {
        while let Some(ticket) = self.next_batch() {
            let written = self.shared.tail.lock().write(&self.shared, &mut self.block);
            match written {
                Ok(()) => self.succeed(ticket),
                Err(error) => self.fail(ticket, &error),
            }
            self.busy = self.block.len() >= limits::BUSY_BATCH_BYTES;
            self.block.clear();
        }
        self.shared.tail.lock().checkpoint(&self.shared, 1);
    }

    /// Waits for events and takes them. `None` when the log is closed and all is written.
    fn next_batch(&mut self) -> Option<Ticket> {
        let shared = &self.shared;
        let mut filling = shared.filling.lock();
        filling.writing = 0;
        while filling.buffer.is_empty() {
            if filling.closing {
                return None;
            }
            if filling.refusing.is_some() {
                if shared.wake.wait_for(&mut filling, shared.tuning.retry).timed_out() && !filling.closing {
                    filling.refusing = None;
                }
            } else if filling.buffer.capacity().max(self.block.capacity()) > limits::BUFFER_KEPT_BYTES {
                if shared.wake.wait_for(&mut filling, limits::BUFFER_IDLE).timed_out() && filling.buffer.is_empty() {
                    filling.buffer = Vec::new();
                    self.block = Vec::new();
                }
            } else {
                shared.wake.wait(&mut filling);
            }
        }
        if self.busy {
            MutexGuard::unlocked(&mut filling, std::thread::yield_now);
        }
        std::mem::swap(&mut filling.buffer, &mut self.block);
        filling.writing = self.block.len();
        let ticket = filling.batch;
        filling.batch = Ticket(ticket.0 + 1);
        Some(ticket)
    }

    fn succeed(&mut self, ticket: Ticket) {
        self.shared.commits.finish(ticket, Ok(()));
        if self.failing {
            self.failing = false;
            info!(directory = %self.shared.directory.display(), "events can be written again");
        }
        self.shared.tail.lock().checkpoint(&self.shared, self.shared.tuning.checkpoint_bytes);
    }

    fn fail(&mut self, ticket: Ticket, cause: &io::Error) {
        let directory = self.shared.directory.display();
        if !self.failing {
            self.failing = true;
            error!(%directory, %cause, "cannot write events; they are refused until it works again");
        }
        let refusal =
            refusal(cause, &format!("events could not be written to {directory}, nothing of them was kept: {cause}"));
        let mut filling = self.shared.filling.lock();
        filling.heads.clone_from(&self.shared.view.read().heads);
        self.shared.commits.finish(ticket, Err(refusal.clone()));
        if !filling.buffer.is_empty() {
            filling.buffer.clear();
            self.shared.commits.finish(filling.batch, Err(refusal.clone()));
            filling.batch = Ticket(filling.batch.0 + 1);
        }
        if !filling.closing {
            filling.refusing = Some(refusal);
        }
    }
}

fn refusal(cause: &io::Error, text: &str) -> StoreError {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StoreError::Full(text.to_owned())
        }
        _ => StoreError::Unavailable(text.to_owned()),
    }
}
