//! What a query yields, said plainly: the meaning that every engine is tested against.
//!
//! A document has the shape that the service API shows (`{"deviceId":"d1","tags":{…},"properties":{…}}`). A value is
//! undefined, null, a boolean, a number, a string, an array or an object. Where the docs are silent, what follows is our
//! guess (?), made so that SQL with `NULL` for undefined says it naturally.
//!
//! **Paths** go through objects only; a name that is not there, or below anything but an object, yields undefined.
//!
//! **Selection.** A document is selected when its condition yields `true`; by anything else, a string or undefined among
//! them, it is not. Source: docs, iot-hub-devguide-query-language, "Expressions and conditions"
//!
//! **Comparisons** of two values yield a boolean, or undefined:
//!
//! | left and right | `=`, `!=` | `<`, `<=`, `>`, `>=` |
//! |---|---|---|
//! | either is undefined | undefined | undefined |
//! | both null | equal | equal: `<=` and `>=` hold |
//! | one null, the other defined | `=` is false, `!=` is true | undefined |
//! | both booleans | boolean | `false` is less than `true` |
//! | both numbers | as doubles, so that 1 and 1.0 are equal | as doubles |
//! | both strings | byte for byte | by bytes of UTF-8, which is the order of code points |
//! | two other types, or an array or object with anything but null | undefined | undefined |
//!
//! So are times compared: as text, which is their order as long as all have the same form.
//!
//! **IN** is the OR of `=` with each member, and **NIN** is NOT of that: `'b' IN [1, 'b']` is true, `'c' IN [1, 'b']`
//! undefined.
//!
//! **AND, OR, NOT** know three values; an operand that is no boolean counts as undefined. AND is false if any operand is
//! false, else undefined if any is undefined, else true; OR likewise with true and false exchanged. NOT of undefined is
//! undefined: `NOT tags.a = 1` selects no document without `tags.a`.
//!
//! **Arithmetic** takes two numbers and computes with doubles: `7 / 2` is 3.5, and `%` has the sign of its left side
//! (`-5.5 % 2` is -1.5). Other operands yield undefined, and so does a result that is not finite: `1 / 0`, `0 % 0`.
//!
//! **Functions** are said at [`call`], **whole queries** at [`run`].

mod call;
mod datum;
mod rows;
mod summary;

pub use call::call;
pub use datum::{Datum, number};
pub use rows::{project, run};
pub use summary::{Summary, TooManyGroups};

use crate::ast::{Comparison, Constant, Expr, Operator};
use crate::function::Function;
use crate::path::Path;
use serde_json::Value;
use std::cmp::Ordering;

/// Whether the document meets the condition.
pub fn selects(condition: &Expr, document: &Value) -> bool {
    matches!(evaluate(condition, document), Datum::Bool(true))
}

/// What the expression yields for the document.
pub fn evaluate<'a>(expr: &'a Expr, document: &'a Value) -> Datum<'a> {
    let truth = |expr: &'a Expr| match evaluate(expr, document) {
        Datum::Bool(value) => Some(value),
        _ => None,
    };
    match expr {
        Expr::Constant(constant) => Datum::constant(constant),
        Expr::Path(path) => find(path, document).map_or(Datum::Undefined, Datum::of),
        Expr::And(members) => Datum::truth(all(members.iter().map(truth), true)),
        Expr::Or(members) => Datum::truth(all(members.iter().map(truth), false)),
        Expr::Not(inner) => Datum::truth(truth(inner).map(|value| !value)),
        Expr::Compare(comparison, left, right) => {
            Datum::truth(compare(*comparison, &evaluate(left, document), &evaluate(right, document)))
        }
        Expr::Arithmetic(operator, left, right) => {
            compute(*operator, &evaluate(left, document), &evaluate(right, document))
        }
        Expr::In(left, members) => Datum::truth(is_member(&evaluate(left, document), members)),
        Expr::NotIn(left, members) => Datum::truth(is_member(&evaluate(left, document), members).map(|it| !it)),
        Expr::Call(Function::ArrayContains, arguments) => Datum::truth(array_contains(arguments, document)),
        Expr::Call(function, arguments) => {
            let arguments: Vec<Datum<'_>> = arguments.iter().map(|it| evaluate(it, document)).collect();
            call(*function, &arguments)
        }
    }
}

/// The value at the path, `None` for undefined.
pub(crate) fn find<'a>(path: &Path, document: &'a Value) -> Option<&'a Value> {
    path.names().iter().try_fold(document, |value, name| value.as_object()?.get(name))
}

/// AND with `goal` true, OR with false: whether all are as the goal, unless one that is not decides against it.
fn all(mut truths: impl Iterator<Item = Option<bool>>, goal: bool) -> Option<bool> {
    let mut known = true;
    if truths.any(|truth| {
        known &= truth.is_some();
        truth == Some(!goal)
    }) {
        return Some(!goal);
    }
    known.then_some(goal)
}

fn is_member(value: &Datum<'_>, members: &[Constant]) -> Option<bool> {
    all(members.iter().map(|member| compare(Comparison::Equal, value, &Datum::constant(member))), false)
}

/// `ARRAY_CONTAINS(array, x)` is `x IN array`, and undefined where there is no array.
fn array_contains(arguments: &[Expr], document: &Value) -> Option<bool> {
    let [array, wanted] = arguments else { return None };
    let wanted = evaluate(wanted, document);
    match array {
        Expr::Path(path) => {
            let members = find(path, document)?.as_array()?;
            all(members.iter().map(|member| compare(Comparison::Equal, &wanted, &Datum::of(member))), false)
        }
        Expr::Constant(Constant::Array(members)) => is_member(&wanted, members),
        _ => None,
    }
}

fn compare(comparison: Comparison, left: &Datum<'_>, right: &Datum<'_>) -> Option<bool> {
    let ordering = match (left, right) {
        (Datum::Undefined, _) | (_, Datum::Undefined) => return None,
        (Datum::Null, Datum::Null) => Ordering::Equal,
        (Datum::Null, _) | (_, Datum::Null) => {
            return match comparison {
                Comparison::Equal => Some(false),
                Comparison::NotEqual => Some(true),
                _ => None,
            };
        }
        (Datum::Bool(left), Datum::Bool(right)) => left.cmp(right),
        (Datum::Number(left), Datum::Number(right)) => left.partial_cmp(right)?,
        (Datum::String(left), Datum::String(right)) => left.as_bytes().cmp(right.as_bytes()),
        _ => return None,
    };
    Some(match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    })
}

fn compute(operator: Operator, left: &Datum<'_>, right: &Datum<'_>) -> Datum<'static> {
    let (Datum::Number(left), Datum::Number(right)) = (left, right) else { return Datum::Undefined };
    Datum::finite(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Remainder => left % right,
    })
}
