//! Users, in the words of Microsoft Graph.

use hyper::StatusCode;
use roadstead_model::IssuerLink;
use roadstead_resources::{ProofSpec, UserSpec};
use roadstead_wire::arm::{FEDERATED, GraphPrincipal, List, NewUser, ObjectIdentity};

use crate::{
    arm::Arm,
    call::Call,
    op::principal::{self, is_a_user, passes},
    refusal::Refusal,
    reply::Reply,
};

pub(crate) fn list(arm: &Arm, call: &Call) -> Reply {
    let (directory, filter) = (arm.resources.directory(), call.argument("$filter"));
    let users = directory.principals().filter(|principal| is_a_user(principal));
    let value = users.map(|user| GraphPrincipal::from(&**user)).filter(|user| passes(user, filter.as_deref()));
    Reply::ok(&List { value: value.collect() })
}

pub(crate) async fn create(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: NewUser = call.json()?;
    let proof = match (asked.password_profile, asked.identities.as_deref()) {
        (Some(profile), None | Some([])) => ProofSpec::Password(profile.password),
        (None, Some([identity])) if identity.sign_in_type.eq_ignore_ascii_case(FEDERATED) => {
            let ObjectIdentity { issuer, issuer_assigned_id, .. } = identity.clone();
            if !arm.access.lets_people_in(&issuer) {
                return Err(Refusal::no_people(&issuer));
            }
            ProofSpec::Issuer(IssuerLink { issuer, subject: issuer_assigned_id })
        }
        _ => return Err(Refusal::no_proof()),
    };
    let spec = UserSpec {
        name: asked.user_principal_name,
        display_name: asked.display_name,
        proof,
        enabled: asked.account_enabled.unwrap_or(true),
    };
    let made = arm.resources.create_user(spec).await?;
    Ok(Reply::json(StatusCode::CREATED, &GraphPrincipal::from(&*made)))
}

pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&GraphPrincipal::from(&*principal::find(arm, call, true)?)))
}

pub(crate) async fn change(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let user = principal::find(arm, call, true)?;
    principal::change(arm, call, user.id).await
}

pub(crate) async fn delete(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let user = principal::find(arm, call, true)?;
    principal::delete(arm, user.id).await
}

pub(crate) async fn sign_out(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let user = principal::find(arm, call, true)?;
    principal::sign_out(arm, user.id).await
}
