//! Walks through a value once, so that whoever reads it later meets no surprise.

use super::constructor as c;
use super::reader::Reader;
use crate::error::{DecodeError, Fault};
use crate::limits::{DEPTH_MAX, VALUES_MAX};

/// What a value may still hold.
struct Budget {
    depth: u32,
    values: u32,
}

/// Moves `reader` behind the value that begins there.
///
/// Errors: whatever is malformed in it, however deep; deeper than [`DEPTH_MAX`] or more than [`VALUES_MAX`].
pub(crate) fn value(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let mut budget = Budget { depth: DEPTH_MAX, values: VALUES_MAX };
    any(reader, &mut budget)
}

fn any(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<(), DecodeError> {
    let start = *reader;
    let code = reader.byte()?;
    of(code, start, reader, budget)
}

/// A value whose constructor is read already; `start` is where errors of it point.
fn of(code: u8, start: Reader<'_>, reader: &mut Reader<'_>, budget: &mut Budget) -> Result<(), DecodeError> {
    budget.values = budget.values.checked_sub(1).ok_or(start.fail(Fault::TooMany))?;
    match code {
        c::NULL..=c::LIST_0 => Ok(()),
        c::UBYTE..=c::LONG_SMALL => reader.array::<1>().map(drop),
        c::BOOLEAN => match reader.byte()? {
            0 | 1 => Ok(()),
            value => Err(start.fail(Fault::Boolean { value })),
        },
        c::USHORT | c::SHORT => reader.array::<2>().map(drop),
        c::UINT | c::INT | c::FLOAT | c::DECIMAL_32 => reader.array::<4>().map(drop),
        c::CHAR => {
            let value = u32::from_be_bytes(reader.array()?);
            char::from_u32(value).map(drop).ok_or(start.fail(Fault::Char { value }))
        }
        c::ULONG | c::LONG | c::DOUBLE | c::TIMESTAMP | c::DECIMAL_64 => reader.array::<8>().map(drop),
        c::DECIMAL_128 | c::UUID => reader.array::<16>().map(drop),
        c::BINARY_8 | c::BINARY_32 => reader.variable(code).map(drop),
        c::STRING_8 | c::STRING_32 | c::SYMBOL_8 | c::SYMBOL_32 => reader.text(code).map(drop),
        c::DESCRIBED | c::LIST_8 | c::LIST_32 | c::MAP_8 | c::MAP_32 | c::ARRAY_8 | c::ARRAY_32 => {
            budget.depth = budget.depth.checked_sub(1).ok_or(start.fail(Fault::TooDeep))?;
            nested(code, start, reader, budget)?;
            budget.depth += 1;
            Ok(())
        }
        _ => Err(start.fail(Fault::UnknownConstructor { code })),
    }
}

fn nested(code: u8, start: Reader<'_>, reader: &mut Reader<'_>, budget: &mut Budget) -> Result<(), DecodeError> {
    if code == c::DESCRIBED {
        any(reader, budget)?;
        return any(reader, budget);
    }
    let (count, mut inner) = reader.compound(code)?;
    match code {
        c::MAP_8 | c::MAP_32 if count % 2 == 1 => return Err(start.fail(Fault::OddMap { count })),
        c::ARRAY_8 | c::ARRAY_32 => {
            let element = inner;
            let code = element_code(&mut inner, budget)?;
            for _ in 0..count {
                of(code, element, &mut inner, budget)?;
            }
        }
        _ => {
            for _ in 0..count {
                any(&mut inner, budget)?;
            }
        }
    }
    inner.finish()
}

/// The constructor that all elements share; behind a descriptor, if they are described.
fn element_code(inner: &mut Reader<'_>, budget: &mut Budget) -> Result<u8, DecodeError> {
    let code = inner.byte()?;
    if code != c::DESCRIBED {
        return Ok(code);
    }
    any(inner, budget)?;
    let start = *inner;
    match inner.byte()? {
        c::DESCRIBED => Err(start.fail(Fault::NestedDescriptor)),
        code => Ok(code),
    }
}
