//! What an issuer said last, and one fetch at a time for all who want to hear it again.
//!
//! A fetch is a task of its own: who leaves does not end it for the others. What is known goes on being used while an issuer does
//! not answer; only who knows nothing, or was shown a key that is not known, waits for the end of the fetch.

use std::{future::Future, sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use parking_lot::Mutex;
use roadstead_model::UnixMillis;
use tokio::{sync::watch, time::timeout};
use tracing::{info, warn};

use crate::limits::{
    ISSUER_KEYS_AGE_MS, ISSUER_KEYS_PAUSE_MS, ISSUER_KEYS_RENEW_WAIT_MS, ISSUER_KEYS_STALE_MS, ISSUER_WAIT,
};

pub(super) struct Kept<T> {
    /// For the log.
    issuer: String,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// With when its fetch began.
    found: Option<(T, UnixMillis)>,
    /// When the last fetch began.
    tried: Option<UnixMillis>,
    /// Closed when that fetch is over.
    under_way: Option<watch::Receiver<()>>,
}

impl<T: Clone + Send + 'static> Kept<T> {
    pub(super) fn new(issuer: &str) -> Self {
        let state = State { found: None, tried: None, under_way: None };
        Self { issuer: issuer.to_owned(), state: Mutex::new(state) }
    }

    /// What was fetched not long ago; `renew`: again, unless that was done just now. `fetch` has [`ISSUER_WAIT`], whoever waits
    /// for it. `None`: nothing is known that still counts.
    pub(super) async fn find<F>(
        self: &Arc<Self>,
        renew: bool,
        now: UnixMillis,
        fetch: impl FnOnce() -> F + Send,
    ) -> Option<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (known, wait) = {
            let mut state = self.state.lock();
            if !renew && state.is_fresh(now) {
                return state.known(now);
            }
            if state.may_begin(now) {
                let (end, ended) = watch::channel(());
                (state.tried, state.under_way) = (Some(now), Some(ended));
                let (kept, fetched) = (Arc::clone(self), fetch());
                tokio::spawn(async move {
                    let slow = |_| Err(anyhow!("no answer within {} s", ISSUER_WAIT.as_secs()));
                    kept.take(timeout(ISSUER_WAIT, fetched).await.unwrap_or_else(slow), now);
                    drop(end);
                });
            }
            (state.known(now), state.wait(renew, now))
        };
        let Some((mut ended, patience)) = wait else { return known };
        // An error says that the fetch is over.
        let _ = timeout(patience, ended.changed()).await;
        self.state.lock().known(now)
    }

    fn take(&self, fetched: Result<T>, now: UnixMillis) {
        let issuer = &self.issuer;
        match fetched {
            Ok(found) => {
                info!(issuer, "keys of an issuer fetched");
                self.state.lock().found = Some((found, now));
            }
            Err(cause) => warn!(issuer, "keys of an issuer could not be fetched: {cause:#}"),
        }
    }
}

impl<T: Clone> State<T> {
    fn is_fresh(&self, now: UnixMillis) -> bool {
        self.found.as_ref().is_some_and(|(_, at)| now.0 - at.0 < ISSUER_KEYS_AGE_MS)
    }

    fn known(&self, now: UnixMillis) -> Option<T> {
        let found = self.found.as_ref().filter(|(_, at)| now.0 - at.0 < ISSUER_KEYS_STALE_MS);
        found.map(|(found, _)| found.clone())
    }

    fn is_under_way(&self) -> bool {
        self.under_way.as_ref().is_some_and(|ended| ended.has_changed().is_ok())
    }

    fn may_begin(&self, now: UnixMillis) -> bool {
        !self.is_under_way() && self.tried.is_none_or(|at| now.0 - at.0 >= ISSUER_KEYS_PAUSE_MS)
    }

