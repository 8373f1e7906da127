//! Instants as pages show them: in UTC, which the module turns into local time.

/// An instant that a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For the module: `2026-11-21T20:02:50.516Z`.
    pub(crate) iso: String,
    /// For people: `2026-11-21 20:02:50 UTC`.
    pub(crate) shown: String,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Moment {
    /// Reads what the APIs write: `2026-11-21T20:02:50.5160000Z`, with or without a fraction or `Z`, or
    /// `Sat, 21 Nov 2026 21:09:03 GMT`. `None` for the year 1, which stands for never, and for what is no time.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let whole = if text.ends_with("GMT") { of_http(text)? } else { text.get(..19)?.to_owned() };
        let (date, time) = whole.split_once('T')?;
        if date.starts_with("0001") || !time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
            return None;
        }
        Some(Self { iso: format!("{whole}Z"), shown: format!("{date} {time} UTC") })
    }
}

/// A time without its fraction: `2026-11-22T14:02:11`. What is shorter stays as it is.
pub(crate) fn second(iso: &str) -> &str {
    iso.get(..19).unwrap_or(iso)
}

/// `Sat, 21 Nov 2026 21:09:03 GMT` to `2026-11-21T21:09:03`.
fn of_http(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, _] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    Some(format!("{year}-{month:02}-{day}T{time}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_time() {
        for (text, shown) in [
            ("2026-11-21T20:02:50.5160000Z", Some("2026-11-21 20:02:50 UTC")),
            ("2026-11-21T20:02:50", Some("2026-11-21 20:02:50 UTC")),
            ("Sat, 21 Nov 2026 21:09:03 GMT", Some("2026-11-21 21:09:03 UTC")),
            ("0001-01-01T00:00:00.0000000Z", None),
            ("0001-01-01T00:00:00", None),
            ("2026-11-21Tnoise<script>", None),
            ("", None),
            ("GMT", None),
        ] {
            assert_eq!(Moment::parse(text).map(|moment| moment.shown).as_deref(), shown, "{text}");
        }
    }
}
