//! `roadstead group`

use crate::args::Global;
use crate::args::group::GroupCommand;
use crate::args::value::tags;
use crate::context::Server;
use crate::deletion::{confirm, tell};
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::Deletion;
use serde_json::{Value, json};

/// As `az group list` chooses its columns.
const TABLE: &str = "[].{Name:name, Location:location, Status:properties.provisioningState}";

pub async fn run(command: &GroupCommand, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    Ok(match command {
        GroupCommand::Create(create) => {
            let mut body = json!({ "location": create.location });
            if !create.tags.is_empty() {
                body["tags"] = tags(&create.tags);
            }
            management.put_group::<Value>(&create.group.name, &body).await?.into()
        }
        GroupCommand::List => Printed::from(management.list_groups::<Value>().await?).table(TABLE),
        GroupCommand::Show(group) => {
            management.find_group::<Value>(&group.name).await?.ok_or_else(|| absent(&group.name))?.into()
        }
        GroupCommand::Exists(group) => Value::from(management.find_group::<Value>(&group.name).await?.is_some()).into(),
        GroupCommand::Delete(delete) => {
            let name = &delete.group.name;
            let what = format!("resource group `{name}`");
            if !delete.yes {
                let contents = management.count_group(name).await?;
                confirm(&what, contents.as_ref())?;
            }
            match management.delete_group(name).await? {
                Deletion::Absent => return Err(absent(name)),
                Deletion::Done(gone) => tell(global, &what, gone.as_ref()),
            }
            Printed::nothing()
        }
    })
}

/// There is no such resource group.
pub fn absent(name: &str) -> Failure {
    Failure::not_found(format!("resource group `{name}` not found")).hint(format!(
        "`roadstead group list` shows those there are, `roadstead group create -n {name} -l LOCATION` makes it"
    ))
}
