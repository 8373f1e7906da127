//! Users and service principals, in the words of Microsoft Graph. Members that nobody here needs are left out.
//!
//! Source: docs, Microsoft Graph v1.0: `user`, `objectIdentity`, `servicePrincipal`, `passwordCredential`, `federatedIdentityCredential`

use roadstead_model::{ClientSecret, FederatedCredential, Guid, IssuerLink, Login, Principal, Secret, UserProof};
use serde::{Deserialize, Serialize};

/// A user or a service principal as Graph shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphPrincipal {
    pub id: Guid,
    pub display_name: String,
    pub account_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_date_time: Option<String>,
    /// Of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_principal_name: Option<String>,
    /// Of a user who logs in at another issuer; has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identities: Option<Vec<ObjectIdentity>>,
    /// Of a service principal; the same as its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_principal_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_credentials: Option<Vec<PasswordCredential>>,
}

/// By whose word a user logs in: `{"signInType":"federated","issuer":"https://login.example","issuerAssignedId":"f81d4fae"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectIdentity {
    pub sign_in_type: String,
    /// As its tokens have it in `iss`.
    pub issuer: String,
    /// As its tokens have it in `sub`; absent here until the user logs in for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_assigned_id: Option<String>,
}

/// The only kind of [`ObjectIdentity`] here.
pub const FEDERATED: &str = "federated";

/// A secret of a service principal. The text itself is told once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordCredential {
    pub key_id: Guid,
    pub display_name: String,
    pub hint: String,
    pub start_date_time: String,
    pub end_date_time: String,
    pub secret_text: Option<Secret>,
}

/// Whose tokens log a service principal in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FederatedIdentity {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Guid>,
    pub name: String,
    pub issuer: String,
    pub subject: String,
}

/// `POST /v1.0/users`, with one of `passwordProfile` and `identities`. Graph needs `mailNickname`, too; here nobody looks at
/// it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    pub user_principal_name: String,
    #[serde(default)]
    pub display_name: Option<String>,
    #[serde(default)]
    pub account_enabled: Option<bool>,
    #[serde(default)]
    pub password_profile: Option<PasswordProfile>,
    #[serde(default)]
    pub identities: Option<Vec<ObjectIdentity>>,
}

/// A new password.
#[derive(Debug, Deserialize)]
pub struct PasswordProfile {
    pub password: Secret,
}

/// `POST /v1.0/servicePrincipals`: of an application that was made before, `{"appId":"…"}`, or alone,
/// `{"displayName":"ci"}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewServicePrincipal {
    #[serde(default)]
    pub app_id: Option<Guid>,
    #[serde(default)]
    pub display_name: Option<String>,
}

/// `POST /v1.0/applications`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewApplication {
    pub display_name: String,
    /// Certificates to log in with.
    #[serde(default)]
    pub key_credentials: Option<Vec<serde_json::Value>>,
}

/// A service principal as the application that Graph would have made it from; the same record by the same id. Lists that
/// are always empty here are there since clients go through them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphApplication {
    pub id: Guid,
    pub app_id: Guid,
    pub display_name: String,
    pub created_date_time: Option<String>,
    pub sign_in_audience: &'static str,
    pub identifier_uris: [String; 0],
    pub key_credentials: [String; 0],
    pub password_credentials: Vec<PasswordCredential>,
}

/// `PATCH` of either.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrincipalPatch {
    #[serde(default)]
    pub display_name: Option<String>,
    #[serde(default)]
    pub account_enabled: Option<bool>,
    #[serde(default)]
    pub password_profile: Option<PasswordProfile>,
}

/// `POST …/addPassword`: `{"passwordCredential":{"displayName":"ci","endDateTime":"2027-01-01T00:00:00Z"}}`, or nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddPassword {
    #[serde(default)]
    pub password_credential: Option<SecretWish>,
}

/// What a new secret shall be.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretWish {
    #[serde(default)]
    pub display_name: Option<String>,
    #[serde(default)]
    pub end_date_time: Option<String>,
}

/// `POST …/removePassword`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovePassword {
    pub key_id: Guid,
}

/// `POST /v1.0/directoryObjects/getByIds`.
#[derive(Debug, Deserialize)]
pub struct DirectoryIds {
    pub ids: Vec<Guid>,
}

/// `POST /v1.0/me/changePassword`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangePassword {
    pub current_password: Secret,
    pub new_password: Secret,
}

