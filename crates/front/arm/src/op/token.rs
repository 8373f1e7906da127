//! `POST /adfs/oauth2/token`: a service principal's secret for a bearer token.

use hyper::StatusCode;
use roadstead_model::Secret;
use roadstead_wire::{
    arm::{TokenAnswer, TokenError},
    percent,
};
use tracing::{info, warn};

use crate::{arm::Arm, call::Call, reply::Reply};

/// The scope is not looked at: SDKs ask for the public cloud's. Source: `reference/arm-and-az.md` 2 and 8; RFC 6749, 4.4 and 5.2
pub(crate) fn issue(arm: &Arm, call: &Call) -> Reply {
    let grant = field(&call.body, "grant_type").unwrap_or_default();
    if grant != "client_credentials" {
        let text = format!(
            "grant_type is `{}`: only service principals can log in (az login --service-principal -u CLIENT_ID -p SECRET --tenant {})",
            grant.chars().take(64).collect::<String>(),
            arm.administrators.installation().tenant_id
        );
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", text);
    }
    let (Some(client_id), Some(secret)) = (field(&call.body, "client_id"), field(&call.body, "client_secret")) else {
        let text = "the form needs client_id and client_secret".to_owned();
        return refused(StatusCode::BAD_REQUEST, "invalid_request", text);
    };
    let secret = Secret::new(secret);
    match arm.administrators.log_in(&client_id, secret.expose()) {
        Ok(given) => {
            info!("the administrator logged in");
            Reply::ok(&TokenAnswer::bearer(given.token, u32::try_from(given.lifetime_s).unwrap_or(u32::MAX)))
        }
        Err(refusal) => {
            warn!(%refusal, "a login was refused");
            refused(StatusCode::UNAUTHORIZED, "invalid_client", refusal.to_string())
        }
    }
}

fn refused(status: StatusCode, error: &str, error_description: String) -> Reply {
    Reply::json(status, &TokenError { error: error.to_owned(), error_description })
}

/// A field of an HTML form (`application/x-www-form-urlencoded`), decoded: there, unlike in paths, `+` is a blank.
fn field(form: &[u8], name: &str) -> Option<String> {
    let form = std::str::from_utf8(form).ok()?;
    let (_, value) = form.split('&').filter_map(|field| field.split_once('=')).find(|(found, _)| *found == name)?;
    Some(percent::decode(&value.replace('+', " ")).into_owned())
}
