//! Which bytes of a blob are asked for.

/// First and last byte of a range, both included; `None` when the header is not one range of the form `bytes=0-499` or
/// `bytes=500-`: then the whole blob is meant. Source: docs, "Specifying the range header for Blob service operations"
pub fn parse(text: &str) -> Option<(u64, Option<u64>)> {
    let (from, to) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let from = number(from)?;
    if to.is_empty() {
        return Some((from, None));
    }
    number(to).filter(|to| *to >= from).map(|to| (from, Some(to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("bytes=0-33554431", Some((0, Some(33_554_431)))),
            ("bytes=500-", Some((500, None))),
            ("bytes=5-5", Some((5, Some(5)))),
            ("bytes=-5", None),
            ("bytes=6-5", None),
            ("bytes=0-1,3-4", None),
            ("bytes=+1-2", None),
            ("bytes=99999999999999999999-", None),
            ("items=0-1", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
