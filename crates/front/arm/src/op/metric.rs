//! What happened in a hub or a DPS instance, minute by minute, as `az monitor metrics list` asks for it.

use std::{borrow::Cow, ops::Range};

use roadstead_meter::{Metric, Point, Source, limits::POINTS_MAX};
use roadstead_model::UnixMillis;
use roadstead_resources::Place;
use roadstead_wire::{
    arm::{Aggregation, GRAINS, List, MetricName, MetricSeries, MetricValue, Metrics, TimeSeries},
    percent,
};

use crate::{
    arm::Arm,
    call::Call,
    op::{GROUP, NAME, subscription},
    refusal::Refusal,
    reply::Reply,
};

/// What is asked for when a request names no time. Source: docs, Metrics - List (`timespan`)
const SPAN_DEFAULT_MS: i64 = 60 * 60 * 1000;
/// How long metrics are kept, as definitions tell it: [`roadstead_meter::limits::MINUTES_KEPT`].
const RETENTION: &str = "P1D";

/// Azure has none.
const REFUSALS: (Metric, MetricName) = (
    Metric::Refusals,
    MetricName {
        name: "roadstead.refusals",
        title: "Refusals",
        description: "Refused registrations, connections and messages of devices",
        aggregation: Aggregation::Total,
    },
);

const HUB_METRICS: [(Metric, MetricName); 5] = [
    (
        Metric::ConnectedDevices,
        MetricName {
            name: "connectedDeviceCount",
            title: "Connected devices",
            description: "Devices and modules that are connected",
            aggregation: Aggregation::Average,
        },
    ),
    (
        Metric::Devices,
        MetricName {
            name: "totalDeviceCount",
            title: "Total devices",
            description: "Devices in the hub's registry",
            aggregation: Aggregation::Average,
        },
    ),
    (
        Metric::TelemetryAttempts,
        MetricName {
            name: "d2c.telemetry.ingress.allProtocol",
            title: "Telemetry message send attempts",
            description: "Messages that devices tried to send",
            aggregation: Aggregation::Total,
        },
    ),
    (
        Metric::Telemetry,
        MetricName {
            name: "d2c.telemetry.ingress.success",
            title: "Telemetry messages sent",
            description: "Messages of devices that the hub took",
            aggregation: Aggregation::Total,
        },
    ),
    REFUSALS,
];

const DPS_METRICS: [(Metric, MetricName); 4] = [
    (
        Metric::Attestations,
        MetricName {
            name: "AttestationAttempts",
            title: "Attestation attempts",
            description: "Proofs of identity that devices brought, good and bad",
            aggregation: Aggregation::Total,
        },
    ),
    (
        Metric::Registrations,
        MetricName {
            name: "RegistrationAttempts",
            title: "Registration attempts",
            description: "Requests of devices to be registered",
            aggregation: Aggregation::Total,
        },
    ),
    (
        Metric::Assignments,
        MetricName {
            name: "DeviceAssignments",
            title: "Devices assigned",
            description: "Registrations that led to a hub",
            aggregation: Aggregation::Total,
        },
    ),
    REFUSALS,
];

/// A hub or a DPS instance, with what is measured of it.
struct Measured {
    source: Source,
    /// The resource's id.
    id: String,
    namespace: &'static str,
    region: String,
    metrics: &'static [(Metric, MetricName)],
}

impl Measured {
    fn hub(arm: &Arm, call: &Call) -> Result<Self, Refusal> {
        let hub = arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
        Ok(Self {
            source: Source::Hub(hub.key),
            id: subscription::scope_id(arm, Place::Hub(hub.group.as_str(), hub.name.as_str())),
            namespace: "Microsoft.Devices/IotHubs",
            region: hub.location.clone(),
            metrics: &HUB_METRICS,
        })
    }

    fn dps(arm: &Arm, call: &Call) -> Result<Self, Refusal> {
        let dps = arm.resources.dps(call.segment(GROUP), call.segment(NAME))?;
        Ok(Self {
            source: Source::Dps(dps.id_scope.clone()),
            id: subscription::scope_id(arm, Place::Dps(dps.group.as_str(), dps.name.as_str())),
            namespace: "Microsoft.Devices/provisioningServices",
            region: dps.location.clone(),
            metrics: &DPS_METRICS,
        })
    }

    fn definitions(&self) -> Reply {
        let value = self.metrics.iter().map(|(_, name)| name.definition(&self.id, self.namespace, RETENTION)).collect();
        Reply::ok(&List { value })
    }

