//! Conditions as SQL: three-valued, with NULL for undefined, exactly as `roadstead_query::eval` says.
//!
//! What has no plain SQL (most functions, arithmetic, paths against paths) is left to that evaluator, which then looks at the
//! records that the rest of the condition found.

use roadstead_query::{Comparison, Constant, Expr, Path};
use rusqlite::types::Value;

use super::call;

/// SQL with the values of its plain `?`s, in order; [`Sql::numbered`] makes them what SQLite reads.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sql {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

impl Sql {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    pub(super) fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The text with each plain `?` numbered, from `first` on. Text of a query never stands in SQL, so every `?` is a place.
    pub(super) fn numbered(&self, first: usize) -> String {
        let mut pieces = self.text.split('?');
        let mut text = pieces.next().unwrap_or_default().to_owned();
        let mut next = first;
        for piece in pieces {
            text.push('?');
            if !piece.starts_with(|c: char| c.is_ascii_digit()) {
                text.push_str(&next.to_string());
                next += 1;
            }
            text.push_str(piece);
        }
        text
    }

    pub(super) fn push(&mut self, other: Self) {
        self.text.push_str(&other.text);
        self.values.extend(other.values);
    }

    /// At least one part, nested in halves: SQLite takes a chain for a tree as deep as it is long, and bounds that.
    fn joined(mut parts: Vec<Self>, between: &str) -> Self {
        let later = parts.split_off(parts.len().div_ceil(2));
        if later.is_empty() {
            return parts.pop().unwrap_or_default();
        }
        let mut whole = Self::new("(");
        whole.push(Self::joined(parts, between));
        whole.text.push_str(between);
        whole.push(Self::joined(later, between));
        whole.text.push(')');
        whole
    }
}

