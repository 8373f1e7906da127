//! `roadstead metrics`

use roadstead_service::{Kind, management::MetricsQuery};
use serde_json::{Value, json};

use crate::args::Global;
use crate::args::metrics::ShowMetrics;
use crate::context::Server;
use crate::failure::Failure;
use crate::iot::lookup::find;
use crate::output::Printed;

const TABLE: &str =
    "[].{Time:timeStamp, Metric:metric, Average:average, Minimum:minimum, Maximum:maximum, Total:total, Count:count}";

pub async fn run(asked: &ShowMetrics, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    let (kind, name) = match (&asked.hub_name, &asked.dps_name) {
        (_, Some(dps)) => (Kind::Dps, dps.as_str()),
        (hub, None) => (Kind::Hub, hub.as_deref().unwrap_or_default()),
    };
    let found = find(&management, kind, name, asked.within.resource_group.as_deref()).await?;
    let query = MetricsQuery {
        names: asked.metrics.join(","),
        timespan: asked.timespan.clone().unwrap_or_default(),
        interval: asked.interval.clone().unwrap_or_default(),
        aggregation: asked.aggregation.join(","),
    };
    let told = management.list_metrics(&found.resource, &query).await?;
    let mut rows = Vec::new();
    for series in told.value {
        for value in series.timeseries.into_iter().flat_map(|series| series.data) {
            let mut row = json!({ "metric": series.name.value });
            if let (Value::Object(row), Ok(Value::Object(values))) = (&mut row, serde_json::to_value(value)) {
                row.extend(values);
            }
            rows.push(row);
        }
    }
    Ok(Printed::from(rows).table(TABLE))
}
