//! `roadstead iot hub`

use super::lookup::{find, hub_service};
use super::{
    certificate, connection_string, consumer_group, device, feedback, hub_update, method, module, monitor, policy,
    sas_token, twin, uploaded,
};
use crate::args::Global;
use crate::args::hub::{ConnectionStringCommand, HubCommand, HubCreate, StateCommand};
use crate::args::value::tags;
use crate::context::Server;
use crate::deletion::{confirm, tell};
use crate::failure::Failure;
use crate::group;
use crate::output::Printed;
use crate::transfer;
use roadstead_service::{Deletion, Kind, Management, Resource};
use serde_json::{Value, json};
use std::io::IsTerminal;

pub async fn run(command: &HubCommand, global: &Global) -> Result<Printed, Failure> {
    let management = || Server::open(global).map(|server| server.management);
    Ok(match command {
        HubCommand::Create(hub) => create(&management()?, hub).await?,
        HubCommand::List(within) => {
            management()?.list::<Value>(Kind::Hub, within.resource_group.as_deref()).await?.into()
        }
        HubCommand::Show(hub) => {
            find(&management()?, Kind::Hub, &hub.name, hub.within.resource_group.as_deref()).await?.document.into()
        }
        HubCommand::Update(update) => hub_update::run(&management()?, update).await?,
        HubCommand::Delete(hub) => {
            let management = management()?;
            let found = find(&management, Kind::Hub, &hub.hub.name, hub.hub.within.resource_group.as_deref()).await?;
            delete(&management, &found.resource, hub.yes, global).await?
        }
        HubCommand::ShowConnectionString(show) | HubCommand::ConnectionString(ConnectionStringCommand::Show(show)) => {
            connection_string::of_hub(&management()?, show).await?
        }
        HubCommand::Policy(command) => policy::run_hub(command, global).await?,
        HubCommand::ConsumerGroup(command) => consumer_group::run(command, global).await?,
        HubCommand::GenerateSasToken(generate) => sas_token::run(generate, global).await?,
        HubCommand::DeviceIdentity(command) => device::run(command, global).await?,
        HubCommand::DeviceTwin(command) => twin::run_device(command, global).await?,
        HubCommand::DeviceUpload(command) => uploaded::run(command, global).await?,
        HubCommand::ModuleIdentity(command) => module::run(command, global).await?,
        HubCommand::ModuleTwin(command) => twin::run_module(command, global).await?,
        HubCommand::InvokeDeviceMethod(invoke) => method::run(invoke, global).await?,
        HubCommand::InvokeModuleMethod(invoke) => method::run(invoke, global).await?,
        HubCommand::Query(query) => {
            let top = query.top.and_then(|top| top.0);
            hub_service(&query.hub, global).await?.query::<Value>(&query.query_command, top).await?.into()
        }
        HubCommand::Certificate(command) => certificate::run_hub(command, global).await?,
        HubCommand::State(StateCommand::Export(state)) => transfer::export_state(state, global).await?,
        HubCommand::State(StateCommand::Import(state)) => transfer::import_state(state, global).await?,
        HubCommand::MonitorEvents(monitor) => monitor::run(monitor, global).await?,
        HubCommand::MonitorFeedback(monitor) => feedback::run(monitor, global).await?,
    })
}

/// Deletes a hub or a DPS, and says what was in it.
pub async fn delete(
    management: &Management,
    resource: &Resource,
    yes: bool,
    global: &Global,
) -> Result<Printed, Failure> {
    let kind = match resource.kind {
        Kind::Hub => "hub",
        Kind::Dps => "DPS",
    };
    let what = format!("{kind} `{}`", resource.name);
    // Scripts are not asked, as `az` does not ask them.
    if !yes && std::io::stdin().is_terminal() {
        confirm(&what, management.count(resource).await?.as_ref())?;
    }
    if let Deletion::Done(gone) = management.delete(resource).await? {
        tell(global, &what, gone.as_ref());
    }
    Ok(Printed::nothing())
}

