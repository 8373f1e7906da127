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
    pub partition: Option<u64>,
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
    /// Events to be asked for next on the way back.
    window: u64,
    /// Read and not looked at, in the order of offsets.
    ready: VecDeque<StoredEvent>,
}

/// What a page has cost so far.
#[derive(Default)]
struct Cost {
    /// Events that were looked at, and places that were passed over in vain.
    examined: usize,
    /// Bytes that were read of the log, those that were thrown away, too.
    bytes: usize,
}

impl Cost {
    fn has_room(&self) -> bool {
        self.examined < limits::LOG_EXAMINED_MAX && self.bytes < limits::LOG_EXAMINED_BYTES_MAX
    }
}

impl Hub {
    /// A page of events. A device's are looked for in its partition, if none is named. Errors: `Invalid` for a partition that
    /// there is not, `Internal`.
    pub async fn page_events(&self, question: &LogQuestion<'_>) -> Result<LogPage, HubError> {
        let (count, direction) = (self.partition_count(), question.direction);
        let absent = |asked| {
            HubError::Invalid(format!("there is no partition `{asked}`: this hub has {count}, numbered from 0"))
        };
        let named = |asked| u16::try_from(asked).ok().filter(|known| *known < count).ok_or_else(|| absent(asked));
        let named = question.partition.map(named).transpose()?;
        let only = named.or_else(|| question.device_id.map(|id| partition_of(id, count)));
        let bytes = lane_bytes(if only.is_some() { 1 } else { count });
        let mut lanes = Vec::new();
        for partition in (0..count).filter(|partition| only.is_none_or(|only| only == *partition)) {
            lanes.push(self.lane(partition, &question.from, bytes).await?);
        }
        let begun = positions(count, &lanes, direction);
        let mut walk = Walk { question, events: Vec::new(), bytes: 0, cost: Cost::default(), to: None };
        while walk.goes_on() {
            for lane in &mut lanes {
                self.fill(lane, direction, bytes, &mut walk.cost).await?;
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
            examined: walk.cost.examined,
            examined_to: walk.to,
        })
    }

    async fn lane(&self, partition: u16, from: &EventPosition, bytes: usize) -> Result<Lane, HubError> {
        let edge = self.offset(partition, from).await?;
        let bounds = self.log().bounds(partition);
        let edge = edge.max(bounds.first).min(bounds.next);
        Ok(Lane { partition, bounds, edge, window: self.window(bytes), ready: VecDeque::new() })
    }

    /// Reads on, about `bytes`, if nothing is ready and there is more. What is damaged is passed over, and counts as looked at.
    async fn fill(&self, lane: &mut Lane, direction: Direction, bytes: usize, cost: &mut Cost) -> Result<(), HubError> {
        let mut is_begun = false;
        // One look in any case: without the lane's next event nobody knows which one of all lanes comes next.
        while lane.ready.is_empty() && (!is_begun || cost.has_room()) {
            is_begun = true;
            let (from, bytes) = (lane.edge, if cost.has_room() { bytes } else { 1 });
            match direction {
                Direction::Newer if lane.edge < lane.bounds.next => self.fill_forwards(lane, bytes, cost).await?,
                Direction::Older if lane.edge > lane.bounds.first => self.fill_backwards(lane, bytes, cost).await?,
                _ => break,
            }
            if lane.ready.is_empty() {
                let passed = usize::try_from(lane.edge.abs_diff(from)).unwrap_or(usize::MAX);
                cost.examined = cost.examined.saturating_add(passed);
            }
        }
        Ok(())
    }

    async fn fill_forwards(&self, lane: &mut Lane, bytes: usize, cost: &mut Cost) -> Result<(), HubError> {
        let events = self.read_for(lane, lane.edge, bytes, cost).await?;
        lane.ready.extend(events.into_iter().take_while(|event| event.offset < lane.bounds.next));
        lane.edge = lane.ready.back().map_or(lane.bounds.next, |last| last.offset + 1);
        Ok(())
    }

    /// Reads the window before the lane's edge. The log is read forwards: of a window that holds more than `bytes`, what was read is
    /// thrown away, and a quarter of it is tried; a window of one event holds what one read gives. So no more is thrown away than
    /// `bytes` for each power of four up to [`limits::LOG_WINDOW_MAX`].
    async fn fill_backwards(&self, lane: &mut Lane, bytes: usize, cost: &mut Cost) -> Result<(), HubError> {
        loop {
            let width = if cost.has_room() { lane.window } else { 1 };
            let begin = lane.edge.saturating_sub(width).max(lane.bounds.first);
            let (mut found, mut at, mut read) = (VecDeque::new(), begin, 0);
            while at < lane.edge && read < bytes {
                let events = self.read_for(lane, at, bytes - read, cost).await?;
                read += events.iter().map(|event| event.bytes.len()).sum::<usize>();
                at = events.last().map_or(lane.edge, |last| last.offset + 1);
                found.extend(events.into_iter().take_while(|event| event.offset < lane.edge));
            }
            if at < lane.edge {
                lane.window = ((lane.edge - begin) / 4).max(1);
                continue;
            }
            if found.iter().map(|event| event.bytes.len()).sum::<usize>() <= bytes / 2 {
                lane.window = (width * 2).min(limits::LOG_WINDOW_MAX);
            }
            (lane.edge, lane.ready) = (begin, found);
            return Ok(());
        }
    }

    async fn read_for(
        &self,
        lane: &Lane,
        from: u64,
        bytes_max: usize,
        cost: &mut Cost,
    ) -> Result<Vec<StoredEvent>, HubError> {
        let events = readable(self.log().read(lane.partition, from, bytes_max).await)?;
        cost.bytes += events.iter().map(|event| event.bytes.len()).sum::<usize>();
        Ok(events)
    }

    /// How many events make about half of so many bytes, so that most windows of events of like sizes hold no more.
    fn window(&self, bytes: usize) -> u64 {
        (bytes as u64 / 2 / self.mean_event_bytes()).clamp(1, limits::LOG_WINDOW_MAX)
    }
}

/// Bytes of each of so many partitions that are read at a time.
fn lane_bytes(lanes: u16) -> usize {
    (limits::LOG_LANES_BYTES / usize::from(lanes.max(1))).min(limits::LOG_LANE_BYTES)
}

/// A page in the making.
struct Walk<'a> {
    question: &'a LogQuestion<'a>,
    /// In the order in which they were found.
    events: Vec<(u16, StoredEvent)>,
    bytes: usize,
    cost: Cost,
    to: Option<UnixMillis>,
}

impl Walk<'_> {
    fn goes_on(&self) -> bool {
        self.events.len() < self.question.items_max && self.cost.has_room()
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
        self.cost.examined += 1;
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
