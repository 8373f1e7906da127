//! What stands after WHERE. OR binds weakest, then AND, NOT, comparisons with IN and NIN, sums, products.

use super::cursor::Cursor;
use crate::ast::{Comparison, Constant, Expr, Operator};
use crate::error::{Fault, Misplaced, Unsupported};
use crate::function::{AGGREGATES, Function};
use crate::limits::DEPTH_MAX;
use crate::path::Path;
use crate::token::{TokenKind, is_reserved};

/// An expression and the levels of its tree.
struct Tree {
    expr: Expr,
    height: usize,
}

pub(crate) fn expression(cursor: &mut Cursor<'_>) -> Result<Expr, Misplaced> {
    disjunction(cursor, 0).map(|tree| tree.expr)
}

/// A node above others. Errors: too many levels, or too many nodes.
fn above(cursor: &mut Cursor<'_>, below: usize, expr: Expr) -> Result<Tree, Misplaced> {
    cursor.count_node()?;
    let height = below + 1;
    if height > DEPTH_MAX { cursor.fault(Fault::TooDeep) } else { Ok(Tree { expr, height }) }
}

/// One level of text further in. Errors: too many.
fn inside(cursor: &Cursor<'_>, level: usize) -> Result<usize, Misplaced> {
    if level >= DEPTH_MAX { cursor.fault(Fault::TooDeep) } else { Ok(level + 1) }
}

