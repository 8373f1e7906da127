//! Credentials for tokens. Source: `reference/arm-and-az.md` 2

use crate::authority::AccessToken;
use crate::error::ServiceError;
use crate::management::Credentials;
use crate::refusal::Refusal;
use crate::transport::{Request, Transport, origin_of};
use reqwest::Method;
use roadstead_model::Secret;
use roadstead_wire::percent;
use serde::Deserialize;
use zeroize::Zeroizing;

/// For which API a token is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    /// Resource Manager.
    Management,
    /// The service API of hubs.
    Hub,
    /// The service API of DPS instances.
    Dps,
}

/// What somebody shows.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// A service principal's secret.
    Secret(&'a Credentials),
    /// A user's name and password.
    Password {
        /// User name.
        name: &'a str,
        /// Password.
        password: &'a Zeroizing<String>,
    },
    /// What an earlier log-in gave.
    Refresh(&'a AccessToken),
    /// A person's ID token of another issuer.
    IdToken(&'a Secret),
}

/// What the token endpoint gave.
#[derive(Debug)]
pub struct Tokens {
    /// For requests.
    pub access: AccessToken,
    /// Seconds for which it counts.
    pub lifetime_s: i64,
    /// For new tokens of any API; users get one.
    pub refresh: Option<AccessToken>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: i64,
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Asks the token endpoint of the server at `endpoint` (`https://localhost:8443`).
///
/// Errors: [`ServiceError::SignIn`] when the proof is not accepted.
pub async fn log_in(transport: &Transport, endpoint: &str, proof: Proof<'_>, api: Api) -> Result<Tokens, ServiceError> {
    let endpoint = endpoint.trim_end_matches('/');
    let scope = match api {
        Api::Management => format!("{endpoint}/.default"),
        Api::Hub => "https://iothubs.azure.net/.default".to_owned(),
        Api::Dps => "https://azure-devices-provisioning.net/.default".to_owned(),
    };
    let mut fields = match proof {
        Proof::Secret(Credentials { client_id, client_secret }) => vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
            ("client_secret", client_secret.as_str()),
        ],
        Proof::Password { name, password } => {
            vec![("grant_type", "password"), ("username", name), ("password", password.as_str())]
        }
        Proof::Refresh(AccessToken(token)) => {
            vec![("grant_type", "refresh_token"), ("refresh_token", token.as_str())]
        }
        // Source: RFC 8693, 2.1
        Proof::IdToken(token) => vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
            ("subject_token", token.expose()),
        ],
    };
    fields.push(("scope", &scope));
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", percent::encode(value))).collect();
    let request = Request::new(Method::POST, format!("{endpoint}/adfs/oauth2/token"))
        .bytes("application/x-www-form-urlencoded", pairs.join("&").into_bytes());
    let answer = transport.send(request).await?;
    match answer.status {
        200..=299 => {
            let TokenAnswer { access_token, expires_in, refresh_token } = answer.json()?;
            Ok(Tokens {
                access: AccessToken(Zeroizing::new(access_token)),
                lifetime_s: expires_in,
                refresh: refresh_token.map(|token| AccessToken(Zeroizing::new(token))),
            })
        }
        status @ 400..=403 => Err(ServiceError::SignIn {
            origin: origin_of(endpoint).to_owned(),
            refusal: Refusal::decode(status, &answer.body),
        }),
        status => Err(ServiceError::Refused(Refusal::decode(status, &answer.body))),
    }
}
