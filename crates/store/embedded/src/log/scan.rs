//! Finding the records of a segment file, whatever happened to it.

use super::{
    index::Index,
    record::{self, Found, HEADER_BYTES, Header},
};

/// How a search through a segment's bytes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    /// Intact records found.
    pub records: u64,
    /// Damaged places with intact records behind them, or damaged records that are all there: not a torn tail.
    pub damaged: u64,
    /// Where the first of them is.
    pub first_damage: Option<u64>,
    /// Where the last record ends: what follows is torn.
    pub end: u64,
}

impl Outcome {
    fn damage(&mut self, at: u64) {
        self.damaged += 1;
        self.first_damage.get_or_insert(at);
    }
}

/// Adds the records in `bytes`, which begin at `start` in their file, to the index. `ends` are the offsets at which the next
/// segment begins: records from there on were taken back.
///
/// A record whose event is damaged is stepped over by its length; where its header is damaged too, the next intact
/// record is searched for byte by byte. Damage with nothing intact behind it is a torn tail, but a damaged record that is there in full
/// length keeps its offset: it may have been acknowledged.
pub(crate) fn scan(bytes: &[u8], start: u64, index: &mut Index, ends: Option<&[u64]>) -> Outcome {
    let (salt, partitions) = (index.summary.salt, index.summary.parts.len());
    let mut outcome = Outcome { end: start, ..Outcome::default() };
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let place = start + at as u64;
        let len = match record::check(rest, salt, partitions) {
            Found::Intact(header, _) if fits(index, &header, bytes.len(), ends) => {
                outcome.records += 1;
                index.push(place, &header);
                header.record_bytes()
            }
            Found::Damaged(header)
                if header.record_bytes() <= rest.len() && fits(index, &header, bytes.len(), ends) =>
            {
                outcome.damage(place);
                index.push_lost(&header);
                header.record_bytes()
            }
            Found::Intact(header, _) => {
                if !taken_back(&header, ends) {
                    outcome.damage(place);
                }
                header.record_bytes()
            }
            Found::Damaged(_) | Found::Nothing => {
                let Some(skip) = next_intact(rest, salt, partitions) else { break };
                outcome.damage(place);
                skip
            }
        };
        at += len;
        outcome.end = start + at as u64;
        index.summary.covered = outcome.end;
    }
    outcome
}

/// Whether a record may stand here: behind those of its partition, at a distance that lost records can explain.
fn fits(index: &Index, header: &Header, bytes: usize, ends: Option<&[u64]>) -> bool {
    let Some(part) = index.summary.parts.get(usize::from(header.partition)) else { return false };
    let lost = header.offset.checked_sub(part.next);
    lost.is_some_and(|lost| lost <= (bytes / HEADER_BYTES) as u64) && !taken_back(header, ends)
}

fn taken_back(header: &Header, ends: Option<&[u64]>) -> bool {
    ends.and_then(|ends| ends.get(usize::from(header.partition))).is_some_and(|end| header.offset >= *end)
}

fn next_intact(bytes: &[u8], salt: u32, partitions: usize) -> Option<usize> {
    (1..bytes.len()).find(|&skip| matches!(record::check(&bytes[skip..], salt, partitions), Found::Intact(..)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::preface::{Head, PREFACE_BYTES, Preface};
    use proptest::prelude::*;
    use roadstead_model::UnixMillis;

    const START: u64 = PREFACE_BYTES as u64;

    fn preface() -> Preface {
        Preface { number: 1, salt: 99, heads: vec![Head::default(); 2] }
    }

    fn records(count: u64, event_bytes: usize) -> Vec<u8> {
        let mut block = Vec::new();
        for n in 0..count {
            let start = block.len();
            record::begin(&mut block);
            block.resize(block.len() + event_bytes, n as u8);
            record::place(&mut block, start, (n % 2) as u16, n / 2, UnixMillis(n.cast_signed()));
        }
        record::seal(&mut block, 99);
        block
    }

    fn scanned(bytes: &[u8]) -> (Outcome, Index) {
        let mut index = Index::new(&preface());
        let outcome = scan(bytes, START, &mut index, None);
        (outcome, index)
    }

    fn found(index: &Index) -> usize {
        (0..2).flat_map(|partition| index.places(partition, 0)).filter(|place| place.len > 0).count()
    }

    #[test]
    fn damage_costs_only_what_it_hits() {
        let len = HEADER_BYTES + 50;
        for (name, flips, lost, kept_offsets) in [
            ("an event", vec![3 * len + 40], 1, 10),
            ("a length", vec![3 * len + 8], 1, 10),
            ("two records", vec![3 * len + 8, 4 * len + 70], 2, 10),
            ("the last event", vec![9 * len + 40], 1, 10),
            ("the last header", vec![9 * len + 8], 1, 9),
        ] {
            let mut bytes = records(10, 50);
            for at in flips {
                bytes[at] ^= 4;
            }
            let (outcome, index) = scanned(&bytes);
            assert_eq!(outcome.records, 10 - lost, "{name}");
            assert_eq!(found(&index) as u64, 10 - lost, "{name}");
            assert_eq!(index.summary.heads().map(|head| head.next).sum::<u64>(), kept_offsets, "{name}");
        }
    }

    #[test]
    fn a_torn_tail_is_cut_and_is_no_damage() {
        let whole = records(10, 50);
        for len in 0..whole.len() {
            let (outcome, index) = scanned(&whole[..len]);
            let complete = (len / 78) as u64;
            assert_eq!(
                (outcome.records, outcome.damaged, outcome.end),
                (complete, 0, START + complete * 78),
                "cut at {len}"
            );
            assert_eq!(found(&index) as u64, complete);
        }
        let mut zeros = whole.clone();
        zeros.resize(whole.len() + 5000, 0);
        assert_eq!(scanned(&zeros).0.end, START + whole.len() as u64);
    }

    #[test]
    fn a_record_inside_an_event_is_not_mistaken_for_one() {
        let mut inner = records(2, 10);
        record::seal(&mut inner, 98);
        let mut block = Vec::new();
        record::begin(&mut block);
        block.extend_from_slice(&inner);
        record::place(&mut block, 0, 0, 0, UnixMillis(0));
        record::seal(&mut block, 99);
        block[8] ^= 4;
        assert_eq!(scanned(&block).0, Outcome { end: START, ..Outcome::default() });
    }

    #[test]
    fn records_taken_back_by_the_next_segment_are_not_there() {
        let mut index = Index::new(&preface());
        let outcome = scan(&records(10, 50), START, &mut index, Some(&[3, 5]));
        assert_eq!((outcome.records, outcome.damaged), (8, 0));
        assert_eq!(index.summary.heads().map(|head| head.next).collect::<Vec<_>>(), [3, 5]);
    }

    proptest! {
        #[test]
        fn any_garbage_is_survived_and_what_precedes_it_is_found(
            count in 0u64..40,
            event_bytes in 1usize..60,
            flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 0..6),
            tail in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut bytes = records(count, event_bytes);
            bytes.extend_from_slice(&tail);
            let mut first = (count as usize) * (HEADER_BYTES + event_bytes);
            for (at, flip) in flips {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= flip;
                    first = first.min(at);
                }
            }
            let (outcome, index) = scanned(&bytes);
            prop_assert!(found(&index) >= first / (HEADER_BYTES + event_bytes));
            prop_assert!(outcome.end <= START + bytes.len() as u64);
            prop_assert!(outcome.records <= count);
        }
    }
}
