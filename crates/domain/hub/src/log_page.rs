//! Pages of a hub's events, from any place in the log towards newer or older ones. A page is made and forgotten: nobody holds a
//! seat, and how much of the log one page may cost is bounded.

use std::collections::VecDeque;

use roadstead_model::UnixMillis;
use roadstead_store::{Bounds, StoredEvent};

use crate::{error::HubError, events::EventPosition, hub::Hub, limits, partition::readable, routing::partition_of};

/// Which way from a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Newer,
    Older,
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuestion<'a> {
    /// What lies before it is older, the rest is newer.
    pub from: EventPosition,
    pub direction: Direction,
    /// Of one partition; of all when absent.
    pub partition: Option<u16>,
    /// Of one device only.
    pub device_id: Option<&'a str>,
    pub items_max: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// With their partitions, the oldest first. Events of several partitions are in the order of time.
    pub events: Vec<(u16, StoredEvent)>,
    /// Where the page begins: an offset for each partition of the hub. Older ones lie before it.
    pub start: Vec<u64>,
    /// Where it ends.
    pub end: Vec<u64>,
    pub has_older: bool,
    pub has_newer: bool,
    /// How many events were looked at.
    pub examined: usize,
    /// When the last of those was enqueued: how far was looked.
    pub examined_to: Option<UnixMillis>,
}

/// One partition on the way.
struct Lane {
    partition: u16,
    bounds: Bounds,
    /// Where what was read ends, in the direction of the way.
    edge: u64,
    /// Read and not looked at, in the order of offsets.
    ready: VecDeque<StoredEvent>,
}

impl Hub {
    /// A page of events. A device's are looked for in its partition, if none is named. Errors: `Invalid` for a partition that
    /// there is not, `Internal`.
    pub async fn page_events(&self, question: &LogQuestion<'_>) -> Result<LogPage, HubError> {
        let (count, direction) = (self.partition_count(), question.direction);
        if let Some(asked) = question.partition.filter(|asked| *asked >= count) {
            let text = format!("there is no partition `{asked}`: this hub has {count}, numbered from 0");
            return Err(HubError::Invalid(text));
        }
        let only = question.partition.or_else(|| question.device_id.map(|id| partition_of(id, count)));
        let mut lanes = Vec::new();
        for partition in (0..count).filter(|partition| only.is_none_or(|only| only == *partition)) {
            lanes.push(self.lane(partition, &question.from).await?);
        }
        let begun = positions(count, &lanes, direction);
        let mut walk = Walk { question, events: Vec::new(), bytes: 0, examined: 0, examined_bytes: 0, to: None };
        while walk.goes_on() {
            for lane in &mut lanes {
                walk.examined += self.fill(lane, direction).await?;
            }
            let Some(lane) = next_lane(&mut lanes, direction) else { break };
            if !walk.look(lane) {
                break;
            }
        }
        let reached = positions(count, &lanes, direction);
        let (start, end) = match direction {
            Direction::Newer => (begun, reached),
            Direction::Older => {
                walk.events.reverse();
                (reached, begun)
            }
        };
        let at = |lane: &Lane, places: &[u64]| places.get(usize::from(lane.partition)).copied().unwrap_or_default();
        Ok(LogPage {
            has_older: lanes.iter().any(|lane| at(lane, &start) > lane.bounds.first),
            has_newer: lanes.iter().any(|lane| at(lane, &end) < lane.bounds.next),
            events: walk.events,
            start,
            end,
            examined: walk.examined,
            examined_to: walk.to,
        })
    }

    async fn lane(&self, partition: u16, from: &EventPosition) -> Result<Lane, HubError> {
        let bounds = self.log().bounds(partition);
        let edge = match from {
            EventPosition::Latest => bounds.next,
            EventPosition::EnqueuedAt(at) => self.log().offset_at(partition, *at).await?,
            EventPosition::Offsets(offsets) => offsets.get(usize::from(partition)).copied().unwrap_or_default(),
        };
        let edge = edge.max(bounds.first).min(bounds.next);
        Ok(Lane { partition, bounds, edge, ready: VecDeque::new() })
    }

    /// Reads on if nothing is ready and there is more. Tells how many places were passed over in vain: damaged ones.
    async fn fill(&self, lane: &mut Lane, direction: Direction) -> Result<usize, HubError> {
        let from = lane.edge;
        while lane.ready.is_empty() && lane.edge.abs_diff(from) < limits::LOG_EXAMINED_MAX as u64 {
            match direction {
                Direction::Newer if lane.edge < lane.bounds.next => self.fill_forwards(lane).await?,
                Direction::Older if lane.edge > lane.bounds.first => self.fill_backwards(lane).await?,
                _ => break,
            }
        }
        let passed = if lane.ready.is_empty() { lane.edge.abs_diff(from) } else { 0 };
        Ok(usize::try_from(passed).unwrap_or(usize::MAX))
    }

