//! Where a reader of a partition begins, as the filter of its source says.

/// The filter's key in the map, and the name of its type.
pub const SELECTOR_FILTER: &str = "apache.org:selector-filter:string";
/// The number of its type.
pub const SELECTOR_FILTER_CODE: u64 = 0x0000_468c_0000_0004;

/// `amqp.annotation.<name> > '<value>'`, or `>=`; quotes are optional. Source: `reference/hub-service.md` 0 (9), 3.4
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selector {
    pub place: Place,
    /// `>=`: what is at the place itself belongs to it.
    pub inclusive: bool,
}

/// The value a selector compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `x-opt-offset '-1'`: before the first event.
    Start,
    /// `x-opt-offset '@latest'`: behind the last event.
    End,
    /// `x-opt-offset`
    Offset(u64),
    /// `x-opt-sequence-number`
    SequenceNumber(u64),
    /// `x-opt-enqueued-time`, or `x-opt-enqueuedtimeutc` as `az` writes; milliseconds since 1970.
    EnqueuedTime(i64),
}

/// Why a filter is none that is understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    #[error("the filter is not one comparison like amqp.annotation.x-opt-offset > '-1'")]
    Form,
    #[error("the filter compares `{0}`; x-opt-offset, x-opt-sequence-number and x-opt-enqueued-time can be compared")]
    Name(String),
    #[error("the filter compares {name} with `{value}`, which is {expected}")]
    Value { name: &'static str, value: String, expected: &'static str },
}

impl Selector {
    /// Of a link that has no filter; `guess (?)`.
    pub const START: Self = Self { place: Place::Start, inclusive: false };

    /// Reads the text of a filter. Errors: [`SelectorError`]; two comparisons joined by `AND` are refused, too.
    pub fn parse(filter: &str) -> Result<Self, SelectorError> {
        let (name, rest) = filter.split_once('>').ok_or(SelectorError::Form)?;
        let (inclusive, value) = rest.strip_prefix('=').map_or((false, rest), |value| (true, value));
        let value = value.trim();
        let value = match value.strip_prefix('\'') {
            Some(quoted) => quoted.strip_suffix('\'').ok_or(SelectorError::Form)?,
            None => value,
        };
        if value.contains(['\'', ' ', '>']) {
            return Err(SelectorError::Form);
        }
        let name = name.trim();
        let annotation = name.strip_prefix("amqp.annotation.").ok_or(SelectorError::Form)?;
        Ok(Self { place: Place::parse(annotation, value)?, inclusive })
    }
}

impl Place {
    fn parse(annotation: &str, value: &str) -> Result<Self, SelectorError> {
        const NO_NUMBER: &str = "no number";
        let is = |name: &str| annotation.eq_ignore_ascii_case(name);
        let fail = |name, expected| SelectorError::Value { name, value: shown(value), expected };
        if is("x-opt-offset") {
            return match value {
                "-1" => Ok(Self::Start),
                "@latest" => Ok(Self::End),
                number => {
                    let expected = "neither a number nor '-1' for the start nor '@latest' for the end";
                    number.parse().map(Self::Offset).map_err(|_| fail("x-opt-offset", expected))
                }
            };
        }
        if is("x-opt-sequence-number") {
            return match value {
                "-1" => Ok(Self::Start),
                number => {
                    number.parse().map(Self::SequenceNumber).map_err(|_| fail("x-opt-sequence-number", NO_NUMBER))
                }
            };
        }
        if is("x-opt-enqueued-time") || is("x-opt-enqueuedtimeutc") {
            return value
                .parse()
                .map(Self::EnqueuedTime)
                .map_err(|_| fail("x-opt-enqueued-time", "no time in milliseconds"));
        }
        Err(SelectorError::Name(shown(annotation)))
    }
}

/// A client's text as a refusal repeats it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn filters_of_the_clients() {
        let offset = "amqp.annotation.x-opt-offset";
        for (filter, place, inclusive) in [
            (format!("{offset} > '-1'"), Place::Start, false),
            (format!("{offset} > -1"), Place::Start, false),
            (format!("{offset} > '@latest'"), Place::End, false),
            (format!("{offset} >= '17'"), Place::Offset(17), true),
            (format!("{offset} > 17"), Place::Offset(17), false),
            (format!("  {offset}>='17' "), Place::Offset(17), true),
            ("amqp.annotation.x-opt-sequence-number > '5'".to_owned(), Place::SequenceNumber(5), false),
            ("amqp.annotation.x-opt-sequence-number > '-1'".to_owned(), Place::Start, false),
            (
                "amqp.annotation.x-opt-enqueued-time >= '1795290000000'".to_owned(),
                Place::EnqueuedTime(1_795_290_000_000),
                true,
            ),
            (
                "amqp.annotation.x-opt-enqueuedtimeutc > 1795290000000".to_owned(),
                Place::EnqueuedTime(1_795_290_000_000),
                false,
            ),
        ] {
            assert_eq!(Selector::parse(&filter), Ok(Selector { place, inclusive }), "{filter}");
        }
    }

    #[test]
    fn refusals_say_what_is_understood() {
        for (filter, why) in [
            ("", "one comparison"),
            ("x-opt-offset > '1'", "one comparison"),
            ("amqp.annotation.x-opt-offset = '1'", "one comparison"),
            ("amqp.annotation.x-opt-offset > '1", "one comparison"),
            ("amqp.annotation.x-opt-offset > '1' AND amqp.annotation.x-opt-offset > '2'", "one comparison"),
            ("amqp.annotation.x-opt-offset < '1'", "one comparison"),
            ("amqp.annotation.colour > '1'", "compares `colour`"),
            ("amqp.annotation.x-opt-offset > '1:2:3'", "neither a number"),
            ("amqp.annotation.x-opt-offset > ''", "neither a number"),
            ("amqp.annotation.x-opt-offset > '99999999999999999999'", "neither a number"),
            ("amqp.annotation.x-opt-sequence-number > 'x'", "no number"),
            ("amqp.annotation.x-opt-enqueued-time > '2026-11-22'", "no time"),
        ] {
            let refusal = Selector::parse(filter).unwrap_err().to_string();
            assert!(refusal.contains(why), "{filter}: {refusal}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(filter in "(amqp.annotation.)?(x-opt-offset)?\\PC{0,30}") {
            let _ = Selector::parse(&filter);
        }
    }
}
