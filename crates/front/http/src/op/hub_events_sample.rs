//! `GET /messages/events?sample=20`: of a hub's events as many as somebody can look at, and how many there were beside. It costs
//! the same however much is sent.

use std::time::Duration;

use bytes::Bytes;
use hyper::body::Frame;
use roadstead_hub::EventSample;
use roadstead_wire::event_stream::{self, Skipped};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    call::Call,
    limits::{EVENTS_HEARTBEAT, SAMPLE_PAST_MAX, SAMPLE_PER_S_MAX, SAMPLE_TICKS_PER_S_MAX},
    op::hub_events::{Sender, log_unread, write},
};

/// How many events a second at most; `None` when all are wanted. Errors: what is wrong with the number.
pub(super) fn per_second(call: &Call) -> Result<Option<usize>, String> {
    let Some(text) = call.argument("sample").filter(|text| !text.is_empty()) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| (1..=SAMPLE_PER_S_MAX).contains(number));
    number
        .map(Some)
        .ok_or_else(|| format!("sample `{text}` is not a number of events a second, from 1 to {SAMPLE_PER_S_MAX}"))
}

/// How many events go with each look.
struct Pace {
    per_second: usize,
    looks_per_second: usize,
    /// What the looks before left over, in parts of an event.
    rest: usize,
}

impl Pace {
    fn of(per_second: usize) -> Self {
        Self { per_second, looks_per_second: per_second.min(SAMPLE_TICKS_PER_S_MAX), rest: 0 }
    }

    fn tick(&self) -> Duration {
        Duration::from_secs(1) / u32::try_from(self.looks_per_second).unwrap_or(1)
    }

    /// Of the next look. At least one.
    fn next(&mut self) -> usize {
        self.rest += self.per_second;
        let most = self.rest / self.looks_per_second;
        self.rest %= self.looks_per_second;
        most
    }
}

/// Of what was there before, the newest are sent; then, some times a second, the newest of what came, and how many more there
/// were. Of those before, too, if the client had begun already (`goes_on`): it was promised all from there on.
///
/// What one look gives goes under the position before it, and the position behind it comes last: who lost the connection in between
/// is told of all of it again.
pub(super) async fn feed(mut sample: EventSample, per_second: usize, goes_on: bool, sender: Sender) {
    let mut out = Vec::new();
    event_stream::write_id(&event_stream::write_position(sample.positions()), &mut out);
    let mut pace = Pace::of(per_second);
    let (mut most, mut is_first, mut told_at) = (SAMPLE_PAST_MAX, true, Instant::now());
    loop {
        // Others' events may come all the time, and of the one that is looked for none.
        if out.is_empty() && told_at.elapsed() >= EVENTS_HEARTBEAT {
            out.extend_from_slice(event_stream::KEEP_ALIVE);
        }
        if !out.is_empty() {
            if sender.send(Ok(Frame::data(Bytes::from(std::mem::take(&mut out))))).await.is_err() {
                return;
            }
            told_at = Instant::now();
        }
        let patience = EVENTS_HEARTBEAT.saturating_sub(told_at.elapsed());
        if !is_first && timeout(patience, sample.changed()).await.is_err() {
            out.extend_from_slice(event_stream::KEEP_ALIVE);
            continue;
        }
        let before = sample.positions().to_vec();
        let Ok(glimpse) = sample.look(most).await else { return log_unread() };
        for (partition, event) in &glimpse.events {
            write(&before, *partition, event, &mut out);
        }
        let left_out = Skipped { skipped: glimpse.skipped, unseen: glimpse.unseen };
        if (goes_on || !is_first) && left_out != Skipped::default() {
            event_stream::write_skipped(left_out, &mut out);
        }
        if !out.is_empty() {
            event_stream::write_id(&event_stream::write_position(sample.positions()), &mut out);
        }
        (most, is_first) = (pace.next(), false);
        sleep(pace.tick()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_second_and_no_more() {
        for per_second in 1..=SAMPLE_PER_S_MAX {
            let mut pace = Pace::of(per_second);
            let looks: Vec<usize> = (0..pace.looks_per_second).map(|_| pace.next()).collect();
            assert_eq!(looks.iter().sum::<usize>(), per_second, "{looks:?}");
            assert!(
                looks.iter().all(|most| *most > 0),
                "{per_second}: a look that may show nothing passes over what came"
            );
            assert!(pace.tick() * u32::try_from(looks.len()).unwrap() <= Duration::from_secs(1), "{per_second}");
        }
        assert_eq!((Pace::of(1).tick(), Pace::of(20).tick()), (Duration::from_secs(1), Duration::from_millis(250)));
    }
}
