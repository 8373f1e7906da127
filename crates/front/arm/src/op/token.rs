//! `POST /adfs/oauth2/token`, `/{tenant}/oauth2/v2.0/token`: credentials for tokens; `…/devicecode`: the begin of a device's
//! login.
//!
//! Source: `reference/arm-and-az.md` 2 and 8; RFC 6749, 4.3, 4.4, 5.2 and 6; RFC 7523, 2.2; RFC 8628, 3; RFC 8693, 2

use hyper::StatusCode;
use roadstead_model::Secret;
use roadstead_resources::{LoggedIn, LoginRefusal, PersonRefusal, TokenFor};
use roadstead_wire::{
    arm::{Cloud, DeviceCodeAnswer, IdClaims, TokenAnswer, TokenError, client_info},
    percent,
};
use tracing::{info, warn};

use crate::{
    arm::{Arm, Way},
    authority::Authority,
    call::Call,
    reply::Reply,
};

/// A token of another issuer in place of a secret. Source: RFC 7523, 2.2
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The same as MSAL for Node writes it, and Entra takes it. Source: @azure/msal-common, `GrantType.DEVICE_CODE_GRANT`
const SHORT_DEVICE_GRANT: &str = "device_code";

/// Another issuer's token for ours. Source: RFC 8693, 2.1
const EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

pub(crate) async fn issue(arm: &Arm, call: &Call, way: Way<'_>, cloud: &Cloud<'_>, authority: Authority) -> Reply {
    let text = |name| field(&call.body, name).unwrap_or_default();
    let (grant, wanted) = (text("grant_type"), wanted(&text("scope")));
    let needed: &[&str] = match grant.as_str() {
        "client_credentials" if field(&call.body, "client_assertion").is_some() => {
            &["client_id", "client_assertion_type"]
        }
        "client_credentials" => &["client_id", "client_secret"],
        "password" => &["username", "password"],
        "refresh_token" => &["refresh_token"],
        DEVICE_GRANT | SHORT_DEVICE_GRANT => &["device_code"],
        EXCHANGE_GRANT => &["subject_token", "subject_token_type"],
        _ => {
            let grant: String = grant.chars().take(64).collect();
            let text = format!(
                "grant_type is `{grant}`; it can be client_credentials, password, refresh_token, or that of device codes or of token exchange"
            );
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", text);
        }
    };
    if needed.iter().any(|name| field(&call.body, name).is_none()) {
        let text = format!("the form needs {}", needed.join(" and "));
        return refused(StatusCode::BAD_REQUEST, "invalid_request", text);
    }
    if grant == EXCHANGE_GRANT && text("subject_token_type") != ID_TOKEN {
        let text = format!("subject_token_type can be {ID_TOKEN} only");
        return refused(StatusCode::BAD_REQUEST, "invalid_request", text);
    }
    let access = &arm.access;
    let outcome = match grant.as_str() {
        "password" => access.log_in_user(&text("username"), Secret::new(text("password")), way.address, wanted).await,
        "refresh_token" => access.refresh(Secret::new(text("refresh_token")).expose(), wanted).await,
        DEVICE_GRANT | SHORT_DEVICE_GRANT => {
            access.log_in_device(Secret::new(text("device_code")).expose(), wanted).await
        }
        EXCHANGE_GRANT => access.log_in_person(Secret::new(text("subject_token")).expose(), way.address, wanted).await,
        _ if text("client_assertion_type") == ASSERTION => {
            let assertion = Secret::new(text("client_assertion"));
            access.log_in_federated(&text("client_id"), assertion.expose(), wanted).await
        }
        _ => access.log_in_service(&text("client_id"), Secret::new(text("client_secret")).expose(), wanted),
    };
    match outcome {
        Ok(given) => {
            info!(name = given.name, address = %way.address, grant, "logged in");
            let mut answer = answer(arm, given, &text("client_id"), cloud, authority);
            answer.issued_token_type = (grant == EXCHANGE_GRANT).then(|| ACCESS_TOKEN.to_owned());
            Reply::ok(&answer)
        }
        Err(refusal) => {
            if !matches!(refusal, LoginRefusal::DeviceWaiting | LoginRefusal::DeviceTooSoon) {
                warn!(address = %way.address, grant, %refusal, "a login was refused");
            }
            let (status, error) = words(&refusal);
            refused(status, error, refusal.to_string())
        }
    }
}