    fn values(&self, arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
        let wish = Wish::read(call, arm.clock.now())?;
        let named = call.argument("metricnames").unwrap_or_default();
        let chosen = chosen(self.metrics, &named).map_err(|unknown| Refusal::no_metric(unknown, self.known()))?;
        let series = chosen.into_iter().map(|(metric, name)| {
            let points = arm.meters.read(&self.source, *metric, wish.span.clone(), wish.minutes);
            MetricSeries {
                id: format!("{}/providers/Microsoft.Insights/metrics/{}", self.id, name.name),
                kind: "Microsoft.Insights/metrics".to_owned(),
                name: name.localized(),
                display_description: name.description.to_owned(),
                unit: "Count".to_owned(),
                timeseries: vec![TimeSeries { metadatavalues: Vec::new(), data: wish.shown(&points, name) }],
                error_code: "Success".to_owned(),
            }
        });
        Ok(Reply::ok(&Metrics {
            timespan: format!("{}/{}", wish.span.start.iso_seconds(), wish.span.end.iso_seconds()),
            interval: wish.interval.to_owned(),
            namespace: self.namespace.to_owned(),
            resourceregion: self.region.clone(),
            value: series.collect(),
        }))
    }

    fn known(&self) -> Vec<&'static str> {
        self.metrics.iter().map(|(_, name)| name.name).collect()
    }
}

pub(crate) fn list_of_hub(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Measured::hub(arm, call)?.values(arm, call)
}

pub(crate) fn list_of_dps(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Measured::dps(arm, call)?.values(arm, call)
}

pub(crate) fn define_of_hub(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(Measured::hub(arm, call)?.definitions())
}

pub(crate) fn define_of_dps(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(Measured::dps(arm, call)?.definitions())
}

/// The metrics with these names, joined by commas; without names the first. Errors: a name that there is not.
/// Source: docs, Metrics - List (`metricnames`: the first of the definitions). `guess (?)`
fn chosen<'a>(
    metrics: &'static [(Metric, MetricName)],
    names: &'a str,
) -> Result<Vec<&'static (Metric, MetricName)>, &'a str> {
    if names.trim().is_empty() {
        return Ok(metrics.iter().take(1).collect());
    }
    let find =
        |wanted: &'a str| metrics.iter().find(|(_, name)| name.name.eq_ignore_ascii_case(wanted.trim())).ok_or(wanted);
    names.split(',').map(find).collect()
}

/// For which time, in which grains, and which values of each.
#[derive(Debug, PartialEq)]
struct Wish {
    span: Range<UnixMillis>,
    interval: &'static str,
    minutes: u32,
    /// Empty: each metric's own.
    aggregations: Vec<Aggregation>,
}

impl Wish {
    fn read(call: &Call, now: UnixMillis) -> Result<Self, Refusal> {
        let argument = |name| call.argument(name).filter(|text| !text.is_empty());
        Self::parse(
            argument("timespan").as_deref(),
            argument("interval").as_deref(),
            argument("aggregation").as_deref(),
            argument("$filter").as_deref(),
            now,
        )
        .map_err(Refusal::bad_metric_query)
    }

    fn parse(
        timespan: Option<&str>,
        interval: Option<&str>,
        aggregations: Option<&str>,
        filter: Option<&str>,
        now: UnixMillis,
    ) -> Result<Self, String> {
        if let Some(filter) = filter {
            let filter: String = filter.chars().take(300).collect();
            return Err(format!("the filter `{filter}` filters by a dimension, and no metric here has any"));
        }
        let (interval, minutes) = match interval {
            None => GRAINS[0],
            Some(asked) => *GRAINS.iter().find(|(name, _)| name.eq_ignore_ascii_case(asked)).ok_or_else(|| {
                let all = GRAINS.map(|(name, _)| name).join(", ");
                format!("the interval is `{}` and must be one of {all}", short(asked))
            })?,
        };
        let span = match timespan {
            None => now.plus_ms(-SPAN_DEFAULT_MS)..now,
            Some(text) => parse_span(text).ok_or_else(|| {
                let text = short(text);
                format!("the timespan is `{text}` and must be two times, the earlier first, as in 2026-11-22T17:00:00Z/2026-11-22T18:00:00Z")
            })?,
        };
        let points = span.end.0.saturating_sub(span.start.0) / (i64::from(minutes) * 60_000);
        if points > i64::from(POINTS_MAX) {
            return Err(format!(
                "the timespan has {points} intervals of {interval} and may have {POINTS_MAX}: ask for longer intervals or less time"
            ));
        }
        let read = |word: &str| {
            Aggregation::parse(word.trim()).ok_or_else(|| {
                let all = Aggregation::ALL.map(Aggregation::as_str).join(", ");
                format!("the aggregation is `{}` and must be one of {all}", short(word))
            })
        };
        let aggregations = aggregations.unwrap_or_default().split(',').filter(|word| !word.trim().is_empty());
        Ok(Self { span, interval, minutes, aggregations: aggregations.map(read).collect::<Result<_, _>>()? })
    }

