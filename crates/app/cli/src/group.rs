//! `roadstead group`

use crate::args::Global;
use crate::args::group::GroupCommand;
use crate::args::value::tags;
use crate::context::Server;
use crate::failure::Failure;
use crate::output::Printed;
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write};

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
            if !delete.yes {
                confirm(&delete.group.name)?;
            }
            if !management.delete_group(&delete.group.name).await? {
                return Err(absent(&delete.group.name));
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

fn confirm(name: &str) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::error(
            "deleting a resource group deletes all that is in it, and nobody is here to be asked",
        )
        .hint("say `--yes` if it is meant"));
    }
    let mut stderr = std::io::stderr();
    let _ =
        write!(stderr, "delete resource group `{name}` with all that is in it? [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    let is_yes = read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if is_yes { Ok(()) } else { Err(Failure::error("nothing was deleted")) }
}
