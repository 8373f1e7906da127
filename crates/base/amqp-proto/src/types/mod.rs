//! The type system: values in, as they lie in the bytes ([`ValueRef`]) or standing alone ([`Value`]), and out again
//! ([`put`]). Source: part 1

pub mod put;

mod borrowed;
mod check;
mod constructor;
mod fields;
mod owned;
mod reader;

pub use borrowed::{ArrayRef, DescribedRef, ListRef, MapRef, ValueRef};
pub use owned::{Array, Map, Value};

pub(crate) use check::value as check;
pub(crate) use fields::{Fields, FieldsWriter, write_fields};
pub(crate) use reader::Reader;
