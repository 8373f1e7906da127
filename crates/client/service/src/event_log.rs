//! A hub's event log page by page, and who reads it how far. Roadstead's own; Azure has no such API.

use crate::error::ServiceError;
use crate::hub::HubService;
use crate::page;
use reqwest::Method;
use roadstead_model::UnixMillis;
use roadstead_wire::{consumers::Consumers, event_log::EventLogPage, percent};
use std::fmt::Write;

/// Which events, and from where. Without a place to begin: from the oldest, or from the newest back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogWanted {
    /// Of one partition only.
    pub partition: Option<u16>,
    /// From this sequence number of that partition.
    pub from: Option<u64>,
    /// From this time.
    pub enqueued_time: Option<UnixMillis>,
    /// Of one device only.
    pub device_id: Option<String>,
    /// What lies before the place to begin, in place of what follows it.
    pub is_newest_first: bool,
}

impl LogWanted {
    /// `&partition=0&from=17&deviceId=thermo-7`
    fn arguments(&self) -> String {
        let Self { partition, from, enqueued_time, device_id, is_newest_first } = self;
        let named = [
            ("partition", partition.map(|number| number.to_string())),
            ("from", from.map(|number| number.to_string())),
            ("enqueuedTime", enqueued_time.map(|time| time.0.to_string())),
            ("deviceId", device_id.as_deref().map(percent::encode)),
            ("order", is_newest_first.then(|| "newest".to_owned())),
        ];
        let mut arguments = String::new();
        for (name, value) in named.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            write!(arguments, "&{name}={value}").expect("writing to a string does not fail");
        }
        arguments
    }
}

impl HubService {
    /// A page of at most `items_max` events, the oldest first. `continuation`: what a page of the same question gave as
    /// `older` or `newer`. A page may be empty and still have a successor: only so much of the log is looked at for each.
    pub async fn event_log_page(
        &self,
        wanted: &LogWanted,
        items_max: usize,
        continuation: Option<&str>,
    ) -> Result<EventLogPage, ServiceError> {
        let request = self.request_with(Method::GET, "messages/events/log", &wanted.arguments());
        self.transport().send(page::paged(request, items_max, continuation)).await?.json()
    }

    /// How far each consumer group is in each partition.
    pub async fn consumers(&self) -> Result<Consumers, ServiceError> {
        self.transport().send(self.request_with(Method::GET, "statistics/consumers", "")).await?.json()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_said_in_the_query() {
        assert_eq!(LogWanted::default().arguments(), "");
        let wanted = LogWanted {
            partition: Some(3),
            from: Some(17),
            enqueued_time: Some(UnixMillis(5)),
            device_id: Some("a&b".to_owned()),
            is_newest_first: true,
        };
        assert_eq!(wanted.arguments(), "&partition=3&from=17&enqueuedTime=5&deviceId=a%26b&order=newest");
    }
}
