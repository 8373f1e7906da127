//! `roadstead iot dps`

use super::hub::location;
use super::lookup::find;
use super::{certificate, enrollment, enrollment_group, linked_hub};
use crate::args::Global;
use crate::args::dps::{DpsCommand, DpsCreate};
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
        DpsCommand::Delete(dps) => {
            let management = management()?;
            let found = find(&management, Kind::Dps, &dps.name, dps.within.resource_group.as_deref()).await?;
            management.delete(&found.resource).await?;
            Printed::nothing()
        }
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
