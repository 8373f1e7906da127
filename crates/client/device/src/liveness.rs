//! When to ask whether the server is still there, and when to believe that it is not.

use crate::limits::{ACKNOWLEDGE_TIMEOUT, ANSWER_TIMEOUT, KEEP_ALIVE_S};
use std::time::Duration;
use tokio::time::Instant;

const KEEP_ALIVE: Duration = Duration::from_secs(KEEP_ALIVE_S as u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Liveness {
    sent: Instant,
    received: Instant,
    pinged: Option<Instant>,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing before this instant.
    At(Instant),
    /// A PINGREQ.
    Ping,
    /// The connection is dead: this answer did not come.
    Dead(&'static str, Duration),
}

impl Liveness {
    pub(crate) fn new(now: Instant) -> Self {
        Self { sent: now, received: now, pinged: None }
    }

    pub(crate) fn on_sent(&mut self, now: Instant) {
        self.sent = now;
    }

    pub(crate) fn on_received(&mut self, now: Instant) {
        self.received = now;
        self.pinged = None;
    }

    pub(crate) fn on_pinged(&mut self, now: Instant) {
        self.sent = now;
        self.pinged = Some(now);
    }

    /// `oldest_sent`: of the messages that wait for their PUBACK.
    pub(crate) fn due(&self, oldest_sent: Option<Instant>, now: Instant) -> Due {
        let acknowledge_by = oldest_sent.map(|sent| sent + ACKNOWLEDGE_TIMEOUT);
        if acknowledge_by.is_some_and(|by| by <= now) {
            return Due::Dead("PUBACK", ACKNOWLEDGE_TIMEOUT);
        }
        let at = match self.pinged {
            Some(pinged) if pinged + ANSWER_TIMEOUT <= now => return Due::Dead("PINGRESP", ANSWER_TIMEOUT),
            Some(pinged) => pinged + ANSWER_TIMEOUT,
            None => self.sent.min(self.received) + KEEP_ALIVE,
        };
        if at <= now { Due::Ping } else { Due::At(acknowledge_by.map_or(at, |by| by.min(at))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_after_silence_of_either_side_and_gives_up_without_an_answer() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let fresh = Liveness::new(start);
        let talking = {
            let mut live = fresh.clone();
            live.on_sent(at(50));
            live
        };
        let both = {
            let mut live = talking.clone();
            live.on_received(at(40));
            live
        };
        let pinged = {
            let mut live = fresh.clone();
            live.on_pinged(at(60));
            live
        };
        let answered = {
            let mut live = pinged.clone();
            live.on_received(at(61));
            live
        };
        for (live, oldest_sent, now, due) in [
            (&fresh, None, 0, Due::At(at(60))),
            (&fresh, None, 59, Due::At(at(60))),
            (&fresh, None, 60, Due::Ping),
            (&talking, None, 60, Due::Ping),
            (&both, None, 60, Due::At(at(100))),
            (&both, None, 100, Due::Ping),
            (&pinged, None, 61, Due::At(at(90))),
            (&pinged, None, 90, Due::Dead("PINGRESP", ANSWER_TIMEOUT)),
            (&answered, None, 100, Due::At(at(120))),
            (&answered, Some(0), 119, Due::At(at(120))),
            (&both, Some(0), 60, Due::At(at(100))),
            (&answered, Some(0), 120, Due::Dead("PUBACK", ACKNOWLEDGE_TIMEOUT)),
        ] {
            assert_eq!(live.due(oldest_sent.map(at), at(now)), due, "{live:?} at {now}");
        }
    }
}
