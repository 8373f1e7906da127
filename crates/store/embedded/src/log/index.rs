//! Where each event of a segment lies: in memory for the newest one, in a file beside it for the others.
//!
//! Eight bytes per event. As offsets have no gaps, an event's place is found by subtraction, and an event's time by bisection over the
//! records themselves.
//!
//! The index file, little endian: `"RSINDEX1", partitions u16, salt u32, number u64, covered u64, crc of the places u32, per partition:
//! first u64, next u64, first_at i64, last_at i64`, the CRC of all that, then the places of each partition in turn: `at u32, len u32`.
//! It can always be made anew from its segment, so a damaged one costs time and nothing else.

use roadstead_model::UnixMillis;
use roadstead_store::limits::PARTITIONS_MAX;

use super::{
    cursor::{self, Cursor},
    preface::{Head, PREFACE_BYTES, Preface},
    record::Header,
};

const MAGIC: &[u8; 8] = b"RSINDEX1";
const FIXED_BYTES: usize = 8 + 2 + 4 + 8 + 8 + 4;
const PART_BYTES: usize = 32;
/// Bytes of one place.
pub(crate) const PLACE_BYTES: usize = 8;
/// Bytes within which every summary ends.
pub(crate) const SUMMARY_BYTES_MAX: usize = FIXED_BYTES + PARTITIONS_MAX as usize * PART_BYTES + 4;

/// A record's place in the segment file. `len` is 0 where a record is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub at: u32,
    pub len: u32,
}

const LOST: Place = Place { at: 0, len: 0 };

/// A partition's share of a segment: offsets from `first` up to, not including, `next`. The times mean something only when there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub first: u64,
    pub next: u64,
    pub first_at: UnixMillis,
    pub last_at: UnixMillis,
}

impl Part {
    /// How many offsets, lost ones counted.
    pub(crate) fn events(&self) -> u64 {
        self.next - self.first
    }
}

/// What is kept in memory of every segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub number: u64,
    pub salt: u32,
    /// Bytes of the segment file, from its beginning, that this speaks of.
    pub covered: u64,
    pub parts: Vec<Part>,
}

impl Summary {
    /// The time of the newest event, if there is any event.
    pub(crate) fn newest(&self) -> Option<UnixMillis> {
        self.parts.iter().filter(|part| part.events() > 0).map(|part| part.last_at).max()
    }

    /// The segment's preface, as far as it can be told from here.
    pub(crate) fn preface(&self) -> Preface {
        let heads = self.parts.iter().map(|part| Head { next: part.first, last_at: part.first_at });
        Preface { number: self.number, salt: self.salt, heads: heads.collect() }
    }

    /// Where each partition stands after this segment.
    pub(crate) fn heads(&self) -> impl Iterator<Item = Head> {
        self.parts.iter().map(|part| Head { next: part.next, last_at: part.last_at })
    }

    /// Where in the index file the place of an event is; the offset must be one of the segment's.
    pub(crate) fn place_at(&self, partition: usize, offset: u64) -> Option<u64> {
        let before = self.parts.get(..partition)?.iter().try_fold(0u64, |sum, part| sum.checked_add(part.events()))?;
        let index = before.checked_add(offset.checked_sub(self.parts.get(partition)?.first)?)?;
        index.checked_mul(PLACE_BYTES as u64)?.checked_add(self.encoded_bytes() as u64)
    }

    fn encoded_bytes(&self) -> usize {
        FIXED_BYTES + self.parts.len() * PART_BYTES + 4
    }

    fn encode(&self, places_crc: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(self.parts.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.covered.to_le_bytes());
        bytes.extend_from_slice(&places_crc.to_le_bytes());
        for part in &self.parts {
            bytes.extend_from_slice(&part.first.to_le_bytes());
            bytes.extend_from_slice(&part.next.to_le_bytes());
            bytes.extend_from_slice(&part.first_at.0.to_le_bytes());
            bytes.extend_from_slice(&part.last_at.0.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the beginning of an index file: the summary and the CRC of the places. `None` when it is damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, u32)> {
        let mut cursor = Cursor(bytes);
        if cursor.array()? != *MAGIC {
            return None;
        }
        let partitions = usize::from(cursor.u16()?);
        cursor = Cursor(cursor::without_crc(bytes.get(..FIXED_BYTES + partitions * PART_BYTES + 4)?)?);
        cursor.array::<10>()?;
        let (salt, number, covered, crc) = (cursor.u32()?, cursor.u64()?, cursor.u64()?, cursor.u32()?);
        let parts = (0..partitions).map(|_| {
            let (first, next) = (cursor.u64()?, cursor.u64()?);
            let (first_at, last_at) = (UnixMillis(cursor.i64()?), UnixMillis(cursor.i64()?));
            (first <= next).then_some(Part { first, next, first_at, last_at })
        });
        Some((Self { number, salt, covered, parts: parts.collect::<Option<_>>()? }, crc))
    }
}

/// The whole index of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    pub summary: Summary,
    places: Vec<Vec<Place>>,
}

impl Index {
    /// Of a segment that has no records yet.
    pub(crate) fn new(preface: &Preface) -> Self {
        let part =
            |head: &Head| Part { first: head.next, next: head.next, first_at: head.last_at, last_at: head.last_at };
        let summary = Summary {
            number: preface.number,
            salt: preface.salt,
            covered: PREFACE_BYTES as u64,
            parts: preface.heads.iter().map(part).collect(),
        };
        Self { places: vec![Vec::new(); summary.parts.len()], summary }
    }

