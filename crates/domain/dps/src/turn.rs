//! One register of a device at a time.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use crate::{
    error::DpsError,
    limits::{REGISTERS_MAX, REGISTERS_WAITING_MAX, RETRY_AFTER_S},
};

type Lock = Arc<tokio::sync::Mutex<()>>;

/// Who is having or awaiting a turn. Holds an entry only as long as someone does.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    locks: Mutex<HashMap<String, Lock>>,
}

/// A device's turn; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _guard: OwnedMutexGuard<()>,
    _ticket: Ticket,
}

#[derive(Debug)]
struct Ticket {
    turns: Arc<Turns>,
    key: String,
    lock: Lock,
}

impl Turns {
    /// Waits for `key`'s turn.
    ///
    /// Errors: `Throttled` when too many devices have one, `Concurrent` when too many wait for this one.
    pub(crate) async fn take(self: &Arc<Self>, key: String) -> Result<Turn, DpsError> {
        let ticket = self.draw(key)?;
        let guard = ticket.lock.clone().lock_owned().await;
        Ok(Turn { _guard: guard, _ticket: ticket })
    }

    fn draw(self: &Arc<Self>, key: String) -> Result<Ticket, DpsError> {
        let mut locks = self.locks.lock();
        if locks.len() >= REGISTERS_MAX && !locks.contains_key(&key) {
            return Err(DpsError::Throttled { retry_after_s: RETRY_AFTER_S });
        }
        let lock = locks.entry(key.clone()).or_default();
        // One count is the map's; one who has the turn holds two (ticket and guard), one who waits two as well.
        if Arc::strong_count(lock) > 2 * (1 + REGISTERS_WAITING_MAX) {
            return Err(DpsError::Concurrent { id: key });
        }
        Ok(Ticket { turns: self.clone(), lock: lock.clone(), key })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut locks = self.turns.locks.lock();
        // The map's count and this ticket's: nobody else knows the lock, and nobody can learn of it while the map is held.
        if Arc::strong_count(&self.lock) == 2 {
            locks.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn is_ready<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
        matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_))
    }

    #[tokio::test]
    async fn one_at_a_time_and_nothing_left_behind() {
        let turns = Arc::new(Turns::default());
        let first = turns.take("a".to_owned()).await.unwrap();
        let other = turns.take("b".to_owned()).await.unwrap();
        {
            let mut given_up = pin!(turns.take("a".to_owned()));
            assert!(!is_ready(given_up.as_mut()), "a's turn is taken");
        }
        let mut second = Box::pin(turns.take("a".to_owned()));
        assert!(!is_ready(second.as_mut()));
        drop(first);
        let second = second.await.unwrap();
        assert_eq!(turns.locks.lock().len(), 2);
        drop((second, other));
        assert_eq!(turns.locks.lock().len(), 0);
    }

    #[tokio::test]
    async fn too_many_for_one_device_are_refused() {
        let turns = Arc::new(Turns::default());
        let _first = turns.take("a".to_owned()).await.unwrap();
        let mut waiting: Vec<_> = (0..REGISTERS_WAITING_MAX).map(|_| Box::pin(turns.take("a".to_owned()))).collect();
        assert!(waiting.iter_mut().all(|turn| !is_ready(turn.as_mut())));
        assert!(matches!(turns.take("a".to_owned()).await, Err(DpsError::Concurrent { .. })));
    }
}
