//! Lists that come in pages, each naming the next in a header.

use crate::error::ServiceError;
use crate::limits::{LIST_ITEMS_MAX, LIST_PAGES_MAX, PAGE_ITEMS_MAX};
use crate::transport::{Answer, Request, Transport};
use serde::de::DeserializeOwned;

const CONTINUATION: &str = "x-ms-continuation";
const ITEMS_MAX: &str = "x-ms-max-item-count";

/// All items, or the first `top`. `request` makes the request of each page but for its paging headers.
///
/// Source: `reference/hub-service.md` 1.10, `reference/dps.md` 4.3
pub(crate) async fn list<T: DeserializeOwned>(
    transport: &Transport,
    top: Option<usize>,
    request: impl Fn() -> Result<Request, ServiceError>,
) -> Result<Vec<T>, ServiceError> {
    let wanted = top.unwrap_or(LIST_ITEMS_MAX).min(LIST_ITEMS_MAX);
    let mut items: Vec<T> = Vec::new();
    let mut continuation: Option<String> = None;
    for _ in 0..LIST_PAGES_MAX {
        let page_items = wanted.saturating_sub(items.len()).min(PAGE_ITEMS_MAX);
        let (page, next) = one(transport, request()?, page_items, continuation.as_deref()).await?;
        items.extend(page);
        continuation = next;
        if continuation.is_none() || items.len() >= wanted {
            break;
        }
    }
    items.truncate(wanted);
    Ok(items)
}

/// One page, and what asks for the next.
pub(crate) async fn one<T: DeserializeOwned>(
    transport: &Transport,
    request: Request,
    items_max: usize,
    continuation: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    let answer = transport.send(paged(request, items_max, continuation)).await?;
    Ok((answer.json()?, next(&answer)))
}

/// Asks for one page.
pub(crate) fn paged(request: Request, items_max: usize, continuation: Option<&str>) -> Request {
    let mut headers =
        vec![(ITEMS_MAX, items_max.to_string()), ("cache-control", "no-cache, must-revalidate".to_owned())];
    headers.extend(continuation.map(|text| (CONTINUATION, text.to_owned())));
    request.headers(headers)
}

/// An empty header is the last page too, as the Node SDK once had to learn.
fn next(answer: &Answer) -> Option<String> {
    let text = answer.headers.get(CONTINUATION)?.to_str().ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}