    fn shown(&self, points: &[Point], name: &MetricName) -> Vec<MetricValue> {
        let own = [name.aggregation];
        let aggregations = if self.aggregations.is_empty() { &own[..] } else { &self.aggregations };
        let shown = |point: &Point| {
            let mut value = MetricValue { time_stamp: point.at.iso_seconds(), ..MetricValue::default() };
            let Some(values) = point.values else { return value };
            for aggregation in aggregations {
                match aggregation {
                    Aggregation::Average => value.average = Some(values.average()),
                    Aggregation::Minimum => value.minimum = Some(values.minimum as f64),
                    Aggregation::Maximum => value.maximum = Some(values.maximum as f64),
                    Aggregation::Total => value.total = Some(values.total),
                    Aggregation::Count => value.count = Some(values.count as f64),
                }
            }
            value
        };
        points.iter().map(shown).collect()
    }
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// `2026-11-22T17:00:00Z/2026-11-22T18:00:00Z`. `az` encodes it twice, and leaves the zone out when it means UTC.
fn parse_span(text: &str) -> Option<Range<UnixMillis>> {
    let text: Cow<'_, str> = if text.contains('%') { percent::decode(text) } else { text.into() };
    let (start, end) = text.split_once('/')?;
    let time = |text: &str| UnixMillis::parse_iso(text).or_else(|| UnixMillis::parse_iso(&format!("{text}Z")));
    let (start, end) = (time(start.trim())?, time(end.trim())?);
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn parse(timespan: &str, interval: &str, aggregations: &str) -> Result<Wish, String> {
        let given = |text: &'static str| (!text.is_empty()).then_some(text);
        let [timespan, interval, aggregations] =
            [timespan, interval, aggregations].map(|text| given(text.to_owned().leak()));
        Wish::parse(timespan, interval, aggregations, None, NOW)
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let hour = NOW.plus_ms(-3_600_000)..NOW;
        assert_eq!(parse("", "", ""), Ok(Wish { span: hour, interval: "PT1M", minutes: 1, aggregations: Vec::new() }));
    }

    #[test]
    fn spans_as_clients_write_them() {
        let expected = UnixMillis(1_800_000_000_000)..UnixMillis(1_800_003_600_000);
        for text in [
            "2027-01-15T08:00:00Z/2027-01-15T09:00:00Z",
            "2027-01-15T08:00:00.000Z/2027-01-15T09:00:00.000000Z",
            "2027-01-15T08:00:00/2027-01-15T09:00:00",
            "2027-01-15T09:00:00+01:00/2027-01-15T09:00:00+00:00",
            "2027-01-15T08%3A00%3A00%2F2027-01-15T09%3A00%3A00",
            "2027-01-15T09%3A00%3A00%2B01%3A00%2F2027-01-15T09%3A00%3A00Z",
        ] {
            assert_eq!(parse_span(text), Some(expected.clone()), "{text}");
        }
        for text in
            ["", "/", "PT1H", "2027-01-15T09:00:00Z/2027-01-15T08:00:00Z", "yesterday/today", "2027-01-15T09:00:00Z"]
        {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_refused_says_what_would_do() {
        for (timespan, interval, aggregations, says) in [
            ("now", "", "", "`now` and must be two times"),
            ("", "PT2M", "", "`PT2M` and must be one of PT1M, PT5M"),
            ("", "", "median", "`median` and must be one of Average, Minimum"),
            ("2027-01-01T00:00:00Z/2027-01-15T08:00:00Z", "PT1M", "", "has 20640 intervals of PT1M and may have 1440"),
            ("0001-01-01T00:00:00Z/9999-01-01T00:00:00Z", "P1D", "", "and may have 1440"),
        ] {
            let refusal = parse(timespan, interval, aggregations).unwrap_err();
            assert!(refusal.contains(says), "{refusal}");
        }
        let filtered = Wish::parse(None, None, None, Some("Status eq '*'"), NOW).unwrap_err();
        assert!(filtered.contains("no metric here has any"), "{filtered}");
    }

    #[test]
    fn names_in_any_case() {
        let names =
            |text| chosen(&HUB_METRICS, text).map(|found| found.iter().map(|(_, name)| name.name).collect::<Vec<_>>());
        assert_eq!(names(""), Ok(vec!["connectedDeviceCount"]));
        assert_eq!(
            names("TOTALdeviceCount, connectedDeviceCount"),
            Ok(vec!["totalDeviceCount", "connectedDeviceCount"])
        );
        assert_eq!(names("totalDeviceCount,none"), Err("none"));
    }

    #[test]
    fn only_the_values_that_were_asked_for() {
        let values = roadstead_meter::Values { total: 6.0, count: 2, minimum: 1, maximum: 5 };
        let points = [Point { at: NOW, values: Some(values) }, Point { at: NOW.plus_ms(60_000), values: None }];
        let wish = parse("", "", "").unwrap();
        let name = &HUB_METRICS[0].1;
        let empty = MetricValue { time_stamp: "2027-01-15T08:01:00Z".to_owned(), ..MetricValue::default() };
        let at = "2027-01-15T08:00:00Z".to_owned();
        let average = MetricValue { time_stamp: at.clone(), average: Some(3.0), ..MetricValue::default() };
        assert_eq!(wish.shown(&points, name), [average, empty.clone()]);
        let all = parse("", "", "count, TOTAL,minimum,maximum").unwrap();
        let [count, total, minimum, maximum] = [2.0, 6.0, 1.0, 5.0].map(Some);
        assert_eq!(
            all.shown(&points, name),
            [MetricValue { time_stamp: at, average: None, count, total, minimum, maximum }, empty]
        );
    }
}
