//! Which operation a request is, whether its sender may ask for it, and a note of what was changed.

use std::{future::Future, net::IpAddr, sync::Arc};

use bytes::Bytes;
use hyper::{Method, Request, Response};
use roadstead_auth::BearerUse;
use roadstead_hub::Hubs;
use roadstead_meter::Meters;
use roadstead_model::{AuditEntry, AuditOutcome, Clock, Guid, Random};
use roadstead_resources::{Access, Caller, Place, Resources, assignment};
use roadstead_wire::arm::Cloud;
use tracing::{info, warn};

use crate::{
    authority::{self, Authority},
    call::Call,
    disk::DiskGauge,
    op::{
        GROUP, application, assignment as role_assignment, audit, certificate, consumer_group, contents, count,
        deployment, device_page, disk, dps, group, hub, issuing, key, metadata, metric, name, principal, provider,
        resource, role, route_test, service_principal, subscription, template, token, user,
    },
    refusal::Refusal,
    reply::Reply,
    route::{self, Does, Needs, Op, OpenOp, Route},
};

/// The name under which `az cloud register` knows an installation.
const CLOUD_NAME: &str = "Roadstead";

/// Answers requests of Resource Manager, of its token endpoint, and about users and service principals.
pub struct Arm {
    pub(crate) resources: Arc<Resources>,
    pub(crate) access: Arc<Access>,
    pub(crate) hubs: Arc<Hubs>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) disk: Arc<dyn DiskGauge>,
    pub(crate) clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// How a request came.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    /// How the client reached the server, without a slash at its end: `https://localhost:8443`.
    pub(crate) base_url: &'a str,
    /// Where from.
    pub(crate) address: IpAddr,
}

impl Arm {
    /// A face of these resources, open to whom `access` lets in. `hubs`: what the resources are made of, to be counted.
    pub fn new(
        resources: Arc<Resources>,
        access: Arc<Access>,
        hubs: Arc<Hubs>,
        meters: Arc<Meters>,
        disk: Arc<dyn DiskGauge>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { resources, access, hubs, meters, disk, clock, random }
    }

    /// Whether a path is this face's: `/metadata/endpoints`, `/adfs/…`, `/{tenant}/oauth2/…`, `/{tenant}/v2.0/…`,
    /// `/subscriptions…`, `/providers…`, `/tenants…` or `/v1.0/…`, also with doubled slashes (`az` with a resource manager URL
    /// that ends in one).
    pub fn claims(path: &str) -> bool {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let (first, second) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let is = |segment: &str, word: &str| segment.eq_ignore_ascii_case(word);
        ["adfs", "providers", "subscriptions", "tenants", "v1.0"].iter().any(|word| is(first, word))
            || (is(first, "metadata") && is(second, "endpoints"))
            || authority::claims(first, second)
    }

    /// Answers a request from `address`. `base_url` is how the client reached the server, `https://localhost:8443`: the
    /// metadata that `az cloud register` asks for lead back there. The body must be bounded by the caller.
    pub async fn answer(&self, request: Request<Bytes>, base_url: &str, address: IpAddr) -> Response<Bytes> {
        let base_url = base_url.trim_end_matches('/');
        let call = Call::new(request);
        let answer = match self.route(&call, Way { base_url, address }).await {
            Ok(reply) => reply.into_response(),
            Err(refusal) => refusal.into_response(base_url),
        };
        if call.method == Method::HEAD { answer.map(|_| Bytes::new()) } else { answer }
    }

    async fn route(&self, call: &Call, way: Way<'_>) -> Result<Reply, Refusal> {
        let words = call.words();
        match route::find(&call.method, &words) {
            Some(Route { does: Does::Open(op), .. }) => self.run_open(*op, call, way).await,
            Some(route @ Route { does: Does::Closed(op, needs, action), .. }) => {
                let caller = self.admit(call)?;
                if words[0] == "subscriptions" && words.len() > 1 {
                    subscription::require(self, call.segment(1))?;
                }
                self.check(&caller, route.place(|at| call.segment(at)), *needs, action)?;
                if *needs == Needs::Own {
                    self.access.count_own_change(&caller, way.address)?;
                }
                let answer = Box::pin(self.run(*op, route.place(|at| call.segment(at)), call, &caller, way));
                if needs.is_audited() { self.audited(call, &caller, action, way, answer).await } else { answer.await }
            }
            // Who asks how to log in has no token.
            None if words.first() == Some(&"adfs") || authority::claims(call.segment(0), call.segment(1)) => {
                Err(Refusal::no_route(call))
            }
            None => {
                self.admit(call)?;
                Err(Refusal::no_route(call))
            }
        }
    }

