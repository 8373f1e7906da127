//! The Resource Manager: what an administrator makes, shows and deletes.

mod access;
mod issuing;
mod metrics;

pub use access::PrincipalKind;
pub use issuing::IssuedPage;
pub use metrics::MetricsQuery;

use crate::authority::AccessToken;
use crate::error::ServiceError;
use crate::limits::TOKEN_RENEW_BEFORE_S;
use crate::login::{Api, Proof, log_in};
use crate::transport::{Answer, Request, Transport};
use reqwest::Method;
use roadstead_wire::{
    arm::{Contents, Disk},
    percent,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt;
use tokio::sync::{Mutex, OnceCell};
use zeroize::Zeroizing;

/// API versions, as azure-cli 2.77 asks. Source: `reference/arm-and-az.md` 3
const GROUPS_VERSION: &str = "2024-11-01";
const CONSUMER_GROUPS: &str = "/eventHubEndpoints/events/ConsumerGroups";
const SUBSCRIPTIONS_VERSION: &str = "2022-12-01";

/// Who administers. `Debug` hides the secret.
#[derive(Clone)]
pub struct Credentials {
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.client_id)
    }
}

/// The two kinds of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `Microsoft.Devices/IotHubs`
    Hub,
    /// `Microsoft.Devices/provisioningServices`
    Dps,
}

impl Kind {
    fn segment(self) -> &'static str {
        match self {
            Self::Hub => "IotHubs",
            Self::Dps => "provisioningServices",
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::Hub => "2023-06-30",
            Self::Dps => "2021-10-15",
        }
    }
}

/// One hub or DPS by its resource group and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: Kind,
    /// Resource group.
    pub group: String,
    /// Name.
    pub name: String,
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// There was nothing to delete.
    Absent,
    /// Done; with what was in it, when the server tells.
    Done(Option<Contents>),
}

/// The Resource Manager of one server. Signs in at the first call.
#[derive(Debug)]
pub struct Management {
    transport: Transport,
    endpoint: String,
    administrator: Administrator,
    subscription: OnceCell<String>,
    token: Mutex<Option<Token>>,
}

#[derive(Debug)]
enum Administrator {
    Credentials(Credentials),
    Token(AccessToken),
}

struct Token {
    text: Zeroizing<String>,
    renew_at_s: i64,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(until {})", self.renew_at_s)
    }
}

/// Every list of the Resource Manager.
#[derive(Deserialize)]
struct Listed<T> {
    value: Vec<T>,
}

impl Management {
    /// A client of the server at `endpoint` (`https://localhost:8443`). Without a subscription the server's first is taken.
    pub fn new(transport: Transport, endpoint: &str, credentials: Credentials, subscription: Option<String>) -> Self {
        Self {
            transport,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            administrator: Administrator::Credentials(credentials),
            subscription: OnceCell::new_with(subscription),
            token: Mutex::new(None),
        }
    }

    /// The same as somebody who logged in already. The token is not renewed.
    pub fn with_token(transport: Transport, endpoint: &str, token: AccessToken) -> Self {
        Self {
            transport,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            administrator: Administrator::Token(token),
            subscription: OnceCell::new(),
            token: Mutex::new(None),
        }
    }

