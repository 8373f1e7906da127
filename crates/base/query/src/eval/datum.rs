//! A value while a condition is evaluated.

use crate::ast::Constant;
use serde_json::Value;
use std::borrow::Cow;

/// Whole numbers up to here are told apart as doubles.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// What an expression yields. Arrays and objects have no content here, since no operator and only `ARRAY_CONTAINS` sees it, which looks at the document.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum<'a> {
    /// What a missing member is, and whatever makes no sense.
    Undefined,
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// Always finite.
    Number(f64),
    /// Text.
    String(Cow<'a, str>),
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

impl<'a> Datum<'a> {
    /// A value of a document.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(value) => value.as_f64().map_or(Self::Undefined, Self::finite),
            Value::String(value) => Self::String(Cow::Borrowed(value)),
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// A value of a query.
    pub fn constant(constant: &'a Constant) -> Self {
        match constant {
            Constant::Undefined => Self::Undefined,
            Constant::Null => Self::Null,
            Constant::Bool(value) => Self::Bool(*value),
            Constant::Number(value) => Self::finite(*value),
            Constant::String(value) => Self::String(Cow::Borrowed(value)),
            Constant::Array(_) => Self::Array,
        }
    }

    pub(crate) fn truth(value: Option<bool>) -> Self {
        value.map_or(Self::Undefined, Self::Bool)
    }

    pub(crate) fn finite(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Undefined }
    }
}

/// A number as rows show it: whole ones up to 2^53 without a fraction, `3` and not `3.0`; not finite ones as null.
pub fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() <= WHOLE_MAX { Value::from(value as i64) } else { Value::from(value) }
}