    /// Errors: 401 without a good token for this API.
    fn admit(&self, call: &Call) -> Result<Caller, Refusal> {
        let token = call.bearer_token().ok_or_else(Refusal::no_token)?;
        Ok(self.access.admit(token, BearerUse::Management)?)
    }

    /// Errors: 403.
    fn check(&self, caller: &Caller, place: Place<'_>, needs: Needs, action: &str) -> Result<(), Refusal> {
        let directory = self.resources.directory();
        let may = match needs {
            Needs::Token | Needs::Own => true,
            Needs::Sight => caller.sees(&directory, place),
            Needs::Right(permission) => caller.may(permission, assignment::target(&directory, place)),
        };
        if may {
            return Ok(());
        }
        let scope = subscription::scope_id(self, place);
        warn!(caller = %caller.name, action, scope, "a request was refused");
        Err(Refusal::forbidden(caller, action, &scope))
    }

    /// Puts one resource of a template: the caller needs what it would need to put it alone, and each is noted like that.
    pub(crate) async fn put_of_template(&self, call: &Call, caller: &Caller, way: Way<'_>) -> Result<(), Refusal> {
        let Some(route @ Route { does: Does::Closed(op, needs, action), .. }) =
            route::find(&Method::PUT, &call.words())
        else {
            return Err(Refusal::no_route(call));
        };
        self.check(caller, route.place(|at| call.segment(at)), *needs, action)?;
        let answer = async {
            match op {
                Op::PutHub => hub::put(self, call).await,
                Op::PutHubCertificate => certificate::put(self, call, &certificate::Owner::hub(self, call)?).await,
                Op::PutConsumerGroup => consumer_group::put(self, call).await,
                Op::PutDps => dps::put(self, call).await,
                Op::PutDpsCertificate => certificate::put(self, call, &certificate::Owner::dps(self, call)?).await,
                // Who may do what is not for templates.
                _ => Err(Refusal::no_route(call)),
            }
        };
        self.audited(call, caller, action, way, answer).await.map(|_| ())
    }

    /// A change is noted before it is tried, so that none is without a note, and again when its end is known.
    async fn audited(
        &self,
        call: &Call,
        caller: &Caller,
        action: &str,
        way: Way<'_>,
        answer: impl Future<Output = Result<Reply, Refusal>>,
    ) -> Result<Reply, Refusal> {
        let mut entry = AuditEntry {
            operation: Guid::fresh(&*self.random),
            at: self.clock.now(),
            principal: caller.id,
            caller: caller.name.clone(),
            address: way.address.to_canonical().to_string(),
            action: action.to_owned(),
            target: call.path().chars().take(AUDIT_TARGET_CHARS_MAX).collect(),
            outcome: AuditOutcome::Started,
            destroyed: String::new(),
        };
        self.resources.write_audit(entry.clone()).await?;
        let answer = answer.await;
        entry.at = self.clock.now();
        entry.outcome = match &answer {
            Ok(reply) => AuditOutcome::Succeeded { status: reply.status().as_u16() },
            Err(refusal) => AuditOutcome::Failed { status: refusal.status().as_u16(), code: refusal.code().to_owned() },
        };
        entry.destroyed = answer.as_ref().map(Reply::destroyed_text).unwrap_or_default();
        let destroyed = Some(entry.destroyed.as_str()).filter(|text| !text.is_empty());
        info!(caller = %entry.caller, address = %entry.address, action, target = %entry.target, outcome = ?entry.outcome, destroyed, "a change was asked for");
        // What is done is answered so; `write_audit` says in the log what could not be noted.
        let _ = self.resources.write_audit(entry).await;
        answer
    }

