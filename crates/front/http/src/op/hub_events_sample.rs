//! `GET /messages/events?sample=20`: of a hub's events as many as somebody can look at, and how many there were beside. It costs
//! the same however much is sent.

use bytes::Bytes;
use hyper::body::Frame;
use roadstead_hub::EventSample;
use roadstead_wire::event_stream::{self, Skipped};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    call::Call,
    limits::{EVENTS_HEARTBEAT, SAMPLE_PAST_MAX, SAMPLE_PER_S_MAX, SAMPLE_TICK, SAMPLE_TICKS_PER_S},
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

/// Of what was there before, the newest are sent; then, four times a second, the newest of what came, and how many more there
/// were. Of those before, too, if the client had begun already (`goes_on`): it was promised all from there on.
pub(super) async fn feed(mut sample: EventSample, per_second: usize, goes_on: bool, sender: Sender) {
    let mut out = Vec::new();
    event_stream::write_start(&event_stream::write_position(sample.positions()), &mut out);
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
        if !is_first && timeout(EVENTS_HEARTBEAT, sample.changed()).await.is_err() {
            out.extend_from_slice(event_stream::KEEP_ALIVE);
            continue;
        }
        let Ok(glimpse) = sample.look(most).await else { return log_unread() };
        for (partition, event) in &glimpse.events {
            write(sample.positions(), *partition, event, &mut out);
        }
        let left_out = Skipped { skipped: glimpse.skipped, unseen: glimpse.unseen };
        if (goes_on || !is_first) && left_out != Skipped::default() {
            event_stream::write_skipped(left_out, &mut out);
        }
        (most, is_first) = (per_second.div_ceil(SAMPLE_TICKS_PER_S), false);
        sleep(SAMPLE_TICK).await;
    }
}
