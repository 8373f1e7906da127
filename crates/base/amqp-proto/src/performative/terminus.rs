//! The two ends of a link: where its messages come from and where they go. Source: 3.5.3, 3.5.4

use crate::descriptor as d;
use crate::error::{DecodeError, Fault};
use crate::types::{Fields, Map, Reader, Value, write_fields};

/// Where messages come from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Source {
    /// A path or a URI, as it was sent.
    pub address: Option<Box<str>>,
    /// 0, 1 or 2: what of it outlives the link.
    pub durable: u32,
    /// When it may be forgotten; `session-end` when absent.
    pub expiry_policy: Option<Box<str>>,
    /// Seconds after that.
    pub timeout_s: u32,
    /// The other side is to find an address.
    pub dynamic: bool,
    /// For that address.
    pub dynamic_node_properties: Map,
    /// `move` or `copy`.
    pub distribution_mode: Option<Box<str>>,
    /// Which messages; the values are mostly described, see [`Source::find_filter`].
    pub filter: Map,
    /// What becomes of a delivery without an outcome.
    pub default_outcome: Option<Value>,
    /// Those the peer knows.
    pub outcomes: Vec<Box<str>>,
    /// What it can.
    pub capabilities: Vec<Box<str>>,
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Target {
    /// A path or a URI, as it was sent.
    pub address: Option<Box<str>>,
    /// 0, 1 or 2: what of it outlives the link.
    pub durable: u32,
    /// When it may be forgotten; `session-end` when absent.
    pub expiry_policy: Option<Box<str>>,
    /// Seconds after that.
    pub timeout_s: u32,
    /// The other side is to find an address.
    pub dynamic: bool,
    /// For that address.
    pub dynamic_node_properties: Map,
    /// What it can.
    pub capabilities: Vec<Box<str>>,
}

impl Source {
    /// With this address and nothing else.
    pub fn new(address: &str) -> Self {
        Self { address: Some(address.into()), ..Self::default() }
    }

    /// What the filter of this name says, out of its description.
    ///
    /// A filter is found by its key in the map, or by its descriptor: the name as a symbol or the registered `code`.
    /// Shape: `{sym "x:y:string": described(sym "x:y:string" or ulong 0x468c00000004, "a > 1")}` finds `"a > 1"`.
    pub fn find_filter(&self, name: &str, code: u64) -> Option<&Value> {
        let is_it = |key: &Value, value: &Value| {
            let by_descriptor = match value {
                Value::Described(it) => it.0 == Value::Ulong(code) || it.0.as_text() == Some(name),
                _ => false,
            };
            by_descriptor || key.as_text() == Some(name)
        };
        self.filter.0.iter().find(|(key, value)| is_it(key, value)).map(|(_, value)| match value {
            Value::Described(it) => &it.1,
            value => value,
        })
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        d::expect(reader, d::SOURCE, "a source")?;
        let mut fields = Fields::open(reader, "source", 11)?;
        let source = Self {
            address: fields.owned_text()?,
            durable: fields.uint()?.unwrap_or(0),
            expiry_policy: fields.owned_text()?,
            timeout_s: fields.uint()?.unwrap_or(0),
            dynamic: fields.boolean()?.unwrap_or(false),
            dynamic_node_properties: fields.map()?,
            distribution_mode: fields.owned_text()?,
            filter: fields.map()?,
            default_outcome: fields.value()?.map(Value::from),
            outcomes: fields.symbols()?,
            capabilities: fields.symbols()?,
        };
        fields.finish()?;
        Ok(source)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::SOURCE, |fields| {
            fields.string(self.address.as_deref()).uint(self.durable).symbol(self.expiry_policy.as_deref());
            fields.uint(self.timeout_s).boolean(self.dynamic).map(&self.dynamic_node_properties);
            fields.symbol(self.distribution_mode.as_deref()).map(&self.filter);
            fields.value(self.default_outcome.as_ref()).symbols(&self.outcomes).symbols(&self.capabilities);
        });
    }
}

impl Target {
    /// With this address and nothing else.
    pub fn new(address: &str) -> Self {
        Self { address: Some(address.into()), ..Self::default() }
    }

    /// `None` for a coordinator of transactions, which nobody here is.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let start = *reader;
        match d::read(reader, TARGET)? {
            d::TARGET => {}
            d::COORDINATOR => {
                let mut fields = Fields::open(reader, "coordinator", 1)?;
                fields.symbols()?;
                fields.finish()?;
                return Ok(None);
            }
            code => return Err(start.fail(Fault::Descriptor { code, expected: TARGET })),
        }
        let mut fields = Fields::open(reader, "target", 7)?;
        let target = Self {
            address: fields.owned_text()?,
            durable: fields.uint()?.unwrap_or(0),
            expiry_policy: fields.owned_text()?,
            timeout_s: fields.uint()?.unwrap_or(0),
            dynamic: fields.boolean()?.unwrap_or(false),
            dynamic_node_properties: fields.map()?,
            capabilities: fields.symbols()?,
        };
        fields.finish()?;
        Ok(Some(target))
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        write_fields(out, d::TARGET, |fields| {
            fields.string(self.address.as_deref()).uint(self.durable).symbol(self.expiry_policy.as_deref());
            fields.uint(self.timeout_s).boolean(self.dynamic).map(&self.dynamic_node_properties);
            fields.symbols(&self.capabilities);
        });
    }

    pub(crate) fn encode_coordinator(out: &mut Vec<u8>) {
        write_fields(out, d::COORDINATOR, |fields| {
            fields.symbols(&[]);
        });
    }
}

const TARGET: &str = "a target";