    async fn fill_forwards(&self, lane: &mut Lane) -> Result<(), HubError> {
        let events = readable(self.log().read(lane.partition, lane.edge, limits::LOG_LANE_BYTES).await)?;
        lane.ready.extend(events.into_iter().take_while(|event| event.offset < lane.bounds.next));
        lane.edge = lane.ready.back().map_or(lane.bounds.next, |last| last.offset + 1);
        Ok(())
    }

    /// Reads the window before the lane's edge. Of one that is larger than expected the end is kept, and the rest read again.
    async fn fill_backwards(&self, lane: &mut Lane) -> Result<(), HubError> {
        let mut begin = lane.edge.saturating_sub(self.window()).max(lane.bounds.first);
        let (mut at, mut bytes) = (begin, 0);
        while at < lane.edge {
            let events = readable(self.log().read(lane.partition, at, limits::LOG_LANE_BYTES).await)?;
            let Some(last) = events.last() else { break };
            at = last.offset + 1;
            for event in events.into_iter().take_while(|event| event.offset < lane.edge) {
                bytes += event.bytes.len();
                lane.ready.push_back(event);
                while bytes > limits::LOG_LANE_BYTES && lane.ready.len() > 1 {
                    let Some(dropped) = lane.ready.pop_front() else { break };
                    bytes -= dropped.bytes.len();
                    begin = dropped.offset + 1;
                }
            }
        }
        lane.edge = begin;
        Ok(())
    }

    /// How many events make about [`limits::LOG_LANE_BYTES`].
    fn window(&self) -> u64 {
        let bounds = (0..self.partition_count()).map(|partition| self.log().bounds(partition));
        let events: u64 = bounds.map(|bounds| bounds.next - bounds.first).sum();
        let each = self.log().bytes() / events.max(1);
        (limits::LOG_LANE_BYTES as u64 / each.max(1)).clamp(1, limits::LOG_WINDOW_MAX)
    }
}

/// A page in the making.
struct Walk<'a> {
    question: &'a LogQuestion<'a>,
    /// In the order in which they were found.
    events: Vec<(u16, StoredEvent)>,
    bytes: usize,
    examined: usize,
    examined_bytes: usize,
    to: Option<UnixMillis>,
}

impl Walk<'_> {
    fn goes_on(&self) -> bool {
        self.events.len() < self.question.items_max
            && self.examined < limits::LOG_EXAMINED_MAX
            && self.examined_bytes < limits::LOG_EXAMINED_BYTES_MAX
    }

    /// Takes the lane's next event; `false`, and it is left, if the page has no room for it.
    fn look(&mut self, lane: &mut Lane) -> bool {
        let Some(event) = lane.peek(self.question.direction) else { return false };
        let bytes = event.bytes.len();
        let is_of_device = |id: &str| event.view().is_some_and(|view| view.device_id == id);
        let is_wanted = self.question.device_id.is_none_or(is_of_device);
        if is_wanted && !self.events.is_empty() && self.bytes + bytes > limits::LOG_PAGE_BYTES_MAX {
            return false;
        }
        let Some(event) = lane.pop(self.question.direction) else { return false };
        self.examined += 1;
        self.examined_bytes += bytes;
        self.to = Some(event.enqueued_at);
        if is_wanted {
            self.bytes += bytes;
            self.events.push((lane.partition, event));
        }
        true
    }
}

impl Lane {
    fn peek(&self, direction: Direction) -> Option<&StoredEvent> {
        match direction {
            Direction::Newer => self.ready.front(),
            Direction::Older => self.ready.back(),
        }
    }

    fn pop(&mut self, direction: Direction) -> Option<StoredEvent> {
        match direction {
            Direction::Newer => self.ready.pop_front(),
            Direction::Older => self.ready.pop_back(),
        }
    }

    /// What was not looked at lies behind this offset, or before it on the way back.
    fn position(&self, direction: Direction) -> u64 {
        match direction {
            Direction::Newer => self.ready.front().map_or(self.edge, |event| event.offset),
            Direction::Older => self.ready.back().map_or(self.edge, |event| event.offset + 1),
        }
    }
}

/// The lane whose event comes next. Of one instant the partition decides, so that both ways meet the same order.
fn next_lane(lanes: &mut [Lane], direction: Direction) -> Option<&mut Lane> {
    let ready = lanes.iter_mut().filter(|lane| !lane.ready.is_empty());
    let order = |lane: &&mut Lane| (lane.peek(direction).map(|event| event.enqueued_at), lane.partition);
    match direction {
        Direction::Newer => ready.min_by_key(order),
        Direction::Older => ready.max_by_key(order),
    }
}

/// Where the lanes stand; partitions without one are not asked for.
fn positions(count: u16, lanes: &[Lane], direction: Direction) -> Vec<u64> {
    let at = |partition| {
        let lane = lanes.iter().find(|lane| lane.partition == partition);
        lane.map_or(0, |lane| lane.position(direction))
    };
    (0..count).map(at).collect()
}
