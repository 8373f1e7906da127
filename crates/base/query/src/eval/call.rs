//! What functions yield.

use super::datum::Datum;
use crate::function::Function;
use std::borrow::Cow;

/// What the function yields; undefined when the arguments are not of the types, or not as many, as said here.
///
/// | function | of | yields |
/// |---|---|---|
/// | `ABS` `EXP` `SQUARE` `CEILING` `FLOOR` `SIGN` `SQRT` | number | number; undefined when not finite, so for `SQRT(-1)` |
/// | `POWER` | number, number | likewise |
/// | `AS_NUMBER` | number | itself |
/// | | string | the number it writes in decimal (`12`, `-1.5`, `2e3`, nothing around it), else undefined |
/// | `IS_DEFINED` | anything | boolean: false for undefined only |
/// | `IS_ARRAY` `IS_BOOL` `IS_NULL` `IS_NUMBER` `IS_OBJECT` `IS_STRING` | anything | boolean: false for undefined |
/// | `IS_PRIMITIVE` | anything | boolean: true for null, booleans, numbers, strings |
/// | `CONCAT` | two strings or more | string |
/// | `LENGTH` | string | its code points |
/// | `LOWER` `UPPER` | string | string, by Unicode without a locale, not ASCII alone |
/// | `SUBSTRING` | string, start, length | code points from start (0 is the first), at most length; beyond the end nothing is. Undefined unless both are whole and not negative |
/// | `INDEX_OF` | string, string | code points before the first place, -1 when there is none; 0 for an empty fragment |
/// | `STARTS_WITH` `ENDS_WITH` `CONTAINS` | string, string | boolean, byte for byte |
/// | `ARRAY_CONTAINS` | array, anything | as `IN` with the array's members; here undefined, since it asks for more than a datum tells |
pub fn call<'a>(function: Function, arguments: &[Datum<'a>]) -> Datum<'a> {
    use Datum::{Array, Bool, Null, Number, Object, String, Undefined};
    match (function, arguments) {
        (Function::IsDefined, [value]) => Bool(*value != Undefined),
        (Function::IsArray, [value]) => Bool(*value == Array),
        (Function::IsBool, [value]) => Bool(matches!(value, Bool(_))),
        (Function::IsNull, [value]) => Bool(*value == Null),
        (Function::IsNumber, [value]) => Bool(matches!(value, Number(_))),
        (Function::IsObject, [value]) => Bool(*value == Object),
        (Function::IsString, [value]) => Bool(matches!(value, String(_))),
        (Function::IsPrimitive, [value]) => Bool(matches!(value, Null | Bool(_) | Number(_) | String(_))),
        (Function::AsNumber, [String(text)]) => decimal(text),
        (_, [Number(value)]) => of_number(function, *value),
        (Function::Power, [Number(base), Number(exponent)]) => Datum::finite(base.powf(*exponent)),
        (Function::Concat, [_, _, ..]) => concat(arguments),
        (_, [String(text)]) => of_text(function, text),
        (Function::Substring, [String(text), start]) => substring(text, start, &Number(f64::MAX)),
        (Function::Substring, [String(text), start, length]) => substring(text, start, length),
        (_, [String(text), String(part)]) => of_texts(function, text, part),
        _ => Undefined,
    }
}

fn of_number<'a>(function: Function, value: f64) -> Datum<'a> {
    Datum::finite(match function {
        Function::Abs => value.abs(),
        Function::Exp => value.exp(),
        Function::Square => value * value,
        Function::Ceiling => value.ceil(),
        Function::Floor => value.floor(),
        Function::Sign if value == 0.0 => 0.0,
        Function::Sign => value.signum(),
        Function::Sqrt => value.sqrt(),
        Function::AsNumber => value,
        _ => return Datum::Undefined,
    })
}

fn of_text<'a>(function: Function, text: &str) -> Datum<'a> {
    match function {
        Function::Length => Datum::Number(text.chars().count() as f64),
        Function::Lower => Datum::String(Cow::Owned(text.to_lowercase())),
        Function::Upper => Datum::String(Cow::Owned(text.to_uppercase())),
        _ => Datum::Undefined,
    }
}

fn of_texts<'a>(function: Function, text: &str, part: &str) -> Datum<'a> {
    match function {
        Function::StartsWith => Datum::Bool(text.starts_with(part)),
        Function::EndsWith => Datum::Bool(text.ends_with(part)),
        Function::Contains => Datum::Bool(text.contains(part)),
        Function::IndexOf => {
            let before = text.find(part).and_then(|at| text.get(..at));
            Datum::Number(before.map_or(-1.0, |before| before.chars().count() as f64))
        }
        _ => Datum::Undefined,
    }
}

fn concat<'a>(arguments: &[Datum<'a>]) -> Datum<'a> {
    let mut whole = String::new();
    for argument in arguments {
        let Datum::String(text) = argument else { return Datum::Undefined };
        whole.push_str(text);
    }
    Datum::String(Cow::Owned(whole))
}

fn substring<'a>(text: &str, start: &Datum<'_>, length: &Datum<'_>) -> Datum<'a> {
    let (Some(start), Some(length)) = (count(start), count(length)) else { return Datum::Undefined };
    Datum::String(Cow::Owned(text.chars().skip(start).take(length).collect()))
}

#[expect(clippy::cast_sign_loss, reason = "checked; beyond the range it becomes the largest, more than any text has")]
fn count(datum: &Datum<'_>) -> Option<usize> {
    match datum {
        Datum::Number(value) if *value >= 0.0 && value.fract() == 0.0 => Some(*value as usize),
        _ => None,
    }
}

/// As JSON writes numbers, leading zeros allowed.
fn decimal<'a>(text: &str) -> Datum<'a> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let well_formed = digits(whole)
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    let value = well_formed.then(|| text.parse().ok()).flatten();
    value.map_or(Datum::Undefined, Datum::finite)
}
