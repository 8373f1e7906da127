//! The roles there are.

use roadstead_model::Role;
use roadstead_resources::{Caller, Place, assignment};
use roadstead_wire::arm::{List, parse_role, role_definition, role_permissions, role_words};

use crate::{arm::Arm, call::Call, op::subscription, refusal::Refusal, reply::Reply};

/// All, or the one of a name: `$filter=roleName eq 'Reader'`.
pub(crate) fn list(arm: &Arm, call: &Call) -> Reply {
    let filter = call.argument("$filter").unwrap_or_default();
    let named = quoted(&filter).filter(|_| filter.to_ascii_lowercase().contains("rolename"));
    let value =
        Role::ALL.into_iter().filter(|role| named.is_none_or(|name| role_words(*role).0.eq_ignore_ascii_case(name)));
    Reply::ok(&List { value: value.map(|role| role_definition(&subscription::id(arm), role)).collect() })
}

pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let role = parse_role(call.last()).ok_or_else(|| Refusal::no_role(call.last()))?;
    Ok(Reply::ok(&role_definition(&subscription::id(arm), role)))
}

/// What the caller may do at a place; an item for each of its roles there. Source: docs, Permissions - List For Resource
pub(crate) fn permissions(arm: &Arm, caller: &Caller, place: Place<'_>) -> Reply {
    let directory = arm.resources.directory();
    Reply::ok(&List { value: caller.roles_at(assignment::target(&directory, place)).map(role_permissions).collect() })
}

/// The text between the first two quotes of a filter.
pub(crate) fn quoted(filter: &str) -> Option<&str> {
    filter.split('\'').nth(1)
}
