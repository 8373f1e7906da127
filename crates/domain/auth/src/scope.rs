//! Whether a token is for what is asked.

use roadstead_sas::{SasToken, Segment, covers};

use crate::{limits::SHOWN_CHARS_MAX, refusal::AuthRefusal};

/// Refuses a token that is for none of `names` followed by `rest`.
pub(crate) fn check<'a>(
    token: &SasToken<'_>,
    names: impl IntoIterator<Item = &'a str>,
    rest: &[Segment<'_>],
) -> Result<(), AuthRefusal> {
    let mut first = None;
    for name in names {
        let mut required = vec![Segment::AnyCase(name)];
        required.extend_from_slice(rest);
        if covers(token.resource(), &required) {
            return Ok(());
        }
        first.get_or_insert(name);
    }
    let wanted = rest.iter().fold(first.unwrap_or_default().to_owned(), |path, segment| {
        let (Segment::AnyCase(text) | Segment::Exact(text)) = segment;
        path + "/" + text
    });
    Err(AuthRefusal::Scope { granted: shown(token.resource()), wanted })
}

/// A caller's text fit for a message: control characters escaped, cut to [`SHOWN_CHARS_MAX`].
pub(crate) fn shown(text: &str) -> String {
    let mut escaped = text.chars().flat_map(char::escape_debug);
    let mut cut: String = escaped.by_ref().take(SHOWN_CHARS_MAX).collect();
    if escaped.next().is_some() {
        cut.push('…');
    }
    cut
}
