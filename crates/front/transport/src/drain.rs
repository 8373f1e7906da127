//! The orderly end: listeners stop accepting, connections finish what they are at.

use tokio::sync::watch;

/// Starts the end. Dropping it starts the end too.
#[derive(Debug)]
pub struct Drain(watch::Sender<bool>);

impl Drain {
    /// Not started.
    #[expect(clippy::new_without_default, reason = "a drain nobody keeps has already started")]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Tells everyone who watches.
    pub fn start(&self) {
        self.0.send_replace(true);
    }

    /// For a listener or a connection.
    pub fn watch(&self) -> DrainWatch {
        DrainWatch(self.0.subscribe())
    }
}

/// Learns of the end. Small, one for each connection.
#[derive(Debug, Clone)]
pub struct DrainWatch(watch::Receiver<bool>);

impl DrainWatch {
    /// Returns once the end has started, at once if it had. May be dropped and called again.
    pub async fn started(&mut self) {
        // An error means that the drain is gone, which counts as started.
        let _ = self.0.wait_for(|started| *started).await;
    }

    /// Whether the end has started.
    pub fn is_started(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everyone_learns_of_it() {
        let drain = Drain::new();
        let mut early = drain.watch();
        assert!(!early.is_started());
        drain.start();
        let mut late = drain.watch();
        assert!(early.is_started() && late.is_started());
        early.started().await;
        late.started().await;
        late.started().await;
    }

    #[tokio::test]
    async fn a_dropped_drain_has_started() {
        let mut watch = Drain::new().watch();
        assert!(watch.is_started());
        watch.started().await;
    }
}