async fn create(management: &Management, hub: &HubCreate) -> Result<Printed, Failure> {
    let location = location(management, &hub.resource_group, hub.location.as_deref()).await?;
    let resource = Resource { kind: Kind::Hub, group: hub.resource_group.clone(), name: hub.name.clone() };
    Ok(management.put::<Value>(&resource, &body(hub, &location), None).await?.into())
}

/// The location given, or else the resource group's.
pub async fn location(management: &Management, group: &str, given: Option<&str>) -> Result<String, Failure> {
    if let Some(location) = given {
        return Ok(location.to_owned());
    }
    let found: Value = management.find_group(group).await?.ok_or_else(|| group::absent(group))?;
    let location = found.get("location").and_then(Value::as_str);
    location.map(str::to_owned).ok_or_else(|| Failure::error(format!("resource group `{group}` has no location")))
}

/// As `az` sends it. Source: `reference/arm-and-az.md` 3, hub create body
fn body(create: &HubCreate, location: &str) -> Value {
    let mut body = json!({
        "location": location,
        "sku": {"name": create.sku, "capacity": create.unit},
        "properties": {
            "eventHubEndpoints": {
                "events": {"retentionTimeInDays": create.retention_day, "partitionCount": create.partition_count},
            },
            "storageEndpoints": {
                "$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": ""},
            },
            "messagingEndpoints": {
                "fileNotifications": {"lockDurationAsIso8601": "PT5S", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10},
            },
            "enableFileUploadNotifications": false,
            "cloudToDevice": {
                "maxDeliveryCount": 10,
                "defaultTtlAsIso8601": "PT1H",
                "feedback": {"lockDurationAsIso8601": "PT5S", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10},
            },
        },
    });
    if !create.tags.is_empty() {
        body["tags"] = tags(&create.tags);
    }
    hub_update::behave(&mut body, &create.behaviour);
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::hub_settings::Behaviour;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;

    fn parsed(line: &str) -> HubCommand {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Iot(IotCommand::Hub(command)) = cli.command else { panic!("{line}") };
        command
    }

    #[test]
    fn a_hub_is_created_as_az_creates_it() {
        let line = "roadstead iot hub create --name h --resource-group g --sku S1 --partition-count 2 --retention-day 7 --c2d-ttl 2 --tags a=b";
        let HubCommand::Create(create) = parsed(line) else { panic!() };
        insta::assert_snapshot!(body(&create, "centralindia"), @r#"{"location":"centralindia","sku":{"name":"S1","capacity":1},"properties":{"eventHubEndpoints":{"events":{"retentionTimeInDays":7,"partitionCount":2}},"storageEndpoints":{"$default":{"sasTtlAsIso8601":"PT1H","connectionString":"","containerName":""}},"messagingEndpoints":{"fileNotifications":{"lockDurationAsIso8601":"PT5S","ttlAsIso8601":"PT1H","maxDeliveryCount":10}},"enableFileUploadNotifications":false,"cloudToDevice":{"maxDeliveryCount":10,"defaultTtlAsIso8601":"PT2H","feedback":{"lockDurationAsIso8601":"PT5S","ttlAsIso8601":"PT1H","maxDeliveryCount":10}}},"tags":{"a":"b"}}"#);
    }

    #[test]
    fn a_hub_is_created_with_what_flags_say() {
        let line = "roadstead iot hub create -n h -g g --cdd 3 --fn --fnt 2 --fnd 4 --fnld 6 --fst 24";
        let HubCommand::Create(create) = parsed(line) else { panic!() };
        let mut expected = body(&HubCreate { behaviour: Behaviour::default(), ..*create }, "here");
        let HubCommand::Create(create) = parsed(line) else { panic!() };
        let properties = &mut expected["properties"];
        properties["cloudToDevice"]["maxDeliveryCount"] = 3.into();
        properties["enableFileUploadNotifications"] = true.into();
        properties["messagingEndpoints"]["fileNotifications"] =
            json!({"lockDurationAsIso8601": "PT6S", "ttlAsIso8601": "PT2H", "maxDeliveryCount": 4});
        properties["storageEndpoints"]["$default"]["sasTtlAsIso8601"] = "PT24H".into();
        assert_eq!(body(&create, "here"), expected);
    }
}
