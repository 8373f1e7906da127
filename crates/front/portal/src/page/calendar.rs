//! All certificates by their end: CAs of hubs and DPS instances, what was issued to devices, and enrollments' own.

use crate::call::{At, Call, Frame, href, href_below, text};
use crate::certificate_end::End;
use crate::fault::Fault;
use crate::limits::{CALENDAR_BACK_DAYS, CALENDAR_ENROLLMENTS_MAX, CALENDAR_SKIP_MAX, OVERVIEW_HUBS_MAX, PAGE_ITEMS};
use crate::moment::{Moment, second};
use crate::page::enrollments::{id_of, word};
use crate::reply::{self, Body};
use crate::resources::{list, resource};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_model::UnixMillis;
use roadstead_service::{EnrollmentKind, Kind, Management, Resource, ServiceError};
use roadstead_wire::percent;
use serde_json::Value;

/// A certificate.
struct Row {
    what: &'static str,
    name: String,
    /// Where it is renewed.
    href: String,
    /// The hub or DPS instance.
    owner: String,
    until: Moment,
    end: End,
}

/// The certificates that end within one month.
struct Month {
    /// `November 2026`
    name: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "calendar.html")]
struct Page {
    frame: Frame,
    months: Vec<Month>,
    next: Option<String>,
    /// The address of the first page, on another one.
    first: Option<String>,
    /// What is not among them.
    left_out: Vec<String>,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Where a page begins: at an end, behind so many that have it.
struct Position {
    from: UnixMillis,
    skip: usize,
}

impl Position {
    fn asked(call: &Call<'_>) -> Self {
        let from = UnixMillis::parse_iso(call.ask.argument("from"));
        let skip: usize = call.ask.argument("skip").parse().unwrap_or(0);
        let far_back = || call.now().plus_ms(-CALENDAR_BACK_DAYS * 24 * 60 * 60 * 1000);
        Self { from: from.unwrap_or_else(far_back), skip: skip.min(CALENDAR_SKIP_MAX) }
    }
}

pub(crate) async fn show(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    let position = Position::asked(call);
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    for kind in [Kind::Hub, Kind::Dps] {
        let found = list(&management, kind).await?;
        for (at, shown) in found.iter().enumerate() {
            let owner = resource(kind, shown);
            if at == OVERVIEW_HUBS_MAX {
                left_out.push(format!(
                    "Only the first {OVERVIEW_HUBS_MAX} {} are looked at: {} and later ones are missing.",
                    nouns(kind),
                    owner.name
                ));
                break;
            }
            rows.extend(cas(call, &management, &owner).await?);
            if kind == Kind::Dps {
                rows.extend(issued(call, &management, &owner, &position).await?);
                for (what, kind) in [("enrollments", EnrollmentKind::Individual), ("groups", EnrollmentKind::Group)] {
                    let (found, has_more) = enrollments(call, &owner, kind).await?;
                    rows.extend(found);
                    if has_more {
                        let name = &owner.name;
                        left_out
                            .push(format!("Only the first {CALENDAR_ENROLLMENTS_MAX} {what} of {name} are looked at."));
                    }
                }
            }
        }
    }
    let from = position.from.iso();
    rows.retain(|row: &Row| second(&row.until.iso) >= second(&from));
    // Those that end together stay in the order of the API, in which further pages go on.
    rows.sort_by(|one, other| (&one.until.iso, &one.owner).cmp(&(&other.until.iso, &other.owner)));
    let mut rest = rows.split_off(position.skip.min(rows.len()));
    let next = next(&rows, &rest, &position);
    rest.truncate(PAGE_ITEMS);
    let here = href(&["certificates"]);
    let page = Page {
        frame: call.frame("Certificates by their end", "overview", Vec::new()),
        months: by_month(rest),
        next: next.map(|(from, skip)| format!("{here}?from={}&skip={skip}", percent::encode(&from))),
        first: (!call.ask.argument("from").is_empty()).then_some(here),
        left_out,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

/// Where the page behind this one begins, if there is one.
fn next(before: &[Row], rest: &[Row], position: &Position) -> Option<(String, usize)> {
    rest.get(PAGE_ITEMS)?;
    let last = second(&rest.get(PAGE_ITEMS - 1)?.until.iso).to_owned();
    let same = |row: &&Row| second(&row.until.iso) == last;
    let skip = before.iter().filter(same).count() + rest.iter().take(PAGE_ITEMS).filter(same).count();
    // So many end in one second that no page could hold its place among them: go on behind them.
    if skip > CALENDAR_SKIP_MAX || (skip == position.skip && last == second(&position.from.iso())) {
        return Some((UnixMillis::parse_iso(&format!("{last}Z"))?.plus_ms(1000).iso(), 0));
    }
    Some((format!("{last}Z"), skip))
}

fn by_month(rows: Vec<Row>) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    for row in rows {
        let name = month(&row.until.iso);
        match months.last_mut().filter(|month| month.name == name) {
            Some(month) => month.rows.push(row),
            None => months.push(Month { name, rows: vec![row] }),
        }
    }
    months
}

/// `November 2026`
fn month(iso: &str) -> String {
    let number: usize = iso.get(5..7).and_then(|text| text.parse().ok()).unwrap_or_default();
    let name = number.checked_sub(1).and_then(|at| MONTHS.get(at)).unwrap_or(&"");
    format!("{name} {}", iso.get(..4).unwrap_or_default())
}

fn nouns(kind: Kind) -> &'static str {
    match kind {
        Kind::Hub => "hubs",
        Kind::Dps => "DPS instances",
    }
}

/// Nothing for whom there is nothing to be seen.
fn seen<T: Default>(found: Result<T, ServiceError>) -> Result<T, Fault> {
    match found {
        Err(error) if error.status() == Some(403) => Ok(T::default()),
        found => Ok(found?),
    }
}

async fn cas(call: &Call<'_>, management: &Management, owner: &Resource) -> Result<Vec<Row>, Fault> {
    let found: Vec<Value> = seen(management.list_certificates(owner).await)?;
    let row = |one: &Value| {
        let (name, until) = (text(one, "/name"), Moment::parse(text(one, "/properties/expiry"))?);
        Some(Row {
            what: "CA",
            name: name.to_owned(),
            href: href_below(owner, &["certificates", name]),
            owner: owner.name.clone(),
            end: End::of(Some(&until), call.now()),
            until,
        })
    };
    Ok(found.iter().filter_map(row).collect())
}

async fn issued(
    call: &Call<'_>,
    management: &Management,
    owner: &Resource,
    position: &Position,
) -> Result<Vec<Row>, Fault> {
    let from = position.from.iso();
    let top = PAGE_ITEMS + position.skip + 1;
    let found = seen(management.list_issued_by_end(owner, Some(&from), None, top).await)?;
    let row = |one: &roadstead_service::Issued| {
        let until = Moment::parse(&one.not_after)?;
        let ca = href_below(owner, &["certificates", &one.certificate_name]);
        Some(Row {
            what: "device, issued here",
            name: one.common_name.clone(),
            href: format!("{ca}?q={}", percent::encode(&one.common_name)),
            owner: owner.name.clone(),
            end: End::of(Some(&until), call.now()),
            until,
        })
    };
    Ok(found.items.iter().filter_map(row).collect())
}

/// The certificates that enrollments or groups hold, and whether there are more of these than were looked at.
async fn enrollments(call: &Call<'_>, owner: &Resource, kind: EnrollmentKind) -> Result<(Vec<Row>, bool), Fault> {
    let at: At = call.at(Kind::Dps, &owner.group, &owner.name).await?;
    if !at.rights.data_read {
        return Ok((Vec::new(), false));
    }
    let listed = call.dps(&at).await?.list_page(kind, CALENDAR_ENROLLMENTS_MAX, None).await;
    let (found, next): (Vec<Value>, Option<String>) = seen(listed)?;
    let (what, member) = match kind {
        EnrollmentKind::Individual => ("enrollment", "clientCertificates"),
        EnrollmentKind::Group => ("CA of a group", "signingCertificates"),
    };
    let mut rows = Vec::new();
    for enrollment in &found {
        let id = id_of(kind, enrollment);
        for which in ["primary", "secondary"] {
            let end = text(enrollment, &format!("/attestation/x509/{member}/{which}/info/notAfterUtc"));
            let Some(until) = Moment::parse(end) else { continue };
            rows.push(Row {
                what,
                name: id.to_owned(),
                href: href_below(owner, &[word(kind), "of", id]),
                owner: owner.name.clone(),
                end: End::of(Some(&until), call.now()),
                until,
            });
        }
    }
    Ok((rows, next.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(ends: &[&str]) -> Vec<Row> {
        let row = |end: &&str| Row {
            what: "CA",
            name: String::new(),
            href: String::new(),
            owner: String::new(),
            until: Moment::parse(end).unwrap(),
            end: End::Far,
        };
        ends.iter().map(row).collect()
    }

    #[test]
    fn months_have_names() {
        let months = by_month(rows(&["2026-11-22T00:00:00", "2026-11-30T23:59:59", "2027-01-01T00:00:00"]));
        let named: Vec<_> = months.iter().map(|month| (month.name.as_str(), month.rows.len())).collect();
        assert_eq!(named, [("November 2026", 2), ("January 2027", 1)]);
    }

    #[test]
    fn pages_lead_on_even_where_many_end_at_once() {
        let position = |from: &str, skip| Position { from: UnixMillis::parse_iso(from).unwrap(), skip };
        let same = vec!["2027-01-01T00:00:00"; PAGE_ITEMS * 2 + 1];
        let start = position("2026-11-22T00:00:00Z", 0);
        assert_eq!(next(&[], &rows(&same[..PAGE_ITEMS]), &start), None);
        let second = next(&[], &rows(&same), &start).unwrap();
        assert_eq!(second, ("2027-01-01T00:00:00Z".to_owned(), PAGE_ITEMS));
        let (before, rest) = same.split_at(PAGE_ITEMS);
        let third = next(&rows(before), &rows(rest), &position(&second.0, second.1)).unwrap();
        assert_eq!(third, ("2027-01-01T00:00:00Z".to_owned(), PAGE_ITEMS * 2));
    }
}
