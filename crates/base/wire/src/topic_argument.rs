//! Arguments in the tail of a topic: `?$rid=1&$version=4`.

use std::num::ParseIntError;

use crate::limits::RID_BYTES_MAX;

/// The value of `name`, still encoded; the first one counts. `None` when it is absent or empty.
pub(crate) fn find<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(value).filter(|value| !value.is_empty())
}

/// The request's id, to be echoed as it stands. `None` also when it is over its limit.
pub(crate) fn find_rid(query: &str) -> Option<&str> {
    find(query, "$rid").filter(|rid| rid.len() <= RID_BYTES_MAX)
}

/// The number under `$version`, if there is one. Errors: there is something, but no number.
pub(crate) fn find_version(query: &str) -> Result<Option<i64>, ParseIntError> {
    find(query, "$version").map(str::parse).transpose()
}
