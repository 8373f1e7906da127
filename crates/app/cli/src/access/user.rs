//! `roadstead user`

use crate::args::Global;
use crate::args::access::UserCommand;
use crate::context::Server;
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_model::Secret;
use roadstead_server::system::SystemRandom;
use roadstead_service::{Management, PrincipalKind};
use serde_json::{Value, json};
use std::io::BufRead;
use zeroize::Zeroizing;

const USER: PrincipalKind = PrincipalKind::User;
/// Of a password that is made here: 22 characters.
const PASSWORD_BYTES: usize = 16;
const TABLE: &str = "[].{Name:userPrincipalName, DisplayName:displayName, Enabled:accountEnabled, \
                     Issuer:identities[0].issuer, Id:id}";

pub async fn run(command: &UserCommand, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    Ok(match command {
        UserCommand::Create(create) => {
            let mut body = json!({ "userPrincipalName": create.user.name, "accountEnabled": true });
            if let Some(name) = &create.display_name {
                body["displayName"] = json!(name);
            }
            if let Some(issuer) = &create.issuer {
                let mut identity = json!({ "signInType": "federated", "issuer": issuer });
                if let Some(subject) = &create.subject {
                    identity["issuerAssignedId"] = json!(subject);
                }
                body["identities"] = json!([identity]);
                return Ok(management.create_principal::<Value>(USER, &body).await?.into());
            }
            let (password, is_made) = password(create.password_stdin)?;
            body["passwordProfile"] = json!({ "password": password.expose() });
            let mut made: Value = management.create_principal(USER, &body).await?;
            if is_made {
                made["password"] = json!(password.expose());
            }
            made.into()
        }
        UserCommand::List => Printed::from(management.list_principals::<Value>(USER).await?).table(TABLE),
        UserCommand::Show(user) => {
            management.find_principal::<Value>(USER, &user.name).await?.ok_or_else(|| absent(&user.name))?.into()
        }
        UserCommand::Delete(user) => {
            if !management.delete_principal(USER, &user.name).await? {
                return Err(absent(&user.name));
            }
            Printed::nothing()
        }
        UserCommand::SetPassword(set) => {
            let (password, is_made) = password(set.password_stdin)?;
            let body = json!({ "passwordProfile": { "password": password.expose() } });
            change(&management, &set.user.name, &body).await?;
            let made = json!({ "userPrincipalName": set.user.name, "password": password.expose() });
            if is_made { made.into() } else { Printed::nothing() }
        }
        UserCommand::Enable(user) => change(&management, &user.name, &json!({ "accountEnabled": true })).await?,
        UserCommand::Disable(user) => change(&management, &user.name, &json!({ "accountEnabled": false })).await?,
        UserCommand::SignOut(user) => {
            management.sign_out(USER, &user.name).await?;
            Printed::nothing()
        }
    })
}

async fn change(management: &Management, name: &str, body: &Value) -> Result<Printed, Failure> {
    management.change_principal(USER, name, body).await?;
    Ok(Printed::nothing())
}

/// The password, and whether it was made here: random.
fn password(from_stdin: bool) -> Result<(Secret, bool), Failure> {
    if !from_stdin {
        return Ok((Secret::fresh::<PASSWORD_BYTES>(&SystemRandom), true));
    }
    let mut line = Zeroizing::new(String::new());
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::error(format!("cannot read the password from stdin: {error}")))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::error("there is no password on stdin").hint("without `--password-stdin` one is made"));
    }
    Ok((Secret::new(password), false))
}

fn absent(name: &str) -> Failure {
    Failure::not_found(format!("user `{name}` not found")).hint("`roadstead user list` shows those there are")
}
