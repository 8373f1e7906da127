//! A line of numbers as SVG, drawn from zero to the greatest of them.

/// A line and what it says in words. It is stretched over a square of 100 by 100.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chart {
    pub(crate) name: String,
    /// The newest number.
    pub(crate) last: String,
    /// For those who do not see it.
    pub(crate) words: String,
    /// `0.0,95.0 50.0,5.0`
    pub(crate) line: String,
    /// The same, closed along the bottom.
    pub(crate) area: String,
}

/// The greatest number is this far below the top.
const TOP: f64 = 6.0;

impl Chart {
    /// `values` are the newest last; there is one at least.
    pub(crate) fn new(name: &str, values: &[f64], minutes: u64) -> Self {
        // One number alone is a level line, too.
        let values = if let [only] = values { &[*only, *only] } else { values };
        let most = values.iter().copied().fold(0.0, f64::max);
        let across = 100.0 / f64::from(u32::try_from(values.len().saturating_sub(1)).unwrap_or(u32::MAX).max(1));
        let mut x = -across;
        let point = |value: &f64| {
            x += across;
            let share = if most > 0.0 { value / most } else { 0.0 };
            format!("{x:.1},{:.1}", 100.0 - share * (100.0 - TOP))
        };
        let line = values.iter().map(point).collect::<Vec<_>>().join(" ");
        let last = short(values.last().copied().unwrap_or_default());
        Self {
            name: name.to_owned(),
            words: format!("{name}: {last} now, {} at most in the last {minutes} minutes", short(most)),
            area: format!("0,100 {line} 100,100"),
            last,
            line,
        }
    }
}

/// With decimals where they say something: one below ten, two below one.
fn short(value: f64) -> String {
    match value {
        10.0.. => format!("{value:.0}"),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        1.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_zero_to_the_greatest() {
        let chart = Chart::new("a", &[0.0, 5.0, 2.54], 2);
        assert_eq!(chart.line, "0.0,100.0 50.0,6.0 100.0,52.2");
        assert_eq!(chart.area, "0,100 0.0,100.0 50.0,6.0 100.0,52.2 100,100");
        assert_eq!((chart.last.as_str(), chart.words.as_str()), ("2.5", "a: 2.5 now, 5 at most in the last 2 minutes"));
        let level = Chart::new("a", &[7.0], 1);
        assert_eq!(
            (level.line.as_str(), level.area.as_str()),
            ("0.0,6.0 100.0,6.0", "0,100 0.0,6.0 100.0,6.0 100,100")
        );
        for (value, shown) in [(1234.5, "1234"), (9.96, "10.0"), (3.0, "3"), (0.04, "0.04"), (0.0, "0")] {
            assert_eq!(Chart::new("a", &[value], 1).last, shown);
        }
    }
}
