//! How surely a message arrives, and the number its acknowledgement carries.

use std::fmt;
use std::num::NonZeroU16;

/// Quality of service. Source: 4.3
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum QoS {
    /// 0: no answer.
    AtMostOnce = 0,
    /// 1: answered with PUBACK.
    AtLeastOnce = 1,
    /// 2: answered with PUBREC, PUBREL, PUBCOMP.
    ExactlyOnce = 2,
}

impl QoS {
    /// 0, 1 or 2; `None` for the reserved rest.
    pub fn from_u8(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }
}

/// Packet identifier, 1 to 65535. Source: 2.3.1
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(NonZeroU16);

impl PacketId {
    /// The lowest.
    pub const FIRST: Self = Self(NonZeroU16::MIN);

    /// `None` for 0.
    pub fn new(value: u16) -> Option<Self> {
        NonZeroU16::new(value).map(Self)
    }

    /// The number on the wire.
    pub fn value(self) -> u16 {
        self.0.get()
    }

    /// The next one to try: after 65535 comes 1.
    #[must_use]
    pub fn next(self) -> Self {
        self.0.checked_add(1).map_or(Self::FIRST, Self)
    }
}

impl fmt::Display for PacketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_ids_go_round_without_zero() {
        assert_eq!(PacketId::new(0), None);
        assert_eq!(PacketId::FIRST.next().value(), 2);
        assert_eq!(PacketId::new(u16::MAX).map(PacketId::next), Some(PacketId::FIRST));
    }
}
