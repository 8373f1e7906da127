//! Words of commands that somebody pastes into a shell.

/// For a POSIX shell: everything literal.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        for (word, expected) in [
            ("0ne00ABC123", "0ne00ABC123"),
            ("my-root", "my-root"),
            ("my root", "'my root'"),
            ("HostName=a;SharedAccessKey=b=", "'HostName=a;SharedAccessKey=b='"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
