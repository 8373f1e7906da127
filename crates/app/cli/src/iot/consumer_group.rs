//! `roadstead iot hub consumer-group`

use super::lookup::{Found, find, hub_service};
use crate::args::Global;
use crate::args::consumer_group::{ConsumerGroup, ConsumerGroupCommand, OfEvents};
use crate::context::Server;
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::{ConsumerGroup as Reading, Kind, Management};
use serde_json::{Value, json};

/// What nobody knows is a dash.
const LAG_TABLE: &str = "[].{Group:consumerGroup, Partition:partitionId, Readers:readers, Lag:lag || '-', \
                         Delivered:deliveredSequenceNumber || '-', Newest:lastEnqueuedSequenceNumber || '-', \
                         LastDelivered:deliveredTime || '-', LastEnqueued:lastEnqueuedTime || '-'}";

pub async fn run(command: &ConsumerGroupCommand, global: &Global) -> Result<Printed, Failure> {
    let management = || Server::open(global).map(|server| server.management);
    Ok(match command {
        ConsumerGroupCommand::Create(ConsumerGroup { name, of }) => {
            let management = management()?;
            let hub = hub(&management, of).await?;
            management.put_consumer_group::<Value>(&hub.resource, name).await?.into()
        }
        ConsumerGroupCommand::List(of) => {
            let management = management()?;
            let hub = hub(&management, of).await?;
            management.list_consumer_groups::<Value>(&hub.resource).await?.into()
        }
        ConsumerGroupCommand::Show(ConsumerGroup { name, of }) => {
            let management = management()?;
            let hub = hub(&management, of).await?;
            let found: Option<Value> = management.find_consumer_group(&hub.resource, name).await?;
            found.ok_or_else(|| absent(name, of))?.into()
        }
        ConsumerGroupCommand::Delete(ConsumerGroup { name, of }) => {
            let management = management()?;
            let hub = hub(&management, of).await?;
            if !management.delete_consumer_group(&hub.resource, name).await? {
                return Err(absent(name, of));
            }
            Printed::nothing()
        }
        ConsumerGroupCommand::Lag(target) => {
            let consumers = hub_service(target, global).await?.consumers().await?;
            Printed::from(consumers.consumer_groups.iter().flat_map(rows).collect::<Vec<_>>()).table(LAG_TABLE)
        }
    })
}

/// A row for each partition.
fn rows(group: &Reading) -> impl Iterator<Item = Value> {
    group.partitions.iter().map(|partition| {
        let mut row = json!({ "consumerGroup": group.consumer_group });
        if let (Value::Object(row), Ok(Value::Object(members))) = (&mut row, serde_json::to_value(partition)) {
            row.extend(members);
        }
        row
    })
}

async fn hub(management: &Management, of: &OfEvents) -> Result<Found, Failure> {
    find(management, Kind::Hub, &of.hub_name, of.within.resource_group.as_deref()).await
}

fn absent(name: &str, of: &OfEvents) -> Failure {
    let hub = &of.hub_name;
    Failure::not_found(format!("consumer group `{name}` not found in hub `{hub}`"))
        .hint(format!("`roadstead iot hub consumer-group list --hub-name {hub}` shows those there are"))
}