impl From<&Principal> for GraphPrincipal {
    fn from(principal: &Principal) -> Self {
        let mut shown = Self {
            id: principal.id.0,
            display_name: principal.display_name.clone(),
            account_enabled: principal.enabled,
            created_date_time: Some(principal.created.iso()),
            user_principal_name: None,
            identities: None,
            app_id: None,
            service_principal_type: None,
            password_credentials: None,
        };
        match &principal.login {
            Login::User { name, proof, .. } => {
                shown.user_principal_name = Some(name.to_string());
                shown.identities = match proof {
                    UserProof::Password(_) => None,
                    UserProof::Issuer(link) => Some(vec![ObjectIdentity::from(link)]),
                };
            }
            Login::Service { secrets, .. } => {
                shown.app_id = Some(principal.id.to_string());
                shown.service_principal_type = Some("Application".to_owned());
                shown.password_credentials =
                    Some(secrets.iter().map(|secret| PasswordCredential::new(secret, None)).collect());
            }
        }
        shown
    }
}

impl From<GraphPrincipal> for GraphApplication {
    fn from(service: GraphPrincipal) -> Self {
        Self {
            id: service.id,
            app_id: service.id,
            display_name: service.display_name,
            created_date_time: service.created_date_time,
            sign_in_audience: "AzureADMyOrg",
            identifier_uris: [],
            key_credentials: [],
            password_credentials: service.password_credentials.unwrap_or_default(),
        }
    }
}

impl PasswordCredential {
    /// A secret, with its text when it is new.
    pub fn new(kept: &ClientSecret, text: Option<Secret>) -> Self {
        Self {
            key_id: kept.key_id,
            display_name: kept.display_name.clone(),
            hint: kept.hint.clone(),
            start_date_time: kept.created.iso(),
            end_date_time: kept.expires.iso(),
            secret_text: text,
        }
    }
}

impl From<&IssuerLink> for ObjectIdentity {
    fn from(IssuerLink { issuer, subject }: &IssuerLink) -> Self {
        Self { sign_in_type: FEDERATED.to_owned(), issuer: issuer.clone(), issuer_assigned_id: subject.clone() }
    }
}

impl From<&FederatedCredential> for FederatedIdentity {
    fn from(FederatedCredential { id, name, issuer, subject }: &FederatedCredential) -> Self {
        Self { id: Some(*id), name: name.clone(), issuer: issuer.clone(), subject: subject.clone() }
    }
}

#[cfg(test)]
mod tests {
    use roadstead_model::{Etag, PrincipalId, UnixMillis, UserName};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn no_hash_and_no_digest_is_shown() {
        let user = Principal {
            id: PrincipalId(Guid::from_bytes([1; 16])),
            display_name: "Alice".to_owned(),
            enabled: true,
            login: Login::User {
                name: UserName::parse("alice").unwrap(),
                proof: UserProof::Password(Secret::new("HASH")),
                logins: Vec::new(),
            },
            sessions: 0,
            etag: Etag::from_client("e"),
            created: UnixMillis(0),
        };
        let shown = serde_json::to_value(GraphPrincipal::from(&user)).unwrap();
        let expected = json!({"id": "01010101-0101-0101-0101-010101010101", "displayName": "Alice",
            "accountEnabled": true, "createdDateTime": "1970-01-01T00:00:00.0000000Z", "userPrincipalName": "alice"});
        assert_eq!(shown, expected);
        let link = IssuerLink { issuer: "https://login.example".to_owned(), subject: None };
        let login =
            Login::User { name: UserName::parse("lena").unwrap(), proof: UserProof::Issuer(link), logins: Vec::new() };
        let shown = serde_json::to_value(GraphPrincipal::from(&Principal { login, ..user.clone() })).unwrap();
        let expected = json!([{"signInType": "federated", "issuer": "https://login.example"}]);
        assert_eq!(shown["identities"], expected);
        let secret = ClientSecret {
            key_id: Guid::from_bytes([2; 16]),
            display_name: "ci".to_owned(),
            digest: Secret::new("DIGEST"),
            hint: "Xq3".to_owned(),
            created: UnixMillis(0),
            expires: UnixMillis(1000),
        };
        let login = Login::Service { secrets: vec![secret], federated: Vec::new() };
        let shown = serde_json::to_value(GraphPrincipal::from(&Principal { login, ..user })).unwrap();
        assert_eq!(shown["appId"], shown["id"]);
        assert_eq!(shown["passwordCredentials"][0]["secretText"], Value::Null);
        assert!(!shown.to_string().contains("DIGEST"));
    }
}
