//! Text to words: what stands where, not yet what it means.

use crate::error::{Fault, Misplaced};
use std::ops::Range;

/// One word of a query, with the bytes of the text it takes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A keyword or a name; behind a dot it may begin with a digit.
    Word,
    /// `[[any text]]` behind a dot.
    Bracketed,
    String(String),
    Number(f64),
    /// One of [`SYMBOLS`].
    Symbol(&'static str),
    End,
}

/// Words that begin no path.
const RESERVED: [&str; 12] =
    ["SELECT", "FROM", "WHERE", "GROUP", "AND", "OR", "NOT", "IN", "NIN", "TRUE", "FALSE", "NULL"];

/// Longer ones before their own beginnings.
const SYMBOLS: [&str; 17] = ["!=", "<>", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]", ","];

pub(crate) fn is_reserved(word: &str) -> bool {
    word.eq_ignore_ascii_case("UNDEFINED") || RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

pub(crate) fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

pub(crate) fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// All words of the text, and an end.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, Misplaced> {
    let mut lexer = Lexer { text, at: 0, behind_dot: false };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_spaces();
        let start = lexer.at;
        let kind = lexer.next()?;
        lexer.behind_dot = kind == TokenKind::Symbol(".");
        let last = kind == TokenKind::End;
        tokens.push(Token { kind, span: start..lexer.at });
        if last {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    behind_dot: bool,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes what `wanted` holds for; says how many bytes.
    fn take_while(&mut self, wanted: fn(char) -> bool) -> usize {
        let rest = self.rest();
        let len = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += len;
        len
    }

    fn take(&mut self, expected: &str) -> bool {
        let there = self.rest().starts_with(expected);
        self.at += if there { expected.len() } else { 0 };
        there
    }

    fn fault<T>(&self, start: usize, fault: Fault) -> Result<T, Misplaced> {
        Err(Misplaced { span: start..self.at, fault })
    }

    fn next(&mut self) -> Result<TokenKind, Misplaced> {
        let Some(first) = self.rest().chars().next() else { return Ok(TokenKind::End) };
        if self.behind_dot && self.rest().starts_with("[[") {
            return self.bracketed();
        }
        if is_word_start(first) || (self.behind_dot && is_word_char(first)) {
            self.take_while(is_word_char);
            return Ok(TokenKind::Word);
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if first == '\'' || first == '"' {
            return self.string(first);
        }
        if let Some(symbol) = SYMBOLS.iter().chain(&["."]).find(|symbol| self.rest().starts_with(**symbol)) {
            self.at += symbol.len();
            return Ok(TokenKind::Symbol(symbol));
        }
        let start = self.at;
        self.at += first.len_utf8();
        self.fault(start, Fault::StrayCharacter { character: first })
    }

    /// The first `]]` ends it; the parser reads the text out of the span.
    fn bracketed(&mut self) -> Result<TokenKind, Misplaced> {
        let start = self.at;
        let Some(len) = self.rest().find("]]") else {
            self.at = self.text.len();
            return self.fault(start, Fault::UnendedName);
        };
        self.at += len + 2;
        if self.text.get(start..self.at) == Some("[[]]") {
            self.fault(start, Fault::EmptyName)
        } else {
            Ok(TokenKind::Bracketed)
        }
    }

    /// `12`, `1.5e-3`, `0xff`, and no letter behind it.
    fn number(&mut self) -> Result<TokenKind, Misplaced> {
        let start = self.at;
        let value = if self.take("0x") || self.take("0X") { self.hexadecimal() } else { self.decimal() };
        match value {
            Some(value) if !self.rest().starts_with(is_word_char) => Ok(TokenKind::Number(value)),
            _ => {
                self.take_while(is_word_char);
                self.fault(start, Fault::BadNumber)
            }
        }
    }

    fn hexadecimal(&mut self) -> Option<f64> {
        let start = self.at;
        self.take_while(|c| c.is_ascii_hexdigit());
        let digits = self.text.get(start..self.at)?;
        u64::from_str_radix(digits, 16).ok().map(|value| value as f64)
    }

    fn decimal(&mut self) -> Option<f64> {
        let start = self.at;
        self.take_while(|c| c.is_ascii_digit());
        if self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        if self.take("e") || self.take("E") {
            let _signed = self.take("+") || self.take("-");
            if self.take_while(|c| c.is_ascii_digit()) == 0 {
                return None;
            }
        }
        self.text.get(start..self.at)?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    fn string(&mut self, quote: char) -> Result<TokenKind, Misplaced> {
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        while let Some(c) = self.rest().chars().next() {
            let here = self.at;
            self.at += c.len_utf8();
            if c == quote {
                return Ok(TokenKind::String(value));
            }
            if c != '\\' {
                value.push(c);
            } else if let Some(c) = self.escaped() {
                value.push(c);
            } else {
                return self.fault(here, Fault::BadEscape);
            }
        }
        self.fault(start, Fault::UnendedString)
    }

    /// What follows a backslash: `\'`, `\"`, `\\`, `\u0041`, or two `\u` that are one character together.
    fn escaped(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        match c {
            '\'' | '"' | '\\' => Some(c),
            'u' => {
                let unit = self.hex_unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return char::from_u32(unit);
                }
                let low = if self.take("\\u") { self.hex_unit()?.checked_sub(0xdc00)? } else { return None };
                if low < 0x400 { char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low) } else { None }
            }
            _ => None,
        }
    }

    fn hex_unit(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|it| it.is_ascii_hexdigit()))?;
        let unit = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(unit)
    }
}
