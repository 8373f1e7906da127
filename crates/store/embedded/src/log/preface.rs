//! What a segment file begins with: twice the same block, so that one damaged sector does not make a whole segment unreadable.
//!
//! Little endian: `"RSEVENTS", version u16, partitions u16, salt u32, number u64, per partition: first offset u64 and time of the last
//! event before i64`, then zeros, and the CRC of all that as the last four of 4096 bytes. Records follow from byte 8192 on.
//!
//! The first offsets are the last word on where the segment before ends: what lies there beyond them belongs to a batch that
//! failed and was told so.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

use roadstead_model::UnixMillis;
use roadstead_store::limits::PARTITIONS_MAX;

use super::cursor::{self, Cursor};

const MAGIC: &[u8; 8] = b"RSEVENTS";
const VERSION: u16 = 1;
const BLOCK_BYTES: usize = 4096;

/// Where the records begin.
pub(crate) const PREFACE_BYTES: usize = 2 * BLOCK_BYTES;

/// Where a partition stands: the offset its next event gets, and the time of its last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub next: u64,
    pub last_at: UnixMillis,
}

impl Default for Head {
    fn default() -> Self {
        Self { next: 0, last_at: UnixMillis(i64::MIN) }
    }
}

/// What a segment says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preface {
    pub number: u64,
    /// Unpredictable; every checksum of the segment starts from it.
    pub salt: u32,
    /// Where each partition stood when the segment was begun.
    pub heads: Vec<Head>,
}

/// Why there is no preface.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PrefaceError {
    Damaged,
    /// Written by a later Roadstead.
    Version(u16),
}

impl Preface {
    /// A new segment's.
    pub(crate) fn new(number: u64, heads: Vec<Head>) -> Self {
        Self { number, salt: RandomState::new().build_hasher().finish() as u32, heads }
    }

    /// As it is written at the beginning of the file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut block = Vec::with_capacity(PREFACE_BYTES);
        block.extend_from_slice(MAGIC);
        block.extend_from_slice(&VERSION.to_le_bytes());
        block.extend_from_slice(&(self.heads.len() as u16).to_le_bytes());
        block.extend_from_slice(&self.salt.to_le_bytes());
        block.extend_from_slice(&self.number.to_le_bytes());
        for head in &self.heads {
            block.extend_from_slice(&head.next.to_le_bytes());
            block.extend_from_slice(&head.last_at.0.to_le_bytes());
        }
        block.resize(BLOCK_BYTES - 4, 0);
        let crc = crc32fast::hash(&block);
        block.extend_from_slice(&crc.to_le_bytes());
        block.extend_from_within(..);
        block
    }

    /// Reads the beginning of a segment file: its first block, or if that is damaged the second.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, PrefaceError> {
        let (one, rest) = bytes.split_at_checked(BLOCK_BYTES).ok_or(PrefaceError::Damaged)?;
        match decode_block(one) {
            Err(PrefaceError::Damaged) => decode_block(rest.get(..BLOCK_BYTES).ok_or(PrefaceError::Damaged)?),
            decided => decided,
        }
    }
}

fn decode_block(block: &[u8]) -> Result<Preface, PrefaceError> {
    let fields = cursor::without_crc(block).ok_or(PrefaceError::Damaged)?;
    let mut cursor = Cursor(fields);
    if cursor.array() != Some(*MAGIC) {
        return Err(PrefaceError::Damaged);
    }
    match cursor.u16() {
        Some(VERSION) => decode_fields(cursor).ok_or(PrefaceError::Damaged),
        Some(version) => Err(PrefaceError::Version(version)),
        None => Err(PrefaceError::Damaged),
    }
}

fn decode_fields(mut cursor: Cursor<'_>) -> Option<Preface> {
    let partitions = cursor.u16().filter(|partitions| *partitions <= PARTITIONS_MAX)?;
    let (salt, number) = (cursor.u32()?, cursor.u64()?);
    let heads = (0..partitions).map(|_| Some(Head { next: cursor.u64()?, last_at: UnixMillis(cursor.i64()?) }));
    Some(Preface { number, salt, heads: heads.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Preface {
        let heads = (0..PARTITIONS_MAX).map(|n| Head { next: u64::from(n) * 10, last_at: UnixMillis(i64::from(n)) });
        Preface::new(7, heads.collect())
    }

    #[test]
    fn reads_back_what_was_written() {
        let preface = sample();
        let bytes = preface.encode();
        assert_eq!(bytes.len(), PREFACE_BYTES);
        assert_eq!(Preface::decode(&bytes), Ok(preface));
    }

    #[test]
    fn one_damaged_block_does_no_harm_and_two_are_noticed() {
        let preface = sample();
        for at in (0..BLOCK_BYTES).step_by(61) {
            let mut bytes = preface.encode();
            bytes[at] ^= 1;
            assert_eq!(Preface::decode(&bytes).as_ref(), Ok(&preface), "byte {at}");
            bytes[BLOCK_BYTES + at] ^= 1;
            assert_eq!(Preface::decode(&bytes), Err(PrefaceError::Damaged), "byte {at} twice");
        }
        let bytes = preface.encode();
        assert_eq!(Preface::decode(&bytes[..BLOCK_BYTES]), Ok(preface));
        for len in [0, 1, 20, BLOCK_BYTES - 1] {
            assert_eq!(Preface::decode(&bytes[..len]), Err(PrefaceError::Damaged), "cut at {len}");
        }
    }

    #[test]
    fn a_later_version_is_not_taken_for_damage() {
        let mut bytes = sample().encode();
        bytes[8] = 2;
        let crc = crc32fast::hash(&bytes[..BLOCK_BYTES - 4]);
        bytes[BLOCK_BYTES - 4..BLOCK_BYTES].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Preface::decode(&bytes), Err(PrefaceError::Version(2)));
    }

    #[test]
    fn salts_differ() {
        assert_ne!(sample().salt, sample().salt);
    }
}
