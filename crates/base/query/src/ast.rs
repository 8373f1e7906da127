//! A query as it was understood: no engine, no text, no positions.

use crate::function::Function;
use crate::path::Path;

/// One whole query.
///
/// [`parse`](crate::parse) gives only what makes sense: with GROUP BY or an aggregate every element of SELECT is an aggregate or one of
/// the paths grouped by, there is at least one aggregate, no two elements show under one name, and jobs are selected
/// whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What a row shows.
    pub select: Select,
    /// Which documents there are.
    pub source: Source,
    /// WHERE: which of them count; `None` for all.
    pub condition: Option<Expr>,
    /// GROUP BY; empty for none.
    pub group_by: Vec<Path>,
    /// TOP: rows of the whole result at most, not of a page.
    pub top: Option<u64>,
}

impl Query {
    /// Whether rows are made of several documents each, so that a page cannot be cut out of a scan.
    pub fn aggregates(&self) -> bool {
        match &self.select {
            Select::All => false,
            Select::Elements(elements) => elements.iter().any(|it| matches!(it.value, Column::Aggregate(_))),
        }
    }

    /// Whether a value at or below this member at the top of a document plays a part: `mentions("tags")`.
    pub fn mentions(&self, root: &str) -> bool {
        let elements = match &self.select {
            Select::All => &[][..],
            Select::Elements(elements) => elements,
        };
        let shown = elements.iter().filter_map(|element| element.value.path());
        shown.chain(&self.group_by).any(|path| path.root() == root)
            || self.condition.as_ref().is_some_and(|condition| condition.mentions(root))
    }
}

/// What stands between SELECT and FROM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// `*`: whole documents.
    All,
    /// At least one.
    Elements(Vec<Element>),
}

impl Select {
    /// The elements, each with the name it shows under: its alias; else the last name of its path; else, for an
    /// aggregate, `$1`, `$2` in the order of those without alias. Empty for `*`.
    /// Source: docs, query-twins (`SELECT DeviceId` shows `deviceId`); the aggregate's name is a guess (?), as the docs always give an alias
    pub fn named(&self) -> Vec<(String, &Column)> {
        let Self::Elements(elements) = self else { return Vec::new() };
        let mut nameless = 0;
        let mut name = |element: &Element| match (&element.alias, &element.value) {
            (Some(alias), _) => alias.clone(),
            (None, Column::Path(path)) => path.last().to_owned(),
            (None, Column::Aggregate(_)) => {
                nameless += 1;
                format!("${nameless}")
            }
        };
        elements.iter().map(|element| (name(element), &element.value)).collect()
    }
}

/// One value of a row: `properties.reported.fw AS fw`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The value.
    pub value: Column,
    /// After AS: one word.
    pub alias: Option<String>,
}

/// Where a value of a row comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// From the document; from any one of a group, as they agree.
    Path(Path),
    /// From all documents, or all of a group.
    Aggregate(Aggregate),
}

impl Column {
    /// The path it looks at; `COUNT()` looks at none.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Aggregate(Aggregate::Count) => None,
            Self::Path(path)
            | Self::Aggregate(
                Aggregate::Avg(path) | Aggregate::Sum(path) | Aggregate::Min(path) | Aggregate::Max(path),
            ) => Some(path),
        }
    }
}

/// A value of many documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aggregate {
    /// `COUNT()`
    Count,
    /// `AVG(tags.x)`
    Avg(Path),
    /// `SUM(tags.x)`
    Sum(Path),
    /// `MIN(tags.x)`
    Min(Path),
    /// `MAX(tags.x)`
    Max(Path),
}

/// A collection of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `devices`: one twin each
    Devices,
    /// `devices.modules`: one module twin each
    Modules,
    /// `devices.jobs`: one device in one job each
    Jobs,
}

/// What a document is asked, or a part of that. See [`eval`](crate::eval) for what each yields.
///
/// [`parse`](crate::parse) bounds the tree by [`DEPTH_MAX`](crate::limits::DEPTH_MAX), so recursion over it is safe.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `'a'`, `5`, `[1, 2]`
    Constant(Constant),
    /// `tags.site`
    Path(Path),
    /// `a AND b AND c`: at least two, in one level.
    And(Vec<Expr>),
    /// `a OR b OR c`: at least two, in one level.
    Or(Vec<Expr>),
    /// `NOT a`
    Not(Box<Expr>),
    /// `a = b`
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a + b`
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    /// `a IN [1, 2]`
    In(Box<Expr>, Vec<Constant>),
    /// `a NIN [1, 2]`
    NotIn(Box<Expr>, Vec<Constant>),
    /// `IS_DEFINED(a)`, with as many arguments as [`Function::arguments`] allows.
    Call(Function, Vec<Expr>),
}

impl Expr {
    fn mentions(&self, root: &str) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Path(path) => path.root() == root,
            Self::And(members) | Self::Or(members) | Self::Call(_, members) => {
                members.iter().any(|member| member.mentions(root))
            }
            Self::Not(inner) | Self::In(inner, _) | Self::NotIn(inner, _) => inner.mentions(root),
            Self::Compare(_, left, right) | Self::Arithmetic(_, left, right) => {
                left.mentions(root) || right.mentions(root)
            }
        }
    }
}

/// A value written in the query.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// `undefined`: what a missing member is.
    Undefined,
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `5`, `-2.5e3`, `0xff`; always finite.
    Number(f64),
    /// `'a'`, `"a"`
    String(String),
    /// `[1, 'a']`; may be empty except after IN and NIN.
    Array(Vec<Constant>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// As it is printed.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl Operator {
    /// As it is printed.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
