//! Whether the clauses make sense together.

use super::Written;
use crate::ast::{Column, Element, Expr, Query, Select, Source};
use crate::error::{Fault, Misplaced, Unsupported};
use crate::path::Path;
use std::ops::Range;

/// Something with the bytes of the text it was read from.
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// Puts the clauses together, now that the collection is known which their paths may be prefixed with.
pub(crate) fn check(
    select: Written,
    source: Source,
    condition: Option<Expr>,
    group_by: Vec<Placed<Vec<String>>>,
    top: Option<u64>,
    within: Option<&str>,
) -> Result<Query, Misplaced> {
    let (select, spans) = select.placed(|names| Path::within(names, within))?;
    let mut groups = Vec::new();
    for Placed { value, span } in &group_by {
        let path = Path::within(value.clone(), within);
        groups.push(path.ok_or(Misplaced { span: span.clone(), fault: Fault::EmptyName })?);
    }
    let query = Query { select, source, condition, group_by: groups, top };
    let first = spans.first().cloned().unwrap_or_default();
    let fault = |span: &Range<usize>, fault: Fault| Err(Misplaced { span: span.clone(), fault });
    match &query.select {
        Select::All if !query.group_by.is_empty() => return fault(&first, Fault::StarGrouped),
        Select::All => {}
        Select::Elements(_) if source == Source::Jobs => {
            return fault(&first, Unsupported::JobsProjection.into());
        }
        Select::Elements(elements) => {
            if !query.aggregates()
                && let Some(Placed { span, .. }) = group_by.first()
            {
                return fault(span, Unsupported::GroupWithoutAggregate.into());
            }
            check_elements(&query, elements, &spans)?;
        }
    }
    Ok(query)
}

fn check_elements(query: &Query, elements: &[Element], spans: &[Range<usize>]) -> Result<(), Misplaced> {
    let names = query.select.named();
    for (index, (element, span)) in elements.iter().zip(spans).enumerate() {
        let fault = |fault: Fault| Err(Misplaced { span: span.clone(), fault });
        if let Column::Path(path) = &element.value
            && query.aggregates()
            && !query.group_by.contains(path)
        {
            return fault(Fault::NotGrouped { path: path.to_string() });
        }
        let name = names.get(index).map(|(name, _)| name);
        if names.iter().take(index).any(|(earlier, _)| Some(earlier) == name) {
            return fault(Fault::DuplicateName { name: name.cloned().unwrap_or_default() });
        }
    }
    Ok(())
}