/// Where a query finds the value of a path in the joined tables `d`, `m`, `t`, `p` of an identity.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// In a JSON column, at a JSON path.
    Json { column: &'static str, path: String },
    /// SQL that always yields text.
    Text(&'static str),
    /// SQL that yields text, or NULL for null.
    TextOrNull(&'static str),
    /// SQL that always yields a number.
    Number(&'static str),
}

/// What `connectionState` is of who is connected now.
const CONNECTED: &str = "Connected";
const CONNECTION_STATE: &str =
    "CASE WHEN p.connected IS ?2 AND p.connected IS NOT NULL THEN 'Connected' ELSE 'Disconnected' END";

/// A time in milliseconds as the service API shows it.
const LAST_ACTIVITY: &str = "CASE WHEN p.last_activity IS NULL THEN '0001-01-01T00:00:00Z'
    ELSE strftime('%Y-%m-%dT%H:%M:%S', p.last_activity / 1000, 'unixepoch')
        || printf('.%03d0000Z', p.last_activity % 1000) END";

impl Place {
    /// `None`: the value is not to be had from SQL, or its name would not survive in a JSON path.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let names: Vec<&str> = path.names().iter().map(String::as_str).collect();
        match names.as_slice() {
            ["deviceId"] => Some(Self::Text("d.device")),
            ["status"] => Some(Self::Text("CASE d.enabled WHEN 1 THEN 'enabled' ELSE 'disabled' END")),
            ["connectionState"] => Some(Self::Text(CONNECTION_STATE)),
            ["disconnectReason"] => Some(Self::TextOrNull(
                "CASE WHEN p.connected IS NOT ?2 AND p.connected IS NOT NULL THEN 'serverStopped' ELSE p.reason END",
            )),
            ["lastActivityTime"] => Some(Self::Text(LAST_ACTIVITY)),
            ["modelId"] => Some(Self::Text("ifnull(p.model, '')")),
            ["cloudToDeviceMessageCount"] => Some(Self::Number("d.queued")),
            ["version"] => Some(Self::json("t.body", &["version"])?),
            ["etag"] => Some(Self::json("t.body", &["etag"])?),
            ["tags", ..] => Self::json("t.body", &names),
            ["properties", section @ ("desired" | "reported"), "$version"] => {
                Self::json("t.body", &[section, "version"])
            }
            ["properties", section @ ("desired" | "reported"), "$metadata", rest @ ..] => {
                Self::json("t.body", &[&[section, "metadata"], rest].concat())
            }
            ["properties", section @ ("desired" | "reported"), first, rest @ ..] => {
                Self::json("t.body", &[&[section, "value", first], rest].concat())
            }
            _ => None,
        }
    }

    fn json(column: &'static str, names: &[&str]) -> Option<Self> {
        let plain = |name: &&str| !name.contains(|c: char| c == '"' || c == '\\' || c.is_control());
        names.iter().all(plain).then(|| {
            let path = names.iter().fold("$".to_owned(), |path, name| path + ".\"" + name + "\"");
            Self::Json { column, path }
        })
    }

    /// The value as JSON text, NULL for undefined.
    pub(super) fn shown(&self) -> Sql {
        match self {
            Self::Json { column, path } => Sql::new(format!("{column} -> ?")).with(path.clone()),
            Self::Text(sql) | Self::TextOrNull(sql) | Self::Number(sql) => Sql::new(format!("json_quote({sql})")),
        }
    }
}

/// The condition as SQL that yields 1, 0 or NULL; `None` where the evaluator is needed.
pub(super) fn compile(condition: &Expr) -> Option<Sql> {
    match condition {
        Expr::Constant(Constant::Bool(value)) => Some(Sql::new(if *value { "1" } else { "0" })),
        Expr::Constant(_) => Some(Sql::new("NULL")),
        Expr::Path(path) => match Place::of(path)? {
            Place::Json { column, path } => Some(
                Sql::new(format!("CASE json_type({column}, ?) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END")).with(path),
            ),
            Place::Text(_) | Place::TextOrNull(_) | Place::Number(_) => Some(Sql::new("NULL")),
        },
        Expr::And(members) => Some(Sql::joined(members.iter().map(compile).collect::<Option<_>>()?, " AND ")),
        Expr::Or(members) => Some(Sql::joined(members.iter().map(compile).collect::<Option<_>>()?, " OR ")),
        Expr::Not(inner) => Some(negated(compile(inner)?)),
        Expr::Compare(comparison, left, right) => match (&**left, &**right) {
            (Expr::Path(path), Expr::Constant(constant)) => compare(path, *comparison, constant),
            (Expr::Constant(constant), Expr::Path(path)) => compare(path, mirrored(*comparison), constant),
            _ => None,
        },
        Expr::In(value, members) => is_member(value, members),
        Expr::NotIn(value, members) => Some(negated(is_member(value, members)?)),
        Expr::Call(function, arguments) => call::compile(*function, arguments),
        Expr::Arithmetic(..) => None,
    }
}

fn negated(inner: Sql) -> Sql {
    let mut whole = Sql::new("NOT (");
    whole.push(inner);
    whole.text.push(')');
    whole
}

fn is_member(value: &Expr, members: &[Constant]) -> Option<Sql> {
    let Expr::Path(path) = value else { return None };
    let equal = members.iter().map(|member| compare(path, Comparison::Equal, member));
    Some(Sql::joined(equal.collect::<Option<_>>()?, " OR "))
}

fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}

fn compare(path: &Path, comparison: Comparison, constant: &Constant) -> Option<Sql> {
    let symbol = match comparison {
        Comparison::NotEqual => "<>",
        other => other.symbol(),
    };
    // What null compared with anything else that is defined yields.
    let against_null = match comparison {
        Comparison::Equal => "0",
        Comparison::NotEqual => "1",
        _ => "NULL",
    };
    let place = Place::of(path)?;
    Some(match (place, constant) {
        (_, Constant::Array(_)) => return None,
        (Place::Json { column, path }, Constant::String(text)) => Sql::new(format!(
            "CASE json_type({column}, ?) WHEN 'text' THEN {column} ->> ? {symbol} ? WHEN 'null' THEN {against_null} END"
        ))
        .with(path.clone())
        .with(path)
        .with(text.clone()),
        (Place::Json { column, path }, Constant::Number(number)) => Sql::new(format!(
            "CASE WHEN json_type({column}, ?) IN ('integer', 'real') THEN CAST({column} ->> ? AS REAL) {symbol} ?
                WHEN json_type({column}, ?) = 'null' THEN {against_null} END"
        ))
        .with(path.clone())
        .with(path.clone())
        .with(*number)
        .with(path),
        (Place::Json { column, path }, Constant::Bool(truth)) => Sql::new(format!(
            "CASE json_type({column}, ?) WHEN 'true' THEN 1 {symbol} ? WHEN 'false' THEN 0 {symbol} ?
                WHEN 'null' THEN {against_null} END"
        ))
        .with(path)
        .with(*truth)
        .with(*truth),
        (Place::Json { column, path }, Constant::Null) => {
            let (alike, other) = null_against(comparison);
            Sql::new(format!(
                "CASE WHEN json_type({column}, ?) IS NULL THEN NULL WHEN json_type({column}, ?) = 'null' THEN {alike} ELSE {other} END"
            ))
            .with(path.clone())
            .with(path)
        }
        (Place::Text(sql), Constant::String(text)) => Sql::new(format!("({sql} {symbol} ?)")).with(text.clone()),
        (Place::Number(sql), Constant::Number(number)) => Sql::new(format!("({sql} {symbol} ?)")).with(*number),
        (Place::TextOrNull(sql), Constant::String(text)) => {
            Sql::new(format!("CASE WHEN {sql} IS NULL THEN {against_null} ELSE {sql} {symbol} ? END"))
                .with(text.clone())
        }
        (Place::TextOrNull(sql), Constant::Null) => {
            let (alike, other) = null_against(comparison);
            Sql::new(format!("CASE WHEN {sql} IS NULL THEN {alike} ELSE {other} END"))
        }
        (Place::TextOrNull(sql), Constant::Bool(_) | Constant::Number(_)) => {
            Sql::new(format!("CASE WHEN {sql} IS NULL THEN {against_null} END"))
        }
        (Place::Text(_) | Place::Number(_), Constant::Null) => Sql::new(against_null),
        (_, Constant::Undefined) | (Place::Text(_) | Place::Number(_), _) => Sql::new("NULL"),
    })
}

/// What a comparison with null yields: of null, and of anything else that is defined.
fn null_against(comparison: Comparison) -> (&'static str, &'static str) {
    match comparison {
        Comparison::Equal => ("1", "0"),
        Comparison::NotEqual => ("0", "1"),
        Comparison::LessOrEqual | Comparison::GreaterOrEqual => ("1", "NULL"),
        Comparison::Less | Comparison::Greater => ("0", "NULL"),
    }
}

/// Bytes of the texts in `tag_values`.
const INDEXED_BYTES_MAX: usize = 256;

/// A table that leads to the identities of which one conjunct is true, by the hub and their text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lead {
    /// By a tag's path and its value.
    Tag(String, Value),
    /// By being connected now: looks at the presence of whoever was ever connected, in one table. An index would find them at once,
    /// and cost 6 microseconds of each write of presence, where 15 are usual; a connect makes two.
    Connected,
}

