//! What holds for users and service principals alike, and what everybody may ask about themselves.

use hyper::StatusCode;
use roadstead_model::{Guid, Login, Principal, PrincipalId};
use roadstead_resources::{Caller, PrincipalChange, principal::require_principal};
use roadstead_wire::arm::{ChangePassword, DirectoryIds, GraphPrincipal, List, PrincipalPatch};
use serde_json::json;

use crate::{
    arm::{Arm, Way},
    call::Call,
    refusal::Refusal,
    reply::Reply,
};

/// Where the name stands in `/v1.0/users/ID`.
pub(crate) const PRINCIPAL: usize = 2;

pub(crate) fn show_me(arm: &Arm, caller: &Caller) -> Reply {
    let directory = arm.resources.directory();
    let principal = directory.find_principal(caller.id);
    Reply::ok(&principal.map_or_else(|| first(arm), |principal| GraphPrincipal::from(&**principal)))
}

/// Who has these ids: `az` asks so for the names of those who have roles. Unknown ids are passed over.
/// Source: docs, Graph `directoryObject: getByIds`
pub(crate) fn find_by_ids(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: DirectoryIds = call.json()?;
    let (directory, first) = (arm.resources.directory(), first(arm));
    let find = |id: &Guid| match directory.find_principal(PrincipalId(*id)) {
        Some(principal) => Some(GraphPrincipal::from(&**principal)),
        None => (first.id == *id).then(|| first.clone()),
    };
    Ok(Reply::ok(&List { value: asked.ids.iter().take(DIRECTORY_IDS_MAX).filter_map(find).collect() }))
}

/// Source: docs, Graph `directoryObject: getByIds` (1000)
const DIRECTORY_IDS_MAX: usize = 1000;

/// What the installation's first service principal is called.
const ADMINISTRATOR: &str = "Roadstead administrator";

/// The name by which people know who asks: of a service principal its display name, whose client id would tell nobody.
pub(crate) fn shown_name(arm: &Arm, caller: &Caller) -> String {
    if caller.id == arm.access.installation().principal_id() {
        return ADMINISTRATOR.to_owned();
    }
    let directory = arm.resources.directory();
    let service = directory.find_principal(caller.id).filter(|_| !caller.is_user);
    service.map_or_else(|| caller.name.clone(), |service| service.display_name.clone())
}

/// The installation's first service principal, which the configuration makes.
pub(crate) fn first(arm: &Arm) -> GraphPrincipal {
    let installation = arm.access.installation();
    GraphPrincipal {
        id: installation.principal_id().0,
        display_name: ADMINISTRATOR.to_owned(),
        account_enabled: true,
        created_date_time: None,
        user_principal_name: None,
        identities: None,
        app_id: Some(installation.client_id.clone()),
        service_principal_type: Some("Application".to_owned()),
        password_credentials: None,
    }
}

pub(crate) async fn change_my_password(
    arm: &Arm,
    call: &Call,
    caller: &Caller,
    way: Way<'_>,
) -> Result<Reply, Refusal> {
    let asked: ChangePassword = call.json()?;
    let (present, new) = (asked.current_password, asked.new_password);
    arm.access.change_own_password(caller.id, present, new, way.address).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `{"value":true}`. Source: docs, Graph `user: revokeSignInSessions`
pub(crate) async fn sign_out(arm: &Arm, id: PrincipalId) -> Result<Reply, Refusal> {
    arm.resources.sign_out_everywhere(id).await?;
    Ok(Reply::ok(&json!({ "value": true })))
}

pub(crate) async fn change(arm: &Arm, call: &Call, id: PrincipalId) -> Result<Reply, Refusal> {
    let asked: PrincipalPatch = call.json()?;
    let change = PrincipalChange {
        display_name: asked.display_name,
        enabled: asked.account_enabled,
        password: asked.password_profile.map(|profile| profile.password),
    };
    arm.resources.change_principal(id, change).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

pub(crate) async fn delete(arm: &Arm, id: PrincipalId) -> Result<Reply, Refusal> {
    arm.resources.delete_principal(id).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// The principal that a path names, by its id or a user by its name, if it is of the kind that the path speaks of.
pub(crate) fn find(arm: &Arm, call: &Call, is_user: bool) -> Result<std::sync::Arc<Principal>, Refusal> {
    let (directory, text) = (arm.resources.directory(), call.segment(PRINCIPAL));
    let by_id = Guid::parse(text).map(PrincipalId).and_then(|id| directory.find_principal(id));
    let found = by_id.or_else(|| directory.find_user(text)).filter(|found| is_a_user(found) == is_user);
    let none = || Refusal::no_principal(text, is_user);
    let found = found.cloned().ok_or_else(none)?;
    Ok(require_principal(&directory, found.id)?.clone())
}

pub(crate) fn is_a_user(principal: &Principal) -> bool {
    matches!(principal.login, Login::User { .. })
}

/// Whether a filter of Graph lets it pass: any one that compares with a name or an id in quotes.
/// `userPrincipalName eq 'alice'`, `servicePrincipalNames/any(c:c eq '…')`, `startswith(displayName,'nightly')`
pub(crate) fn passes(shown: &GraphPrincipal, filter: Option<&str>) -> bool {
    let Some(wanted) = filter.and_then(super::role::quoted) else { return true };
    let is_prefix = filter.is_some_and(|filter| filter.to_ascii_lowercase().contains("startswith"));
    let id = shown.id.to_string();
    let names = [Some(&id), Some(&shown.display_name), shown.user_principal_name.as_ref(), shown.app_id.as_ref()];
    names.into_iter().flatten().any(|name| {
        name.eq_ignore_ascii_case(wanted)
            || (is_prefix && name.get(..wanted.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(wanted)))
    })
}
