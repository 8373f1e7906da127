//! Queries as text that parses back to the same query.

use crate::ast::{Aggregate, Column, Constant, Element, Expr, Query, Select, Source};
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
            Self::Compare(comparison, left, right) => pair(f, left, comparison.symbol(), right, false),
            Self::Arithmetic(operator, left, right) => pair(f, left, operator.symbol(), right, true),
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

fn joined(f: &mut Formatter<'_>, members: &[Expr], word: &str) -> fmt::Result {
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            write!(f, " {word} ")?;
        }
        wrapped(f, member, matches!(member, Expr::And(_) | Expr::Or(_)))?;
    }
    Ok(())
}

fn pair(f: &mut Formatter<'_>, left: &Expr, symbol: &str, right: &Expr, in_sum: bool) -> fmt::Result {
    operand(f, left, in_sum)?;
    write!(f, " {symbol} ")?;
    operand(f, right, in_sum)
}

fn membership(f: &mut Formatter<'_>, left: &Expr, word: &str, members: &[Constant]) -> fmt::Result {
    operand(f, left, false)?;
    write!(f, " {word} [")?;
    list(f, members)?;
    f.write_char(']')
}

fn operand(f: &mut Formatter<'_>, expr: &Expr, in_sum: bool) -> fmt::Result {
    let single = matches!(expr, Expr::Constant(_) | Expr::Path(_) | Expr::Call(..));
    wrapped(f, expr, !single && (in_sum || !matches!(expr, Expr::Arithmetic(..))))
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
