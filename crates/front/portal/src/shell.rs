//! Words of commands that somebody pastes into a shell.

/// A word as a shell takes it: as it is, or in quotes.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@%+=,/".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_becomes_two_or_a_command() {
        for (word, expected) in [
            ("thermo-7", "thermo-7"),
            ("aa:bb/c@d%e+f=g,h._", "aa:bb/c@d%e+f=g,h._"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(reboot)", "'$(reboot)'"),
            ("it's", r"'it'\''s'"),
            ("*?!(x)#", "'*?!(x)#'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
