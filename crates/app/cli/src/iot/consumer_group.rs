//! `roadstead iot hub consumer-group`

use super::lookup::{Found, find};
use crate::args::Global;
use crate::args::consumer_group::{ConsumerGroup, ConsumerGroupCommand, OfEvents};
use crate::context::Server;
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::{Kind, Management};
use serde_json::Value;

pub async fn run(command: &ConsumerGroupCommand, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    Ok(match command {
        ConsumerGroupCommand::Create(ConsumerGroup { name, of }) => {
            let hub = hub(&management, of).await?;
            management.put_consumer_group::<Value>(&hub.resource, name).await?.into()
        }
        ConsumerGroupCommand::List(of) => {
            let hub = hub(&management, of).await?;
            management.list_consumer_groups::<Value>(&hub.resource).await?.into()
        }
        ConsumerGroupCommand::Show(ConsumerGroup { name, of }) => {
            let hub = hub(&management, of).await?;
            let found: Option<Value> = management.find_consumer_group(&hub.resource, name).await?;
            found.ok_or_else(|| absent(name, of))?.into()
        }
        ConsumerGroupCommand::Delete(ConsumerGroup { name, of }) => {
            let hub = hub(&management, of).await?;
            if !management.delete_consumer_group(&hub.resource, name).await? {
                return Err(absent(name, of));
            }
            Printed::nothing()
        }
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
