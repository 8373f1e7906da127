//! The progress display: one line on stderr, and none where stderr is no terminal.

use crate::summary::{per_second, shown_ms};
use crate::tally::{Glance, Tally};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) struct Progress {
    bar: ProgressBar,
    last: (Instant, u64),
    rate: f64,
}

/// The rate shown is that of the last second or so.
const RATE_EVERY: Duration = Duration::from_secs(1);

impl Progress {
    pub(crate) fn new(devices: u32, is_shown: bool, now: Instant) -> Self {
        // Hidden by itself where stderr is no terminal.
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{bar:20} {pos}/{len} devices  {msg}");
        let bar = ProgressBar::with_draw_target(Some(u64::from(devices)), target);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, last: (now, 0), rate: 0.0 }
    }

    pub(crate) fn draw(&mut self, tally: &Tally, now: Instant) {
        let glance = tally.glance();
        let (then, acknowledged) = self.last;
        let passed = now.saturating_duration_since(then);
        if passed >= RATE_EVERY {
            self.rate = per_second(glance.acknowledged.saturating_sub(acknowledged), passed);
            self.last = (now, glance.acknowledged);
        }
        self.bar.set_position(glance.started);
        self.bar.set_message(shown(&glance, self.rate));
    }

    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

fn shown(glance: &Glance, rate: f64) -> String {
    let Glance { online, acknowledged, reconnects, errors, puback_p99_ms, .. } = *glance;
    let p99 = shown_ms(puback_p99_ms);
    format!(
        "{online} online  {acknowledged} messages  {rate:.0}/s  p99 {p99}  {reconnects} reconnects  {errors} errors"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_how_it_goes() {
        let now = Instant::now();
        let tally = Tally::new(4, now);
        tally.on_connected(Duration::from_millis(3));
        tally.on_acknowledged(10, now, now + Duration::from_millis(2));
        let mut progress = Progress::new(4, false, now);
        progress.draw(&tally, now + Duration::from_secs(2));
        assert_eq!(progress.bar.position(), 1);
        assert_eq!(progress.bar.message(), "1 online  1 messages  0/s  p99 2.00 ms  0 reconnects  0 errors");
        progress.finish();
    }
}
