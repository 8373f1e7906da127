//! Numbers read one after the other out of bytes.

/// What is left to read. Numbers are little endian; `None` when too few bytes are left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(pub &'a [u8]);

impl Cursor<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }
}

/// The bytes before a block's last four, if those are their CRC.
pub(crate) fn without_crc(block: &[u8]) -> Option<&[u8]> {
    let (bytes, crc) = block.split_last_chunk()?;
    (crc32fast::hash(bytes) == u32::from_le_bytes(*crc)).then_some(bytes)
}
