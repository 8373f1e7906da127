//! Durations as Resource Manager writes them: ISO 8601.

use std::fmt;

/// A duration in whole seconds.
///
/// Shape: `PT1H`, `PT1M30S`, `P2D`, `P1DT12H`. Prints the shortest of these: `PT60M` becomes `PT1H`. Months and years have no
/// length and are not read, nor are weeks and fractions, which no client sends. Source: `reference/arm-and-az.md` 3, 5
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IsoDuration {
    pub seconds: u32,
}

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;
const DATE_UNITS: &[(char, u32)] = &[('D', DAY)];
const TIME_UNITS: &[(char, u32)] = &[('H', HOUR), ('M', MINUTE), ('S', 1)];

impl IsoDuration {
    /// `None` when the text is no such duration, or one beyond 136 years.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('P')?;
        let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
        if time.is_some_and(str::is_empty) || (time.is_none() && date.is_empty()) {
            return None;
        }
        let days = Self::sum(date, DATE_UNITS)?;
        Some(Self { seconds: days.checked_add(Self::sum(time.unwrap_or_default(), TIME_UNITS)?)? })
    }

    /// The seconds of `5H30M`, each designator at most once and in order.
    fn sum(text: &str, units: &[(char, u32)]) -> Option<u32> {
        let mut rest = text;
        let mut sum = 0_u32;
        for (designator, seconds) in units {
            let Some((number, after)) = rest.split_once(*designator) else { continue };
            if !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            sum = sum.checked_add(number.parse::<u32>().ok()?.checked_mul(*seconds)?)?;
            rest = after;
        }
        rest.is_empty().then_some(sum)
    }
}

impl fmt::Display for IsoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds } = *self;
        f.write_str("P")?;
        if seconds >= DAY {
            write!(f, "{}D", seconds / DAY)?;
        }
        if seconds >= DAY && seconds % DAY == 0 {
            return Ok(());
        }
        f.write_str("T")?;
        let parts = [(seconds % DAY / HOUR, 'H'), (seconds % HOUR / MINUTE, 'M'), (seconds % MINUTE, 'S')];
        for (number, designator) in parts.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, "{number}{designator}")?;
        }
        if seconds == 0 { f.write_str("0S") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn read_and_written() {
        for (text, seconds, canonical) in [
            ("PT1H", 3600, "PT1H"),
            ("PT60M", 3600, "PT1H"),
            ("PT5S", 5, "PT5S"),
            ("PT1M30S", 90, "PT1M30S"),
            ("P2D", 172_800, "P2D"),
            ("PT48H", 172_800, "P2D"),
            ("P1DT12H", 129_600, "P1DT12H"),
            ("P0DT1H0M0S", 3600, "PT1H"),
            ("PT0S", 0, "PT0S"),
        ] {
            assert_eq!(IsoDuration::parse(text), Some(IsoDuration { seconds }), "{text}");
            assert_eq!(IsoDuration { seconds }.to_string(), canonical);
        }
    }

    #[test]
    fn refused() {
        for text in
            ["", "P", "PT", "1H", "PT1", "P1H", "PT1D", "P1M", "P1W", "PT1M1H", "PT-1H", "PT+1H", "PT1.5S", "pt1h"]
        {
            assert_eq!(IsoDuration::parse(text), None, "{text}");
        }
        for text in ["PTH", "P1DT", "PT1H1H", " PT1H", "PT1H ", "P49711D", "PT4294967296S"] {
            assert_eq!(IsoDuration::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds: u32) {
            prop_assert_eq!(IsoDuration::parse(&IsoDuration { seconds }.to_string()), Some(IsoDuration { seconds }));
        }

        #[test]
        fn never_panics(text in "P?[0-9]{0,12}D?T?([0-9]{0,12}[HMSD]){0,3}") {
            let _ = IsoDuration::parse(&text);
        }
    }
}