    /// Whose end to wait for, and for how long.
    fn wait(&self, renew: bool, now: UnixMillis) -> Option<(watch::Receiver<()>, Duration)> {
        let ended = self.under_way.clone().filter(|_| self.is_under_way())?;
        if renew || self.known(now).is_none() {
            return Some((ended, ISSUER_WAIT));
        }
        let since_ms = self.tried.map_or(0, |at| now.0.saturating_sub(at.0));
        let left_ms = u64::try_from(ISSUER_KEYS_RENEW_WAIT_MS.saturating_sub(since_ms)).unwrap_or_default();
        Some((ended, Duration::from_millis(left_ms)))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use anyhow::bail;
    use futures_util::future::join_all;
    use tokio::{sync::oneshot, time::Instant};

    use super::*;

    const START: UnixMillis = UnixMillis(1_000_000_000);

    /// As the clock of `now` and that of waiting are two, one is told to the other.
    fn later(ms: i64) -> UnixMillis {
        START.plus_ms(ms)
    }

    fn unknown() -> Arc<Kept<u8>> {
        Arc::new(Kept::new("https://login.example"))
    }

    async fn known() -> Arc<Kept<u8>> {
        let kept = unknown();
        assert_eq!(kept.find(false, START, || async { Ok(7) }).await, Some(7));
        kept
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_share_one_fetch() {
        let (kept, asked) = (unknown(), AtomicUsize::new(0));
        let (answer, answered) = oneshot::channel();
        let answered = Mutex::new(Some(answered));
        let ask = |renew| {
            kept.find(renew, START, || {
                asked.fetch_add(1, Ordering::Relaxed);
                let answered = answered.lock().take().unwrap();
                async { Ok(answered.await?) }
            })
        };
        let all = join_all((0..20).map(|n| ask(n % 2 == 0)));
        let (found, ()) = tokio::join!(all, async { answer.send(7_u8).unwrap() });
        assert_eq!((found, asked.into_inner()), (vec![Some(7); 20], 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_issuer_that_hangs_is_waited_for_once_and_then_left_in_peace() {
        let (kept, begun) = (unknown(), Instant::now());
        let found = join_all((0..20).map(|_| kept.find(false, START, pending))).await;
        assert_eq!((found, begun.elapsed()), (vec![None; 20], ISSUER_WAIT));
        let soon = later(ISSUER_KEYS_PAUSE_MS - 1);
        assert_eq!(kept.find(true, soon, || -> std::future::Pending<_> { panic!("asked again") }).await, None);
        assert_eq!(begun.elapsed(), ISSUER_WAIT, "at once");
        assert_eq!(kept.find(false, later(ISSUER_KEYS_PAUSE_MS), || async { Ok(7) }).await, Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_used_while_an_issuer_hangs() {
        let (kept, begun) = (known().await, Instant::now());
        let old = later(ISSUER_KEYS_AGE_MS);
        let patience = Duration::from_millis(ISSUER_KEYS_RENEW_WAIT_MS.unsigned_abs());
        let found = join_all((0..20).map(|_| kept.find(false, old, pending))).await;
        assert_eq!((found, begun.elapsed()), (vec![Some(7); 20], patience));
        let next = old.plus_ms(ISSUER_KEYS_RENEW_WAIT_MS);
        assert_eq!(kept.find(false, next, pending).await, Some(7));
        assert_eq!(begun.elapsed(), patience, "nobody waits for the rest of it");
        assert_eq!(kept.find(true, next, pending).await, Some(7));
        assert_eq!(begun.elapsed(), ISSUER_WAIT, "but for a key that is not known");
        let stale = later(ISSUER_KEYS_STALE_MS);
        assert_eq!(kept.find(false, stale, || async { bail!("down") }).await, None, "it may have been withdrawn");
    }

    #[tokio::test(start_paused = true)]
    async fn an_issuer_that_answers_is_believed_before_what_is_known() {
        let kept = known().await;
        let asked = || async { Ok(8) };
        assert_eq!(kept.find(false, later(ISSUER_KEYS_AGE_MS - 1), asked).await, Some(7));
        assert_eq!(kept.find(false, later(ISSUER_KEYS_AGE_MS), asked).await, Some(8));
        assert_eq!(kept.find(true, later(ISSUER_KEYS_AGE_MS + 1), || async { Ok(9) }).await, Some(8), "just asked");
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_does_not_end_it_for_others() {
        let kept = unknown();
        let (answer, answered) = oneshot::channel();
        let first = kept.find(false, START, || async { Ok(answered.await?) });
        assert!(timeout(Duration::from_millis(1), first).await.is_err());
        let second = kept.find(false, START, pending);
        let (found, ()) = tokio::join!(second, async { answer.send(7_u8).unwrap() });
        assert_eq!(found, Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_fails_leaves_what_is_known() {
        let kept = known().await;
        assert_eq!(kept.find(true, later(ISSUER_KEYS_PAUSE_MS), || async { bail!("down") }).await, Some(7));
        assert_eq!(kept.find(false, later(ISSUER_KEYS_AGE_MS), || async { bail!("down") }).await, Some(7));
    }
}