type Rule = fn(&mut Cursor<'_>, usize) -> Result<Tree, Misplaced>;

fn disjunction(cursor: &mut Cursor<'_>, level: usize) -> Result<Tree, Misplaced> {
    several(cursor, level, "OR", conjunction, Expr::Or)
}

fn conjunction(cursor: &mut Cursor<'_>, level: usize) -> Result<Tree, Misplaced> {
    several(cursor, level, "AND", negation, Expr::And)
}

fn several(
    cursor: &mut Cursor<'_>,
    level: usize,
    word: &str,
    rule: Rule,
    make: fn(Vec<Expr>) -> Expr,
) -> Result<Tree, Misplaced> {
    let first = rule(cursor, level)?;
    if !cursor.is_word(word) {
        return Ok(first);
    }
    let mut height = first.height;
    let mut members = vec![first.expr];
    while cursor.take_word(word) {
        let next = rule(cursor, level)?;
        height = height.max(next.height);
        members.push(next.expr);
    }
    above(cursor, height, make(members))
}

fn negation(cursor: &mut Cursor<'_>, level: usize) -> Result<Tree, Misplaced> {
    if !cursor.take_word("NOT") {
        return comparison(cursor, level);
    }
    let level = inside(cursor, level)?;
    let Tree { expr, height } = negation(cursor, level)?;
    above(cursor, height, Expr::Not(Box::new(expr)))
}

fn comparison(cursor: &mut Cursor<'_>, level: usize) -> Result<Tree, Misplaced> {
    let left = sum(cursor, level)?;
    if cursor.is_word("IN") || cursor.is_word("NIN") {
        return membership(cursor, left, level);
    }
    if let TokenKind::Symbol(symbol) = cursor.peek(0).kind
        && let Some(comparison) = comparison_of(symbol)
    {
        cursor.skip();
        let right = sum(cursor, level)?;
        let expr = Expr::Compare(comparison, Box::new(left.expr), Box::new(right.expr));
        return above(cursor, left.height.max(right.height), expr);
    }
    let foreign = [("LIKE", Unsupported::Like), ("BETWEEN", Unsupported::Between), ("IS", Unsupported::Is)];
    if let Some((_, unsupported)) = foreign.into_iter().find(|(word, _)| cursor.is_word(word)) {
        return cursor.fault(unsupported.into());
    }
    if cursor.is_word("NOT") && cursor.peek_is_word(1, "IN") {
        return cursor.fault(Unsupported::NotIn.into());
    }
    Ok(left)
}

fn comparison_of(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "=" => Comparison::Equal,
        "!=" | "<>" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// `[…]`, and `(…)` as other languages have it.
fn membership(cursor: &mut Cursor<'_>, left: Tree, level: usize) -> Result<Tree, Misplaced> {
    let make = if cursor.is_word("NIN") { Expr::NotIn } else { Expr::In };
    cursor.skip();
    let close = match cursor.peek(0).kind {
        TokenKind::Symbol("[") => "]",
        TokenKind::Symbol("(") if cursor.peek_is_word(1, "SELECT") => {
            return cursor.fault(Unsupported::Subquery.into());
        }
        TokenKind::Symbol("(") => ")",
        _ => return cursor.unexpected("`[` and a list of constants"),
    };
    cursor.skip();
    if cursor.is_symbol(close) {
        return cursor.unexpected("a constant");
    }
    let list = constants(cursor, close, level)?;
    above(cursor, left.height, make(Box::new(left.expr), list))
}

fn sum(cursor: &mut Cursor<'_>, level: usize) -> Result<Tree, Misplaced> {
    chain(cursor, level, product, |symbol| match symbol {
        "+" => Some(Operator::Add),
        "-" => Some(Operator::Subtract),
        _ => None,
    })
}

fn product(cursor: &mut Cursor<'_>, level: usize) -> Result<Tree, Misplaced> {
    chain(cursor, level, operand, |symbol| match symbol {
        "*" => Some(Operator::Multiply),
        "/" => Some(Operator::Divide),
        "%" => Some(Operator::Remainder),
        _ => None,
    })
}

/// Operators that bind alike, from left to right.
fn chain(
    cursor: &mut Cursor<'_>,
    level: usize,
    rule: Rule,
    operator_of: fn(&str) -> Option<Operator>,
) -> Result<Tree, Misplaced> {
    let mut left = rule(cursor, level)?;
    while let TokenKind::Symbol(symbol) = cursor.peek(0).kind {
        let Some(operator) = operator_of(symbol) else { break };
        cursor.skip();
        let right = rule(cursor, level)?;
        let expr = Expr::Arithmetic(operator, Box::new(left.expr), Box::new(right.expr));
        left = above(cursor, left.height.max(right.height), expr)?;
    }
    Ok(left)
}

fn operand(cursor: &mut Cursor<'_>, level: usize) -> Result<Tree, Misplaced> {
    if let Some(constant) = constant(cursor, level)? {
        return above(cursor, 0, Expr::Constant(constant));
    }
    match cursor.peek(0).kind {
        TokenKind::Symbol("(") => {
            if cursor.peek_is_word(1, "SELECT") {
                return cursor.fault(Unsupported::Subquery.into());
            }
            let level = inside(cursor, level)?;
            cursor.skip();
            let tree = disjunction(cursor, level)?;
            cursor.expect_symbol(")", "`)`")?;
            Ok(tree)
        }
        TokenKind::Symbol("-" | "+") => cursor.fault(Unsupported::Sign.into()),
        TokenKind::Word if is_reserved(cursor.text()) => cursor.unexpected("a value"),
        TokenKind::Word if cursor.peek(1).kind == TokenKind::Symbol("(") => call(cursor, level),
        TokenKind::Word => path(cursor),
        _ => cursor.unexpected("a value"),
    }
}

fn path(cursor: &mut Cursor<'_>) -> Result<Tree, Misplaced> {
    let start = cursor.peek(0).span.start;
    let names = cursor.names("a path")?;
    let fault = |fault| Misplaced { span: start..cursor.behind(), fault };
    let path = Path::within(names, cursor.within).ok_or_else(|| fault(Fault::EmptyName))?;
    if cursor.within == Some("jobs") && ["tags", "properties"].contains(&path.root()) {
        return Err(fault(Fault::TwinInJobs { path: path.to_string() }));
    }
    above(cursor, 0, Expr::Path(path))
}

fn call(cursor: &mut Cursor<'_>, level: usize) -> Result<Tree, Misplaced> {
    let name = cursor.text();
    let span = cursor.peek(0).span.clone();
    if let Some(name) = AGGREGATES.into_iter().find(|aggregate| aggregate.eq_ignore_ascii_case(name)) {
        return cursor.fault(Fault::AggregateInCondition { name });
    }
    let Some(function) = Function::find(name) else {
        return cursor.fault(Fault::UnknownFunction { name: name.to_owned(), nearest: Function::nearest(name) });
    };
    let level = inside(cursor, level)?;
    cursor.skip();
    cursor.skip();
    let mut height = 0;
    let mut arguments = Vec::new();
    if !cursor.take_symbol(")") {
        loop {
            let argument = disjunction(cursor, level)?;
            height = height.max(argument.height);
            arguments.push(argument.expr);
            if !cursor.take_symbol(",") {
                break;
            }
        }
        cursor.expect_symbol(")", "`,` or `)`")?;
    }
    let allowed = function.arguments();
    if !allowed.contains(&arguments.len()) {
        let (least, most) = allowed.into_inner();
        let fault = Fault::ArgumentCount { name: function.name(), least, most, found: arguments.len() };
        return Err(Misplaced { span, fault });
    }
    above(cursor, height, Expr::Call(function, arguments))
}

/// `None` when no constant begins here.
fn constant(cursor: &mut Cursor<'_>, level: usize) -> Result<Option<Constant>, Misplaced> {
    let signed = |cursor: &Cursor<'_>| match cursor.peek(1).kind {
        TokenKind::Number(value) => Some(value),
        _ => None,
    };
    let constant = match &cursor.peek(0).kind {
        TokenKind::Number(value) => Constant::Number(*value),
        TokenKind::String(value) => Constant::String(value.clone()),
        TokenKind::Symbol(sign @ ("-" | "+")) => {
            let Some(value) = signed(cursor) else { return Ok(None) };
            cursor.skip();
            Constant::Number(if *sign == "-" { -value } else { value })
        }
        TokenKind::Symbol("[") => {
            let level = inside(cursor, level)?;
            cursor.skip();
            let members = if cursor.take_symbol("]") { Vec::new() } else { constants(cursor, "]", level)? };
            return Ok(Some(Constant::Array(members)));
        }
        TokenKind::Word => match cursor.text().to_ascii_uppercase().as_str() {
            "TRUE" => Constant::Bool(true),
            "FALSE" => Constant::Bool(false),
            "NULL" => Constant::Null,
            "UNDEFINED" => Constant::Undefined,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    cursor.skip();
    Ok(Some(constant))
}

/// At least one, and the bracket behind the last.
fn constants(cursor: &mut Cursor<'_>, close: &'static str, level: usize) -> Result<Vec<Constant>, Misplaced> {
    let mut members = Vec::new();
    loop {
        cursor.count_node()?;
        let Some(member) = constant(cursor, level)? else { return cursor.unexpected("a constant") };
        members.push(member);
        if !cursor.take_symbol(",") {
            break;
        }
    }
    cursor.expect_symbol(close, if close == "]" { "`,` or `]`" } else { "`,` or `)`" })?;
    Ok(members)
}
