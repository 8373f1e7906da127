//! Whether a token is for what is asked.

use std::borrow::Cow;

use roadstead_sas::{SasToken, Segment, covers};

use crate::{limits::SHOWN_CHARS_MAX, refusal::AuthRefusal};

/// Refuses a token that is for none of `names` followed by `rest`.
pub(crate) fn check<'a>(
    token: &SasToken<'_>,
    names: impl IntoIterator<Item = &'a str>,
    rest: &[Segment<'_>],
) -> Result<(), AuthRefusal> {
    let granted = path_of(token.resource());
    let mut first = None;
    for name in names {
        let mut required = vec![Segment::AnyCase(name)];
        required.extend_from_slice(rest);
        if covers(&granted, &required) {
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

/// Refuses a token that is for nothing of `names`.
pub(crate) fn check_host<'a>(
    token: &SasToken<'_>,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), AuthRefusal> {
    let granted = path_of(token.resource());
    let host = granted.split('/').next().unwrap_or_default();
    let mut names = names.into_iter().peekable();
    let wanted = names.peek().copied().unwrap_or_default().to_owned();
    if names.any(|name| name.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(AuthRefusal::Scope { granted: shown(token.resource()), wanted })
}

/// The resource without scheme, port and a slash at its end, where it is a URI: `sb://hub1.example:5672/hub1` is
/// `hub1.example/hub1`. Source: `reference/hub-service.md` 2.2, 3.2, 3.5
fn path_of(resource: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = resource.split_once("://") else { return resource.into() };
    if !SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return resource.into();
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = path.strip_suffix('/').unwrap_or(path);
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            [host, path].concat().into()
        }
        _ => [authority, path].concat().into(),
    }
}

/// What clients of AMQP put before a host in a token.
const SCHEMES: [&str; 4] = ["sb", "amqps", "amqp", "https"];

/// A caller's text fit for a message: control characters escaped, cut to [`SHOWN_CHARS_MAX`].
pub(crate) fn shown(text: &str) -> String {
    let mut escaped = text.chars().flat_map(char::escape_debug);
    let mut cut: String = escaped.by_ref().take(SHOWN_CHARS_MAX).collect();
    if escaped.next().is_some() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_read_as_what_they_name() {
        for (resource, path) in [
            ("hub1.example/devices/dev1", "hub1.example/devices/dev1"),
            ("sb://hub1.example/hub1/ConsumerGroups/$Default", "hub1.example/hub1/ConsumerGroups/$Default"),
            ("sb://hub1.example:5672/hub1", "hub1.example/hub1"),
            ("amqps://hub1.example:5671/", "hub1.example"),
            ("HTTPS://hub1.example", "hub1.example"),
            ("sb://hub1.example:/x", "hub1.example:/x"),
            ("ftp://hub1.example", "ftp://hub1.example"),
            ("hub1.example:5671/x", "hub1.example:5671/x"),
            ("://", "://"),
            ("", ""),
        ] {
            assert_eq!(path_of(resource), path);
        }
    }
}
