//! Parts of listings.

use std::{collections::BTreeMap, fmt::Display, ops::Bound};

use roadstead_store::{Page, limits::PAGE_ITEMS_MAX};

/// Up to `limit` of the records under `prefix` whose key lies after `after`.
pub(super) fn page<P: Ord + Clone, V, T>(
    table: &BTreeMap<(P, String), V>,
    prefix: &P,
    after: Option<&str>,
    limit: usize,
    item: impl Fn(&str, &V) -> Option<T>,
) -> Page<T> {
    let start = match after {
        Some(after) => Bound::Excluded((prefix.clone(), after.to_owned())),
        None => Bound::Included((prefix.clone(), String::new())),
    };
    let mut found = table
        .range((start, Bound::Unbounded))
        .take_while(|((of, _), _)| of == prefix)
        .filter_map(|((_, key), value)| item(key, value).map(|item| (key.clone(), item)));
    let items: Vec<(String, T)> = found.by_ref().take(limit.clamp(1, PAGE_ITEMS_MAX)).collect();
    let next = found.next().and_then(|_| items.last().map(|(key, _)| key.clone()));
    Page { items: items.into_iter().map(|(_, item)| item).collect(), next }
}

/// Up to `limit` of records, by a key of two parts, those after `after`.
pub(super) fn sorted_page<'a, K: Ord + Clone + Display, T: Clone + 'a>(
    records: impl Iterator<Item = ((K, u64), &'a T)>,
    after: Option<(K, u64)>,
    limit: usize,
) -> Page<T> {
    let sorted: BTreeMap<(K, u64), &T> =
        records.filter(|(key, _)| after.as_ref().is_none_or(|after| key > after)).collect();
    let limit = limit.clamp(1, PAGE_ITEMS_MAX);
    let next = sorted.keys().nth(limit - 1).filter(|_| sorted.len() > limit);
    Page {
        next: next.map(|(first, number)| format!("{first}/{number}")),
        items: sorted.into_values().take(limit).cloned().collect(),
    }
}
