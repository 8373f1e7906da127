//! Single values out, each in its shortest form, and lists and maps around them. Nothing here can fail.

use super::constructor as c;
use super::owned::{Map, Value};

/// `null`
pub fn null(out: &mut Vec<u8>) {
    out.push(c::NULL);
}

/// `boolean`
pub fn boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { c::TRUE } else { c::FALSE });
}

/// `ubyte`
pub fn ubyte(out: &mut Vec<u8>, value: u8) {
    out.extend([c::UBYTE, value]);
}

/// `ushort`
pub fn ushort(out: &mut Vec<u8>, value: u16) {
    fixed(out, c::USHORT, value.to_be_bytes());
}

/// `uint`
pub fn uint(out: &mut Vec<u8>, value: u32) {
    match u8::try_from(value) {
        Ok(0) => out.push(c::UINT_0),
        Ok(small) => out.extend([c::UINT_SMALL, small]),
        Err(_) => fixed(out, c::UINT, value.to_be_bytes()),
    }
}

/// `ulong`
pub fn ulong(out: &mut Vec<u8>, value: u64) {
    match u8::try_from(value) {
        Ok(0) => out.push(c::ULONG_0),
        Ok(small) => out.extend([c::ULONG_SMALL, small]),
        Err(_) => fixed(out, c::ULONG, value.to_be_bytes()),
    }
}

/// `byte`
pub fn byte(out: &mut Vec<u8>, value: i8) {
    fixed(out, c::BYTE, value.to_be_bytes());
}

/// `short`
pub fn short(out: &mut Vec<u8>, value: i16) {
    fixed(out, c::SHORT, value.to_be_bytes());
}

/// `int`
pub fn int(out: &mut Vec<u8>, value: i32) {
    match i8::try_from(value) {
        Ok(small) => fixed(out, c::INT_SMALL, small.to_be_bytes()),
        Err(_) => fixed(out, c::INT, value.to_be_bytes()),
    }
}

/// `long`
pub fn long(out: &mut Vec<u8>, value: i64) {
    match i8::try_from(value) {
        Ok(small) => fixed(out, c::LONG_SMALL, small.to_be_bytes()),
        Err(_) => fixed(out, c::LONG, value.to_be_bytes()),
    }
}

/// `timestamp`, milliseconds since 1970
pub fn timestamp(out: &mut Vec<u8>, milliseconds: i64) {
    fixed(out, c::TIMESTAMP, milliseconds.to_be_bytes());
}

/// `uuid`
pub fn uuid(out: &mut Vec<u8>, bytes: [u8; 16]) {
    fixed(out, c::UUID, bytes);
}

/// `binary`
pub fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let code = if bytes.len() <= 0xff { c::BINARY_8 } else { c::BINARY_32 };
    out.push(code);
    variable(out, code, bytes);
}

/// `binary` of the bytes that `write` appends
pub fn binary_with(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend([c::BINARY_32, 0, 0, 0, 0]);
    let start = out.len();
    write(out);
    let len = (out.len() - start) as u32;
    out[start - 4..start].copy_from_slice(&len.to_be_bytes());
}

/// `string`
pub fn string(out: &mut Vec<u8>, text: &str) {
    let code = if text.len() <= 0xff { c::STRING_8 } else { c::STRING_32 };
    out.push(code);
    variable_text(out, code, text);
}

/// `symbol`; a character that is not ASCII is written as `?`.
pub fn symbol(out: &mut Vec<u8>, text: &str) {
    let code = if text.len() <= 0xff { c::SYMBOL_8 } else { c::SYMBOL_32 };
    out.push(code);
    variable_text(out, code, text);
}

/// The descriptor of a value that must follow.
pub fn descriptor(out: &mut Vec<u8>, code: u64) {
    out.push(c::DESCRIBED);
    // Never the form of one byte for 0: no type has that code.
    ulong(out, code);
}

