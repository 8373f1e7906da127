//! What a log's directory holds when it is opened, and making it right.
//!
//! Complete segments are known by their index files alone. The newest one is scanned from where its saved index ends; a torn
//! tail is cut off. A segment with damage is completed as it is, and a new one begun.

use std::{cmp::Ordering, collections::BTreeSet, io, path::Path, sync::Arc};

use tracing::warn;

use super::{
    disk::{self, Disk},
    index::{Index, Summary},
    limits,
    preface::{Head, PREFACE_BYTES, Preface},
    record::HEADER_BYTES,
    scan::{self, Outcome},
    segment::{self, FileName, Sealed},
    shared::Tuning,
    tail::{Open, Tail},
    view::{Active, View},
};

/// A log as it was found.
pub(crate) struct Recovered {
    pub view: View,
    pub tail: Tail,
    /// Offsets go on further than the last segment tells: a new one must be begun to keep that.
    pub gap: bool,
}

/// Opens a hub's directory, making it when there is none.
/// Errors: it cannot be listed, read or written, or a later version wrote to it (`Unsupported`).
pub(crate) fn recover(disk: &dyn Disk, directory: &Path, partitions: u16, tuning: &Tuning) -> io::Result<Recovered> {
    disk.create_dir(directory)?;
    let (mut numbers, next_number) = list(disk, directory)?;
    let mut heads = vec![Head::default(); usize::from(partitions)];
    let mut view = View { sealed: [].into(), active: None, heads: Vec::new() };
    let mut tail = Tail { open: None, next_number };
    // Events of unreadable segments may have been read already: their offsets must not come again.
    let mut skipped = 0u64;
    let mut gap = false;
    while let Some(newest) = numbers.pop_last() {
        match recover_newest(disk, directory, newest, &mut heads)? {
            Newest::Nothing => {}
            Newest::Unreadable { bytes } => skipped = skipped.saturating_add(bytes / HEADER_BYTES as u64),
            Newest::Readable { index, appendable } => {
                let whole = skipped == 0 && index.summary.heads().eq(heads.iter().copied());
                gap = index.summary.heads().zip(&heads).any(|(end, head)| end.next < head.next);
                let ends = index.summary.preface().heads;
                if appendable && whole && index.summary.covered < tuning.segment_bytes {
                    adopt(disk, directory, index, &mut view, &mut tail)?;
                } else {
                    view.sealed.push_front(Arc::new(Sealed::complete(disk, directory, index)));
                }
                recover_sealed(disk, directory, numbers, ends, &mut view)?;
                break;
            }
        }
    }
    for head in &mut heads {
        head.next = head.next.saturating_add(skipped);
    }
    view.heads = heads;
    Ok(Recovered { view, tail, gap: gap || skipped > 0 })
}

/// The numbers of all segments, and the number of the next one. Index files without a segment are removed.
fn list(disk: &dyn Disk, directory: &Path) -> io::Result<(BTreeSet<u64>, u64)> {
    let names: Vec<_> = disk.list(directory)?.iter().filter_map(|name| segment::parse_name(name)).collect();
    let segments =
        names.iter().filter_map(|name| if let FileName::Events(number) = name { Some(*number) } else { None });
    let segments: BTreeSet<u64> = segments.collect();
    let mut last = 0;
    for name in names {
        match name {
            FileName::Index(number) if !segments.contains(&number) => {
                disk.remove(&segment::index_path(directory, number))?;
            }
            FileName::Events(number) | FileName::Index(number) | FileName::Damaged(number) => last = last.max(number),
        }
    }
    Ok((segments, last.saturating_add(1)))
}

enum Newest {
    /// A segment that was not yet begun in full, now removed.
    Nothing,
    /// Now set aside.
    Unreadable { bytes: u64 },
    Readable {
        index: Index,
        /// Whether more may be written to it.
        appendable: bool,
    },
}

/// Brings the last segment in order and moves the heads to where it ends.
fn recover_newest(disk: &dyn Disk, directory: &Path, number: u64, heads: &mut Vec<Head>) -> io::Result<Newest> {
    let path = segment::events_path(directory, number);
    let file = disk.open(&path)?;
    let len = file.len()?;
    let saved = segment::load_index(disk, directory, number).filter(|index| index.summary.covered <= len);
    let from = saved.as_ref().map_or(0, |index| index.summary.covered);
    let found = match saved {
        Some(mut index) => {
            let unsaved = (len - from).min(limits::SEGMENT_FILE_BYTES_MAX) as usize;
            let bytes = disk::read(&*file, from, unsaved)?;
            let outcome = scan::scan(&bytes, from, &mut index, None);
            Some((index, outcome))
        }
        None => segment::load(disk, directory, number, None)?,
    };
    let Some((index, outcome)) = found else {
        if len <= PREFACE_BYTES as u64 {
            disk.remove(&path)?;
            return Ok(Newest::Nothing);
        }
        set_aside(disk, directory, number, len)?;
        return Ok(Newest::Unreadable { bytes: len });
    };
    report(&path, &outcome, len);
    let end = outcome.end.max(PREFACE_BYTES as u64);
    if end < len {
        file.truncate(end)?;
    }
    if end != from || end < len {
        file.sync()?;
    }
    advance(heads, index.summary.heads());
    if let Some(summary) = segment::load_summary(disk, directory, number) {
        advance(heads, summary.heads());
    }
    let preface = Preface::decode(&disk::read(&*file, 0, PREFACE_BYTES)?).ok();
    let appendable = outcome.damaged == 0 && preface.is_some_and(|preface| preface.salt == index.summary.salt);
    Ok(Newest::Readable { index, appendable })
}

