//! Feedback on messages, taken by back ends in batches.

use std::sync::atomic::{AtomicU64, Ordering};

use roadstead_model::{Feedback, UnixMillis};
use roadstead_store::Write;
use tokio::sync::Mutex;
use tracing::warn;

use super::LockToken;
use crate::{error::HubError, hub::Hub, limits};

/// The batches of a hub that a back end has, or had and gave back.
#[derive(Debug, Default)]
pub(crate) struct FeedbackDesk {
    batches: Mutex<Vec<Batch>>,
    /// How many records are kept, as of the last sweep and with those added since.
    kept: AtomicU64,
}

/// Feedback that is given together. Batches are forgotten on restart, when all of it waits again.
#[derive(Debug)]
struct Batch {
    records: Vec<(u64, Feedback)>,
    lock: Option<(LockToken, UnixMillis)>,
    abandoned: u32,
}

impl Batch {
    fn is_locked(&self, now: UnixMillis) -> bool {
        self.lock.is_some_and(|(_, until)| now < until)
    }

    fn numbers(&self) -> Vec<u64> {
        self.records.iter().map(|(number, _)| *number).collect()
    }
}

impl FeedbackDesk {
    /// Whether a record can be kept beside `more` others.
    pub(crate) fn has_room(&self, more: u64) -> bool {
        self.kept.load(Ordering::Relaxed) + more < limits::FEEDBACK_MAX
    }

    pub(crate) fn added(&self, records: u64) {
        self.kept.fetch_add(records, Ordering::Relaxed);
    }
}

impl Hub {
    /// The oldest feedback, which nobody else gets for the hub's `feedback_lock_s`; `None` when there is none to be given
    /// yet: it is given when there are [`limits::FEEDBACK_RECORDS_MAX`], or when the oldest has waited for
    /// [`limits::FEEDBACK_WAIT_MS`].
    ///
    /// Errors: `Full`, `Internal`.
    pub async fn receive_feedback(&self) -> Result<Option<(LockToken, Vec<Feedback>)>, HubError> {
        let now = self.now();
        let mut batches = self.messages().feedback.batches.lock().await;
        // What outlived its time in a batch that was given back is dropped by the sweep.
        batches.retain_mut(|batch| {
            if !batch.is_locked(now) {
                batch.records.retain(|(_, feedback)| !self.is_outdated(feedback, now));
            }
            !batch.records.is_empty()
        });
        let at = match batches.iter().position(|batch| !batch.is_locked(now)) {
            Some(at) => at,
            None if batches.len() >= limits::FEEDBACK_BATCHES_MAX => return Ok(None),
            None => {
                let Some(records) = self.gather(&batches, now).await? else { return Ok(None) };
                batches.push(Batch { records, lock: None, abandoned: 0 });
                batches.len() - 1
            }
        };
        let token = LockToken::fresh(self.random());
        let lock_ms = i64::from(self.resource().settings.cloud_to_device.feedback_lock_s) * 1000;
        batches[at].lock = Some((token, now.plus_ms(lock_ms)));
        Ok(Some((token, batches[at].records.iter().map(|(_, feedback)| feedback.clone()).collect())))
    }

    /// The back end has taken note: the feedback is gone, durably. Errors: `LockLost`, `Full`, `Internal`.
    pub async fn complete_feedback(&self, token: LockToken) -> Result<(), HubError> {
        let mut batches = self.messages().feedback.batches.lock().await;
        let at = find_locked(&batches, token, self.now())?;
        self.delete_feedback(batches[at].numbers()).await?;
        batches.remove(at);
        Ok(())
    }

