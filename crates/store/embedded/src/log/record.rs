//! One event in a segment file.
//!
//! Little endian: `crc u32, header check u16, partition u16, event length u32, offset u64, enqueued at i64, event`. The CRC covers
//! all that follows the header check; the header check is the low half of the CRC of the header's fields, so that a damaged event can
//! be told from a damaged length. Both start from the segment's salt, which no device knows: bytes inside an event never pass
//! for a record when a damaged place is searched for the next one.

use crc32fast::Hasher;
use roadstead_model::UnixMillis;
use roadstead_store::limits::EVENT_BYTES_MAX;

/// Bytes before the event.
pub(crate) const HEADER_BYTES: usize = 28;
/// Bytes of the largest record.
pub(crate) const RECORD_BYTES_MAX: usize = HEADER_BYTES + EVENT_BYTES_MAX;

/// Where an event belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub partition: u16,
    pub event_bytes: u32,
    pub offset: u64,
    pub enqueued_at: UnixMillis,
}

impl Header {
    /// Bytes of the whole record.
    pub(crate) fn record_bytes(&self) -> usize {
        HEADER_BYTES + self.event_bytes as usize
    }

    fn fields(&self) -> [u8; HEADER_BYTES - 6] {
        let mut fields = [0; HEADER_BYTES - 6];
        fields[..2].copy_from_slice(&self.partition.to_le_bytes());
        fields[2..6].copy_from_slice(&self.event_bytes.to_le_bytes());
        fields[6..14].copy_from_slice(&self.offset.to_le_bytes());
        fields[14..].copy_from_slice(&self.enqueued_at.0.to_le_bytes());
        fields
    }

    /// Reads a header without checking it. `None` when there are not enough bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (_, rest) = bytes.split_first_chunk::<6>()?;
        let (partition, rest) = rest.split_first_chunk()?;
        let (event_bytes, rest) = rest.split_first_chunk()?;
        let (offset, rest) = rest.split_first_chunk()?;
        let (enqueued_at, _) = rest.split_first_chunk()?;
        Some(Self {
            partition: u16::from_le_bytes(*partition),
            event_bytes: u32::from_le_bytes(*event_bytes),
            offset: u64::from_le_bytes(*offset),
            enqueued_at: UnixMillis(i64::from_le_bytes(*enqueued_at)),
        })
    }

    /// Reads a header and its check. `None` when it is damaged or its numbers cannot be.
    pub(crate) fn check(bytes: &[u8], salt: u32, partitions: usize) -> Option<Self> {
        let header = Self::parse(bytes)?;
        let possible = usize::from(header.partition) < partitions
            && (1..=EVENT_BYTES_MAX).contains(&(header.event_bytes as usize));
        if !possible || bytes.get(4..6)? != check_of(&header.hasher(salt)) {
            return None;
        }
        Some(header)
    }

    fn hasher(&self, salt: u32) -> Hasher {
        let mut hasher = Hasher::new_with_initial(salt);
        hasher.update(&self.fields());
        hasher
    }
}

fn check_of(hasher: &Hasher) -> [u8; 2] {
    (hasher.clone().finalize() as u16).to_le_bytes()
}

/// Leaves room for a header at the end of `out`; the event is to follow.
pub(crate) fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; HEADER_BYTES]);
}

/// Fills in the header of the record that begins at `start`, but for its checks: [`seal`] does those.
pub(crate) fn place(out: &mut [u8], start: usize, partition: u16, offset: u64, enqueued_at: UnixMillis) {
    let event_bytes = out.len().saturating_sub(start + HEADER_BYTES) as u32;
    let header = Header { partition, event_bytes, offset, enqueued_at };
    if let Some(fields) = out.get_mut(start + 6..start + HEADER_BYTES) {
        fields.copy_from_slice(&header.fields());
    }
}

/// Computes the checks of all records of a block.
pub(crate) fn seal(block: &mut [u8], salt: u32) {
    let mut rest = block;
    while let Some(header) = Header::parse(rest) {
        let Some((record, behind)) = rest.split_at_mut_checked(header.record_bytes()) else { return };
        let mut hasher = header.hasher(salt);
        let check = check_of(&hasher);
        hasher.update(&record[HEADER_BYTES..]);
        record[..4].copy_from_slice(&hasher.finalize().to_le_bytes());
        record[4..6].copy_from_slice(&check);
        rest = behind;
    }
}

/// The headers of a block that we made ourselves, each with its place in it.
pub(crate) fn headers(block: &[u8]) -> impl Iterator<Item = (usize, Header)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let header = Header::parse(block.get(at..)?)?;
        let found = (at, header);
        at += header.record_bytes();
        Some(found)
    })
}

/// What begins at the first of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A record with its event.
    Intact(Header, &'a [u8]),
    /// A record whose header is right and whose event is not, or not all there.
    Damaged(Header),
    /// No record.
    Nothing,
}

/// Checks the record at the beginning of `bytes`.
pub(crate) fn check(bytes: &[u8], salt: u32, partitions: usize) -> Found<'_> {
    let Some(header) = Header::check(bytes, salt, partitions) else { return Found::Nothing };
    let Some(event) = bytes.get(HEADER_BYTES..header.record_bytes()) else { return Found::Damaged(header) };
    let mut hasher = header.hasher(salt);
    hasher.update(event);
    if bytes[..4] == hasher.finalize().to_le_bytes() { Found::Intact(header, event) } else { Found::Damaged(header) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: u32 = 0x5a17;

    fn block(events: &[&[u8]]) -> Vec<u8> {
        let mut block = Vec::new();
        for (n, event) in events.iter().enumerate() {
            let start = block.len();
            begin(&mut block);
            block.extend_from_slice(event);
            place(&mut block, start, 1, n as u64, UnixMillis(1000 + n.cast_signed() as i64));
        }
        seal(&mut block, SALT);
        block
    }

    #[test]
    fn reads_back_what_was_sealed() {
        let block = block(&[b"one", b"2", b"three"]);
        let places: Vec<_> = headers(&block).collect();
        assert_eq!(places.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 31, 60]);
        for ((at, header), event) in places.iter().zip([&b"one"[..], b"2", b"three"]) {
            assert_eq!(check(&block[*at..], SALT, 2), Found::Intact(*header, event));
        }
        assert_eq!(places[2].1.enqueued_at, UnixMillis(1002));
    }

    #[test]
    fn any_flipped_bit_is_noticed_and_a_damaged_event_keeps_its_header() {
        let block = block(&[b"an event"]);
        let header = Header::parse(&block).unwrap();
        for bit in 0..block.len() * 8 {
            let mut flipped = block.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let found = check(&flipped, SALT, 2);
            if (32..HEADER_BYTES * 8).contains(&bit) {
                assert_eq!(found, Found::Nothing, "bit {bit}");
            } else {
                assert_eq!(found, Found::Damaged(header), "bit {bit}");
            }
        }
    }

    #[test]
    fn another_salt_another_partition_count_or_a_cut_are_no_record() {
        let block = block(&[b"an event"]);
        assert_eq!(check(&block, SALT + 1, 2), Found::Nothing);
        assert_eq!(check(&block, SALT, 1), Found::Nothing);
        for len in 0..block.len() {
            assert!(!matches!(check(&block[..len], SALT, 2), Found::Intact(..)), "cut at {len}");
        }
        assert_eq!(check(&[0; 64], SALT, 2), Found::Nothing);
    }
}