/// `list`, of what `write` puts into it.
pub fn list(out: &mut Vec<u8>, write: impl FnOnce(&mut Items<'_>)) {
    compound(out, c::LIST_8, write);
}

/// `map`, of the keys and values that `write` puts into it by turns.
pub fn map(out: &mut Vec<u8>, write: impl FnOnce(&mut Items<'_>)) {
    compound(out, c::MAP_8, write);
}

/// `map`, in the form that is right from the start when it is long.
pub fn long_map(out: &mut Vec<u8>, write: impl FnOnce(&mut Items<'_>)) {
    out.push(c::MAP_32);
    compound_32(out, write);
}

/// `array` of symbols
pub fn symbols<'a>(out: &mut Vec<u8>, texts: impl Iterator<Item = &'a str> + Clone) {
    let code = if texts.clone().all(|text| text.len() <= 0xff) { c::SYMBOL_8 } else { c::SYMBOL_32 };
    array(out, |items| {
        items.raw().push(code);
        texts.for_each(|text| variable_text(items.item(), code, text));
    });
}

/// `array`: `write` puts the constructor of the elements, then what stands behind it in each.
pub(crate) fn array(out: &mut Vec<u8>, write: impl FnOnce(&mut Items<'_>)) {
    compound(out, c::ARRAY_8, write);
}

/// Counts what is put into a list or map.
#[derive(Debug)]
pub struct Items<'o> {
    out: &'o mut Vec<u8>,
    count: u32,
}

impl Items<'_> {
    /// Where to put the next value: exactly one.
    pub fn item(&mut self) -> &mut Vec<u8> {
        self.count += 1;
        self.out
    }

    /// What is put here is not counted.
    pub(crate) fn raw(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Each in turn.
    pub fn values(&mut self, values: &[Value]) {
        for value in values {
            value.encode(self.item());
        }
    }

    /// Each key and value in turn.
    pub fn entries(&mut self, map: &Map) {
        for (key, value) in &map.0 {
            key.encode(self.item());
            value.encode(self.item());
        }
    }
}

/// A compound value in its form `small` with one byte each for size and count, or the one with four if it must be.
fn compound(out: &mut Vec<u8>, small: u8, write: impl FnOnce(&mut Items<'_>)) {
    let start = out.len();
    out.extend([small, 0, 0]);
    let mut items = Items { out, count: 0 };
    write(&mut items);
    let Items { out, count } = items;
    // The size counts what is behind itself: here the count of one byte and the values.
    let size = out.len() - start - 2;
    if small == c::LIST_8 && count == 0 {
        out.truncate(start);
        out.push(c::LIST_0);
        return;
    }
    if let (Ok(size), Ok(count)) = (u8::try_from(size), u8::try_from(count)) {
        out[start + 1] = size;
        out[start + 2] = count;
        return;
    }
    let values = start + 3;
    out.splice(values..values, [0; 6]);
    out[start] = small + 0x10;
    let size = size as u32 - 1 + 4;
    out[start + 1..start + 5].copy_from_slice(&size.to_be_bytes());
    out[start + 5..start + 9].copy_from_slice(&count.to_be_bytes());
}

/// Size, count and values in the form with four bytes each, behind a constructor that is there already.
pub(crate) fn compound_32(out: &mut Vec<u8>, write: impl FnOnce(&mut Items<'_>)) {
    let start = out.len();
    out.extend([0; 8]);
    let mut items = Items { out, count: 0 };
    write(&mut items);
    let Items { out, count } = items;
    let size = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
    out[start + 4..start + 8].copy_from_slice(&count.to_be_bytes());
}

fn fixed<const N: usize>(out: &mut Vec<u8>, code: u8, bytes: [u8; N]) {
    out.push(code);
    out.extend_from_slice(&bytes);
}

/// Length and bytes behind a constructor `ax` or `bx`.
pub(crate) fn variable(out: &mut Vec<u8>, code: u8, bytes: &[u8]) {
    put_length(out, code, bytes.len());
    out.extend_from_slice(bytes);
}

pub(crate) fn variable_text(out: &mut Vec<u8>, code: u8, text: &str) {
    if matches!(code, c::SYMBOL_8 | c::SYMBOL_32) && !text.is_ascii() {
        put_length(out, code, text.chars().count());
        out.extend(text.chars().map(|char| if char.is_ascii() { char as u8 } else { b'?' }));
    } else {
        variable(out, code, text.as_bytes());
    }
}

fn put_length(out: &mut Vec<u8>, code: u8, len: usize) {
    match code >> 4 {
        0xa => out.push(len as u8),
        _ => out.extend((len as u32).to_be_bytes()),
    }
}
