//! `roadstead iot hub monitor-feedback`

use super::lookup::hub_service;
use crate::args::Global;
use crate::args::hub::MonitorFeedback;
use crate::failure::Failure;
use crate::note::note;
use crate::output::{Printed, put, yaml};
use roadstead_service::{FeedbackRecord, HubService};
use serde_json::json;
use std::time::Duration;

/// Between two questions for feedback: a hub gathers it for longer. Ours.
const EVERY: Duration = Duration::from_millis(500);

pub async fn run(monitor: &MonitorFeedback, global: &Global) -> Result<Printed, Failure> {
    let hub = hub_service(&monitor.hub, global).await?;
    note(global, &format!("watching the feedback of {}; Ctrl-C ends it", hub.host()));
    watch(&hub, monitor.device_id.as_deref(), monitor.wait_on_msg.as_deref(), global).await?;
    Ok(Printed::nothing())
}

/// Prints feedback until Ctrl-C, or until it tells of `message_id`. As `az` does, it completes what it receives: nobody
/// else hears of it.
pub async fn watch(
    hub: &HubService,
    device_id: Option<&str>,
    message_id: Option<&str>,
    global: &Global,
) -> Result<(), Failure> {
    if let Some(id) = message_id {
        note(global, &format!("waiting for what becomes of message {id}"));
    }
    loop {
        let received = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => return Ok(()),
            received = hub.receive_feedback() => received?,
        };
        let Some(batch) = received else {
            tokio::time::sleep(EVERY).await;
            continue;
        };
        let wanted = batch.records.iter().filter(|record| is_of(record, device_id));
        let mut is_over = false;
        for record in wanted {
            put(&yaml(&json!({ "feedback": record })))?;
            is_over |= message_id == Some(record.original_message_id.as_str());
        }
        hub.complete_feedback(&batch.lock_token).await?;
        if is_over {
            return Ok(());
        }
    }
}

fn is_of(record: &FeedbackRecord, device_id: Option<&str>) -> bool {
    device_id.is_none_or(|id| id == record.device_id)
}
