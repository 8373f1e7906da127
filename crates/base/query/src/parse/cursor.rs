//! A place among the words, and how many nodes were made so far.

use crate::error::{Fault, Misplaced, Unsupported};
use crate::limits::NODES_MAX;
use crate::token::{Token, TokenKind, is_reserved};

pub(crate) struct Cursor<'a> {
    source: &'a str,
    /// The last is the end.
    tokens: &'a [Token],
    at: usize,
    nodes: usize,
    /// The collection inside `devices` whose name is a prefix of paths too.
    pub(crate) within: Option<&'static str>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(source: &'a str, tokens: &'a [Token]) -> Self {
        Self { source, tokens, at: 0, nodes: 0, within: None }
    }

    /// The word `ahead` words from here; the end when there are fewer.
    pub(crate) fn peek(&self, ahead: usize) -> &'a Token {
        let last = self.tokens.last().expect("there is always an end");
        self.tokens.get(self.at + ahead).unwrap_or(last)
    }

    pub(crate) fn skip(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    /// Byte behind the word before this one.
    pub(crate) fn behind(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.span.end)
    }

    /// The word here as it is written.
    pub(crate) fn text(&self) -> &'a str {
        self.written(self.peek(0))
    }

    fn written(&self, token: &Token) -> &'a str {
        self.source.get(token.span.clone()).unwrap_or("")
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.peek_is_word(0, word)
    }

    pub(crate) fn peek_is_word(&self, ahead: usize, word: &str) -> bool {
        let token = self.peek(ahead);
        token.kind == TokenKind::Word && self.written(token).eq_ignore_ascii_case(word)
    }

    pub(crate) fn is_symbol(&self, symbol: &'static str) -> bool {
        self.peek(0).kind == TokenKind::Symbol(symbol)
    }

    pub(crate) fn is_operator(&self) -> bool {
        let symbols = ["+", "-", "*", "/", "%", "=", "!=", "<>", "<", "<=", ">", ">="];
        symbols.into_iter().any(|symbol| self.is_symbol(symbol))
    }

    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        let there = self.is_word(word);
        if there {
            self.skip();
        }
        there
    }

    pub(crate) fn take_symbol(&mut self, symbol: &'static str) -> bool {
        let there = self.is_symbol(symbol);
        if there {
            self.skip();
        }
        there
    }

    pub(crate) fn expect_word(&mut self, word: &str, expected: &'static str) -> Result<(), Misplaced> {
        if self.take_word(word) { Ok(()) } else { self.unexpected(expected) }
    }

    pub(crate) fn expect_symbol(&mut self, symbol: &'static str, expected: &'static str) -> Result<(), Misplaced> {
        if self.take_symbol(symbol) { Ok(()) } else { self.unexpected(expected) }
    }

    pub(crate) fn expect_end(&self, expected: &'static str) -> Result<(), Misplaced> {
        if self.peek(0).kind == TokenKind::End { Ok(()) } else { self.unexpected(expected) }
    }

    /// A fault of the word here.
    pub(crate) fn fault<T>(&self, fault: Fault) -> Result<T, Misplaced> {
        Err(Misplaced { span: self.peek(0).span.clone(), fault })
    }

    pub(crate) fn unexpected<T>(&self, expected: &'static str) -> Result<T, Misplaced> {
        let found = match self.peek(0).kind {
            TokenKind::End => "the end".to_owned(),
            TokenKind::String(_) => "a string".to_owned(),
            _ => format!("`{}`", self.text()),
        };
        self.fault(Fault::Unexpected { expected, found })
    }

    /// Counts one part of the query. Errors: [`Fault::TooManyNodes`] at the word here.
    pub(crate) fn count_node(&mut self) -> Result<(), Misplaced> {
        self.nodes += 1;
        if self.nodes > NODES_MAX { self.fault(Fault::TooManyNodes) } else { Ok(()) }
    }

    /// The names of a path as they are written: `tags.[[a b]]`. Only behind a dot may a keyword be one.
    pub(crate) fn names(&mut self, expected: &'static str) -> Result<Vec<String>, Misplaced> {
        let mut names = Vec::new();
        if self.peek(0).kind != TokenKind::Word || is_reserved(self.text()) {
            return self.unexpected(expected);
        }
        loop {
            let name = match self.peek(0).kind {
                TokenKind::Word => self.text(),
                TokenKind::Bracketed => {
                    let inside = self.text().strip_prefix("[[").and_then(|text| text.strip_suffix("]]"));
                    inside.unwrap_or_default()
                }
                _ => return self.unexpected("a name"),
            };
            names.push(name.to_owned());
            self.skip();
            if self.is_symbol("[") {
                return self.fault(Unsupported::ArrayIndex.into());
            }
            if !self.take_symbol(".") {
                return Ok(names);
            }
        }
    }
}
