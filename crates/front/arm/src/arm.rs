//! Which operation a request is, and whether its sender may ask for it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Method, Request, Response};
use roadstead_hub::Hubs;
use roadstead_resources::{Administrators, Resources};
use roadstead_wire::arm::Cloud;

use crate::{
    call::Call,
    op::{
        self, certificate, consumer_group, count, deployment, dps, group, hub, key, metadata, name, provider, resource,
        route_test, subscription, template, token,
    },
    refusal::Refusal,
    reply::Reply,
};

/// The name under which `az cloud register` knows an installation.
const CLOUD_NAME: &str = "Roadstead";

/// Answers requests of Resource Manager and of its token endpoint.
pub struct Arm {
    pub(crate) resources: Arc<Resources>,
    pub(crate) administrators: Arc<Administrators>,
    pub(crate) hubs: Arc<Hubs>,
}

impl Arm {
    /// A face of these resources, open to this administrator. `hubs`: what the resources are made of, to be counted.
    pub fn new(resources: Arc<Resources>, administrators: Arc<Administrators>, hubs: Arc<Hubs>) -> Self {
        Self { resources, administrators, hubs }
    }

    /// Whether a path is this face's: `/metadata/endpoints`, `/adfs/…`, `/subscriptions…`, `/providers…` or `/tenants…`, also with
    /// doubled slashes (`az` with a resource manager URL that ends in one).
    pub fn claims(path: &str) -> bool {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let first = segments.next().unwrap_or_default();
        let is = |segment: &str, word: &str| segment.eq_ignore_ascii_case(word);
        ["adfs", "providers", "subscriptions", "tenants"].iter().any(|word| is(first, word))
            || (is(first, "metadata") && segments.next().is_some_and(|second| is(second, "endpoints")))
    }

    /// Answers a request. `base_url` is how the client reached the server, `https://localhost:8443`: the metadata that
    /// `az cloud register` asks for lead back there. The body must be bounded by the caller.
    pub async fn answer(&self, request: Request<Bytes>, base_url: &str) -> Response<Bytes> {
        let base_url = base_url.trim_end_matches('/');
        let call = Call::new(request);
        let answer = match self.route(&call, base_url).await {
            Ok(reply) => reply.into_response(),
            Err(refusal) => refusal.into_response(base_url),
        };
        if call.method == Method::HEAD { answer.map(|_| Bytes::new()) } else { answer }
    }

    async fn route(&self, call: &Call, base_url: &str) -> Result<Reply, Refusal> {
        let tenant = self.administrators.installation().tenant_id.to_string();
        let cloud = Cloud { name: CLOUD_NAME, url: base_url, tenant: &tenant };
        match (&call.method, call.words().as_slice()) {
            (&Method::GET, ["metadata", "endpoints"]) => Ok(metadata::endpoints(&cloud, call)),
            (&Method::GET, ["adfs", ".well-known", "openid-configuration"]) => Ok(metadata::openid(&cloud)),
            (&Method::POST, ["adfs", "oauth2", "token"]) => Ok(token::issue(self, call)),
            (_, ["adfs", ..]) => Err(Refusal::no_route(call)),
            (method, words) => {
                self.admit(call)?;
                match (method, words) {
                    (&Method::GET, ["tenants"]) => Ok(subscription::list_tenants(self)),
                    (&Method::GET, ["subscriptions"]) => Ok(subscription::list(self)),
                    (&Method::GET, ["providers", "microsoft.devices", "operations"]) => Ok(provider::operations()),
                    (method, ["subscriptions", _, words @ ..]) => {
                        subscription::require(self, call.segment(1))?;
                        self.route_in_subscription(call, method, words).await
                    }
                    _ => Err(Refusal::no_route(call)),
                }
            }
        }
    }

    /// Errors: 401 without the administrator's bearer token.
    fn admit(&self, call: &Call) -> Result<(), Refusal> {
        let token = call.bearer_token().ok_or_else(Refusal::no_token)?;
        Ok(self.administrators.check(token)?)
    }

