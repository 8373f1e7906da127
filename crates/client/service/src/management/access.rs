//! Users, service principals, their roles, and the audit log.

use reqwest::Method;
use roadstead_wire::percent;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Listed, Management, Resource};
use crate::error::ServiceError;
use crate::transport::Answer;

/// API versions, as azure-cli 2.77 asks.
const ROLES_VERSION: &str = "2022-04-01";
const ACTIVITY_VERSION: &str = "2015-04-01";

/// Who logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person, with a password. Named by id or user name.
    User,
    /// A program, with secrets. Named by id.
    Service,
}

impl PrincipalKind {
    fn segment(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Service => "servicePrincipals",
        }
    }
}

impl Management {
    /// All users, or all service principals.
    pub async fn list_principals<T: DeserializeOwned>(&self, kind: PrincipalKind) -> Result<Vec<T>, ServiceError> {
        let url = self.principal_url(kind, "");
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// One of them.
    pub async fn find_principal<T: DeserializeOwned>(
        &self,
        kind: PrincipalKind,
        id: &str,
    ) -> Result<Option<T>, ServiceError> {
        self.send(Method::GET, &self.one_url(kind, id, ""), None, None).await?.find()
    }

    /// Makes one. A user: `{"userPrincipalName":"alice","displayName":"Alice","passwordProfile":{"password":"…"}}`; a service
    /// principal: `{"displayName":"nightly"}`
    pub async fn create_principal<T: DeserializeOwned>(
        &self,
        kind: PrincipalKind,
        body: &Value,
    ) -> Result<T, ServiceError> {
        self.send(Method::POST, &self.principal_url(kind, ""), None, Some(body)).await?.json()
    }

    /// Changes one: `{"accountEnabled":false}`, `{"passwordProfile":{"password":"…"}}`
    pub async fn change_principal(&self, kind: PrincipalKind, id: &str, body: &Value) -> Result<(), ServiceError> {
        self.send(Method::PATCH, &self.one_url(kind, id, ""), None, Some(body)).await?.check()
    }

    /// Deletes one with its roles; `false` when there is none.
    pub async fn delete_principal(&self, kind: PrincipalKind, id: &str) -> Result<bool, ServiceError> {
        self.send(Method::DELETE, &self.one_url(kind, id, ""), None, None).await?.deleted()
    }

    /// Ends all tokens of one.
    pub async fn sign_out(&self, kind: PrincipalKind, id: &str) -> Result<(), ServiceError> {
        self.send(Method::POST, &self.one_url(kind, id, "/revokeSignInSessions"), None, None).await?.check()
    }

    /// Makes a secret for a service principal; the answer's `secretText` is told this once. Body:
    /// `{"passwordCredential":{"displayName":"ci","endDateTime":"2027-01-01T00:00:00Z"}}`
    pub async fn add_secret<T: DeserializeOwned>(&self, id: &str, body: &Value) -> Result<T, ServiceError> {
        let url = self.one_url(PrincipalKind::Service, id, "/addPassword");
        self.send(Method::POST, &url, None, Some(body)).await?.json()
    }

    /// Removes a secret. Body: `{"keyId":"…"}`
    pub async fn remove_secret(&self, id: &str, body: &Value) -> Result<(), ServiceError> {
        let url = self.one_url(PrincipalKind::Service, id, "/removePassword");
        self.send(Method::POST, &url, None, Some(body)).await?.check()
    }

    /// Whose tokens log a service principal in.
    pub async fn list_federated<T: DeserializeOwned>(&self, id: &str) -> Result<Vec<T>, ServiceError> {
        let url = self.one_url(PrincipalKind::Service, id, FEDERATED);
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// Lets another issuer's tokens log a service principal in. Body: `{"name":"ci","issuer":"https://…","subject":"…"}`
    pub async fn add_federated<T: DeserializeOwned>(&self, id: &str, body: &Value) -> Result<T, ServiceError> {
        self.send(Method::POST, &self.one_url(PrincipalKind::Service, id, FEDERATED), None, Some(body)).await?.json()
    }

    /// The opposite; `false` when there was none of this name.
    pub async fn remove_federated(&self, id: &str, name: &str) -> Result<bool, ServiceError> {
        let url = self.one_url(PrincipalKind::Service, id, &format!("{FEDERATED}/{}", percent::encode(name)));
        self.send(Method::DELETE, &url, None, None).await?.deleted()
    }

    /// Who is asking: `{"id":"…","displayName":"Alice","userPrincipalName":"alice"}`
    pub async fn show_me<T: DeserializeOwned>(&self) -> Result<T, ServiceError> {
        self.send(Method::GET, &format!("{}/v1.0/me", self.endpoint), None, None).await?.json()
    }

    /// Ends all tokens of who is asking.
    pub async fn sign_me_out(&self) -> Result<(), ServiceError> {
        let url = format!("{}/v1.0/me/revokeSignInSessions", self.endpoint);
        self.send(Method::POST, &url, None, None).await?.check()
    }

    /// What who is asking may do at a hub or DPS, or in the whole subscription; an item for each role:
    /// `{"actions":["*/read"],"notActions":[],"dataActions":[],"notDataActions":[]}`
    pub async fn list_permissions<T: DeserializeOwned>(
        &self,
        resource: Option<&Resource>,
    ) -> Result<Vec<T>, ServiceError> {
        let url = match resource {
            Some(resource) => self.versioned_url(resource, PERMISSIONS, ROLES_VERSION).await?,
            None => self.url(PERMISSIONS, ROLES_VERSION).await?,
        };
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// The same in a resource group.
    pub async fn list_group_permissions<T: DeserializeOwned>(&self, group: &str) -> Result<Vec<T>, ServiceError> {
        let path = format!("/resourceGroups/{}{PERMISSIONS}", percent::encode(group));
        let url = self.url(&path, ROLES_VERSION).await?;
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// `/subscriptions/S`, below which all scopes are.
    pub async fn subscription_scope(&self) -> Result<String, ServiceError> {
        let subscription = self.subscription.get_or_try_init(|| self.first_subscription()).await?;
        Ok(format!("/subscriptions/{subscription}"))
    }

    /// The roles there are.
    pub async fn list_roles<T: DeserializeOwned>(&self) -> Result<Vec<T>, ServiceError> {
        let url = self.scoped_url(&self.subscription_scope().await?, "roleDefinitions", "");
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// Roles of principals at a scope, above it and below it; with the filter `atScope()`, not below it.
    pub async fn list_assignments<T: DeserializeOwned>(
        &self,
        scope: &str,
        filter: &str,
    ) -> Result<Vec<T>, ServiceError> {
        let url = self.scoped_url(scope, "roleAssignments", &format!("&$filter={}", percent::encode(filter)));
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// Gives a role under a name that is a new GUID. Body: `{"properties":{"roleDefinitionId":"…","principalId":"…"}}`
    pub async fn put_assignment<T: DeserializeOwned>(
        &self,
        scope: &str,
        name: &str,
        body: &Value,
    ) -> Result<T, ServiceError> {
        let url = self.scoped_url(scope, &format!("roleAssignments/{name}"), "");
        self.send(Method::PUT, &url, None, Some(body)).await?.json()
    }

    /// Takes a role away, by the id of its assignment.
    pub async fn delete_assignment(&self, id: &str) -> Result<(), ServiceError> {
        let url = format!("{}{id}?api-version={ROLES_VERSION}", self.endpoint);
        self.send(Method::DELETE, &url, None, None).await?.check()
    }

    /// Lines of the audit log, the newest first, at most `events_max`. Filter: `eventTimestamp ge '…' and resourceGroupName eq '…'`
    pub async fn list_audit(&self, filter: &str, events_max: usize) -> Result<Vec<Value>, ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            value: Vec<Value>,
            #[serde(default)]
            next_link: Option<String>,
        }
        let path = "/providers/Microsoft.Insights/eventtypes/management/values";
        let mut url = format!("{}&$filter={}", self.url(path, ACTIVITY_VERSION).await?, percent::encode(filter));
        let mut lines = Vec::new();
        loop {
            let answer: Answer = self.send(Method::GET, &url, None, None).await?;
            let page: Page = answer.json()?;
            lines.extend(page.value);
            // Where to the server leads is followed on this server alone.
            let next = page.next_link.filter(|next| next.starts_with(&format!("{}/", self.endpoint)));
            match next {
                Some(next) if lines.len() < events_max => url = next,
                _ => break,
            }
        }
        lines.truncate(events_max);
        Ok(lines)
    }

    fn principal_url(&self, kind: PrincipalKind, below: &str) -> String {
        format!("{}/v1.0/{}{below}", self.endpoint, kind.segment())
    }

    fn one_url(&self, kind: PrincipalKind, id: &str, below: &str) -> String {
        self.principal_url(kind, &format!("/{}{below}", percent::encode(id)))
    }

    fn scoped_url(&self, scope: &str, what: &str, arguments: &str) -> String {
        let (endpoint, scope) = (&self.endpoint, scope.trim_end_matches('/'));
        format!("{endpoint}{scope}/providers/Microsoft.Authorization/{what}?api-version={ROLES_VERSION}{arguments}")
    }
}

const PERMISSIONS: &str = "/providers/Microsoft.Authorization/permissions";
const FEDERATED: &str = "/federatedIdentityCredentials";
