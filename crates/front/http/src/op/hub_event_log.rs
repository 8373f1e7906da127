//! `GET /messages/events/log`: a hub's events page by page, towards newer or older ones. Ours.

use roadstead_hub::{Direction, EventPosition, Hub, HubError, LogPage, LogQuestion};
use roadstead_model::UnixMillis;
use roadstead_wire::{
    event_log::{Continuation, EventLogPage},
    query::CONTINUATION_HEADER,
};

use crate::{
    call::Call,
    op::{hub_events, hub_refusal},
    reply::Reply,
    serve::Parts,
};

/// From the oldest event on, or from `enqueuedTime` (Unix milliseconds), or from the sequence number `from` of `partition`, or
/// where `x-ms-continuation` says. With `order=newest` what lies before that, by default the newest of all. With `deviceId`,
/// only that device's events. A further page takes the same arguments.
pub(crate) async fn show(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    let found = async {
        let question = question(call, hub.partition_count()).map_err(HubError::Invalid)?;
        Ok((hub.page_events(&question).await?, question.direction))
    };
    match found.await {
        Ok((page, direction)) => shown(&page, direction),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

fn question(call: &Call, partitions: u16) -> Result<LogQuestion<'_>, String> {
    let argument = |name| call.argument(name).filter(|text| !text.is_empty());
    let (partition, first) = (number("partition", argument("partition"))?, number("from", argument("from"))?);
    let is_newest_first = match argument("order") {
        None | Some("oldest") => false,
        Some("newest") => true,
        Some(_) => return Err("order is neither `oldest` nor `newest`".to_owned()),
    };
    let (from, is_older) = match call.header(CONTINUATION_HEADER).filter(|text| !text.is_empty()) {
        Some(text) => {
            let fault = || format!("{CONTINUATION_HEADER} is not a continuation that this service gave");
            let given = Continuation::parse(text).filter(|given| given.offsets.len() == usize::from(partitions));
            let Continuation { is_older, offsets } = given.ok_or_else(fault)?;
            (EventPosition::Offsets(offsets), is_older)
        }
        None => (begin(partition, first, argument("enqueuedTime"), is_newest_first, partitions)?, is_newest_first),
    };
    Ok(LogQuestion {
        from,
        direction: if is_older { Direction::Older } else { Direction::Newer },
        partition,
        device_id: argument("deviceId"),
        items_max: call.page_items(),
    })
}

fn begin(
    partition: Option<u64>,
    first: Option<u64>,
    time: Option<&str>,
    is_newest_first: bool,
    partitions: u16,
) -> Result<EventPosition, String> {
    match (first, partition, hub_events::enqueued_time(time)?) {
        (Some(_), None, _) => Err("from is a sequence number of one partition: name it with `partition`".to_owned()),
        (Some(_), _, Some(_)) => Err("from and enqueuedTime are two places to begin: name one".to_owned()),
        (Some(first), Some(partition), None) => {
            let at = |number| if u64::from(number) == partition { first } else { 0 };
            Ok(EventPosition::Offsets((0..partitions).map(at).collect()))
        }
        (None, _, Some(time)) => Ok(EventPosition::EnqueuedAt(time)),
        (None, _, None) if is_newest_first => Ok(EventPosition::Latest),
        (None, _, None) => Ok(EventPosition::Offsets(Vec::new())),
    }
}

fn number(name: &str, text: Option<&str>) -> Result<Option<u64>, String> {
    let parse =
        |text: &str| text.parse().map_err(|_| format!("{name} `{text}` is not a number from 0 to {}", u64::MAX));
    text.map(parse).transpose()
}

fn shown(page: &LogPage, direction: Direction) -> Reply {
    let events = page.events.iter().filter_map(|(partition, event)| {
        let shown = hub_events::streamed(*partition, event);
        if shown.is_none() {
            tracing::warn!(partition, offset = event.offset, "an event cannot be read and was passed over");
        }
        shown
    });
    let way = |is_older, offsets: &[u64]| Continuation { is_older, offsets: offsets.to_vec() }.to_string();
    let body = EventLogPage {
        events: events.collect(),
        older: page.has_older.then(|| way(true, &page.start)),
        newer: page.has_newer.then(|| way(false, &page.end)),
        examined: page.examined,
        examined_to: page.examined_to.map(UnixMillis::iso),
    };
    let next = match direction {
        Direction::Newer => &body.newer,
        Direction::Older => &body.older,
    };
    let reply = Reply::ok(&body);
    match next {
        Some(next) => reply.header(CONTINUATION_HEADER, next),
        None => reply,
    }
}