/// Moves heads forward; partitions that the log did not have before are added or kept.
fn advance(heads: &mut Vec<Head>, to: impl Iterator<Item = Head>) {
    for (partition, to) in to.enumerate() {
        match heads.get_mut(partition) {
            Some(head) => *head = Head { next: head.next.max(to.next), last_at: head.last_at.max(to.last_at) },
            None => heads.push(to),
        }
    }
}

fn report(path: &Path, outcome: &Outcome, len: u64) {
    let segment = path.display();
    if let Some(at) = outcome.first_damage {
        warn!(%segment, at, places = outcome.damaged, "events are damaged and will be skipped");
    }
    if let Some(cut) = len.checked_sub(outcome.end).filter(|cut| *cut > 0) {
        warn!(%segment, at = outcome.end, bytes = cut, "cut off a torn tail");
    }
}

fn set_aside(disk: &dyn Disk, directory: &Path, number: u64, bytes: u64) -> io::Result<()> {
    let (from, to) = (segment::events_path(directory, number), segment::damaged_path(directory, number));
    warn!(segment = %from.display(), bytes, aside = %to.display(), "nothing of a segment can be read");
    disk.rename(&from, &to)
}

/// Goes on writing to the segment.
fn adopt(disk: &dyn Disk, directory: &Path, index: Index, view: &mut View, tail: &mut Tail) -> io::Result<()> {
    let summary = &index.summary;
    let file = disk.open(&segment::events_path(directory, summary.number))?;
    let times = summary.parts.iter().filter(|part| part.events() > 0).map(|part| part.first_at);
    let saved =
        segment::load_summary(disk, directory, summary.number).map_or(PREFACE_BYTES as u64, |saved| saved.covered);
    tail.open = Some(Open {
        file: file.clone(),
        number: summary.number,
        salt: summary.salt,
        len: summary.covered,
        began_at: times.min(),
        saved: saved.min(summary.covered),
    });
    view.active = Some(Active { file, cold_bytes: summary.covered, index });
    Ok(())
}

/// Adds the older segments to the view, newest first. `ends` is where the offsets of the segment behind begin.
fn recover_sealed(
    disk: &dyn Disk,
    directory: &Path,
    mut numbers: BTreeSet<u64>,
    mut ends: Vec<Head>,
    view: &mut View,
) -> io::Result<()> {
    while let Some(number) = numbers.pop_last() {
        let len = disk.open(&segment::events_path(directory, number))?.len()?;
        let summary = segment::load_summary(disk, directory, number);
        let sealed = if let Some(summary) = summary.filter(|summary| speaks_of(summary, len, &ends)) {
            Sealed::indexed(directory, summary)
        } else {
            let offsets: Vec<_> = ends.iter().map(|head| head.next).collect();
            let Some((mut index, outcome)) = segment::load(disk, directory, number, Some(&offsets))? else {
                set_aside(disk, directory, number, len)?;
                continue;
            };
            let path = segment::events_path(directory, number);
            warn!(segment = %path.display(), events = outcome.records, damaged = outcome.damaged, "made a segment's index anew");
            index.summary.covered = len;
            Sealed::complete(disk, directory, index)
        };
        ends = sealed.summary.preface().heads;
        view.sealed.push_front(Arc::new(sealed));
    }
    Ok(())
}

/// Whether a summary is that of the whole segment, and not from before a crash.
fn speaks_of(summary: &Summary, len: u64, ends: &[Head]) -> bool {
    let mut distances = summary.heads().zip(ends).map(|(head, end)| end.next.checked_sub(head.next));
    match summary.covered.cmp(&len) {
        // Events may be missing behind it, but not in it.
        Ordering::Equal => distances.all(|distance| distance.is_some()),
        // What lies behind it was taken back.
        Ordering::Less => distances.all(|distance| distance == Some(0)),
        Ordering::Greater => false,
    }
}
