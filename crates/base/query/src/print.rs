//! Queries as text that parses back to the same query, with no parentheses that it does not need: so what was parsed
//! within the bound of depth prints within it.

use crate::ast::{Aggregate, Column, Constant, Element, Expr, Operator, Query, Select, Source};
use std::fmt::{self, Display, Formatter, Write};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        if let Some(top) = self.top {
            write!(f, "TOP {top} ")?;
        }
        match &self.select {
            Select::All => f.write_str("*")?,
            Select::Elements(elements) => list(f, elements)?,
        }
        write!(f, " FROM {}", self.source)?;
        if let Some(condition) = &self.condition {
            write!(f, " WHERE {condition}")?;
        }
        if !self.group_by.is_empty() {
            f.write_str(" GROUP BY ")?;
            list(f, &self.group_by)?;
        }
        Ok(())
    }
}

impl Display for Element {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.value {
            Column::Path(path) => path.fmt(f)?,
            Column::Aggregate(aggregate) => aggregate.fmt(f)?,
        }
        self.alias.as_ref().map_or(Ok(()), |alias| write!(f, " AS {alias}"))
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("COUNT()"),
            Self::Avg(path) => write!(f, "AVG({path})"),
            Self::Sum(path) => write!(f, "SUM({path})"),
            Self::Min(path) => write!(f, "MIN({path})"),
            Self::Max(path) => write!(f, "MAX({path})"),
        }
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Devices => "devices",
            Self::Modules => "devices.modules",
            Self::Jobs => "devices.jobs",
        })
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(constant) => constant.fmt(f),
            Self::Path(path) => path.fmt(f),
            Self::And(members) => joined(f, members, "AND"),
            Self::Or(members) => joined(f, members, "OR"),
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                wrapped(f, inner, matches!(**inner, Self::And(_) | Self::Or(_)))
            }
            Self::Compare(comparison, left, right) => {
                operand(f, left, SUM)?;
                write!(f, " {} ", comparison.symbol())?;
                operand(f, right, SUM)
            }
            Self::Arithmetic(operator, left, right) => {
                operand(f, left, strength(self))?;
                write!(f, " {} ", operator.symbol())?;
                operand(f, right, strength(self) + 1)
            }
            Self::In(left, members) => membership(f, left, "IN", members),
            Self::NotIn(left, members) => membership(f, left, "NIN", members),
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                list(f, arguments)?;
                f.write_char(')')
            }
        }
    }
}

impl Display for Constant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined => f.write_str("undefined"),
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 1e15 => value.fmt(f),
            Self::Number(value) => write!(f, "{value:?}"),
            Self::String(value) => quoted(f, value),
            Self::Array(members) => {
                f.write_char('[')?;
                list(f, members)?;
                f.write_char(']')
            }
        }
    }
}

fn list<T: Display>(f: &mut Formatter<'_>, members: &[T]) -> fmt::Result {
    for (index, member) in members.iter().enumerate() {
        write!(f, "{}{member}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

/// OR takes AND bare; nothing else of the two goes into either without parentheses.
fn joined(f: &mut Formatter<'_>, members: &[Expr], word: &str) -> fmt::Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            write!(f, " {word} ")?;
        }
        wrapped(f, member, matches!(member, Expr::Or(_)) || (word == "AND" && matches!(member, Expr::And(_))))?;
    }
    Ok(())
}

fn membership(f: &mut Formatter<'_>, left: &Expr, word: &str, members: &[Constant]) -> fmt::Result {
    operand(f, left, SUM)?;
    write!(f, " {word} [")?;
    list(f, members)?;
    f.write_char(']')
}

const SUM: u8 = 1;
const PRODUCT: u8 = 2;
const SINGLE: u8 = 3;

fn strength(expr: &Expr) -> u8 {
    match expr {
        Expr::Constant(_) | Expr::Path(_) | Expr::Call(..) => SINGLE,
        Expr::Arithmetic(Operator::Multiply | Operator::Divide | Operator::Remainder, ..) => PRODUCT,
        Expr::Arithmetic(Operator::Add | Operator::Subtract, ..) => SUM,
        _ => 0,
    }
}

/// In parentheses unless it binds at least so strongly.
fn operand(f: &mut Formatter<'_>, expr: &Expr, least: u8) -> fmt::Result {
    wrapped(f, expr, strength(expr) < least)
}

fn wrapped(f: &mut Formatter<'_>, expr: &Expr, wrap: bool) -> fmt::Result {
    if wrap { write!(f, "({expr})") } else { expr.fmt(f) }
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('\'')?;
    for c in text.chars() {
        match c {
            '\'' | '\\' => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}
