//! What is wrong with a query, and where.

use crate::limits::{DEPTH_MAX, EXCERPT_CHARS_MAX, NODES_MAX, QUERY_CHARS_MAX};
use std::ops::Range;

/// A query that cannot be run, with the place that shows it.
///
/// Printed, it has three lines, of which [`QueryError::line_text`] gives the first alone:
/// ```text
/// line 1, column 36: expected a value, found `AND`
/// SELECT * FROM devices WHERE tags.a = AND b
///                                      ^^^
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}\n{}\n{:indent$}{}", self.line_text(), self.excerpt, "", "^".repeat(self.marked), indent = self.indent)]
pub struct QueryError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub fault: Fault,
    /// The line, or the part of it around the place.
    excerpt: String,
    /// Characters of the excerpt before the marked ones.
    indent: usize,
    marked: usize,
}

impl QueryError {
    /// The message without the picture, for places that have room for one line.
    pub fn line_text(&self) -> String {
        format!("line {}, column {}: {}", self.line, self.column, self.fault)
    }
}

/// A fault before its place is known as line and column.
#[derive(Debug)]
pub(crate) struct Misplaced {
    pub(crate) span: Range<usize>,
    pub(crate) fault: Fault,
}

impl Misplaced {
    /// Finds the place in the text that it was parsed from.
    pub(crate) fn in_text(self, text: &str) -> QueryError {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_text = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let column = before.get(line_start..).map_or(0, |it| it.chars().count());
        let from = column.saturating_sub(EXCERPT_CHARS_MAX / 2);
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        let excerpt: String = line_text.chars().skip(from).take(EXCERPT_CHARS_MAX).map(visible).collect();
        let indent = column - from;
        let span_chars = text.get(self.span).map_or(0, |it| it.chars().count());
        let room = excerpt.chars().count().saturating_sub(indent);
        QueryError {
            line: before.matches('\n').count() + 1,
            column: column + 1,
            fault: self.fault,
            marked: span_chars.min(room).max(1),
            excerpt,
            indent,
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Longer than [`QUERY_CHARS_MAX`].
    #[error("the query has {chars} characters, at most {QUERY_CHARS_MAX} are allowed")]
    TooLong {
        /// Its characters.
        chars: usize,
    },
    /// Deeper than [`DEPTH_MAX`].
    #[error("more than {DEPTH_MAX} levels of expressions in one another")]
    TooDeep,
    /// More parts than [`NODES_MAX`].
    #[error("more than {NODES_MAX} operands, operators and list members")]
    TooManyNodes,
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// `a value`
        expected: &'static str,
        /// As quoted from the query, or `the end`.
        found: String,
    },
    /// No query has this character outside of strings.
    #[error("unexpected character {character:?}")]
    StrayCharacter {
        /// It.
        character: char,
    },
    /// A quote that nothing closes.
    #[error("the string is not ended")]
    UnendedString,
    /// A backslash followed by what is no escape.
    #[error(r#"not an escape: write \', \", \\ or \u and four hexadecimal digits"#)]
    BadEscape,
    /// Digits that make no number, or one out of range.
    #[error("not a number: write 12, -1.5, 2e3 or 0xff")]
    BadNumber,
    /// `[[` without `]]`.
    #[error("the name is not ended by `]]`")]
    UnendedName,
    /// `[[]]`, or a name that no query can express.
    #[error("a name needs at least one character")]
    EmptyName,
    /// FROM something else.
    #[error("unknown collection `{name}`: write devices, devices.modules or devices.jobs")]
    UnknownCollection {
        /// As written.
        name: String,
    },
    /// No such function.
    #[error("unknown function `{name}`{}", .nearest.map(|it| format!(": did you mean `{it}`?")).unwrap_or_default())]
    UnknownFunction {
        /// As written.
        name: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// Too few or too many arguments.
    #[error("{name} takes {}, found {found}", arguments_text(*.least, *.most))]
    ArgumentCount {
        /// The function.
        name: &'static str,
        /// The fewest it takes.
        least: usize,
        /// The most; [`usize::MAX`] for no end.
        most: usize,
        /// What it was given.
        found: usize,
    },
    /// COUNT with an argument.
    #[error("COUNT takes no argument: write COUNT()")]
    CountArgument,
    /// `WHERE COUNT() > 5`
    #[error("{name} is an aggregate: it belongs after SELECT, not into a condition")]
    AggregateInCondition {
        /// In upper case.
        name: &'static str,
    },
    /// `SELECT LOWER(deviceId)`, `SELECT tags.a + 1`
    #[error("SELECT takes paths and the aggregates COUNT, AVG, SUM, MIN and MAX, no other expressions")]
    ExpressionInSelect,
    /// `SELECT *, tags.a`
    #[error("`*` stands alone: it has every member already")]
    StarNotAlone,
    /// `SELECT * … GROUP BY tags.a`
    #[error("`*` does not go with GROUP BY: select the paths grouped by, and aggregates")]
    StarGrouped,
    /// A path beside an aggregate that is not grouped by.
    #[error("`{path}` is neither grouped by nor an aggregate: add it to GROUP BY")]
    NotGrouped {
        /// It.
        path: String,
    },
    /// Two values of a row under one name.
    #[error("two elements are called `{name}`: give one another name with AS")]
    DuplicateName {
        /// It.
        name: String,
    },
    /// A condition on jobs that asks for the twin.
    #[error("`{path}` is a member of twins: conditions on devices.jobs see only members of jobs")]
    TwinInJobs {
        /// It.
        path: String,
    },
    /// Well-known from other languages, not in this one.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
}

/// What people try and the query language does not have. Source: `reference/hub-service.md` 1.11
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// `SELECT DISTINCT`
    #[error("DISTINCT is not supported: group by the path and select COUNT() beside it")]
    Distinct,
    /// `ORDER BY`
    #[error("ORDER BY is not supported: sort the result")]
    OrderBy,
    /// `JOIN`, or several collections
    #[error("JOIN is not supported: a query reads one collection")]
    Join,
    /// `HAVING`
    #[error("HAVING is not supported: filter the result")]
    Having,
    /// `LIMIT`, `OFFSET`
    #[error("LIMIT and OFFSET are not supported: write SELECT TOP n, or follow the pages")]
    Limit,
    /// `UNION`
    #[error("UNION is not supported: make two queries")]
    Union,
    /// `LIKE`
    #[error("LIKE is not supported: use STARTS_WITH, ENDS_WITH or CONTAINS")]
    Like,
    /// `BETWEEN`
    #[error("BETWEEN is not supported: write a >= x AND a <= y")]
    Between,
    /// `IS NULL`
    #[error("IS is not supported: use IS_NULL(path), or IS_DEFINED(path) for whether there is one")]
    Is,
    /// `NOT IN`
    #[error("NOT IN is not supported: write NIN")]
    NotIn,
    /// `(SELECT …`
    #[error("subqueries are not supported")]
    Subquery,
    /// `FROM devices d`
    #[error("a collection takes no alias: write paths without a prefix, or with `devices.`")]
    SourceAlias,
    /// `tags.list[0]`
    #[error("array indexes are not supported: a path names members of objects only")]
    ArrayIndex,
    /// `GROUP BY` and no aggregate
    #[error("GROUP BY without an aggregate is not supported: select COUNT() beside the path")]
    GroupWithoutAggregate,
    /// Anything but `SELECT *` from devices.jobs. Source: docs, query-jobs, "Jobs query limitations"
    #[error("devices.jobs supports only SELECT *: no projections, no aggregates")]
    JobsProjection,
    /// `-tags.a`
    #[error("a sign is supported before numbers only: write 0 - path")]
    Sign,
}

fn arguments_text(least: usize, most: usize) -> String {
    match (least, most) {
        (1, 1) => "1 argument".to_owned(),
        (_, usize::MAX) => format!("at least {least} arguments"),
        _ if least == most => format!("{least} arguments"),
        _ => format!("{least} or {most} arguments"),
    }
}
