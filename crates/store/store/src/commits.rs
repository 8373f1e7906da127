//! How those who wait for durability learn of it: shared between a log engine and its writers.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{error::StoreError, limits};

/// The batch a record went into. Records of one batch become durable together; batches become so in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// The progress of one log's group commit.
///
/// At most two batches have waiters at any time: the one being synced and the one being filled. So two wait lists do, and
/// the waiters of one are not woken for the other.
#[derive(Debug, Default)]
pub struct Commits {
    done: AtomicU64,
    waiting: [Notify; 2],
    any_failed: AtomicBool,
    failed: Mutex<Failures>,
    news: Notify,
}

/// The reasons of the latest failures, oldest first, and the newest batch of which the reason was forgotten.
#[derive(Debug, Default)]
struct Failures {
    kept: VecDeque<(u64, StoreError)>,
    forgotten: u64,
}

impl Failures {
    fn remember(&mut self, batch: u64, error: StoreError) {
        if self.kept.len() == limits::FAILED_BATCHES_KEPT
            && let Some((oldest, _)) = self.kept.pop_front()
        {
            self.forgotten = oldest;
        }
        self.kept.push_back((batch, error));
    }

    fn outcome(&self, batch: u64) -> Result<(), StoreError> {
        if let Some((_, error)) = self.kept.iter().find(|(failed, _)| *failed == batch) {
            return Err(error.clone());
        }
        // Whoever asks so late must not take a failure for a success.
        if batch <= self.forgotten {
            return Err(StoreError::Unavailable("nobody remembers whether the event was stored".to_owned()));
        }
        Ok(())
    }
}

impl Commits {
    /// Nothing committed yet: the first batch is number 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that `batch` is durable, or why it will never be. Called by the engine, for one batch after the other.
    pub fn finish(&self, batch: Ticket, outcome: Result<(), StoreError>) {
        if let Err(error) = outcome {
            self.failed.lock().remember(batch.0, error);
            self.any_failed.store(true, Ordering::Release);
        }
        self.done.store(batch.0, Ordering::Release);
        self.slot(batch).notify_waiters();
        self.news.notify_waiters();
    }

    /// The outcome of a batch, once there is one.
    pub fn outcome(&self, ticket: Ticket) -> Option<Result<(), StoreError>> {
        if self.done.load(Ordering::Acquire) < ticket.0 {
            return None;
        }
        if !self.any_failed.load(Ordering::Acquire) {
            return Some(Ok(()));
        }
        Some(self.failed.lock().outcome(ticket.0))
    }

    /// Waits until the batch is durable. Errors: it could not be written; nothing of it will ever be read.
    pub async fn wait(&self, ticket: Ticket) -> Result<(), StoreError> {
        loop {
            let mut notified = pin!(self.slot(ticket).notified());
            notified.as_mut().enable();
            if let Some(outcome) = self.outcome(ticket) {
                return outcome;
            }
            notified.await;
        }
    }

    /// The number of the last finished batch: for readers that follow the log.
    pub fn finished(&self) -> Ticket {
        Ticket(self.done.load(Ordering::Acquire))
    }

    /// Waits until a batch after `seen` is finished.
    pub async fn wait_beyond(&self, seen: Ticket) {
        loop {
            let mut notified = pin!(self.news.notified());
            notified.as_mut().enable();
            if self.finished() > seen {
                return;
            }
            notified.await;
        }
    }

    fn slot(&self, ticket: Ticket) -> &Notify {
        &self.waiting[(ticket.0 & 1) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiters_learn_the_outcome_of_their_own_batch() {
        let commits = Commits::new();
        let waits = async { tokio::join!(commits.wait(Ticket(1)), commits.wait(Ticket(2)), commits.wait(Ticket(3))) };
        let engine = async {
            commits.finish(Ticket(1), Ok(()));
            commits.finish(Ticket(2), Err(StoreError::Full("no space left on device".into())));
            commits.finish(Ticket(3), Ok(()));
        };
        let ((first, second, third), ()) = tokio::join!(waits, engine);
        assert!(first.is_ok() && third.is_ok());
        assert!(matches!(second, Err(StoreError::Full(_))));
    }

    #[test]
    fn a_forgotten_failure_is_not_a_success() {
        let commits = Commits::new();
        let last = limits::FAILED_BATCHES_KEPT as u64 + 1;
        for batch in 1..=last {
            commits.finish(Ticket(batch), Err(StoreError::Full("full".into())));
        }
        commits.finish(Ticket(last + 1), Ok(()));
        assert!(matches!(commits.outcome(Ticket(1)), Some(Err(StoreError::Unavailable(_)))));
        assert!(matches!(commits.outcome(Ticket(last)), Some(Err(StoreError::Full(_)))));
        assert!(matches!(commits.outcome(Ticket(last + 1)), Some(Ok(()))));
    }

    #[test]
    fn an_unfinished_batch_has_no_outcome() {
        let commits = Commits::new();
        commits.finish(Ticket(1), Ok(()));
        assert!(commits.outcome(Ticket(1)).is_some());
        assert!(commits.outcome(Ticket(2)).is_none());
    }
}