    /// Adds the record at `at`. Offsets that were left out since the one before are lost. An offset below that is not added.
    pub(crate) fn push(&mut self, at: u64, header: &Header) {
        let partition = usize::from(header.partition);
        let (Some(part), Some(places)) = (self.summary.parts.get_mut(partition), self.places.get_mut(partition)) else {
            return;
        };
        let Some(lost) = header.offset.checked_sub(part.next) else { return };
        if part.events() == 0 {
            part.first_at = header.enqueued_at;
        }
        part.last_at = header.enqueued_at;
        part.next = header.offset.saturating_add(1);
        places.extend(std::iter::repeat_n(LOST, lost as usize));
        places.push(Place { at: at as u32, len: header.record_bytes() as u32 });
    }

    /// Says that the record of this header is there but damaged.
    pub(crate) fn push_lost(&mut self, header: &Header) {
        self.push(0, header);
        if let Some(place) = self.places.get_mut(usize::from(header.partition)).and_then(|places| places.last_mut()) {
            *place = LOST;
        }
    }

    /// The places of a partition's events from an offset on; empty when it is not one of the segment's.
    pub(crate) fn places(&self, partition: usize, from: u64) -> &[Place] {
        let first = self.summary.parts.get(partition).map_or(0, |part| part.first);
        let places = self.places.get(partition).map_or(&[][..], Vec::as_slice);
        from.checked_sub(first).and_then(|skip| places.get(skip as usize..)).unwrap_or_default()
    }

    /// The index file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut places = Vec::with_capacity(self.places.iter().map(Vec::len).sum::<usize>() * PLACE_BYTES);
        for place in self.places.iter().flatten() {
            places.extend_from_slice(&place.at.to_le_bytes());
            places.extend_from_slice(&place.len.to_le_bytes());
        }
        let mut bytes = self.summary.encode(crc32fast::hash(&places));
        bytes.append(&mut places);
        bytes
    }

    /// Reads a whole index file. `None` when it is damaged. Bytes behind the places are left from a longer one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (summary, crc) = Summary::decode(bytes)?;
        let mut rest = bytes.get(summary.encoded_bytes()..)?;
        let len = summary.parts.iter().try_fold(0u64, |sum, part| sum.checked_add(part.events()))?;
        rest = rest.get(..usize::try_from(len).ok()?.checked_mul(PLACE_BYTES)?)?;
        if crc32fast::hash(rest) != crc {
            return None;
        }
        let mut places = Vec::with_capacity(summary.parts.len());
        for part in &summary.parts {
            let (own, behind) = rest.split_at_checked(part.events() as usize * PLACE_BYTES)?;
            places.push(decode_places(own));
            rest = behind;
        }
        Some(Self { summary, places })
    }
}

/// Reads a row of places.
pub(crate) fn decode_places(bytes: &[u8]) -> Vec<Place> {
    let (places, _) = bytes.as_chunks::<PLACE_BYTES>();
    let place = |[a, b, c, d, e, f, g, h]: &[u8; PLACE_BYTES]| Place {
        at: u32::from_le_bytes([*a, *b, *c, *d]),
        len: u32::from_le_bytes([*e, *f, *g, *h]),
    };
    places.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(partition: u16, offset: u64) -> Header {
        Header { partition, event_bytes: 10, offset, enqueued_at: UnixMillis(1000 + offset.cast_signed()) }
    }

    fn sample() -> Index {
        let heads = vec![Head { next: 5, last_at: UnixMillis(1) }, Head::default(), Head::default()];
        let mut index = Index::new(&Preface { number: 3, salt: 9, heads });
        for (n, (partition, offset)) in [(0, 5), (2, 0), (0, 6), (0, 9), (2, 1)].into_iter().enumerate() {
            index.push(8192 + n as u64 * 38, &header(partition, offset));
        }
        index
    }

    #[test]
    fn places_are_found_by_offset_and_what_was_left_out_is_lost() {
        let index = sample();
        let at = |partition, from| index.places(partition, from).iter().map(|place| place.at).collect::<Vec<_>>();
        assert_eq!(at(0, 5), [8192, 8268, 0, 0, 8306]);
        assert_eq!(at(0, 9), [8306]);
        assert_eq!(at(2, 0), [8230, 8344]);
        assert!(at(0, 4).is_empty() && at(0, 10).is_empty() && at(1, 0).is_empty() && at(3, 0).is_empty());
        assert_eq!(
            index.summary.parts[0],
            Part { first: 5, next: 10, first_at: UnixMillis(1005), last_at: UnixMillis(1009) }
        );
        assert_eq!(index.summary.newest(), Some(UnixMillis(1009)));
    }

    #[test]
    fn an_offset_that_is_there_already_is_not_added_again() {
        let mut index = sample();
        index.push(9999, &header(0, 9));
        index.push(9999, &header(7, 0));
        assert_eq!(index, sample());
    }

    #[test]
    fn reads_back_what_was_written() {
        let index = sample();
        let bytes = index.encode();
        assert_eq!(Index::decode(&bytes), Some(index.clone()));
        let (summary, _) = Summary::decode(&bytes).unwrap();
        assert_eq!(summary, index.summary);
        let at = summary.place_at(2, 1).unwrap() as usize;
        assert_eq!(decode_places(&bytes[at..]), index.places(2, 1));
    }

    #[test]
    fn any_flipped_bit_and_any_cut_are_noticed() {
        let bytes = sample().encode();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x80;
            assert_eq!(Index::decode(&damaged), None, "byte {at}");
            assert_eq!(Index::decode(&bytes[..at]), None, "cut at {at}");
        }
    }
}
