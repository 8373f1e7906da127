//! `roadstead iot dps`

use super::hub::{delete, location};
use super::lookup::{Found, find};
use super::{certificate, connection_string, enrollment, enrollment_group, linked_hub, policy};
use crate::args::Global;
use crate::args::dps::{DpsCommand, DpsConnectionStringCommand, DpsCreate, DpsUpdate};
use crate::args::value::tags;
use crate::context::Server;
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::{Kind, Management, Resource};
use serde_json::{Value, json};

pub async fn run(command: &DpsCommand, global: &Global) -> Result<Printed, Failure> {
    let management = || Server::open(global).map(|server| server.management);
    Ok(match command {
        DpsCommand::Create(dps) => create(&management()?, dps).await?,
        DpsCommand::List(within) => {
            management()?.list::<Value>(Kind::Dps, within.resource_group.as_deref()).await?.into()
        }
        DpsCommand::Show(dps) => {
            find(&management()?, Kind::Dps, &dps.name, dps.within.resource_group.as_deref()).await?.document.into()
        }
        DpsCommand::Update(dps) => update(&management()?, dps).await?,
        DpsCommand::Delete(dps) => {
            let management = management()?;
            let found = find(&management, Kind::Dps, &dps.dps.name, dps.dps.within.resource_group.as_deref()).await?;
            delete(&management, &found.resource, dps.yes, global).await?
        }
        DpsCommand::ConnectionString(DpsConnectionStringCommand::Show(show)) => {
            connection_string::of_dps(&management()?, show).await?
        }
        DpsCommand::Policy(command) => policy::run_dps(command, global).await?,
        DpsCommand::LinkedHub(command) => linked_hub::run(command, global).await?,
        DpsCommand::Enrollment(command) => enrollment::run(command, global).await?,
        DpsCommand::EnrollmentGroup(command) => enrollment_group::run(command, global).await?,
        DpsCommand::Certificate(command) => certificate::run_dps(command, global).await?,
    })
}

/// A name that is taken is refused, as `az` refuses it: the second `create` would be a change.
async fn create(management: &Management, dps: &DpsCreate) -> Result<Printed, Failure> {
    let check: Value = management.check_name(Kind::Dps, &dps.name).await?;
    if check.get("nameAvailable").and_then(Value::as_bool) == Some(false) {
        let message = check.get("message").and_then(Value::as_str).unwrap_or("the name is not available");
        return Err(Failure::error(format!("DPS `{}` cannot be made: {message}", dps.name))
            .hint("`roadstead iot dps list -o table` shows those there are"));
    }
    let location = location(management, &dps.resource_group, dps.location.as_deref()).await?;
    let mut body = json!({
        "location": location,
        "properties": {},
        "sku": {"name": dps.sku, "capacity": dps.unit},
    });
    if !dps.tags.is_empty() {
        body["tags"] = tags(&dps.tags);
    }
    let resource = Resource { kind: Kind::Dps, group: dps.resource_group.clone(), name: dps.name.clone() };
    Ok(management.put::<Value>(&resource, &body, None).await?.into())
}

/// A DPS is shown, changed and put back, unless somebody else changed it in between.
async fn update(management: &Management, update: &DpsUpdate) -> Result<Printed, Failure> {
    if update.tags.is_none() && update.changes.is_empty() {
        return Err(Failure::usage("nothing to change").hint("say `--tags`, `--set path=value` or `--remove path`"));
    }
    let found = find(management, Kind::Dps, &update.name, update.within.resource_group.as_deref()).await?;
    let Found { resource, mut document } = found;
    let etag = document.get("etag").and_then(Value::as_str).map(str::to_owned);
    if let Some(given) = &update.tags {
        document["tags"] = tags(given);
    }
    update.changes.apply(&mut document).map_err(Failure::usage)?;
    Ok(management.put::<Value>(&resource, &document, etag.as_deref()).await?.into())
}
