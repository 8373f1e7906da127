//! Words to a [`Query`]: the clauses and their order.

mod check;
mod condition;
mod cursor;

use crate::ast::{Aggregate, Column, Element, Expr, Query, Select, Source};
use crate::error::{Fault, Misplaced, QueryError, Unsupported};
use crate::limits::QUERY_CHARS_MAX;
use crate::path::Path;
use crate::token::{Token, TokenKind, tokens};
use check::{Placed, check};
use cursor::Cursor;

/// Reads a query: `SELECT * FROM devices WHERE tags.site = 'north'`.
/// Errors: [`QueryError`] at the first place where it is no query, asks for what the language does not have, or makes no
/// sense. Source: `reference/hub-service.md` 1.11
pub fn parse(text: &str) -> Result<Query, QueryError> {
    read(text, |cursor| {
        let query = query(cursor)?;
        cursor.expect_end(if query.group_by.is_empty() && query.condition.is_none() {
            "WHERE, GROUP BY or the end"
        } else if query.group_by.is_empty() {
            "AND, OR, GROUP BY or the end"
        } else {
            "`,` or the end"
        })?;
        Ok(query)
    })
}

/// Reads what stands after WHERE alone: `tags.site = 'north' AND IS_DEFINED(tags.floor)`, with paths as in
/// `FROM devices`. So are the conditions of jobs and configurations written, where `*` for "all" is the caller's to
/// see first, and those of routes, where `$body.t` is a path like any other.
/// Errors: as [`parse`].
pub fn parse_condition(text: &str) -> Result<Expr, QueryError> {
    read(text, |cursor| {
        let expr = condition::expression(cursor)?;
        cursor.expect_end("AND, OR or the end")?;
        Ok(expr)
    })
}

