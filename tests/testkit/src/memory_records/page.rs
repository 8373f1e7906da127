//! Parts of listings.

use std::{collections::BTreeMap, fmt::Display, ops::Bound};

use roadstead_store::{IssuedPosition, Page, limits::PAGE_ITEMS_MAX};

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
    after: Option<&IssuedPosition<K>>,
    limit: usize,
) -> Page<T> {
    let positions = records.map(|((key, number), record)| (IssuedPosition { key, number }, record));
    let sorted: BTreeMap<IssuedPosition<K>, &T> =
        positions.filter(|(position, _)| after.is_none_or(|after| position > after)).collect();
    let limit = limit.clamp(1, PAGE_ITEMS_MAX);
    let next = sorted.keys().nth(limit - 1).filter(|_| sorted.len() > limit);
    Page { next: next.map(ToString::to_string), items: sorted.into_values().take(limit).cloned().collect() }
}
