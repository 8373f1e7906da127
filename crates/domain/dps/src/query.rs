//! Listings, a page at a time. Every query text means "all". Source: `reference/dps.md` 4.3

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use roadstead_store::Page;

use crate::{
    error::DpsError,
    limits::{CONTINUATION_CHARS_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX},
};

/// Which page: `x-ms-max-item-count` and `x-ms-continuation`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Items wanted; more than [`PAGE_ITEMS_MAX`] or 0 are taken for that bound or the default.
    pub items_max: Option<usize>,
    /// From the page before; opaque.
    pub continuation: Option<String>,
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T> {
    /// In order of their ids.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub continuation: Option<String>,
}

impl PageRequest {
    pub(crate) fn limit(&self) -> usize {
        self.items_max.filter(|items| *items > 0).unwrap_or(PAGE_ITEMS_DEFAULT).min(PAGE_ITEMS_MAX)
    }

    pub(crate) fn after(&self) -> Result<Option<String>, DpsError> {
        let Some(continuation) = self.continuation.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        let decoded = (continuation.len() <= CONTINUATION_CHARS_MAX)
            .then(|| URL_SAFE_NO_PAD.decode(continuation).ok())
            .flatten()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let fault = || "is not a continuation that this service gave".to_owned();
        Ok(Some(decoded.ok_or_else(|| DpsError::Invalid { member: "x-ms-continuation", fault: fault() })?))
    }
}

impl<T> Listing<T> {
    pub(crate) fn of(page: Page<T>) -> Self {
        Self { items: page.items, continuation: page.next.map(|next| URL_SAFE_NO_PAD.encode(next)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuations_are_opaque_and_checked() {
        let listing = Listing::of(Page { items: vec![1], next: Some("dev-01".to_owned()) });
        let request = PageRequest { items_max: None, continuation: listing.continuation };
        assert_eq!(request.after().unwrap().as_deref(), Some("dev-01"));
        for (text, accepted) in [("", true), ("%%%", false), ("gICA", false), (&"a".repeat(300), false)] {
            let request = PageRequest { items_max: None, continuation: Some(text.to_owned()) };
            assert_eq!(request.after().is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn pages_are_bounded() {
        for (wanted, items) in [(None, 100), (Some(0), 100), (Some(7), 7), (Some(1_000_000), 1000)] {
            assert_eq!(PageRequest { items_max: wanted, continuation: None }.limit(), items, "{wanted:?}");
        }
    }
}