fn read<T>(text: &str, body: impl FnOnce(&mut Cursor<'_>) -> Result<T, Misplaced>) -> Result<T, QueryError> {
    if let Some((at, _)) = text.char_indices().nth(QUERY_CHARS_MAX) {
        let fault = Fault::TooLong { chars: text.chars().count() };
        return Err(Misplaced { span: at..at, fault }.in_text(text));
    }
    let parsed = tokens(text).and_then(|tokens| body(&mut Cursor::new(text, &tokens)));
    parsed.map_err(|fault| fault.in_text(text))
}

fn query(cursor: &mut Cursor<'_>) -> Result<Query, Misplaced> {
    cursor.expect_word("SELECT", "SELECT")?;
    let top = top(cursor)?;
    let select = select(cursor)?;
    cursor.expect_word("FROM", "`,`, AS or FROM")?;
    let source = source(cursor)?;
    cursor.within = match source {
        Source::Devices => None,
        Source::Modules => Some("modules"),
        Source::Jobs => Some("jobs"),
    };
    let condition = cursor.take_word("WHERE").then(|| condition::expression(cursor)).transpose()?;
    let group_by = if cursor.take_word("GROUP") { group_by(cursor)? } else { Vec::new() };
    if let Some(unsupported) = foreign_clause(cursor) {
        return cursor.fault(unsupported.into());
    }
    check(select, source, condition, group_by, top, cursor.within)
}

fn top(cursor: &mut Cursor<'_>) -> Result<Option<u64>, Misplaced> {
    if cursor.is_word("DISTINCT") {
        return cursor.fault(Unsupported::Distinct.into());
    }
    // `top` may be a member's name as well: only a number makes it TOP.
    if !(cursor.is_word("TOP") && matches!(cursor.peek(1).kind, TokenKind::Number(_))) {
        return Ok(None);
    }
    cursor.skip();
    let Ok(count) = cursor.text().parse() else { return cursor.unexpected("a whole number of rows") };
    cursor.skip();
    Ok(Some(count))
}

/// The select list, paths as they were written.
pub(crate) enum Written {
    All(Token),
    Elements(Vec<Placed<(WrittenColumn, Option<String>)>>),
}

pub(crate) enum WrittenColumn {
    Path(Vec<String>),
    Aggregate(fn(Path) -> Aggregate, Vec<String>),
    Count,
}

fn select(cursor: &mut Cursor<'_>) -> Result<Written, Misplaced> {
    if cursor.is_symbol("*") {
        let star = cursor.peek(0).clone();
        cursor.skip();
        return if cursor.is_symbol(",") { cursor.fault(Fault::StarNotAlone) } else { Ok(Written::All(star)) };
    }
    let mut elements = Vec::new();
    loop {
        elements.push(element(cursor)?);
        if !cursor.take_symbol(",") {
            return Ok(Written::Elements(elements));
        }
        if cursor.is_symbol("*") {
            return cursor.fault(Fault::StarNotAlone);
        }
    }
}

fn element(cursor: &mut Cursor<'_>) -> Result<Placed<(WrittenColumn, Option<String>)>, Misplaced> {
    cursor.count_node()?;
    let start = cursor.peek(0).span.start;
    let value = column(cursor)?;
    let end = cursor.behind();
    if cursor.is_operator() {
        return cursor.fault(Fault::ExpressionInSelect);
    }
    let mut alias = None;
    if cursor.take_word("AS") {
        if cursor.peek(0).kind != TokenKind::Word || cursor.is_word("FROM") {
            return cursor.unexpected("a name");
        }
        alias = Some(cursor.text().to_owned());
        cursor.skip();
    }
    Ok(Placed { value: (value, alias), span: start..end })
}

fn column(cursor: &mut Cursor<'_>) -> Result<WrittenColumn, Misplaced> {
    let expected = "a path, an aggregate or `*`";
    match cursor.peek(0).kind {
        TokenKind::Word if cursor.peek(1).kind == TokenKind::Symbol("(") => aggregate(cursor),
        TokenKind::Word => Ok(WrittenColumn::Path(cursor.names(expected)?)),
        TokenKind::Symbol("(") if cursor.peek_is_word(1, "SELECT") => cursor.fault(Unsupported::Subquery.into()),
        TokenKind::Number(_) | TokenKind::String(_) | TokenKind::Symbol("(" | "-" | "[") => {
            cursor.fault(Fault::ExpressionInSelect)
        }
        _ => cursor.unexpected(expected),
    }
}

fn aggregate(cursor: &mut Cursor<'_>) -> Result<WrittenColumn, Misplaced> {
    let make: Option<fn(Path) -> Aggregate> = match cursor.text().to_ascii_uppercase().as_str() {
        "COUNT" => None,
        "AVG" => Some(Aggregate::Avg),
        "SUM" => Some(Aggregate::Sum),
        "MIN" => Some(Aggregate::Min),
        "MAX" => Some(Aggregate::Max),
        _ => return cursor.fault(Fault::ExpressionInSelect),
    };
    cursor.skip();
    cursor.skip();
    let column = match make {
        None if cursor.is_symbol(")") => WrittenColumn::Count,
        None => return cursor.fault(Fault::CountArgument),
        Some(make) => WrittenColumn::Aggregate(make, cursor.names("a path")?),
    };
    cursor.expect_symbol(")", "`)`")?;
    Ok(column)
}

fn source(cursor: &mut Cursor<'_>) -> Result<Source, Misplaced> {
    let start = cursor.peek(0).span.start;
    if cursor.is_symbol("(") {
        return cursor.fault(Unsupported::Subquery.into());
    }
    let names = cursor.names("devices, devices.modules or devices.jobs")?;
    let source = match names.iter().map(|name| name.to_ascii_lowercase()).collect::<Vec<_>>().join(".").as_str() {
        "devices" => Source::Devices,
        "devices.modules" => Source::Modules,
        "devices.jobs" => Source::Jobs,
        _ => {
            let fault = Fault::UnknownCollection { name: names.join(".") };
            return Err(Misplaced { span: start..cursor.behind(), fault });
        }
    };
    if let Some(unsupported) = foreign_clause(cursor) {
        return cursor.fault(unsupported.into());
    }
    let clause = cursor.is_word("WHERE") || cursor.is_word("GROUP");
    if cursor.peek(0).kind == TokenKind::Word && !clause {
        return cursor.fault(Unsupported::SourceAlias.into());
    }
    Ok(source)
}

fn group_by(cursor: &mut Cursor<'_>) -> Result<Vec<Placed<Vec<String>>>, Misplaced> {
    cursor.expect_word("BY", "BY")?;
    let mut paths = Vec::new();
    loop {
        cursor.count_node()?;
        let start = cursor.peek(0).span.start;
        let value = cursor.names("a path")?;
        paths.push(Placed { value, span: start..cursor.behind() });
        if !cursor.take_symbol(",") {
            return Ok(paths);
        }
    }
}

/// A clause that other languages have where the cursor stands.
fn foreign_clause(cursor: &Cursor<'_>) -> Option<Unsupported> {
    if cursor.is_symbol(",") {
        return Some(Unsupported::Join);
    }
    let clauses = [
        ("ORDER", Unsupported::OrderBy),
        ("JOIN", Unsupported::Join),
        ("INNER", Unsupported::Join),
        ("LEFT", Unsupported::Join),
        ("RIGHT", Unsupported::Join),
        ("CROSS", Unsupported::Join),
        ("HAVING", Unsupported::Having),
        ("LIMIT", Unsupported::Limit),
        ("OFFSET", Unsupported::Limit),
        ("UNION", Unsupported::Union),
    ];
    clauses.into_iter().find(|(word, _)| cursor.is_word(word)).map(|(_, unsupported)| unsupported)
}

impl WrittenColumn {
    fn placed(self, alias: Option<String>, path: impl Fn(Vec<String>) -> Option<Path>) -> Option<Element> {
        let value = match self {
            Self::Path(names) => Column::Path(path(names)?),
            Self::Aggregate(make, names) => Column::Aggregate(make(path(names)?)),
            Self::Count => Column::Aggregate(Aggregate::Count),
        };
        Some(Element { value, alias })
    }
}

impl Written {
    fn placed(
        self,
        path: impl Fn(Vec<String>) -> Option<Path>,
    ) -> Result<(Select, Vec<std::ops::Range<usize>>), Misplaced> {
        match self {
            Self::All(star) => Ok((Select::All, vec![star.span])),
            Self::Elements(written) => {
                let mut spans = Vec::new();
                let mut elements = Vec::new();
                for Placed { value: (column, alias), span } in written {
                    let element = column.placed(alias, &path);
                    elements.push(element.ok_or(Misplaced { span: span.clone(), fault: Fault::EmptyName })?);
                    spans.push(span);
                }
                Ok((Select::Elements(elements), spans))
            }
        }
    }
}
