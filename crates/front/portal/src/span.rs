//! Spans of time as a form has them: a number and a unit.

use std::fmt;

/// The units of a form, with their seconds.
pub(crate) const UNITS: [(&str, u32); 4] = [("seconds", 1), ("minutes", 60), ("hours", 3600), ("days", 86_400)];

/// A number of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) count: u64,
    pub(crate) unit: &'static str,
}

impl Span {
    /// In the largest unit of which it is a whole number: 3,600 s is 1 hour, 90 s is 90 seconds.
    pub(crate) fn of(seconds: u64) -> Self {
        let fits = |(_, length): &&(&str, u32)| seconds > 0 && seconds.is_multiple_of(u64::from(*length));
        let (unit, length) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
        Self { count: seconds / u64::from(*length), unit }
    }

    /// `None`: there is no such unit, or it is more than 136 years.
    pub(crate) fn seconds(count: u32, unit: &str) -> Option<u32> {
        let (_, length) = UNITS.iter().find(|(word, _)| *word == unit)?;
        count.checked_mul(*length)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.count == 1 { self.unit.trim_end_matches('s') } else { self.unit };
        write!(f, "{} {unit}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_largest_unit() {
        for (seconds, shown) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (5, "5 seconds"),
            (60, "1 minute"),
            (90, "90 seconds"),
            (3600, "1 hour"),
            (86_400, "1 day"),
            (129_600, "36 hours"),
            (172_800, "2 days"),
        ] {
            let span = Span::of(seconds);
            assert_eq!(span.to_string(), shown);
            let count = u32::try_from(span.count).unwrap();
            assert_eq!(Span::seconds(count, span.unit).map(u64::from), Some(seconds));
        }
        assert_eq!((Span::seconds(1, "weeks"), Span::seconds(u32::MAX, "minutes")), (None, None));
    }
}
