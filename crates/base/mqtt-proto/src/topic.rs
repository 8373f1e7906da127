//! Topic names, topic filters, and which filter matches which name. Source: 4.7

/// What is wrong with a topic name or filter. Positions are bytes from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// [MQTT-4.7.3-1]
    #[error("empty topic")]
    Empty,
    /// [MQTT-4.7.3-2]
    #[error("U+0000 at byte {at} of a topic")]
    Nul {
        /// Where.
        at: usize,
    },
    /// `+` or `#` in a name, [MQTT-4.7.1-1].
    #[error("wildcard at byte {at} of a topic name")]
    WildcardInName {
        /// Where.
        at: usize,
    },
    /// A `#` that is not the whole last level or a `+` that is not a whole level, [MQTT-4.7.1-2], [MQTT-4.7.1-3].
    #[error("misplaced wildcard at byte {at} of a topic filter")]
    MisplacedWildcard {
        /// Where.
        at: usize,
    },
}

/// Whether a message may be published to `name`: not empty, without `+`, `#` and U+0000. Shape: `a/b`, `/`, `$x/1`.
/// That it fits its length prefix is [`crate::encode`]'s matter.
pub fn check_name(name: &str) -> Result<(), TopicError> {
    if name.is_empty() {
        return Err(TopicError::Empty);
    }
    // One pass without a branch per byte: the compiler makes vector code of it.
    if !name.bytes().fold(false, |found, byte| found | is_forbidden(byte)) {
        return Ok(());
    }
    match name.bytes().enumerate().find(|&(_, byte)| is_forbidden(byte)) {
        Some((at, 0)) => Err(TopicError::Nul { at }),
        Some((at, _)) => Err(TopicError::WildcardInName { at }),
        None => Ok(()),
    }
}

/// Whether `filter` may be subscribed to. Shape: `a/+/b`, `a/#`, `#`; not `a#`, `a/#/b`, `a+/b`.
pub fn check_filter(filter: &str) -> Result<(), TopicError> {
    if filter.is_empty() {
        return Err(TopicError::Empty);
    }
    let mut starts_level = true;
    let mut bytes = filter.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        let follower = bytes.peek().map(|&(_, byte)| byte);
        match byte {
            0 => return Err(TopicError::Nul { at }),
            b'#' if !starts_level || follower.is_some() => return Err(TopicError::MisplacedWildcard { at }),
            b'+' if !starts_level || follower.is_some_and(|byte| byte != b'/') => {
                return Err(TopicError::MisplacedWildcard { at });
            }
            _ => starts_level = byte == b'/',
        }
    }
    Ok(())
}

/// Whether a message on the valid `name` goes to the valid `filter`.
///
/// Shape: `a/#` matches `a/b/c` and `a` itself; `+/b` matches `a/b` and `/b`. A wildcard in the first level does not
/// match a name that begins with `$`, [MQTT-4.7.2-1].
pub fn filter_matches(filter: &str, name: &str) -> bool {
    if name.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = name.split('/');
    for part in filter.split('/') {
        match (part, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (_, Some(level)) if part == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

fn is_forbidden(byte: u8) -> bool {
    matches!(byte, 0 | b'+' | b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "/", "//", "a/b", "$x/y/?$rid=1", "a b", "é/\u{feff}/\u{10ffff}", "\u{1}"] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
        let refused = [
            ("", TopicError::Empty),
            ("\0", TopicError::Nul { at: 0 }),
            ("a/é\0+", TopicError::Nul { at: 4 }),
            ("+", TopicError::WildcardInName { at: 0 }),
            ("a/+/\0", TopicError::WildcardInName { at: 2 }),
            ("a#", TopicError::WildcardInName { at: 1 }),
        ];
        for (name, error) in refused {
            assert_eq!(check_name(name), Err(error), "{name:?}");
        }
    }

    #[test]
    fn filters() {
        for filter in ["a", "/", "#", "+", "a/#", "/#", "+/#", "+/+", "a/+/b", "/+", "+/", "$x/+/#", "$share/x"] {
            assert_eq!(check_filter(filter), Ok(()), "{filter:?}");
        }
        let misplaced = [
            ("##", 0),
            ("#/", 0),
            ("a#", 1),
            ("a/#/b", 2),
            ("a/b#", 3),
            ("#a", 0),
            ("++", 0),
            ("a+", 1),
            ("a+/b", 1),
            ("+a", 0),
            ("a/+b/c", 2),
            ("+#", 0),
            ("é#", 2),
        ];
        for (filter, at) in misplaced {
            assert_eq!(check_filter(filter), Err(TopicError::MisplacedWildcard { at }), "{filter:?}");
        }
        assert_eq!(check_filter(""), Err(TopicError::Empty));
        assert_eq!(check_filter("a/\0"), Err(TopicError::Nul { at: 2 }));
    }

    #[test]
    fn matching() {
        let cases = [
            ("a/b", "a/b", true),
            ("a/b", "a/B", false),
            ("a/b", "a", false),
            ("a", "a/b", false),
            ("a/#", "a", true),
            ("a/#", "a/", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("#", "a/b", true),
            ("#", "/", true),
            ("+", "a", true),
            ("+", "a/b", false),
            ("+", "/a", false),
            ("+/+", "/a", true),
            ("/+", "/a", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("a/+/c", "a/b/c", true),
            ("a/+/c", "a/b/d/c", false),
            ("+/b/#", "a/b", true),
            ("#", "$SYS/a", false),
            ("+/a", "$SYS/a", false),
            ("$SYS/#", "$SYS/a", true),
            ("$SYS/+", "$SYS/a", true),
            ("a/+", "a/$b", true),
        ];
        for (filter, name, expected) in cases {
            assert_eq!(filter_matches(filter, name), expected, "{filter} {name}");
        }
    }
}