pub(crate) fn begin_device(arm: &Arm, _: &Call, way: Way<'_>) -> Reply {
    match arm.access.begin_device(way.address) {
        Ok(codes) => {
            let verification_uri = format!("{}/adfs/oauth2/deviceauth", way.base_url);
            Reply::ok(&DeviceCodeAnswer {
                message: format!(
                    "To sign in, open {verification_uri} in a browser and type the code {}.",
                    codes.user_code
                ),
                device_code: codes.device_code,
                user_code: codes.user_code,
                verification_uri,
                expires_in: codes.lifetime_s,
                interval: codes.interval_s,
            })
        }
        Err(refusal) => {
            let (status, error) = words(&refusal);
            refused(status, error, refusal.to_string())
        }
    }
}

/// For which API: the data planes' scopes are those of the public cloud; any other is Resource Manager's, since management
/// SDKs ask for the public cloud's, too. Clients of Event Hubs ask for that service's, whoever they are going to speak to; here
/// that is a hub's built-in endpoint.
fn wanted(scope: &str) -> TokenFor {
    let asks = |host: &str| scope.split(' ').any(|one| one.trim_start_matches("https://").starts_with(host));
    if asks("iothubs.azure.net") || asks("eventhubs.azure.net") {
        TokenFor::Hub
    } else if asks("azure-devices-provisioning.net") {
        TokenFor::Dps
    } else {
        TokenFor::Management
    }
}

fn answer(arm: &Arm, given: LoggedIn, client_id: &str, cloud: &Cloud<'_>, authority: Authority) -> TokenAnswer {
    let mut answer = TokenAnswer::bearer(given.access, u32::try_from(given.lifetime_s).unwrap_or(u32::MAX));
    if given.refresh.is_some() {
        let now = arm.clock.now().seconds().0;
        let claims = IdClaims {
            aud: client_id.chars().take(128).collect(),
            iss: authority.issuer(cloud),
            exp: now.saturating_add(given.lifetime_s),
            iat: now,
            sub: given.principal.to_string(),
            oid: given.principal.to_string(),
            upn: given.name.clone(),
            preferred_username: given.name,
            name: given.display_name,
            tid: cloud.tenant.to_owned(),
        };
        answer.client_info = (authority == Authority::Tenant).then(|| client_info(&claims.oid, &claims.tid));
        let signed = claims.to_be_signed();
        let signature = arm.access.sign_id_token(&signed);
        answer.id_token = Some(Secret::new(format!("{signed}.{signature}")));
        answer.refresh_token = given.refresh;
    }
    answer
}

/// One table from refusal to status and word. Source: RFC 6749, 5.2; RFC 8628, 3.5
fn words(refusal: &LoginRefusal) -> (StatusCode, &'static str) {
    match refusal {
        LoginRefusal::Client | LoginRefusal::Assertion(_) | LoginRefusal::Issuer { .. } => {
            (StatusCode::UNAUTHORIZED, "invalid_client")
        }
        // As Entra answers what smart lockout refuses: AADSTS50053.
        LoginRefusal::User
        | LoginRefusal::Disabled { .. }
        | LoginRefusal::Changed { .. }
        | LoginRefusal::TooMany { .. }
        | LoginRefusal::Refresh(_)
        | LoginRefusal::UserCode => (StatusCode::BAD_REQUEST, "invalid_grant"),
        LoginRefusal::Person(PersonRefusal::Issuer { .. })
        | LoginRefusal::DevicesFull
        | LoginRefusal::Crowded { .. }
        | LoginRefusal::Server(_) => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        // Source: RFC 8693, 2.2.2: whatever is wrong with the subject_token
        LoginRefusal::Person(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
        LoginRefusal::DeviceWaiting => (StatusCode::BAD_REQUEST, "authorization_pending"),
        LoginRefusal::DeviceTooSoon => (StatusCode::BAD_REQUEST, "slow_down"),
        LoginRefusal::DeviceOver => (StatusCode::BAD_REQUEST, "expired_token"),
    }
}

/// Source: docs, Entra error codes (AADSTS90002)
pub(crate) fn no_tenant(tenant: &str) -> Reply {
    let text = format!("there is no tenant '{tenant}' here: `roadstead az-setup` shows this installation's");
    refused(StatusCode::BAD_REQUEST, "invalid_tenant", text)
}

fn refused(status: StatusCode, error: &str, error_description: String) -> Reply {
    Reply::json(status, &TokenError { error: error.to_owned(), error_description })
}

/// A field of an HTML form (`application/x-www-form-urlencoded`), decoded: there, unlike in paths, `+` is a blank.
pub(crate) fn field(form: &[u8], name: &str) -> Option<String> {
    let form = std::str::from_utf8(form).ok()?;
    let (_, value) = form.split('&').filter_map(|field| field.split_once('=')).find(|(found, _)| *found == name)?;
    Some(percent::decode(&value.replace('+', " ")).into_owned())
}
