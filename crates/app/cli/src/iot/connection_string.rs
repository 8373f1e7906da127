//! Connection strings of hubs and DPS: of one of them, or of all.

use super::lookup::{Found, find, find_policy, text};
use crate::args::dps::ShowDpsConnectionString;
use crate::args::hub::ShowConnectionString;
use crate::args::value::KeyType;
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::{Kind, Management};
use serde_json::{Value, json};

/// Whose connection strings, and which.
struct Wanted<'a> {
    kind: Kind,
    name: Option<&'a str>,
    group: Option<&'a str>,
    policy: &'a str,
    key: KeyType,
    all: bool,
    default_eventhub: bool,
}

pub async fn of_hub(management: &Management, show: &ShowConnectionString) -> Result<Printed, Failure> {
    strings(management, &Wanted::of_hub(show)).await.map(Printed::from)
}

pub async fn of_dps(management: &Management, show: &ShowDpsConnectionString) -> Result<Printed, Failure> {
    let wanted = Wanted {
        kind: Kind::Dps,
        name: show.dps_name.as_deref(),
        group: show.within.resource_group.as_deref(),
        policy: &show.policy_name,
        key: show.key_type,
        all: show.show_all,
        default_eventhub: false,
    };
    strings(management, &wanted).await.map(Printed::from)
}

async fn strings(management: &Management, wanted: &Wanted<'_>) -> Result<Value, Failure> {
    if let Some(name) = wanted.name {
        let found = find(management, wanted.kind, name, wanted.group).await?;
        return Ok(json!({ "connectionString": wanted.of(management, &found).await? }));
    }
    let mut shown = Vec::new();
    for document in management.list::<Value>(wanted.kind, wanted.group).await? {
        let name = text(&document, "/name");
        let found = find(management, wanted.kind, name, None).await?;
        shown.push(json!({ "name": name, "connectionString": wanted.of(management, &found).await? }));
    }
    Ok(shown.into())
}

impl<'a> Wanted<'a> {
    fn of_hub(show: &'a ShowConnectionString) -> Self {
        Self {
            kind: Kind::Hub,
            name: show.hub_name.as_deref(),
            group: show.within.resource_group.as_deref(),
            policy: &show.policy_name,
            key: show.key,
            all: show.all,
            default_eventhub: show.default_eventhub == Some(true),
        }
    }

    /// One text, or with `--all` a list of them.
    async fn of(&self, management: &Management, found: &Found) -> Result<Value, Failure> {
        if self.all {
            let keys: Vec<Value> = management.list_keys(&found.resource).await?;
            return keys.iter().map(|key| self.written(found, key)).collect();
        }
        self.written(found, &find_policy(management, found, self.policy).await?)
    }

    fn written(&self, found: &Found, key: &Value) -> Result<Value, Failure> {
        let (name, secret) = (text(key, "/keyName"), text(key, &format!("/{}", self.key.word())));
        Ok(if self.default_eventhub {
            let endpoint = text(&found.document, "/properties/eventHubEndpoints/events/endpoint");
            let path = text(&found.document, "/properties/eventHubEndpoints/events/path");
            format!("Endpoint={endpoint};SharedAccessKeyName={name};SharedAccessKey={secret};EntityPath={path}")
        } else {
            format!("HostName={};SharedAccessKeyName={name};SharedAccessKey={secret}", found.host()?)
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::hub::{ConnectionStringCommand, HubCommand};
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;
    use roadstead_service::Resource;

    #[test]
    fn connection_strings_of_both_endpoints() {
        let events = json!({"endpoint": "sb://h.localhost/", "path": "h"});
        let document = json!({"properties": {"hostName": "h.localhost", "eventHubEndpoints": {"events": events}}});
        let resource = Resource { kind: Kind::Hub, group: "g".to_owned(), name: "h".to_owned() };
        let found = Found { resource, document };
        let key = json!({"keyName": "p", "primaryKey": "1", "secondaryKey": "2"});
        for (flags, expected) in [
            ("", "HostName=h.localhost;SharedAccessKeyName=p;SharedAccessKey=1"),
            (" --kt Secondary", "HostName=h.localhost;SharedAccessKeyName=p;SharedAccessKey=2"),
            (" --eh", "Endpoint=sb://h.localhost/;SharedAccessKeyName=p;SharedAccessKey=1;EntityPath=h"),
        ] {
            let line = format!("roadstead iot hub connection-string show -n h{flags}");
            let command = Cli::try_parse_from(line.split(' ')).unwrap().command;
            let Command::Iot(IotCommand::Hub(HubCommand::ConnectionString(ConnectionStringCommand::Show(show)))) =
                command
            else {
                panic!("{line}")
            };
            assert_eq!(Wanted::of_hub(&show).written(&found, &key).unwrap(), expected);
        }
    }
}
