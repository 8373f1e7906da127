//! `roadstead service-principal`

use super::role;
use crate::args::Global;
use crate::args::access::{CredentialCommand, FederatedCommand, ServiceCommand, ServiceCreate};
use crate::clock::MachineClock;
use crate::context::{self, Server};
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_model::Clock;
use roadstead_service::{Management, PrincipalKind};
use serde_json::{Value, json};

const SERVICE: PrincipalKind = PrincipalKind::Service;
const TABLE: &str = "[].{DisplayName:displayName, Enabled:accountEnabled, Id:id}";
const DAY_MS: i64 = 24 * 3600 * 1000;

pub async fn run(command: &ServiceCommand, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    let enable = async |id: &str, enabled: bool| {
        management.change_principal(SERVICE, id, &json!({ "accountEnabled": enabled })).await?;
        Ok::<_, Failure>(Printed::nothing())
    };
    Ok(match command {
        ServiceCommand::Create(create) => self::create(&management, create, global).await?.into(),
        ServiceCommand::List => Printed::from(management.list_principals::<Value>(SERVICE).await?).table(TABLE),
        ServiceCommand::Show(service) => {
            let found: Option<Value> = management.find_principal(SERVICE, &service.id).await?;
            found.ok_or_else(|| absent(&service.id))?.into()
        }
        ServiceCommand::Delete(service) => {
            if !management.delete_principal(SERVICE, &service.id).await? {
                return Err(absent(&service.id));
            }
            Printed::nothing()
        }
        ServiceCommand::Enable(service) => enable(&service.id, true).await?,
        ServiceCommand::Disable(service) => enable(&service.id, false).await?,
        ServiceCommand::SignOut(service) => {
            management.sign_out(SERVICE, &service.id).await?;
            Printed::nothing()
        }
        ServiceCommand::Credential(command) => credential(&management, command, global).await?,
        ServiceCommand::FederatedCredential(command) => federated(&management, command).await?,
    })
}

/// What `az ad sp create-for-rbac` prints: `{"appId","displayName","password","tenant"}`
async fn create(management: &Management, create: &ServiceCreate, global: &Global) -> Result<Value, Failure> {
    // What may be refused comes first, so that nothing half made is left.
    let role = match &create.role {
        Some(role) => Some((role::definition_id(management, role).await?, role::scope(management, &create.at).await?)),
        None => None,
    };
    let made: Value = management.create_principal(SERVICE, &json!({ "displayName": create.display_name })).await?;
    let id = made["id"].as_str().unwrap_or_default();
    if let Some((role, scope)) = role {
        role::assign(management, id, &role, &scope).await?;
    }
    let secret = add_secret(management, id, None, create.days).await?;
    Ok(login(id, &create.display_name, &secret, global))
}

/// What somebody needs who logs in with a new secret.
fn login(id: &str, display_name: &str, secret: &Value, global: &Global) -> Value {
    let tenant = context::load(global).map(|context| context.tenant_id).unwrap_or_default();
    json!({ "appId": id, "displayName": display_name, "password": secret["secretText"], "tenant": tenant })
}

async fn add_secret(
    management: &Management,
    id: &str,
    display_name: Option<&str>,
    days: Option<u16>,
) -> Result<Value, Failure> {
    let end = days.map(|days| MachineClock.now().plus_ms(i64::from(days) * DAY_MS).iso());
    let wish = json!({ "passwordCredential": { "displayName": display_name, "endDateTime": end } });
    Ok(management.add_secret(id, &wish).await?)
}

async fn credential(management: &Management, command: &CredentialCommand, global: &Global) -> Result<Printed, Failure> {
    Ok(match command {
        CredentialCommand::List(service) => {
            let found: Option<Value> = management.find_principal(SERVICE, &service.id).await?;
            let mut found = found.ok_or_else(|| absent(&service.id))?;
            Printed::from(found["passwordCredentials"].take())
        }
        CredentialCommand::Create(create) => {
            let (id, name) = (&create.service.id, create.display_name.as_deref());
            let secret = add_secret(management, id, name, create.days).await?;
            login(id, name.unwrap_or_default(), &secret, global).into()
        }
        CredentialCommand::Delete(delete) => {
            management.remove_secret(&delete.service.id, &json!({ "keyId": delete.key_id })).await?;
            Printed::nothing()
        }
    })
}

async fn federated(management: &Management, command: &FederatedCommand) -> Result<Printed, Failure> {
    Ok(match command {
        FederatedCommand::List(service) => management.list_federated::<Value>(&service.id).await?.into(),
        FederatedCommand::Create(create) => {
            let body = json!({ "name": create.name, "issuer": create.issuer, "subject": create.subject });
            management.add_federated::<Value>(&create.service.id, &body).await?.into()
        }
        FederatedCommand::Delete(delete) => {
            let (id, name) = (&delete.service.id, &delete.name);
            if !management.remove_federated(id, name).await? {
                return Err(Failure::not_found(format!(
                    "service principal `{id}` has no federated credential `{name}`"
                )));
            }
            Printed::nothing()
        }
    })
}

fn absent(id: &str) -> Failure {
    Failure::not_found(format!("service principal `{id}` not found"))
        .hint("`roadstead service-principal list` shows those there are")
}