impl Lead {
    /// The best of the conjuncts: of those with a tag there are few, mostly, of those that are connected there may be many.
    pub(super) fn of(conjuncts: &[&Expr]) -> Option<Self> {
        let leads = || conjuncts.iter().copied().filter_map(Self::of_one);
        leads().find(|lead| *lead != Self::Connected).or_else(|| leads().next())
    }

    fn of_one(condition: &Expr) -> Option<Self> {
        let Expr::Compare(Comparison::Equal, left, right) = condition else { return None };
        let ((Expr::Path(path), Expr::Constant(constant)) | (Expr::Constant(constant), Expr::Path(path))) =
            (&**left, &**right)
        else {
            return None;
        };
        match (path.root(), path.names(), constant) {
            ("connectionState", [_], Constant::String(state)) => (state == CONNECTED).then_some(Self::Connected),
            ("tags", [_, names @ ..], _) => Self::of_tag(names, constant),
            _ => None,
        }
    }

    fn of_tag(names: &[String], constant: &Constant) -> Option<Self> {
        let plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let value = match constant {
            Constant::String(text) if text.len() <= INDEXED_BYTES_MAX => Value::Text(text.clone()),
            Constant::Number(number) => Value::Real(*number),
            _ => return None,
        };
        (!names.is_empty() && names.iter().all(plain)).then(|| Self::Tag(names.join("."), value))
    }

    pub(super) fn table(&self) -> &'static str {
        match self {
            Self::Tag(..) => "tag_values",
            Self::Connected => "presence",
        }
    }

    /// Of the table, as `i`.
    pub(super) fn condition(&self) -> Sql {
        match self {
            Self::Tag(path, value) => Sql::new("i.path = ? AND i.value = ?").with(path.clone()).with(value.clone()),
            Self::Connected => Sql::new("i.connected = ?2"),
        }
    }
}
