//! Metrics, as Azure Monitor tells them. Source: docs, Metrics - List and Metric Definitions - List (2018-01-01, 2023-10-01);
//! supported metrics of Microsoft.Devices/IotHubs and Microsoft.Devices/provisioningServices

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Grains of time that may be asked for, with their minutes. Source: docs, metric definitions (`metricAvailabilities`)
pub const GRAINS: [(&str, u32); 8] = [
    ("PT1M", 1),
    ("PT5M", 5),
    ("PT15M", 15),
    ("PT30M", 30),
    ("PT1H", 60),
    ("PT6H", 6 * 60),
    ("PT12H", 12 * 60),
    ("P1D", 24 * 60),
];

/// One thing that is measured, as it is named and described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricName {
    /// `connectedDeviceCount`
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    /// How its values are put together unless the request says otherwise.
    pub aggregation: Aggregation,
}

/// How the values of a grain of time become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    Average,
    Minimum,
    Maximum,
    Total,
    Count,
}

impl Aggregation {
    pub const ALL: [Self; 5] = [Self::Average, Self::Minimum, Self::Maximum, Self::Total, Self::Count];

    /// `average`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|aggregation| aggregation.as_str().eq_ignore_ascii_case(text))
    }

    /// `Average`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Average => "Average",
            Self::Minimum => "Minimum",
            Self::Maximum => "Maximum",
            Self::Total => "Total",
            Self::Count => "Count",
        }
    }
}

/// The answer to a request for metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// `2026-11-22T17:00:00Z/2026-11-22T18:00:00Z`
    pub timespan: String,
    /// `PT1M`
    pub interval: String,
    /// `Microsoft.Devices/IotHubs`
    pub namespace: String,
    pub resourceregion: String,
    pub value: Vec<MetricSeries>,
}

/// One metric's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricSeries {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: Localized,
    pub display_description: String,
    /// `Count`
    pub unit: String,
    /// One: nothing here has dimensions.
    pub timeseries: Vec<TimeSeries>,
    /// `Success`
    pub error_code: String,
}

/// A name, and the name for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Localized {
    pub value: String,
    pub localized_value: String,
}

/// Values in order of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeSeries {
    /// Always empty here, for want of dimensions.
    pub metadatavalues: Vec<Value>,
    pub data: Vec<MetricValue>,
}

/// The values of one grain of time; none where nobody measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricValue {
    /// When the grain begins: `2026-11-22T17:00:00Z`
    pub time_stamp: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<f64>,
}

impl MetricName {
    pub fn localized(&self) -> Localized {
        Localized { value: self.name.to_owned(), localized_value: self.title.to_owned() }
    }

    /// The metric's definition for the resource with this id. `retention`: how long it is kept, `P1D`.
    pub fn definition(&self, resource: &str, namespace: &str, retention: &str) -> Value {
        let availability = |(grain, _): &(&str, u32)| json!({"timeGrain": grain, "retention": retention});
        json!({
            "id": format!("{resource}/providers/microsoft.insights/metricdefinitions/{}", self.name),
            "resourceId": resource,
            "namespace": namespace,
            "category": "Metrics",
            "name": self.localized(),
            "displayDescription": self.description,
            "isDimensionRequired": false,
            "unit": "Count",
            "primaryAggregationType": self.aggregation.as_str(),
            "supportedAggregationTypes": Aggregation::ALL.map(Aggregation::as_str),
            "metricAvailabilities": GRAINS.iter().map(availability).collect::<Vec<_>>(),
            "dimensions": [],
        })
    }
}
