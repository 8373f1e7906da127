//! Roles of principals. The path names where: the subscription, a group, a hub or a DPS instance.

use hyper::StatusCode;
use roadstead_model::{Assignment, Guid, Login, PrincipalId, RoleScope};
use roadstead_resources::{Place, ResourceError, assignment::resolve};
use roadstead_wire::arm::{
    AssignmentProperties, AssignmentRequest, AssignmentResource, List, parse_role, role_definition_id,
};

use crate::{
    arm::Arm,
    call::Call,
    op::{role::quoted, subscription},
    refusal::Refusal,
    reply::Reply,
    route,
};

/// Without a filter, or for one principal (`principalId eq '…'`, `assignedTo('…')`): what is at the scope, above it and below
/// it. With `atScope()`: not below it. Source: docs, Role Assignments - List For Scope
pub(crate) fn list(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let directory = arm.resources.directory();
    let scope = resolve(&directory, place(call))?;
    let filter = call.argument("$filter").unwrap_or_default();
    let principal = quoted(&filter).map(|text| Guid::parse(text).map(PrincipalId));
    let not_below = filter.to_ascii_lowercase().contains("atscope()");
    let (at, text) = (scope_text(arm, &scope), |of: &Assignment| scope_text(arm, &of.scope));
    let value = directory.assignments().filter(|one| principal.is_none_or(|who| who == Some(one.principal)));
    let value = value.filter(|one| {
        let its = text(one);
        is_in(&at, &its) || (!not_below && is_in(&its, &at))
    });
    Ok(Reply::ok(&List { value: value.map(|one| shape(arm, one)).collect() }))
}

pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&shape(arm, &*find(arm, call)?)))
}

pub(crate) async fn put(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: AssignmentRequest = call.json()?;
    let id = id(call)?;
    let role = parse_role(&asked.properties.role_definition_id).ok_or_else(|| ResourceError::Value {
        member: "roleDefinitionId",
        given: asked.properties.role_definition_id.chars().take(200).collect(),
        allowed: "the id of one of the roles under …/Microsoft.Authorization/roleDefinitions".to_owned(),
    })?;
    let principal = PrincipalId(asked.properties.principal_id);
    let put = arm.resources.put_assignment(id, principal, role, place(call)).await?;
    Ok(Reply::put(put.created, &shape(arm, &put.record)))
}

/// 204 for one that is not there. Source: docs, Role Assignments - Delete
pub(crate) async fn delete(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    match find(arm, call) {
        Ok(known) => {
            arm.resources.delete_assignment(known.id).await?;
            Ok(Reply::ok(&shape(arm, &known)))
        }
        Err(_) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
    }
}

/// The assignment that the path names, if it is one at the scope in the path: elsewhere, the caller's permission was not
/// asked for.
fn find(arm: &Arm, call: &Call) -> Result<std::sync::Arc<Assignment>, Refusal> {
    let (directory, id) = (arm.resources.directory(), id(call)?);
    let at = scope_text(arm, &resolve(&directory, place(call))?);
    let found = directory.find_assignment(id).filter(|found| scope_text(arm, &found.scope) == at);
    found.cloned().ok_or_else(|| Refusal::no_assignment(id))
}

fn id(call: &Call) -> Result<Guid, Refusal> {
    let text = call.last();
    Guid::parse(text).ok_or_else(|| {
        let given = text.chars().take(64).collect();
        ResourceError::Value { member: "roleAssignmentName", given, allowed: "a GUID".to_owned() }.into()
    })
}

fn place(call: &Call) -> Place<'_> {
    let found = route::find(&call.method, &call.words());
    found.map_or(Place::Subscription, |route| route.place(|at| call.segment(at)))
}

/// A scope as Resource Manager writes it: `/subscriptions/S/resourceGroups/RG/providers/Microsoft.Devices/IotHubs/plant`.
fn scope_text(arm: &Arm, scope: &RoleScope) -> String {
    let directory = arm.resources.directory();
    let place = match scope {
        RoleScope::Subscription => Place::Subscription,
        RoleScope::Group(name) => {
            let known = directory.find_group(name.as_str()).map_or(name, |group| &group.name);
            return subscription::scope_id(arm, Place::Group(known.as_str()));
        }
        RoleScope::Hub(key) => match directory.find_hub_by_key(*key) {
            Some(hub) => Place::Hub(hub.group.as_str(), hub.name.as_str()),
            None => Place::Subscription,
        },
        RoleScope::Dps(scope) => match directory.find_dps_by_scope(scope) {
            Some(dps) => Place::Dps(dps.group.as_str(), dps.name.as_str()),
            None => Place::Subscription,
        },
    };
    subscription::scope_id(arm, place)
}

/// Whether the scope `inner` is `outer` or in it.
fn is_in(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn shape(arm: &Arm, assignment: &Assignment) -> AssignmentResource {
    let directory = arm.resources.directory();
    let is_user = directory
        .find_principal(assignment.principal)
        .is_some_and(|principal| matches!(principal.login, Login::User { .. }));
    let properties = AssignmentProperties {
        role_definition_id: role_definition_id(&subscription::id(arm), assignment.role),
        principal_id: assignment.principal.0,
        principal_type: if is_user { "User" } else { "ServicePrincipal" }.to_owned(),
        scope: scope_text(arm, &assignment.scope),
        created_on: assignment.created.iso(),
    };
    AssignmentResource::new(assignment.id, properties)
}