    async fn run_open(&self, op: OpenOp, call: &Call, way: Way<'_>) -> Result<Reply, Refusal> {
        let tenant = self.access.installation().tenant_id.to_string();
        let cloud = Cloud { name: CLOUD_NAME, url: way.base_url, tenant: &tenant };
        let authority = Authority::of(self, call);
        if authority == Authority::Foreign {
            return Ok(token::no_tenant(call.segment(0)));
        }
        Ok(match op {
            OpenOp::Endpoints => metadata::endpoints(&cloud, call),
            OpenOp::OpenId => metadata::openid(&cloud, authority),
            OpenOp::Token => token::issue(self, call, way, &cloud, authority).await,
            OpenOp::DeviceCode => token::begin_device(self, call, way),
            OpenOp::DevicePage => device_page::show(call),
            OpenOp::ApproveDevice => device_page::approve(self, call, way).await,
        })
    }

    async fn run(
        &self,
        op: Op,
        place: Place<'_>,
        call: &Call,
        caller: &Caller,
        way: Way<'_>,
    ) -> Result<Reply, Refusal> {
        let group_of = |call: &Call| call.segment(GROUP).to_owned();
        let of_hub = || certificate::Owner::hub(self, call);
        let of_dps = || certificate::Owner::dps(self, call);
        match op {
            Op::ListTenants => Ok(subscription::list_tenants(self)),
            Op::ListSubscriptions => Ok(subscription::list(self, caller)),
            Op::ShowSubscription => Ok(subscription::show(self)),
            Op::ListOperations => Ok(provider::operations()),
            Op::ListLocations => Ok(provider::locations(self, caller)),
            Op::ListProviders => Ok(provider::list(self, caller)),
            Op::ShowProvider | Op::RegisterProvider => provider::show(self, call, caller),
            Op::ListUsages => Ok(provider::usages(self)),
            Op::ShowDisk => Ok(disk::show(self).await),
            Op::ListResources => resource::list(self, call, caller),
            Op::ListGroups => group::list(self, call, caller),
            Op::ShowGroup => group::show(self, call),
            Op::GroupExists => Ok(group::exists(self, call)),
            Op::PutGroup => group::put(self, call).await,
            Op::TagGroup => group::patch(self, call).await,
            Op::DeleteGroup => group::delete(self, call).await,
            Op::CountGroup => contents::show_group(self, call).await,
            Op::ListResourcesOfGroup => resource::list_of_group(self, call, caller),
            Op::ExportTemplate => template::export(self, call),
            Op::ListDeployments => deployment::list(self, call),
            Op::PutDeployment => deployment::put(self, call, caller, way).await,
            Op::ValidateDeployment => deployment::validate(self, call),
            Op::CheckHubName => name::check_hub(self, call),
            Op::CheckDpsName => name::check_dps(self, call),
            Op::ListHubs => hub::list(self, caller, None),
            Op::ListHubsOfGroup => hub::list(self, caller, Some(&group_of(call))),
            Op::ShowHub => hub::show(self, call),
            Op::PutHub => hub::put(self, call).await,
            Op::TagHub => hub::patch(self, call).await,
            Op::DeleteHub => hub::delete(self, call).await,
            Op::CountHub => contents::show_hub(self, call).await,
            Op::ListHubTiers => provider::hub_tiers(self, call),
            Op::ShowEndpointHealth => provider::endpoint_health(self, call),
            Op::TestRoutes => route_test::all(self, call),
            Op::TestRoute => route_test::new(self, call),
            Op::CountDevices => count::devices(self, call).await,
            Op::ListQuota => count::quota(self, call).await,
            Op::ListHubKeys => key::list_of_hub(self, call),
            Op::ShowHubKey => key::show_of_hub(self, call),
            Op::ListHubCertificates => certificate::list(self, &of_hub()?),
            Op::ShowHubCertificate => certificate::show(self, call, &of_hub()?),
            Op::PutHubCertificate => certificate::put(self, call, &of_hub()?).await,
            Op::DeleteHubCertificate => certificate::delete(self, call, &of_hub()?).await,
            Op::HubCertificateCode => certificate::generate_code(self, call, &of_hub()?).await,
            Op::VerifyHubCertificate => certificate::verify(self, call, &of_hub()?).await,
            Op::ListConsumerGroups => consumer_group::list(self, call),
            Op::ShowConsumerGroup => consumer_group::show(self, call),
            Op::PutConsumerGroup => consumer_group::put(self, call).await,
            Op::DeleteConsumerGroup => consumer_group::delete(self, call).await,
            Op::ListDps => dps::list(self, caller, None),
            Op::ListDpsOfGroup => dps::list(self, caller, Some(&group_of(call))),
            Op::ShowDps => dps::show(self, call),
            Op::PutDps => dps::put(self, call).await,
            Op::TagDps => dps::patch(self, call).await,
            Op::DeleteDps => dps::delete(self, call).await,
            Op::CountDps => contents::show_dps(self, call).await,
            Op::ListDpsTiers => provider::dps_tiers(self, call),
            Op::ListDpsKeys => key::list_of_dps(self, call),
            Op::ShowDpsKey => key::show_of_dps(self, call),
            Op::ListDpsCertificates => certificate::list(self, &of_dps()?),
            Op::ShowDpsCertificate => certificate::show(self, call, &of_dps()?),
            Op::PutDpsCertificate => certificate::put(self, call, &of_dps()?).await,
            Op::DeleteDpsCertificate => certificate::delete(self, call, &of_dps()?).await,
            Op::DpsCertificateCode => certificate::generate_code(self, call, &of_dps()?).await,
            Op::VerifyDpsCertificate => certificate::verify(self, call, &of_dps()?).await,
            Op::CreateCa => issuing::create_ca(self, call, &of_dps()?).await,
            Op::IssueCertificate => issuing::issue(self, call, caller).await,
            Op::ListIssued => issuing::list(self, call, way).await,
            Op::ListIssuedOfDps => issuing::list_by_end(self, call, way).await,
            Op::ListRoles => Ok(role::list(self, call)),
            Op::ShowRole => role::show(self, call),
            Op::ListPermissions => Ok(role::permissions(self, caller, place)),
            Op::ListAssignments => role_assignment::list(self, call),
            Op::ShowAssignment => role_assignment::show(self, call),
            Op::PutAssignment => role_assignment::put(self, call).await,
            Op::DeleteAssignment => role_assignment::delete(self, call).await,
            Op::ListAudit => audit::list(self, call, way).await,
            Op::ListHubMetrics => metric::list_of_hub(self, call),
            Op::DefineHubMetrics => metric::define_of_hub(self, call),
            Op::ListDpsMetrics => metric::list_of_dps(self, call),
            Op::DefineDpsMetrics => metric::define_of_dps(self, call),
            Op::FindPrincipals => principal::find_by_ids(self, call),
            Op::ShowMe => Ok(principal::show_me(self, caller)),
            Op::ChangeMyPassword => principal::change_my_password(self, call, caller, way).await,
            Op::SignMeOut => principal::sign_out(self, caller.id).await,
            Op::ListUsers => Ok(user::list(self, call)),
            Op::CreateUser => user::create(self, call).await,
            Op::ShowUser => user::show(self, call),
            Op::ChangeUser => user::change(self, call).await,
            Op::DeleteUser => user::delete(self, call).await,
            Op::SignUserOut => user::sign_out(self, call).await,
            Op::ListApplications => Ok(application::list(self, call)),
            Op::CreateApplication => application::create(self, call).await,
            Op::ShowApplication => application::show(self, call),
            Op::ListServices => Ok(service_principal::list(self, call)),
            Op::CreateService => service_principal::create(self, call).await,
            Op::ShowService => service_principal::show(self, call),
            Op::ChangeService => service_principal::change(self, call).await,
            Op::DeleteService => service_principal::delete(self, call).await,
            Op::SignServiceOut => service_principal::sign_out(self, call).await,
            Op::AddSecret => service_principal::add_secret(self, call).await,
            Op::RemoveSecret => service_principal::remove_secret(self, call).await,
            Op::ListFederated => service_principal::list_federated(self, call),
            Op::AddFederated => service_principal::add_federated(self, call).await,
            Op::RemoveFederated => service_principal::remove_federated(self, call).await,
        }
    }
}

/// Characters of a path that the audit log repeats. Ours: the longest that Resource Manager knows has some 600.
const AUDIT_TARGET_CHARS_MAX: usize = 1024;