    /// All resource groups.
    pub async fn list_groups<T: DeserializeOwned>(&self) -> Result<Vec<T>, ServiceError> {
        let url = self.url("/resourcegroups", GROUPS_VERSION).await?;
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// One resource group.
    pub async fn find_group<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ServiceError> {
        let url = self.group_url(name).await?;
        self.send(Method::GET, &url, None, None).await?.find()
    }

    /// Creates or changes a resource group. Body: `{"location":"westeurope","tags":{}}`
    pub async fn put_group<T: DeserializeOwned>(&self, name: &str, body: &Value) -> Result<T, ServiceError> {
        let url = self.group_url(name).await?;
        self.send(Method::PUT, &url, None, Some(body)).await?.json()
    }

    /// Deletes a resource group with all that is in it.
    pub async fn delete_group(&self, name: &str) -> Result<Deletion, ServiceError> {
        let url = self.group_url(name).await?;
        self.send(Method::DELETE, &url, None, None).await?.deletion()
    }

    /// What is in a resource group; `None` when there is none, or when the server does not tell.
    pub async fn count_group(&self, name: &str) -> Result<Option<Contents>, ServiceError> {
        let path = format!("/resourceGroups/{}/contents", percent::encode(name));
        let url = self.url(&path, GROUPS_VERSION).await?;
        self.send(Method::GET, &url, None, None).await?.find()
    }

    /// All hubs or all DPS, of one resource group or of the subscription.
    pub async fn list<T: DeserializeOwned>(&self, kind: Kind, group: Option<&str>) -> Result<Vec<T>, ServiceError> {
        let within = group.map(|group| format!("/resourceGroups/{}", percent::encode(group))).unwrap_or_default();
        let path = format!("{within}/providers/Microsoft.Devices/{}", kind.segment());
        let url = self.url(&path, kind.version()).await?;
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// One hub or DPS.
    pub async fn find<T: DeserializeOwned>(&self, resource: &Resource) -> Result<Option<T>, ServiceError> {
        let url = self.resource_url(resource, "").await?;
        self.send(Method::GET, &url, None, None).await?.find()
    }

    /// Creates or changes a hub or DPS, on condition that its etag still is `etag`.
    pub async fn put<T: DeserializeOwned>(
        &self,
        resource: &Resource,
        body: &Value,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        let url = self.resource_url(resource, "").await?;
        self.send(Method::PUT, &url, etag, Some(body)).await?.json()
    }

    /// Deletes a hub or DPS with all that is in it.
    pub async fn delete(&self, resource: &Resource) -> Result<Deletion, ServiceError> {
        let url = self.resource_url(resource, "").await?;
        self.send(Method::DELETE, &url, None, None).await?.deletion()
    }

    /// What is in a hub or DPS; `None` when there is none, or when the server does not tell.
    pub async fn count(&self, resource: &Resource) -> Result<Option<Contents>, ServiceError> {
        let url = self.resource_url(resource, "/contents").await?;
        self.send(Method::GET, &url, None, None).await?.find()
    }

    /// How much the installation holds, and how much room is left; `None` when the server does not tell.
    pub async fn disk(&self) -> Result<Option<Disk>, ServiceError> {
        let url = self.url("/providers/Roadstead/disk", GROUPS_VERSION).await?;
        self.send(Method::GET, &url, None, None).await?.find()
    }

    /// Whether a name is free: `{"nameAvailable":true,"reason":…,"message":…}`
    pub async fn check_name<T: DeserializeOwned>(&self, kind: Kind, name: &str) -> Result<T, ServiceError> {
        let check = match kind {
            Kind::Hub => "checkNameAvailability",
            Kind::Dps => "checkProvisioningServiceNameAvailability",
        };
        let url = self.url(&format!("/providers/Microsoft.Devices/{check}"), kind.version()).await?;
        self.send(Method::POST, &url, None, Some(&json!({ "name": name }))).await?.json()
    }

    /// How much of a hub's quota is used: `{"name":"TotalDeviceCount","currentValue":3,"maxValue":1000000}`
    pub async fn list_quota<T: DeserializeOwned>(&self, hub: &Resource) -> Result<Vec<T>, ServiceError> {
        let url = self.resource_url(hub, "/quotaMetrics").await?;
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// All policies with their keys: `{"keyName":…,"primaryKey":…,"secondaryKey":…,"rights":"RegistryWrite, …"}`
    pub async fn list_keys<T: DeserializeOwned>(&self, resource: &Resource) -> Result<Vec<T>, ServiceError> {
        let url = self.resource_url(resource, "/listkeys").await?;
        Ok(self.send(Method::POST, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// One policy with its keys.
    pub async fn find_key<T: DeserializeOwned>(
        &self,
        resource: &Resource,
        policy: &str,
    ) -> Result<Option<T>, ServiceError> {
        let keys = match resource.kind {
            Kind::Hub => "IotHubKeys",
            Kind::Dps => "keys",
        };
        let url = self.resource_url(resource, &format!("/{keys}/{}/listkeys", percent::encode(policy))).await?;
        self.send(Method::POST, &url, None, None).await?.find()
    }

    /// All CA certificates of a hub or DPS.
    pub async fn list_certificates<T: DeserializeOwned>(&self, resource: &Resource) -> Result<Vec<T>, ServiceError> {
        let url = self.resource_url(resource, "/certificates").await?;
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// One CA certificate.
    pub async fn find_certificate<T: DeserializeOwned>(
        &self,
        resource: &Resource,
        name: &str,
    ) -> Result<Option<T>, ServiceError> {
        let url = self.certificate_url(resource, name, "").await?;
        self.send(Method::GET, &url, None, None).await?.find()
    }

    /// Uploads a CA certificate. `certificate` is base64 of the whole PEM file; `None` leaves `isVerified` to the server.
    /// With an etag, in place of the certificate that has it.
    pub async fn put_certificate<T: DeserializeOwned>(
        &self,
        resource: &Resource,
        name: &str,
        certificate: &str,
        is_verified: Option<bool>,
        etag: Option<&str>,
    ) -> Result<T, ServiceError> {
        let mut properties = json!({ "certificate": certificate });
        if let (Some(verified), Value::Object(members)) = (is_verified, &mut properties) {
            members.insert("isVerified".to_owned(), verified.into());
        }
        let body = match resource.kind {
            Kind::Hub => json!({ "properties": properties }),
            Kind::Dps => properties,
        };
        let url = self.certificate_url(resource, name, "").await?;
        self.send(Method::PUT, &url, etag, Some(&body)).await?.json()
    }

    /// Makes a new verification code, found in `properties.verificationCode` of the answer.
    pub async fn generate_verification_code<T: DeserializeOwned>(
        &self,
        resource: &Resource,
        name: &str,
        etag: &str,
    ) -> Result<T, ServiceError> {
        let url = self.certificate_url(resource, name, "/generateVerificationCode").await?;
        self.send(Method::POST, &url, Some(etag), None).await?.json()
    }

    /// Proves possession with a certificate whose common name is the code, base64 of the whole PEM file.
    pub async fn verify_certificate<T: DeserializeOwned>(
        &self,
        resource: &Resource,
        name: &str,
        etag: &str,
        proof: &str,
    ) -> Result<T, ServiceError> {
        let url = self.certificate_url(resource, name, "/verify").await?;
        self.send(Method::POST, &url, Some(etag), Some(&json!({ "certificate": proof }))).await?.json()
    }

    /// Deletes a CA certificate; `false` when there is none.
    pub async fn delete_certificate(&self, resource: &Resource, name: &str, etag: &str) -> Result<bool, ServiceError> {
        let url = self.certificate_url(resource, name, "").await?;
        self.send(Method::DELETE, &url, Some(etag), None).await?.deleted()
    }

    /// All consumer groups of a hub's events.
    pub async fn list_consumer_groups<T: DeserializeOwned>(&self, hub: &Resource) -> Result<Vec<T>, ServiceError> {
        let url = self.resource_url(hub, CONSUMER_GROUPS).await?;
        Ok(self.send(Method::GET, &url, None, None).await?.json::<Listed<T>>()?.value)
    }

    /// One consumer group.
    pub async fn find_consumer_group<T: DeserializeOwned>(
        &self,
        hub: &Resource,
        name: &str,
    ) -> Result<Option<T>, ServiceError> {
        let url = self.consumer_group_url(hub, name).await?;
        self.send(Method::GET, &url, None, None).await?.find()
    }

    /// Makes a consumer group; one that is there stays as it is.
    pub async fn put_consumer_group<T: DeserializeOwned>(&self, hub: &Resource, name: &str) -> Result<T, ServiceError> {
        let url = self.consumer_group_url(hub, name).await?;
        let body = json!({ "properties": { "name": name } });
        self.send(Method::PUT, &url, None, Some(&body)).await?.json()
    }

    /// Deletes a consumer group; `false` when there is none.
    pub async fn delete_consumer_group(&self, hub: &Resource, name: &str) -> Result<bool, ServiceError> {
        let url = self.consumer_group_url(hub, name).await?;
        self.send(Method::DELETE, &url, None, None).await?.deleted()
    }

    async fn consumer_group_url(&self, hub: &Resource, name: &str) -> Result<String, ServiceError> {
        self.resource_url(hub, &format!("{CONSUMER_GROUPS}/{}", percent::encode(name))).await
    }

    async fn group_url(&self, name: &str) -> Result<String, ServiceError> {
        self.url(&format!("/resourcegroups/{}", percent::encode(name)), GROUPS_VERSION).await
    }

    async fn certificate_url(&self, resource: &Resource, name: &str, action: &str) -> Result<String, ServiceError> {
        self.resource_url(resource, &format!("/certificates/{}{action}", percent::encode(name))).await
    }

    async fn resource_url(&self, resource: &Resource, below: &str) -> Result<String, ServiceError> {
        self.versioned_url(resource, below, resource.kind.version()).await
    }

    async fn versioned_url(&self, resource: &Resource, below: &str, version: &str) -> Result<String, ServiceError> {
        let Resource { kind, group, name } = resource;
        let (group, name) = (percent::encode(group), percent::encode(name));
        let segment = kind.segment();
        let path = format!("/resourceGroups/{group}/providers/Microsoft.Devices/{segment}/{name}{below}");
        self.url(&path, version).await
    }

    async fn url(&self, path: &str, version: &str) -> Result<String, ServiceError> {
        let subscription = self.subscription.get_or_try_init(|| self.first_subscription()).await?;
        Ok(format!("{}/subscriptions/{subscription}{path}?api-version={version}", self.endpoint))
    }

    async fn first_subscription(&self) -> Result<String, ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Subscription {
            subscription_id: String,
        }
        let url = format!("{}/subscriptions?api-version={SUBSCRIPTIONS_VERSION}", self.endpoint);
        let listed: Listed<Subscription> = self.send(Method::GET, &url, None, None).await?.json()?;
        let unseen = || ServiceError::Unseen { origin: self.endpoint.clone() };
        listed.value.into_iter().next().map(|first| first.subscription_id).ok_or_else(unseen)
    }

    /// Sends as the administrator. An access token that the server no longer knows, perhaps restarted, is renewed once.
    async fn send(
        &self,
        method: Method,
        url: &str,
        etag: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, ServiceError> {
        let (token, is_new) = self.token(None).await?;
        let answer = self.send_as(&token, method.clone(), url, etag, body).await?;
        if answer.status != 401 || is_new {
            return Ok(answer);
        }
        let (token, _) = self.token(Some(&token)).await?;
        self.send_as(&token, method, url, etag, body).await
    }

    async fn send_as(
        &self,
        token: &str,
        method: Method,
        url: &str,
        etag: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, ServiceError> {
        let request = Request::new(method, url.to_owned())
            .authorized(format!("Bearer {token}"))
            .if_match(etag.map(str::to_owned));
        let request = match body {
            Some(body) => request.json(body)?,
            None => request,
        };
        self.transport.send(request).await
    }

    /// The access token, and whether it was made just now. `refused` is one that must not be given out again.
    async fn token(&self, refused: Option<&str>) -> Result<(Zeroizing<String>, bool), ServiceError> {
        let mut kept = self.token.lock().await;
        let now_s = self.transport.now().seconds().0;
        if let Some(token) =
            kept.as_ref().filter(|token| now_s < token.renew_at_s && refused != Some(token.text.as_str()))
        {
            return Ok((token.text.clone(), false));
        }
        let credentials = match &self.administrator {
            Administrator::Credentials(credentials) => credentials,
            Administrator::Token(AccessToken(token)) => return Ok((token.clone(), true)),
        };
        let given = log_in(&self.transport, &self.endpoint, Proof::Secret(credentials), Api::Management).await?;
        let renew_at_s = now_s.saturating_add(given.lifetime_s).saturating_sub(TOKEN_RENEW_BEFORE_S);
        let AccessToken(text) = given.access;
        *kept = Some(Token { text: text.clone(), renew_at_s });
        Ok((text, true))
    }
}
