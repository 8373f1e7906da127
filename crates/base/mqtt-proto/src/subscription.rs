//! SUBSCRIBE, SUBACK and UNSUBSCRIBE: lists, checked at decode and read again entry by entry. Source: 3.8 to 3.10

use std::fmt;

use crate::delivery::{PacketId, QoS};
use crate::error::DecodeError;
use crate::packet::PacketType;
use crate::reader::Reader;

/// A wish for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// For the SUBACK.
    pub packet_id: PacketId,
    /// One or more.
    pub filters: Subscriptions<'a>,
}

/// The server's answer to SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suback<'a> {
    /// Of the SUBSCRIBE.
    pub packet_id: PacketId,
    /// One for each filter, in its order, [MQTT-3.9.3-1].
    pub codes: SubackCodes<'a>,
}

/// The end of a wish for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// For the UNSUBACK.
    pub packet_id: PacketId,
    /// One or more.
    pub filters: Filters<'a>,
}

/// What became of one filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubackCode {
    /// Messages come with this QoS at most.
    Granted(QoS),
    /// 0x80.
    Failure,
}

/// The entries of a SUBSCRIBE: each filter, valid by [`crate::topic::check_filter`], and the QoS it asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscriptions<'a> {
    rest: Reader<'a>,
    left: usize,
}

/// The entries of an UNSUBSCRIBE: filters, valid by [`crate::topic::check_filter`].
#[derive(Clone, PartialEq, Eq)]
pub struct Filters<'a> {
    rest: Reader<'a>,
    left: usize,
}

/// The entries of a SUBACK.
#[derive(Clone, PartialEq, Eq)]
pub struct SubackCodes<'a> {
    codes: &'a [u8],
}

impl<'a> Subscribe<'a> {
    pub(crate) fn read(body: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let packet_id = body.packet_id()?;
        let rest = *body;
        let left = count_entries(PacketType::Subscribe, body, read_subscription)?;
        Ok(Self { packet_id, filters: Subscriptions { rest, left } })
    }
}

impl<'a> Unsubscribe<'a> {
    pub(crate) fn read(body: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let packet_id = body.packet_id()?;
        let rest = *body;
        let left = count_entries(PacketType::Unsubscribe, body, Reader::topic_filter)?;
        Ok(Self { packet_id, filters: Filters { rest, left } })
    }
}

impl<'a> Suback<'a> {
    pub(crate) fn read(body: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let packet_id = body.packet_id()?;
        let codes = body.take_rest();
        if codes.is_empty() {
            return Err(DecodeError::NoEntries(PacketType::Suback));
        }
        match codes.iter().find(|&&code| SubackCode::from_u8(code).is_none()) {
            Some(&code) => Err(DecodeError::SubackCode { code }),
            None => Ok(Self { packet_id, codes: SubackCodes { codes } }),
        }
    }
}

impl SubackCode {
    fn from_u8(code: u8) -> Option<Self> {
        if code == FAILURE { Some(Self::Failure) } else { QoS::from_u8(code).map(Self::Granted) }
    }

    pub(crate) fn to_u8(self) -> u8 {
        match self {
            Self::Granted(qos) => qos as u8,
            Self::Failure => FAILURE,
        }
    }
}

const FAILURE: u8 = 0x80;

/// Reads `list` to its end.
fn count_entries<'a, T>(
    packet_type: PacketType,
    list: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<usize, DecodeError> {
    let mut count = 0;
    while !list.is_empty() {
        read(list)?;
        count += 1;
    }
    if count == 0 { Err(DecodeError::NoEntries(packet_type)) } else { Ok(count) }
}

fn read_subscription<'a>(list: &mut Reader<'a>) -> Result<(&'a str, QoS), DecodeError> {
    let filter = list.topic_filter()?;
    let value = list.u8()?;
    let qos = QoS::from_u8(value).ok_or(DecodeError::ReservedQos { value })?;
    Ok((filter, qos))
}

impl<'a> Iterator for Subscriptions<'a> {
    type Item = (&'a str, QoS);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        read_subscription(&mut self.rest).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a> Iterator for Filters<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        self.rest.topic_filter().ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl Iterator for SubackCodes<'_> {
    type Item = SubackCode;

    fn next(&mut self) -> Option<Self::Item> {
        let (&code, rest) = self.codes.split_first()?;
        self.codes = rest;
        SubackCode::from_u8(code)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.codes.len(), Some(self.codes.len()))
    }
}

impl ExactSizeIterator for Subscriptions<'_> {}
impl ExactSizeIterator for Filters<'_> {}
impl ExactSizeIterator for SubackCodes<'_> {}

impl fmt::Debug for Subscriptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl fmt::Debug for Filters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl fmt::Debug for SubackCodes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
