//! Where a listing of issued certificates goes on.

use std::{
    fmt::{Display, Formatter},
    str::FromStr,
};

/// Behind which certificate a page begins: by what it is listed, and its number. By name `dev-01/17`, by end (in Unix
/// milliseconds) `1797000000000/17`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IssuedPosition<K> {
    /// The common name in lower case, or the end.
    pub key: K,
    /// Given by the store: those of one name or end are listed by it.
    pub number: u64,
}

impl<K: FromStr> IssuedPosition<K> {
    /// Reads [`crate::Page::next`]; `None` for what no page gave.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, number) = text.rsplit_once('/')?;
        Some(Self { key: key.parse().ok()?, number: number.parse().ok()? })
    }
}

impl<K: Display> Display for IssuedPosition<K> {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.key, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_gave_reads_back_and_nothing_else_does() {
        let by_name = IssuedPosition { key: "dev/01".to_owned(), number: 17 };
        assert_eq!(IssuedPosition::parse(&by_name.to_string()), Some(by_name));
        let by_end = IssuedPosition { key: -5_i64, number: 0 };
        assert_eq!(IssuedPosition::parse(&by_end.to_string()), Some(by_end));
        for text in ["", "17", "/17", "soon/17", "1797000000000/", "1797000000000/-1", "1797000000000/x"] {
            assert_eq!(IssuedPosition::<i64>::parse(text), None, "{text}");
        }
    }
}
