//! What went on in the last hour, as lines: of all hubs and DPS instances together that the caller may see.

use crate::chart::Chart;
use crate::limits::{RATE_MINUTES, RATE_SECONDS_MIN};
use roadstead_model::UnixMillis;
use roadstead_service::management::MetricsQuery;
use roadstead_service::{Kind, Management, Resource, ServiceError};
use roadstead_wire::arm::{MetricValue, Metrics};
use std::collections::BTreeMap;

/// How a minute's number becomes what is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// As it is.
    Level,
    /// How many each second.
    Rate,
}

const LINES: [(&str, &[Kind], &str, As); 4] = [
    ("devices connected", &[Kind::Hub], "connectedDeviceCount", As::Level),
    ("messages per second", &[Kind::Hub], "d2c.telemetry.ingress.success", As::Rate),
    ("registrations per second", &[Kind::Dps], "RegistrationAttempts", As::Rate),
    ("refusals per minute", &[Kind::Hub, Kind::Dps], "roadstead.refusals", As::Level),
];

/// A chart for each line; none of what nobody measured yet.
///
/// Errors: those of the first request that failed, but for what is not for the caller's roles, which is left out.
pub(crate) async fn charts(
    management: &Management,
    of: &[Resource],
    now: UnixMillis,
) -> Result<Vec<Chart>, ServiceError> {
    let since = now.plus_ms(-i64::from(RATE_MINUTES) * 60_000);
    let timespan = format!("{}/{}", since.iso_seconds(), now.iso_seconds());
    let mut told = Vec::new();
    for resource in of {
        let names =
            LINES.iter().filter(|(_, kinds, ..)| kinds.contains(&resource.kind)).map(|(_, _, metric, _)| *metric);
        let names = names.collect::<Vec<_>>().join(",");
        let query = MetricsQuery { names, timespan: timespan.clone(), ..MetricsQuery::default() };
        match management.list_metrics(resource, &query).await {
            Ok(metrics) => told.push(metrics),
            Err(error) if matches!(error.status(), Some(403 | 404)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(LINES.iter().filter_map(|(name, _, metric, how)| line(name, metric, *how, &told, now)).collect())
}

/// One line, over the minutes for which anybody has a number.
fn line(name: &str, metric: &str, how: As, told: &[Metrics], now: UnixMillis) -> Option<Chart> {
    let mut minutes: BTreeMap<UnixMillis, f64> = BTreeMap::new();
    let series = told.iter().flat_map(|metrics| &metrics.value).filter(|series| series.name.value == metric);
    for value in series.flat_map(|series| &series.timeseries).flat_map(|series| &series.data) {
        if let (Some(at), Some(number)) = (UnixMillis::parse_iso(&value.time_stamp), number(value)) {
            *minutes.entry(at).or_default() += number;
        }
    }
    let values: Vec<f64> =
        minutes.iter().filter_map(|(at, sum)| drawn(*sum, how, now.0.saturating_sub(at.0))).collect();
    (!values.is_empty()).then(|| Chart::new(name, &values, values.len() as u64))
}

/// Whichever the metric has.
fn number(value: &MetricValue) -> Option<f64> {
    value.average.or(value.total)
}

/// A minute that began so many milliseconds ago. One that has only just begun is no rate yet.
fn drawn(sum: f64, how: As, age_ms: i64) -> Option<f64> {
    if how == As::Level {
        return Some(sum);
    }
    let seconds = i32::try_from(age_ms / 1000).unwrap_or(i32::MAX).min(60);
    (seconds >= RATE_SECONDS_MIN).then(|| sum / f64::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// 2027-01-15T08:02:30Z.
    const NOW: UnixMillis = UnixMillis(1_800_000_150_000);

    fn told(metric: &str, member: &str, numbers: [Option<f64>; 3]) -> Metrics {
        let at = |minute: usize| format!("2027-01-15T08:{minute:02}:00Z");
        let value = |(minute, number): (usize, Option<f64>)| match number {
            Some(number) => json!({"timeStamp": at(minute), (member): number}),
            None => json!({"timeStamp": at(minute)}),
        };
        let data: Vec<_> = numbers.into_iter().enumerate().map(value).collect();
        let name = json!({"value": metric, "localizedValue": ""});
        let series = json!({"id": "", "type": "", "name": name, "displayDescription": "", "unit": "Count",
            "timeseries": [{"metadatavalues": [], "data": data}], "errorCode": "Success"});
        serde_json::from_value(
            json!({"timespan": "", "interval": "PT1M", "namespace": "", "resourceregion": "", "value": [series]}),
        )
        .unwrap()
    }

    #[test]
    fn all_that_is_seen_is_added_up() {
        let both = [
            told("m", "average", [None, Some(2.0), Some(3.0)]),
            told("m", "average", [None, None, Some(4.0)]),
            told("other", "average", [Some(9.0), Some(9.0), Some(9.0)]),
        ];
        let chart = line("a", "m", As::Level, &both, NOW).unwrap();
        assert_eq!((chart.last.as_str(), chart.words.as_str()), ("7", "a: 7 now, 7 at most in the last 2 minutes"));
        assert_eq!(line("a", "none", As::Level, &both, NOW), None);
    }

    #[test]
    fn counts_become_rates() {
        let counted = [told("m", "total", [Some(60.0), Some(120.0), Some(60.0)])];
        // Of the minute that is not over half has passed.
        let chart = line("a", "m", As::Rate, &counted, NOW).unwrap();
        assert_eq!(chart.words, "a: 2 now, 2 at most in the last 3 minutes");
        let young = line("a", "m", As::Rate, &counted, NOW.plus_ms(-25_000)).unwrap();
        assert_eq!(young.words, "a: 2 now, 2 at most in the last 2 minutes", "five seconds are no rate");
    }
}
