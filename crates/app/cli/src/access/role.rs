//! `roadstead role`

use crate::args::Global;
use crate::args::access::{AssignmentCommand, AtScope, DefinitionCommand, RoleCommand};
use crate::context::Server;
use crate::failure::Failure;
use crate::iot::c2d_message::uuid;
use crate::output::Printed;
use roadstead_server::system::SystemRandom;
use roadstead_service::{Management, PrincipalKind};
use serde_json::{Value, json};

const TABLE: &str = "[].{Principal:principalName, Role:roleDefinitionName, Scope:scope}";
const ROLES: &str = "[].{Name:roleName, Id:name}";

pub async fn run(command: &RoleCommand, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    match command {
        RoleCommand::Definition(DefinitionCommand::List) => {
            let roles: Vec<Value> = management.list_roles().await?;
            Ok(Printed::from(roles.into_iter().map(flat).collect::<Vec<_>>()).table(ROLES))
        }
        RoleCommand::Assignment(command) => assignment(&management, command).await,
    }
}

async fn assignment(management: &Management, command: &AssignmentCommand) -> Result<Printed, Failure> {
    Ok(match command {
        AssignmentCommand::Create(create) => {
            let principal = principal_id(management, &create.assignee).await?;
            let role = definition_id(management, &create.role).await?;
            let made = assign(management, &principal, &role, &scope(management, &create.at).await?).await?;
            shown(management, vec![made]).await?.remove(0).into()
        }
        AssignmentCommand::List(list) => {
            let at = scope(management, &list.at).await?;
            let (assignee, role) = (list.assignee.as_deref(), list.role.as_deref());
            Printed::from(find(management, assignee, role, &at, list.all).await?).table(TABLE)
        }
        AssignmentCommand::Delete(delete) => {
            let mut ids = delete.ids.clone();
            if ids.is_empty() {
                let at = scope(management, &delete.at).await?;
                let found = find(management, delete.assignee.as_deref(), delete.role.as_deref(), &at, false).await?;
                let here = found.iter().filter(|one| one["scope"].as_str() == Some(&at));
                ids.extend(here.filter_map(|one| one["id"].as_str().map(str::to_owned)));
            }
            if ids.is_empty() {
                return Err(Failure::not_found("no such role assignment")
                    .hint("`roadstead role assignment list --all` shows those there are"));
            }
            for id in &ids {
                management.delete_assignment(id).await?;
            }
            Printed::nothing()
        }
    })
}

/// Assignments at a scope and above it, those below it as well if asked for.
async fn find(
    management: &Management,
    assignee: Option<&str>,
    role: Option<&str>,
    at: &str,
    below: bool,
) -> Result<Vec<Value>, Failure> {
    let filter = if below { "" } else { "atScope()" };
    let mut found = shown(management, management.list_assignments(at, filter).await?).await?;
    if let Some(assignee) = assignee {
        let principal = principal_id(management, assignee).await?;
        found.retain(|one| one["principalId"].as_str() == Some(&principal));
    }
    if let Some(role) = role {
        let role = definition_id(management, role).await?;
        found.retain(|one| one["roleDefinitionId"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&role)));
    }
    Ok(found)
}

/// As `az` shows them: flat, with the names of roles and principals.
async fn shown(management: &Management, assignments: Vec<Value>) -> Result<Vec<Value>, Failure> {
    let roles: Vec<Value> = management.list_roles().await?;
    let mut principals: Vec<Value> = management.list_principals(PrincipalKind::User).await?;
    principals.extend(management.list_principals::<Value>(PrincipalKind::Service).await?);
    let name_of = |one: &Value| {
        let role = roles.iter().find(|role| role["id"] == one["roleDefinitionId"]);
        let principal = principals.iter().find(|principal| principal["id"] == one["principalId"]);
        let name = principal.map(|found| [&found["userPrincipalName"], &found["displayName"]]);
        let name = name.and_then(|names| names.into_iter().find(|name| name.is_string()).cloned());
        (role.map(|role| role["properties"]["roleName"].clone()), name)
    };
    let shown = assignments.into_iter().map(|one| {
        let mut one = flat(one);
        let (role, principal) = name_of(&one);
        one["roleDefinitionName"] = role.unwrap_or_default();
        one["principalName"] = principal.unwrap_or_default();
        one
    });
    Ok(shown.collect())
}

/// The members of `properties` beside the others.
fn flat(mut resource: Value) -> Value {
    if let (Value::Object(properties), Some(members)) = (resource["properties"].take(), resource.as_object_mut()) {
        members.shift_remove("properties");
        members.extend(properties.into_iter().filter(|(name, _)| name != "type"));
    }
    resource
}

pub async fn assign(management: &Management, principal: &str, role: &str, scope: &str) -> Result<Value, Failure> {
    let body = json!({ "properties": { "roleDefinitionId": role, "principalId": principal } });
    Ok(management.put_assignment(scope, &uuid(&SystemRandom), &body).await?)
}

/// The id of a role, by its name, its GUID or its id.
pub async fn definition_id(management: &Management, role: &str) -> Result<String, Failure> {
    let roles: Vec<Value> = management.list_roles().await?;
    let is_it = |found: &&Value| {
        let texts = [&found["properties"]["roleName"], &found["name"], &found["id"]];
        texts.into_iter().filter_map(Value::as_str).any(|text| text.eq_ignore_ascii_case(role))
    };
    let found = roles.iter().find(is_it).and_then(|found| found["id"].as_str());
    found.map(str::to_owned).ok_or_else(|| {
        Failure::not_found(format!("there is no role `{role}`"))
            .hint("`roadstead role definition list -o table` shows those there are")
    })
}

/// The id of a principal, by its id or a user's name.
async fn principal_id(management: &Management, assignee: &str) -> Result<String, Failure> {
    let user: Option<Value> = management.find_principal(PrincipalKind::User, assignee).await?;
    let found = if user.is_some() {
        user
    } else {
        let services: Vec<Value> = management.list_principals(PrincipalKind::Service).await?;
        let is_it = |one: &Value| {
            let ids = [one["id"].as_str(), one["appId"].as_str()];
            ids.into_iter().flatten().any(|id| id.eq_ignore_ascii_case(assignee))
        };
        services.into_iter().find(is_it)
    };
    found.and_then(|found| found["id"].as_str().map(str::to_owned)).ok_or_else(|| {
        Failure::not_found(format!("there is no user or service principal `{assignee}`"))
            .hint("`roadstead user list` and `roadstead service-principal list` show those there are")
    })
}

pub async fn scope(management: &Management, at: &AtScope) -> Result<String, Failure> {
    Ok(match (&at.scope, &at.resource_group) {
        (Some(scope), _) => scope.trim_end_matches('/').to_owned(),
        (None, Some(group)) => format!("{}/resourceGroups/{group}", management.subscription_scope().await?),
        (None, None) => management.subscription_scope().await?,
    })
}
