//! Who is silent for too long. The caller brings the time. Source: 2.4.5

use super::handshake::Stage;
use super::{Connection, ConnectionError};
use crate::frame;
use crate::limits::BEAT_INTERVAL_MS_MIN;

#[derive(Debug)]
pub(super) struct Idle {
    /// When the peer was heard last.
    heard_ms: u64,
    /// How long it may be silent.
    silence_max_ms: Option<u64>,
    /// When a sign of life is due, and how long after that the next.
    beat: Option<(u64, u64)>,
}

/// Milliseconds between two signs of life for a peer that hangs up after `idle_time_out_ms`; `None` if it never does.
pub(super) fn beat_interval_ms(idle_time_out_ms: u32) -> Option<u64> {
    (idle_time_out_ms > 0).then(|| u64::from(idle_time_out_ms / 2).max(BEAT_INTERVAL_MS_MIN))
}

impl Idle {
    pub(super) fn new(idle_time_out_ms: u32, now_ms: u64) -> Self {
        // The peer is told half of the time it really has, as the standard advises.
        let silence_max_ms = (idle_time_out_ms > 0).then(|| 2 * u64::from(idle_time_out_ms));
        Self { heard_ms: now_ms, silence_max_ms, beat: None }
    }

    pub(super) fn heard(&mut self, now_ms: u64) {
        self.heard_ms = self.heard_ms.max(now_ms);
    }

    pub(super) fn beat_every(&mut self, interval_ms: Option<u64>, now_ms: u64) {
        self.beat = interval_ms.map(|interval| (now_ms + interval, interval));
    }
}

impl Connection {
    /// When [`Connection::tick`] is to be called next; it may be called before.
    pub fn next_tick_ms(&self) -> Option<u64> {
        let dead = self.idle.silence_max_ms.map(|max| self.idle.heard_ms + max);
        let beat = self.idle.beat.map(|(due, _)| due).filter(|_| self.stage == Stage::Running);
        if self.stage == Stage::Over { None } else { dead.into_iter().chain(beat).min() }
    }

    /// Writes a sign of life when one is due. Errors: [`ConnectionError::Silent`]; the connection is over then.
    pub fn tick(&mut self, now_ms: u64, out: &mut Vec<u8>) -> Result<(), ConnectionError> {
        if self.stage == Stage::Over {
            return Ok(());
        }
        let silent_ms = now_ms.saturating_sub(self.idle.heard_ms);
        if self.idle.silence_max_ms.is_some_and(|max| silent_ms >= max) {
            let error = ConnectionError::Silent { silent_ms };
            self.fail(&error, out);
            return Err(error);
        }
        if self.stage == Stage::Running
            && let Some((due, interval)) = &mut self.idle.beat
            && *due <= now_ms
        {
            // Whatever else was written since the last one: the beat costs eight bytes, to know better costs a clock.
            *due = now_ms + *interval;
            frame::write_heartbeat(out);
        }
        Ok(())
    }
}
