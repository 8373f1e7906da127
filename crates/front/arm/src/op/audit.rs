//! The audit log, as `az monitor activity-log list` asks for it.

use roadstead_model::{AuditEntry, UnixMillis};
use roadstead_wire::{
    arm::{activity, group_of_target},
    percent,
};
use serde_json::json;

use crate::{
    arm::{Arm, Way},
    call::Call,
    op::{issuing, role::quoted, subscription},
    refusal::Refusal,
    reply::Reply,
};

/// Lines that one request looks at. Azure's pages have 200.
const PAGE: usize = 200;

/// The newest first. The filter may name times and a resource group:
/// `eventTimestamp ge '2026-11-22T00:00:00Z' and eventTimestamp le '…' and resourceGroupName eq 'iot-rg'`.
/// Source: docs, Activity Logs - List; azure-cli `monitor/operations/activity_log.py`
pub(crate) async fn list(arm: &Arm, call: &Call, way: Way<'_>) -> Result<Reply, Refusal> {
    let filter = Filter::parse(&call.argument("$filter").unwrap_or_default());
    let fault = |_| issuing::value("$skipToken", "no place in this list", "one of a nextLink of this list");
    let before = call
        .argument("$skiptoken")
        .filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(fault))
        .transpose()?;
    let page = arm.resources.list_audit(before, PAGE).await?;
    let last = page.last().filter(|(_, oldest)| page.len() == PAGE && filter.since <= oldest.at);
    let next = last.map(|(number, _)| {
        let filter = call.argument("$filter").unwrap_or_default();
        let version = call.api_version();
        let path = call.encoded_path();
        format!("{}{path}?api-version={version}&$filter={}&$skipToken={number}", way.base_url, percent::encode(&filter))
    });
    let (subscription, tenant) = (subscription::id(arm), arm.access.installation().tenant_id.to_string());
    let chosen = page.iter().filter(|(_, entry)| filter.passes(entry));
    let value: Vec<_> = chosen.map(|(number, entry)| activity(*number, entry, &subscription, &tenant)).collect();
    Ok(Reply::ok(&match next {
        Some(next) => json!({ "value": value, "nextLink": next }),
        None => json!({ "value": value }),
    }))
}

struct Filter {
    since: UnixMillis,
    until: UnixMillis,
    group: Option<String>,
}

impl Filter {
    /// What is not understood does not count.
    fn parse(text: &str) -> Self {
        let mut filter = Self { since: UnixMillis(i64::MIN), until: UnixMillis(i64::MAX), group: None };
        for part in text.split(" and ") {
            let lower = part.trim().to_ascii_lowercase();
            let value = quoted(part).unwrap_or_else(|| part.trim().rsplit(' ').next().unwrap_or_default());
            if lower.starts_with("eventtimestamp ge") {
                filter.since = UnixMillis::parse_iso(value).unwrap_or(filter.since);
            } else if lower.starts_with("eventtimestamp le") {
                filter.until = UnixMillis::parse_iso(value).unwrap_or(filter.until);
            } else if lower.starts_with("resourcegroupname eq") {
                filter.group = Some(value.to_owned());
            }
        }
        filter
    }

    fn passes(&self, entry: &AuditEntry) -> bool {
        let group = group_of_target(&entry.target).unwrap_or_default();
        (self.since..=self.until).contains(&entry.at)
            && self.group.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_as_az_writes_them() {
        let at = |ms: i64| UnixMillis(1_795_291_200_000 + ms);
        for (text, since, until, group) in [
            ("", i64::MIN, i64::MAX, None),
            (
                "eventTimestamp ge 2026-11-21T20:00:00Z and eventTimestamp le 2026-11-21T21:00:00Z",
                at(0).0,
                at(3_600_000).0,
                None,
            ),
            (
                "eventTimestamp ge '2026-11-21T20:00:00.000001Z' and resourceGroupName eq 'iot-rg'",
                at(0).0,
                i64::MAX,
                Some("iot-rg"),
            ),
            ("eventTimestamp ge 'soon' and colour eq 'red'", i64::MIN, i64::MAX, None),
        ] {
            let filter = Filter::parse(text);
            assert_eq!((filter.since.0, filter.until.0, filter.group.as_deref()), (since, until, group), "{text}");
        }
    }
}