    /// Gives feedback back, to be given again unless that happened too often; then it is gone.
    /// Errors: `LockLost`, `Full`, `Internal`.
    pub async fn abandon_feedback(&self, token: LockToken) -> Result<(), HubError> {
        let mut batches = self.messages().feedback.batches.lock().await;
        let at = find_locked(&batches, token, self.now())?;
        let abandoned = batches[at].abandoned.saturating_add(1);
        if abandoned >= self.resource().settings.cloud_to_device.feedback_delivery_count_max {
            self.delete_feedback(batches[at].numbers()).await?;
            batches.remove(at);
        } else {
            batches[at].abandoned = abandoned;
            batches[at].lock = None;
        }
        Ok(())
    }

    /// The oldest records that are in no batch, if it is time to give them. Those on devices that are gone are dropped.
    async fn gather(&self, batches: &[Batch], now: UnixMillis) -> Result<Option<Vec<(u64, Feedback)>>, HubError> {
        let taken: Vec<u64> = batches.iter().flat_map(Batch::numbers).collect();
        loop {
            let limit = taken.len() + limits::FEEDBACK_RECORDS_MAX;
            let mut waiting = self.records().list_feedback(self.key(), limit).await?;
            waiting.retain(|(number, _)| !taken.contains(number));
            waiting.truncate(limits::FEEDBACK_RECORDS_MAX);
            let (mut current, mut dropped) = (Vec::with_capacity(waiting.len()), Vec::new());
            for (number, feedback) in waiting {
                if self.is_outdated(&feedback, now) || !self.is_registered(&feedback).await? {
                    dropped.push(number);
                } else {
                    current.push((number, feedback));
                }
            }
            if !dropped.is_empty() {
                self.delete_feedback(dropped).await?;
                continue;
            }
            let is_due = current.first().is_some_and(|(_, oldest)| now >= oldest.at.plus_ms(limits::FEEDBACK_WAIT_MS));
            let is_full = current.len() == limits::FEEDBACK_RECORDS_MAX;
            return Ok((is_due || is_full).then_some(current));
        }
    }

    /// Drops feedback that nobody took in time, and counts the rest.
    pub(crate) async fn sweep_feedback(&self, now: UnixMillis) -> Result<(), HubError> {
        let desk = &self.messages().feedback;
        let batches = desk.batches.lock().await;
        let locked: Vec<u64> = batches.iter().filter(|batch| batch.is_locked(now)).flat_map(Batch::numbers).collect();
        for _ in 0..limits::SWEEP_PAGES_MAX {
            let page = self.records().list_feedback(self.key(), limits::SWEEP_PAGE).await?;
            let outdated: Vec<u64> = page
                .iter()
                .filter(|(number, feedback)| self.is_outdated(feedback, now) && !locked.contains(number))
                .map(|(number, _)| *number)
                .collect();
            if outdated.is_empty() {
                break;
            }
            self.delete_feedback(outdated).await?;
        }
        let kept = self.records().count_feedback(self.key()).await?;
        if kept >= limits::FEEDBACK_MAX {
            warn!(hub = %self.resource().name, kept, "no more feedback is kept until some is read");
        }
        desk.kept.store(kept, Ordering::Relaxed);
        Ok(())
    }

    async fn is_registered(&self, feedback: &Feedback) -> Result<bool, HubError> {
        let found = self.records().find_device(self.key(), &feedback.device).await?;
        Ok(found.is_some_and(|device| device.generation == feedback.generation))
    }

    fn is_outdated(&self, feedback: &Feedback, now: UnixMillis) -> bool {
        let ttl_ms = i64::from(self.resource().settings.cloud_to_device.feedback_ttl_s) * 1000;
        now >= feedback.at.plus_ms(ttl_ms)
    }

    async fn delete_feedback(&self, numbers: Vec<u64>) -> Result<(), HubError> {
        Ok(self.records().commit(vec![Write::DeleteFeedback(self.key(), numbers)]).await?)
    }
}

fn find_locked(batches: &[Batch], token: LockToken, now: UnixMillis) -> Result<usize, HubError> {
    let is_it = |batch: &Batch| batch.lock.is_some_and(|(lock, until)| lock == token && now < until);
    batches.iter().position(is_it).ok_or(HubError::LockLost)
}