    async fn route_in_subscription(&self, call: &Call, method: &Method, words: &[&str]) -> Result<Reply, Refusal> {
        match (method, words) {
            (&Method::GET, []) => Ok(subscription::show(self)),
            (&Method::GET, ["locations"]) => Ok(provider::locations(self)),
            (&Method::GET, ["providers"]) => Ok(provider::list(self)),
            (&Method::GET, ["providers", _]) | (&Method::POST, ["providers", _, "register"]) => {
                provider::show(self, call)
            }
            (&Method::GET, ["resources"]) => resource::list(self, call),
            (&Method::GET, ["resourcegroups"]) => group::list(self, call),
            (&Method::GET, ["resourcegroups", _, "resources"]) => resource::list_of_group(self, call),
            (&Method::PATCH, ["resourcegroups", _]) => group::patch(self, call).await,
            (&Method::POST, ["resourcegroups", _, "exporttemplate"]) => template::export(self, call),
            (method, ["resourcegroups", _, "providers", "microsoft.resources", "deployments", words @ ..]) => {
                match (method, words) {
                    (&Method::GET, []) => deployment::list(self, call),
                    (&Method::POST, [_, "validate"]) => deployment::validate(self, call),
                    (&Method::PUT, [_]) => deployment::put(self, call).await,
                    _ => Err(Refusal::no_route(call)),
                }
            }
            (&Method::GET, ["resourcegroups", _]) => group::show(self, call),
            (&Method::HEAD, ["resourcegroups", _]) => Ok(group::exists(self, call)),
            (&Method::PUT, ["resourcegroups", _]) => group::put(self, call).await,
            (&Method::DELETE, ["resourcegroups", _]) => group::delete(self, call).await,
            (&Method::GET, ["providers", "microsoft.devices", "iothubs"]) => hub::list(self, None),
            (&Method::GET, ["providers", "microsoft.devices", "provisioningservices"]) => dps::list(self, None),
            (&Method::GET, ["providers", "microsoft.devices", "usages"]) => Ok(provider::usages(self)),
            (&Method::POST, ["providers", "microsoft.devices", "checknameavailability"]) => name::check_hub(self, call),
            (&Method::POST, ["providers", "microsoft.devices", "checkprovisioningservicenameavailability"]) => {
                name::check_dps(self, call)
            }
            (method, ["resourcegroups", _, "providers", "microsoft.devices", "iothubs", words @ ..]) => {
                self.route_hub(call, method, words).await
            }
            (method, ["resourcegroups", _, "providers", "microsoft.devices", "provisioningservices", words @ ..]) => {
                self.route_dps(call, method, words).await
            }
            _ => Err(Refusal::no_route(call)),
        }
    }

    pub(crate) async fn route_hub(&self, call: &Call, method: &Method, words: &[&str]) -> Result<Reply, Refusal> {
        match (method, words) {
            (&Method::GET, []) => hub::list(self, Some(call.segment(op::GROUP))),
            (&Method::GET, [_]) => hub::show(self, call),
            (&Method::PUT, [_]) => hub::put(self, call).await,
            (&Method::PATCH, [_]) => hub::patch(self, call).await,
            (&Method::DELETE, [_]) => hub::delete(self, call).await,
            (&Method::POST, [_, "listkeys"]) => key::list_of_hub(self, call),
            (&Method::GET, [_, "skus"]) => provider::hub_tiers(self, call),
            (&Method::GET, [_, "routingendpointshealth"]) => provider::endpoint_health(self, call),
            (&Method::POST, [_, "routing", "routes", "$testall"]) => route_test::all(self, call),
            (&Method::POST, [_, "routing", "routes", "$testnew"]) => route_test::new(self, call),
            (&Method::GET, [_, "iothubstats"]) => count::devices(self, call).await,
            (&Method::GET, [_, "quotametrics"]) => count::quota(self, call).await,
            (&Method::POST, [_, "iothubkeys", _, "listkeys"]) => key::show_of_hub(self, call),
            (method, [_, "certificates", words @ ..]) => {
                certificate::route(self, call, &certificate::Owner::hub(self, call)?, method, words).await
            }
            (method, [_, "eventhubendpoints", "events", "consumergroups", words @ ..]) => {
                consumer_group::route(self, call, method, words).await
            }
            _ => Err(Refusal::no_route(call)),
        }
    }

    pub(crate) async fn route_dps(&self, call: &Call, method: &Method, words: &[&str]) -> Result<Reply, Refusal> {
        match (method, words) {
            (&Method::GET, []) => dps::list(self, Some(call.segment(op::GROUP))),
            (&Method::GET, [_]) => dps::show(self, call),
            (&Method::PUT, [_]) => dps::put(self, call).await,
            (&Method::PATCH, [_]) => dps::patch(self, call).await,
            (&Method::DELETE, [_]) => dps::delete(self, call).await,
            (&Method::POST, [_, "listkeys"]) => key::list_of_dps(self, call),
            (&Method::GET, [_, "skus"]) => provider::dps_tiers(self, call),
            (&Method::POST, [_, "keys", _, "listkeys"]) => key::show_of_dps(self, call),
            (method, [_, "certificates", words @ ..]) => {
                certificate::route(self, call, &certificate::Owner::dps(self, call)?, method, words).await
            }
            _ => Err(Refusal::no_route(call)),
        }
    }
}
