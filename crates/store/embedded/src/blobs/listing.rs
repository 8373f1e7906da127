//! The files of one device, in pages.

use std::{
    collections::BinaryHeap,
    fs::{self, File},
    io::{self, ErrorKind},
    path::Path,
};

use roadstead_store::{BlobError, ListedBlob, Page, limits::PAGE_ITEMS_MAX};
use tracing::warn;

use super::trailer::Trailer;
use crate::error::unusable;

/// A page of a device's directory, in the order of the names that files have there. All names are read for each page, but no more
/// of them are held than the page has; and of the page's files the trailers.
pub(crate) fn list(directory: &Path, after: Option<&str>, limit: usize) -> Result<Page<ListedBlob>, BlobError> {
    let limit = limit.clamp(1, PAGE_ITEMS_MAX);
    let mut names = match first_names(directory, after, limit + 1) {
        Ok(names) => names,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Page { items: Vec::new(), next: None }),
        Err(error) => return Err(unusable(directory, &error).into()),
    };
    let has_more = names.len() > limit;
    names.truncate(limit);
    let items = names.iter().filter_map(|name| read(&directory.join(name))).collect();
    Ok(Page { items, next: names.pop().filter(|_| has_more) })
}

/// The first `count` names behind `after`, in order.
fn first_names(directory: &Path, after: Option<&str>, count: usize) -> io::Result<Vec<String>> {
    let mut first = BinaryHeap::with_capacity(count + 1);
    for entry in fs::read_dir(directory)? {
        // Other names are none that the engine gives.
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let is_wanted = after.is_none_or(|after| name.as_str() > after);
        if is_wanted && (first.len() < count || first.peek().is_some_and(|last| name < *last)) {
            first.push(name);
            if first.len() > count {
                first.pop();
            }
        }
    }
    Ok(first.into_sorted_vec())
}

/// `None`: it was removed meanwhile, or is damaged, which is for the log.
fn read(path: &Path) -> Option<ListedBlob> {
    match File::open(path).and_then(|file| Trailer::read(&file)) {
        // The name is the device's and the blob's, and no device's has a slash.
        Ok((trailer, size)) => Some(ListedBlob {
            name: trailer.name.split_once('/')?.1.to_owned(),
            size,
            content_type: trailer.properties.content_type,
            last_modified: trailer.last_modified,
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            warn!(path = %path.display(), %error, "a file is left out of a list");
            None
        }
    }
}
