//! What happened in a hub or a DPS instance, minute by minute.

use reqwest::Method;
use roadstead_wire::{arm::Metrics, percent};

use super::{Management, Resource};
use crate::error::ServiceError;

/// API version, as azure-cli 2.77 asks.
const METRICS_VERSION: &str = "2018-01-01";

/// Which metrics, for which time, in which grains. What is left empty is the server's choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsQuery {
    /// `connectedDeviceCount,d2c.telemetry.ingress.success`
    pub names: String,
    /// `2026-11-22T17:00:00Z/2026-11-22T18:00:00Z`
    pub timespan: String,
    /// `PT1M`
    pub interval: String,
    /// `total,maximum`
    pub aggregation: String,
}

impl Management {
    /// What happened in a hub or a DPS instance.
    pub async fn list_metrics(&self, of: &Resource, query: &MetricsQuery) -> Result<Metrics, ServiceError> {
        let MetricsQuery { names, timespan, interval, aggregation } = query;
        let arguments =
            [("metricnames", names), ("timespan", timespan), ("interval", interval), ("aggregation", aggregation)];
        let given = arguments.iter().filter(|(_, value)| !value.is_empty());
        let given: Vec<_> = given.map(|(name, value)| format!("&{name}={}", percent::encode(value))).collect();
        let url = self.versioned_url(of, "/providers/Microsoft.Insights/metrics", METRICS_VERSION).await?;
        let url = url + &given.concat();
        self.send(Method::GET, &url, None, None).await?.json()
    }
}
