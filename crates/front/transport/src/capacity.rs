//! How many connections there are, and may be.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, Semaphore};

use crate::metric;

/// Counts the connections of all listeners that share it, and the handshakes at work.
#[derive(Debug)]
pub struct Capacity {
    connections_max: usize,
    connections: AtomicUsize,
    handshakes: Semaphore,
    empty: Notify,
}

impl Capacity {
    /// Room for so many connections, and so many handshakes at once.
    pub fn new(connections_max: usize, handshakes_max: usize) -> Arc<Self> {
        let handshakes = Semaphore::new(handshakes_max.min(Semaphore::MAX_PERMITS));
        Arc::new(Self { connections_max, connections: AtomicUsize::new(0), handshakes, empty: Notify::new() })
    }

    /// Connections now, handshakes included. One that became a WebSocket still counts.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Acquire)
    }

    /// Returns once there is no connection.
    pub async fn emptied(&self) {
        loop {
            let mut empty = pin!(self.empty.notified());
            empty.as_mut().enable();
            if self.connections() == 0 {
                return;
            }
            empty.await;
        }
    }

    /// A turn to do a handshake, until it is dropped.
    pub(crate) async fn handshake(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.handshakes.acquire().await.ok()
    }

    /// A place for one connection; `None` when all are taken.
    pub(crate) fn enter(self: &Arc<Self>, listener: &'static str) -> Option<Place> {
        let room = |taken| (taken < self.connections_max).then_some(taken + 1);
        if self.connections.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).is_err() {
            metric::refused(listener);
            return None;
        }
        metric::accepted(listener);
        Some(Place { capacity: Arc::clone(self), listener })
    }
}

/// One connection's place, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    capacity: Arc<Capacity>,
    listener: &'static str,
}

impl Drop for Place {
    fn drop(&mut self) {
        metric::ended(self.listener);
        if self.capacity.connections.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.capacity.empty.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_counted_and_given_back() {
        let capacity = Capacity::new(2, 1);
        let first = capacity.enter("test").unwrap();
        let second = capacity.enter("test").unwrap();
        assert!(capacity.enter("test").is_none());
        assert_eq!(capacity.connections(), 2);
        drop(first);
        let waiting = tokio::spawn({
            let capacity = Arc::clone(&capacity);
            async move { capacity.emptied().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        waiting.await.unwrap();
        assert_eq!(capacity.connections(), 0);
        capacity.emptied().await;
    }
}
