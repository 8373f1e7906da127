//! Service principals, in the words of Microsoft Graph.

use hyper::StatusCode;
use roadstead_model::{Login, PrincipalId, UnixMillis};
use roadstead_resources::ResourceError;
use roadstead_wire::arm::{
    AddPassword, FederatedIdentity, GraphPrincipal, List, NewServicePrincipal, PasswordCredential, RemovePassword,
};

use crate::{
    arm::Arm,
    call::Call,
    op::principal::{self, is_a_user, passes},
    refusal::Refusal,
    reply::Reply,
};

/// Where the name stands in `/v1.0/servicePrincipals/ID/federatedIdentityCredentials/NAME`.
const CREDENTIAL: usize = 4;
const DAY_MS: i64 = 24 * 3600 * 1000;

pub(crate) fn list(arm: &Arm, call: &Call) -> Reply {
    let (directory, filter) = (arm.resources.directory(), call.argument("$filter"));
    let services = directory.principals().filter(|principal| !is_a_user(principal));
    let all = std::iter::once(principal::first(arm)).chain(services.map(|service| GraphPrincipal::from(&**service)));
    Reply::ok(&List { value: all.filter(|service| passes(service, filter.as_deref())).collect() })
}

/// Of an application that is there already, its record; else a new one.
pub(crate) async fn create(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: NewServicePrincipal = call.json()?;
    let made = match (asked.app_id, asked.display_name) {
        (Some(id), _) => {
            let directory = arm.resources.directory();
            let known = directory.find_principal(PrincipalId(id)).filter(|known| !is_a_user(known));
            known.cloned().ok_or_else(|| Refusal::no_application(id))?
        }
        (None, Some(name)) => arm.resources.create_service_principal(&name).await?,
        (None, None) => {
            let (given, allowed) = ("absent".to_owned(), "a name, or the `appId` of an application".to_owned());
            return Err(ResourceError::Value { member: "displayName", given, allowed }.into());
        }
    };
    Ok(Reply::json(StatusCode::CREATED, &GraphPrincipal::from(&*made)))
}

pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&GraphPrincipal::from(&*principal::find(arm, call, false)?)))
}

pub(crate) async fn change(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let service = principal::find(arm, call, false)?;
    principal::change(arm, call, service.id).await
}

pub(crate) async fn delete(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let service = principal::find(arm, call, false)?;
    principal::delete(arm, service.id).await
}

pub(crate) async fn sign_out(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let service = principal::find(arm, call, false)?;
    principal::sign_out(arm, service.id).await
}

/// The only answer that has the secret.
pub(crate) async fn add_secret(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let service = principal::find(arm, call, false)?;
    let asked: AddPassword = if call.body.is_empty() { AddPassword::default() } else { call.json()? };
    let wish = asked.password_credential.unwrap_or_default();
    let days = wish.end_date_time.as_deref().map(|end| days_until(end, arm.clock.now())).transpose()?;
    let made = arm.resources.add_secret(service.id, wish.display_name.as_deref().unwrap_or_default(), days).await?;
    Ok(Reply::ok(&PasswordCredential::new(&made.kept, Some(made.secret))))
}

/// Whole days, rounded up: a secret counts at least as long as was asked for, but never longer than it may.
fn days_until(end: &str, now: UnixMillis) -> Result<u16, ResourceError> {
    let bad = || {
        let given = end.chars().take(64).collect();
        let allowed = "a time within the next two years, as 2027-01-31T00:00:00Z".to_owned();
        ResourceError::Value { member: "endDateTime", given, allowed }
    };
    let ms = UnixMillis::parse_iso(end).ok_or_else(bad)?.0.saturating_sub(now.0);
    u16::try_from(ms.saturating_add(DAY_MS - 1).div_euclid(DAY_MS)).map_err(|_| bad())
}

pub(crate) async fn remove_secret(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let service = principal::find(arm, call, false)?;
    let asked: RemovePassword = call.json()?;
    arm.resources.remove_secret(service.id, asked.key_id).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

pub(crate) fn list_federated(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let service = principal::find(arm, call, false)?;
    let federated = match &service.login {
        Login::Service { federated, .. } => federated.as_slice(),
        Login::User { .. } => &[],
    };
    Ok(Reply::ok(&List { value: federated.iter().map(FederatedIdentity::from).collect() }))
}

pub(crate) async fn add_federated(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let service = principal::find(arm, call, false)?;
    let asked: FederatedIdentity = call.json()?;
    let made = arm.resources.add_federated(service.id, &asked.name, &asked.issuer, &asked.subject).await?;
    Ok(Reply::json(StatusCode::CREATED, &FederatedIdentity::from(&made)))
}

pub(crate) async fn remove_federated(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let service = principal::find(arm, call, false)?;
    arm.resources.remove_federated(service.id, call.segment(CREDENTIAL)).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
