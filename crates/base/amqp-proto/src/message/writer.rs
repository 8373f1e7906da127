//! Messages out, section after section, straight into the caller's buffer.

use super::header::Header;
use super::properties::Properties;
use crate::descriptor as d;
use crate::types::put::{self, Items};
use crate::types::{MapRef, Value};

/// Appends sections. The standard's order is that of the methods here; it is the caller's to keep.
///
/// ```
/// use roadstead_amqp_proto::message::{Message, MessageWriter, Properties};
///
/// let mut bytes = Vec::new();
/// let mut message = MessageWriter::new(&mut bytes);
/// message.message_annotations(|annotations| annotations.long("x-opt-sequence-number", 5));
/// message.properties(&Properties { subject: Some("s"), ..Properties::default() });
/// message.data(b"{}");
/// assert_eq!(Message::decode(&bytes).unwrap().properties.subject, Some("s"));
/// ```
#[derive(Debug)]
pub struct MessageWriter<'o> {
    out: &'o mut Vec<u8>,
}

/// Appends the entries of a map; its keys are all symbols or all strings.
#[derive(Debug)]
pub struct MapWriter<'i, 'o> {
    items: &'i mut Items<'o>,
    key: fn(&mut Vec<u8>, &str),
}

impl<'o> MessageWriter<'o> {
    /// Behind whatever is in `out`.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out }
    }

    /// All five fields.
    pub fn header(&mut self, header: &Header) {
        header.encode(self.out);
    }

    /// Keys are symbols.
    pub fn delivery_annotations(&mut self, write: impl FnOnce(&mut MapWriter<'_, '_>)) {
        self.map(d::DELIVERY_ANNOTATIONS, put::symbol, write);
    }

    /// Keys are symbols.
    pub fn message_annotations(&mut self, write: impl FnOnce(&mut MapWriter<'_, '_>)) {
        self.map(d::MESSAGE_ANNOTATIONS, put::symbol, write);
    }

    /// All thirteen fields.
    pub fn properties(&mut self, properties: &Properties<'_>) {
        properties.encode(self.out);
    }

    /// Keys are strings.
    pub fn application_properties(&mut self, write: impl FnOnce(&mut MapWriter<'_, '_>)) {
        self.map(d::APPLICATION_PROPERTIES, put::string, write);
    }

    /// A data section; there may be several.
    pub fn data(&mut self, bytes: &[u8]) {
        put::descriptor(self.out, d::DATA);
        put::binary(self.out, bytes);
    }

    /// A data section of the bytes that `write` appends.
    pub fn data_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        put::descriptor(self.out, d::DATA);
        put::binary_with(self.out, write);
    }

    /// A sequence section; there may be several.
    pub fn sequence(&mut self, values: &[Value]) {
        put::descriptor(self.out, d::SEQUENCE);
        put::list(self.out, |items| items.values(values));
    }

    /// The body as one value, which `write` appends.
    pub fn value_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        put::descriptor(self.out, d::VALUE);
        write(self.out);
    }

    /// The body as one value.
    pub fn value(&mut self, value: &Value) {
        self.value_with(|out| value.encode(out));
    }

    /// Keys are symbols.
    pub fn footer(&mut self, write: impl FnOnce(&mut MapWriter<'_, '_>)) {
        self.map(d::FOOTER, put::symbol, write);
    }

    fn map(&mut self, code: u64, key: fn(&mut Vec<u8>, &str), write: impl FnOnce(&mut MapWriter<'_, '_>)) {
        put::descriptor(self.out, code);
        put::long_map(self.out, |items| write(&mut MapWriter { items, key }));
    }
}

impl MapWriter<'_, '_> {
    /// `null`
    pub fn null(&mut self, key: &str) {
        put::null(self.entry(key));
    }

    /// `boolean`
    pub fn boolean(&mut self, key: &str, value: bool) {
        put::boolean(self.entry(key), value);
    }

    /// `ubyte`
    pub fn ubyte(&mut self, key: &str, value: u8) {
        put::ubyte(self.entry(key), value);
    }

    /// `uint`
    pub fn uint(&mut self, key: &str, value: u32) {
        put::uint(self.entry(key), value);
    }

    /// `ulong`
    pub fn ulong(&mut self, key: &str, value: u64) {
        put::ulong(self.entry(key), value);
    }

    /// `int`
    pub fn int(&mut self, key: &str, value: i32) {
        put::int(self.entry(key), value);
    }

    /// `long`
    pub fn long(&mut self, key: &str, value: i64) {
        put::long(self.entry(key), value);
    }

    /// `timestamp`, milliseconds since 1970
    pub fn timestamp(&mut self, key: &str, milliseconds: i64) {
        put::timestamp(self.entry(key), milliseconds);
    }

    /// `uuid`
    pub fn uuid(&mut self, key: &str, bytes: [u8; 16]) {
        put::uuid(self.entry(key), bytes);
    }

    /// `string`
    pub fn string(&mut self, key: &str, text: &str) {
        put::string(self.entry(key), text);
    }

    /// `symbol`
    pub fn symbol(&mut self, key: &str, text: &str) {
        put::symbol(self.entry(key), text);
    }

    /// Any other type.
    pub fn value(&mut self, key: &str, value: &Value) {
        value.encode(self.entry(key));
    }

    /// The entries of another map, as they are.
    pub fn copy(&mut self, map: &MapRef<'_>) {
        for (key, value) in map.entries() {
            key.to_value().encode(self.items.item());
            value.to_value().encode(self.items.item());
        }
    }

    fn entry(&mut self, key: &str) -> &mut Vec<u8> {
        (self.key)(self.items.item(), key);
        self.items.item()
    }
}
