//! What a described list is: each type has a number and a name, and a peer may send either. Source: 1.3, 2.7, 5.3

use crate::error::{DecodeError, Fault};
use crate::types::{Reader, ValueRef};

pub(crate) const OPEN: u64 = 0x10;
pub(crate) const BEGIN: u64 = 0x11;
pub(crate) const ATTACH: u64 = 0x12;
pub(crate) const FLOW: u64 = 0x13;
pub(crate) const TRANSFER: u64 = 0x14;
pub(crate) const DISPOSITION: u64 = 0x15;
pub(crate) const DETACH: u64 = 0x16;
pub(crate) const END: u64 = 0x17;
pub(crate) const CLOSE: u64 = 0x18;
pub(crate) const ERROR: u64 = 0x1d;
pub(crate) const RECEIVED: u64 = 0x23;
pub(crate) const ACCEPTED: u64 = 0x24;
pub(crate) const REJECTED: u64 = 0x25;
pub(crate) const RELEASED: u64 = 0x26;
pub(crate) const MODIFIED: u64 = 0x27;
pub(crate) const SOURCE: u64 = 0x28;
pub(crate) const TARGET: u64 = 0x29;
pub(crate) const COORDINATOR: u64 = 0x30;
pub(crate) const SASL_MECHANISMS: u64 = 0x40;
pub(crate) const SASL_INIT: u64 = 0x41;
pub(crate) const SASL_CHALLENGE: u64 = 0x42;
pub(crate) const SASL_RESPONSE: u64 = 0x43;
pub(crate) const SASL_OUTCOME: u64 = 0x44;
pub(crate) const HEADER: u64 = 0x70;
pub(crate) const DELIVERY_ANNOTATIONS: u64 = 0x71;
pub(crate) const MESSAGE_ANNOTATIONS: u64 = 0x72;
pub(crate) const PROPERTIES: u64 = 0x73;
pub(crate) const APPLICATION_PROPERTIES: u64 = 0x74;
pub(crate) const DATA: u64 = 0x75;
pub(crate) const SEQUENCE: u64 = 0x76;
pub(crate) const VALUE: u64 = 0x77;
pub(crate) const FOOTER: u64 = 0x78;

const NAMES: [(&str, u64); 32] = [
    ("amqp:open:list", OPEN),
    ("amqp:begin:list", BEGIN),
    ("amqp:attach:list", ATTACH),
    ("amqp:flow:list", FLOW),
    ("amqp:transfer:list", TRANSFER),
    ("amqp:disposition:list", DISPOSITION),
    ("amqp:detach:list", DETACH),
    ("amqp:end:list", END),
    ("amqp:close:list", CLOSE),
    ("amqp:error:list", ERROR),
    ("amqp:received:list", RECEIVED),
    ("amqp:accepted:list", ACCEPTED),
    ("amqp:rejected:list", REJECTED),
    ("amqp:released:list", RELEASED),
    ("amqp:modified:list", MODIFIED),
    ("amqp:source:list", SOURCE),
    ("amqp:target:list", TARGET),
    ("amqp:coordinator:list", COORDINATOR),
    ("amqp:sasl-mechanisms:list", SASL_MECHANISMS),
    ("amqp:sasl-init:list", SASL_INIT),
    ("amqp:sasl-challenge:list", SASL_CHALLENGE),
    ("amqp:sasl-response:list", SASL_RESPONSE),
    ("amqp:sasl-outcome:list", SASL_OUTCOME),
    ("amqp:header:list", HEADER),
    ("amqp:delivery-annotations:map", DELIVERY_ANNOTATIONS),
    ("amqp:message-annotations:map", MESSAGE_ANNOTATIONS),
    ("amqp:properties:list", PROPERTIES),
    ("amqp:application-properties:map", APPLICATION_PROPERTIES),
    ("amqp:data:binary", DATA),
    ("amqp:amqp-sequence:list", SEQUENCE),
    ("amqp:amqp-value:*", VALUE),
    ("amqp:footer:map", FOOTER),
];

/// Takes the descriptor that begins there, with the zero before it. 0 for a name that is not known.
///
/// Errors: no descriptor, or one that is neither a ulong nor a symbol; `expected` says what was to come.
pub(crate) fn read(reader: &mut Reader<'_>, expected: &'static str) -> Result<u64, DecodeError> {
    let start = *reader;
    match reader.byte()? {
        0 => {}
        code => return Err(start.fail(Fault::WrongType { expected, code })),
    }
    match ValueRef::read(reader)? {
        ValueRef::Ulong(code) => Ok(code),
        value => match value.as_text() {
            Some(name) => Ok(NAMES.iter().find_map(|&(known, code)| (known == name).then_some(code)).unwrap_or(0)),
            None => Err(start.fail(Fault::Descriptor { code: 0, expected })),
        },
    }
}

/// Takes a descriptor that must be this one.
pub(crate) fn expect(reader: &mut Reader<'_>, code: u64, expected: &'static str) -> Result<(), DecodeError> {
    let start = *reader;
    match read(reader, expected)? {
        found if found == code => Ok(()),
        code => Err(start.fail(Fault::Descriptor { code, expected })),
    }
}
