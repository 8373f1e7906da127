//! Applications, in the words of Microsoft Graph: service principals by another name. `az ad sp create-for-rbac` makes the
//! application, gives it a secret, and then asks for its service principal.

use hyper::StatusCode;
use roadstead_model::Principal;
use roadstead_resources::ResourceError;
use roadstead_wire::arm::{GraphApplication, GraphPrincipal, List, NewApplication};

use crate::{
    arm::Arm,
    call::Call,
    op::principal::{self, is_a_user, passes},
    refusal::Refusal,
    reply::Reply,
};

/// All that were made here: not the installation's own, whose secret is the configuration's.
pub(crate) fn list(arm: &Arm, call: &Call) -> Reply {
    let (directory, filter) = (arm.resources.directory(), call.argument("$filter"));
    let services = directory.principals().filter(|principal| !is_a_user(principal));
    let shown = services.map(|service| GraphPrincipal::from(&**service));
    let value = shown.filter(|service| passes(service, filter.as_deref()));
    Reply::ok(&List { value: value.map(GraphApplication::from).collect() })
}

pub(crate) async fn create(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let asked: NewApplication = call.json()?;
    if asked.key_credentials.is_some_and(|keys| !keys.is_empty()) {
        let allowed =
            "nothing: here, service principals log in with a secret or with another issuer's token".to_owned();
        return Err(
            ResourceError::Value { member: "keyCredentials", given: "a certificate".to_owned(), allowed }.into()
        );
    }
    let made = arm.resources.create_service_principal(&asked.display_name).await?;
    Ok(Reply::json(StatusCode::CREATED, &shape(&made)))
}

pub(crate) fn show(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    let service = principal::find(arm, call, false)?;
    Ok(Reply::ok(&shape(&service)))
}

fn shape(service: &Principal) -> GraphApplication {
    GraphPrincipal::from(service).into()
}
