//! Clients' texts, as we repeat them.

use crate::limits;

/// A client's text as a line of the log or an answer repeats it: not at any length, nor with what would begin another line.
pub fn shown(text: &str) -> String {
    let printed = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(limits::SHOWN_CHARS_MAX).map(printed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_stay_on_their_line() {
        assert_eq!(shown("ü\r\nfake: line\u{1b}[0m"), "ü\u{fffd}\u{fffd}fake: line\u{fffd}[0m");
        assert_eq!(shown(&"ü".repeat(1000)).chars().count(), limits::SHOWN_CHARS_MAX);
    }
}
