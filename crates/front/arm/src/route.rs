//! All that can be asked for, and what somebody needs to be allowed to ask. A request that is not here is not answered.

use hyper::Method;
use roadstead_auth::Permission;
use roadstead_resources::Place;

/// A request that is answered, by its method and path.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Words in lower case, names in braces: `/subscriptions/{subscription}/resourcegroups/{group}`.
    pub(crate) path: &'static str,
    pub(crate) does: Does,
}

/// What a route does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    /// Answers anybody.
    Open(OpenOp),
    /// Answers who shows a token and has what it needs. The text names the action in refusals and in the audit log.
    Closed(Op, Needs, &'static str),
}

/// What the caller needs at the place that the path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// A good token. What the answer shows is chosen by what the caller may.
    Token,
    /// A good token: it changes only what is the caller's own.
    Own,
    /// To see anything there.
    Sight,
    /// This permission there.
    Right(Permission),
}

impl Needs {
    /// Whether it changes anything or gives keys away, and so is written down.
    pub(crate) fn is_audited(self) -> bool {
        match self {
            Self::Token | Self::Sight => false,
            Self::Own => true,
            Self::Right(permission) => permission != Permission::Read,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum OpenOp {
    Endpoints,
    OpenId,
    Token,
    DeviceCode,
    DevicePage,
    ApproveDevice,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    ListTenants,
    ListSubscriptions,
    ShowSubscription,
    ListOperations,
    ListLocations,
    ListProviders,
    ShowProvider,
    RegisterProvider,
    ListUsages,
    ShowDisk,
    ListResources,
    ListGroups,
    ShowGroup,
    GroupExists,
    PutGroup,
    TagGroup,
    DeleteGroup,
    CountGroup,
    ListResourcesOfGroup,
    ExportTemplate,
    ListDeployments,
    PutDeployment,
    ValidateDeployment,
    CheckHubName,
    CheckDpsName,
    ListHubs,
    ListHubsOfGroup,
    ShowHub,
    PutHub,
    TagHub,
    DeleteHub,
    CountHub,
    ListHubTiers,
    ShowEndpointHealth,
    TestRoutes,
    TestRoute,
    CountDevices,
    ListQuota,
    ListHubKeys,
    ShowHubKey,
    ListHubCertificates,
    ShowHubCertificate,
    PutHubCertificate,
    DeleteHubCertificate,
    HubCertificateCode,
    VerifyHubCertificate,
    ListConsumerGroups,
    ShowConsumerGroup,
    PutConsumerGroup,
    DeleteConsumerGroup,
    ListDps,
    ListDpsOfGroup,
    ShowDps,
    PutDps,
    TagDps,
    DeleteDps,
    CountDps,
    ListDpsTiers,
    ListDpsKeys,
    ShowDpsKey,
    ListDpsCertificates,
    ShowDpsCertificate,
    PutDpsCertificate,
    DeleteDpsCertificate,
    DpsCertificateCode,
    VerifyDpsCertificate,
    CreateCa,
    IssueCertificate,
    ListIssued,
    ListIssuedOfDps,
    ListRoles,
    ShowRole,
    ListPermissions,
    ListAssignments,
    ShowAssignment,
    PutAssignment,
    DeleteAssignment,
    ListAudit,
    ListHubMetrics,
    DefineHubMetrics,
    ListDpsMetrics,
    DefineDpsMetrics,
    FindPrincipals,
    ShowMe,
    ChangeMyPassword,
    SignMeOut,
    ListUsers,
    CreateUser,
    ShowUser,
    ChangeUser,
    DeleteUser,
    SignUserOut,
    ListApplications,
    CreateApplication,
    ShowApplication,
    ListServices,
    CreateService,
    ShowService,
    ChangeService,
    DeleteService,
    SignServiceOut,
    AddSecret,
    RemoveSecret,
    ListFederated,
    AddFederated,
    RemoveFederated,
}

macro_rules! subscription {
    ($tail:literal) => {
        concat!("/subscriptions/{subscription}", $tail)
    };
}

macro_rules! group {
    ($tail:literal) => {
        concat!("/subscriptions/{subscription}/resourcegroups/{group}", $tail)
    };
}

macro_rules! hub {
    ($tail:literal) => {
        concat!("/subscriptions/{subscription}/resourcegroups/{group}/providers/microsoft.devices/iothubs/{hub}", $tail)
    };
}

macro_rules! dps {
    ($tail:literal) => {
        concat!(
            "/subscriptions/{subscription}/resourcegroups/{group}/providers/microsoft.devices/provisioningservices/{dps}",
            $tail
        )
    };
}

const GET: Method = Method::GET;
const HEAD: Method = Method::HEAD;
const PUT: Method = Method::PUT;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

const READ: Needs = Needs::Right(Permission::Read);
const WRITE: Needs = Needs::Right(Permission::Write);
const KEYS: Needs = Needs::Right(Permission::ListKeys);
const ACCESS: Needs = Needs::Right(Permission::ManageAccess);

const fn open(method: Method, path: &'static str, op: OpenOp) -> Route {
    Route { method, path, does: Does::Open(op) }
}

const fn closed(method: Method, path: &'static str, op: Op, needs: Needs, action: &'static str) -> Route {
    Route { method, path, does: Does::Closed(op, needs, action) }
}

/// Source of the actions: docs, resource provider operations (Microsoft.Devices, Microsoft.Authorization,
/// Microsoft.Resources, Microsoft.Insights); Entra custom role permissions (microsoft.directory).
#[rustfmt::skip]
pub(crate) static ROUTES: &[Route] = &[
    open(GET, "/metadata/endpoints", OpenOp::Endpoints),
    open(GET, "/adfs/.well-known/openid-configuration", OpenOp::OpenId),
    open(POST, "/adfs/oauth2/token", OpenOp::Token),
    // As azure-identity makes it up for tokens of other issuers, whatever the metadata say.
    open(POST, "/adfs/oauth2/v2.0/token", OpenOp::Token),
    open(POST, "/adfs/oauth2/devicecode", OpenOp::DeviceCode),
    open(GET, "/adfs/oauth2/deviceauth", OpenOp::DevicePage),
    open(POST, "/adfs/oauth2/deviceauth", OpenOp::ApproveDevice),
    open(GET, "/{tenant}/v2.0/.well-known/openid-configuration", OpenOp::OpenId),
    open(POST, "/{tenant}/oauth2/v2.0/token", OpenOp::Token),
    open(POST, "/{tenant}/oauth2/v2.0/devicecode", OpenOp::DeviceCode),

    closed(GET, "/tenants", Op::ListTenants, Needs::Token, "Microsoft.Resources/tenants/read"),
    closed(GET, "/subscriptions", Op::ListSubscriptions, Needs::Token, "Microsoft.Resources/subscriptions/read"),
    closed(GET, subscription!(""), Op::ShowSubscription, Needs::Sight, "Microsoft.Resources/subscriptions/read"),

    closed(GET, "/providers/microsoft.devices/operations", Op::ListOperations, Needs::Token, "Microsoft.Devices/operations/read"),
    closed(GET, subscription!("/locations"), Op::ListLocations, Needs::Sight, "Microsoft.Resources/subscriptions/locations/read"),
    closed(GET, subscription!("/providers"), Op::ListProviders, Needs::Sight, "Microsoft.Resources/subscriptions/providers/read"),
    closed(GET, subscription!("/providers/{namespace}"), Op::ShowProvider, Needs::Sight, "Microsoft.Resources/subscriptions/providers/read"),
    closed(POST, subscription!("/providers/{namespace}/register"), Op::RegisterProvider, WRITE, "Microsoft.Devices/register/action"),
    closed(GET, subscription!("/providers/microsoft.devices/usages"), Op::ListUsages, READ, "Microsoft.Devices/usages/read"),
    closed(GET, subscription!("/providers/roadstead/disk"), Op::ShowDisk, READ, "Roadstead/disk/read"),
    closed(GET, subscription!("/resources"), Op::ListResources, Needs::Sight, "Microsoft.Resources/subscriptions/resources/read"),

    closed(GET, subscription!("/resourcegroups"), Op::ListGroups, Needs::Sight, "Microsoft.Resources/subscriptions/resourceGroups/read"),
    closed(GET, group!(""), Op::ShowGroup, Needs::Sight, "Microsoft.Resources/subscriptions/resourceGroups/read"),
    closed(HEAD, group!(""), Op::GroupExists, Needs::Sight, "Microsoft.Resources/subscriptions/resourceGroups/read"),
    closed(PUT, group!(""), Op::PutGroup, WRITE, "Microsoft.Resources/subscriptions/resourceGroups/write"),
    closed(PATCH, group!(""), Op::TagGroup, WRITE, "Microsoft.Resources/subscriptions/resourceGroups/write"),
    closed(DELETE, group!(""), Op::DeleteGroup, WRITE, "Microsoft.Resources/subscriptions/resourceGroups/delete"),
    closed(GET, group!("/contents"), Op::CountGroup, READ, "Microsoft.Resources/subscriptions/resourceGroups/read"),
    closed(GET, group!("/resources"), Op::ListResourcesOfGroup, Needs::Sight, "Microsoft.Resources/subscriptions/resourceGroups/resources/read"),
    closed(POST, group!("/exporttemplate"), Op::ExportTemplate, WRITE, "Microsoft.Resources/subscriptions/resourceGroups/exportTemplate/action"),
    closed(GET, group!("/providers/microsoft.resources/deployments"), Op::ListDeployments, READ, "Microsoft.Resources/deployments/read"),
    closed(PUT, group!("/providers/microsoft.resources/deployments/{deployment}"), Op::PutDeployment, WRITE, "Microsoft.Resources/deployments/write"),
    closed(POST, group!("/providers/microsoft.resources/deployments/{deployment}/validate"), Op::ValidateDeployment, WRITE, "Microsoft.Resources/deployments/validate/action"),

    closed(POST, subscription!("/providers/microsoft.devices/checknameavailability"), Op::CheckHubName, Needs::Sight, "Microsoft.Devices/checkNameAvailability/action"),
    closed(POST, subscription!("/providers/microsoft.devices/checkprovisioningservicenameavailability"), Op::CheckDpsName, Needs::Sight, "Microsoft.Devices/checkProvisioningServiceNameAvailability/action"),

    closed(GET, subscription!("/providers/microsoft.devices/iothubs"), Op::ListHubs, Needs::Sight, "Microsoft.Devices/IotHubs/read"),
    closed(GET, group!("/providers/microsoft.devices/iothubs"), Op::ListHubsOfGroup, Needs::Sight, "Microsoft.Devices/IotHubs/read"),
    closed(GET, hub!(""), Op::ShowHub, READ, "Microsoft.Devices/IotHubs/read"),
    closed(PUT, hub!(""), Op::PutHub, WRITE, "Microsoft.Devices/IotHubs/write"),
    closed(PATCH, hub!(""), Op::TagHub, WRITE, "Microsoft.Devices/IotHubs/write"),
    closed(DELETE, hub!(""), Op::DeleteHub, WRITE, "Microsoft.Devices/IotHubs/delete"),
    closed(GET, hub!("/contents"), Op::CountHub, READ, "Microsoft.Devices/IotHubs/read"),
    closed(GET, hub!("/skus"), Op::ListHubTiers, READ, "Microsoft.Devices/IotHubs/skus/read"),
    closed(GET, hub!("/routingendpointshealth"), Op::ShowEndpointHealth, READ, "Microsoft.Devices/IotHubs/routingEndpointsHealth/read"),
    closed(POST, hub!("/routing/routes/$testall"), Op::TestRoutes, WRITE, "Microsoft.Devices/IotHubs/routing/$testall/action"),
    closed(POST, hub!("/routing/routes/$testnew"), Op::TestRoute, WRITE, "Microsoft.Devices/IotHubs/routing/$testnew/action"),
    closed(GET, hub!("/iothubstats"), Op::CountDevices, READ, "Microsoft.Devices/IotHubs/iotHubStats/read"),
    closed(GET, hub!("/quotametrics"), Op::ListQuota, READ, "Microsoft.Devices/IotHubs/quotaMetrics/read"),
    closed(POST, hub!("/listkeys"), Op::ListHubKeys, KEYS, "Microsoft.Devices/IotHubs/listkeys/action"),
    closed(POST, hub!("/iothubkeys/{policy}/listkeys"), Op::ShowHubKey, KEYS, "Microsoft.Devices/IotHubs/iotHubKeys/listkeys/action"),
    closed(GET, hub!("/certificates"), Op::ListHubCertificates, READ, "Microsoft.Devices/IotHubs/certificates/read"),
    closed(GET, hub!("/certificates/{certificate}"), Op::ShowHubCertificate, READ, "Microsoft.Devices/IotHubs/certificates/read"),
    closed(PUT, hub!("/certificates/{certificate}"), Op::PutHubCertificate, WRITE, "Microsoft.Devices/IotHubs/certificates/write"),
    closed(DELETE, hub!("/certificates/{certificate}"), Op::DeleteHubCertificate, WRITE, "Microsoft.Devices/IotHubs/certificates/delete"),
    closed(POST, hub!("/certificates/{certificate}/generateverificationcode"), Op::HubCertificateCode, WRITE, "Microsoft.Devices/IotHubs/certificates/generateVerificationCode/action"),
    closed(POST, hub!("/certificates/{certificate}/verify"), Op::VerifyHubCertificate, WRITE, "Microsoft.Devices/IotHubs/certificates/verify/action"),
    closed(GET, hub!("/eventhubendpoints/events/consumergroups"), Op::ListConsumerGroups, READ, "Microsoft.Devices/IotHubs/eventHubEndpoints/consumerGroups/read"),
    closed(GET, hub!("/eventhubendpoints/events/consumergroups/{consumergroup}"), Op::ShowConsumerGroup, READ, "Microsoft.Devices/IotHubs/eventHubEndpoints/consumerGroups/read"),
    closed(PUT, hub!("/eventhubendpoints/events/consumergroups/{consumergroup}"), Op::PutConsumerGroup, WRITE, "Microsoft.Devices/IotHubs/eventHubEndpoints/consumerGroups/write"),
    closed(DELETE, hub!("/eventhubendpoints/events/consumergroups/{consumergroup}"), Op::DeleteConsumerGroup, WRITE, "Microsoft.Devices/IotHubs/eventHubEndpoints/consumerGroups/delete"),

    closed(GET, subscription!("/providers/microsoft.devices/provisioningservices"), Op::ListDps, Needs::Sight, "Microsoft.Devices/provisioningServices/read"),
    closed(GET, group!("/providers/microsoft.devices/provisioningservices"), Op::ListDpsOfGroup, Needs::Sight, "Microsoft.Devices/provisioningServices/read"),
    closed(GET, dps!(""), Op::ShowDps, READ, "Microsoft.Devices/provisioningServices/read"),
    closed(PUT, dps!(""), Op::PutDps, WRITE, "Microsoft.Devices/provisioningServices/write"),
    closed(PATCH, dps!(""), Op::TagDps, WRITE, "Microsoft.Devices/provisioningServices/write"),
    closed(DELETE, dps!(""), Op::DeleteDps, WRITE, "Microsoft.Devices/provisioningServices/delete"),
    closed(GET, dps!("/contents"), Op::CountDps, READ, "Microsoft.Devices/provisioningServices/read"),
    closed(GET, dps!("/skus"), Op::ListDpsTiers, READ, "Microsoft.Devices/provisioningServices/skus/read"),
    closed(POST, dps!("/listkeys"), Op::ListDpsKeys, KEYS, "Microsoft.Devices/provisioningServices/listkeys/action"),
    closed(POST, dps!("/keys/{policy}/listkeys"), Op::ShowDpsKey, KEYS, "Microsoft.Devices/provisioningServices/keys/listkeys/action"),
    closed(GET, dps!("/certificates"), Op::ListDpsCertificates, READ, "Microsoft.Devices/provisioningServices/certificates/read"),
    closed(GET, dps!("/certificates/{certificate}"), Op::ShowDpsCertificate, READ, "Microsoft.Devices/provisioningServices/certificates/read"),
    closed(PUT, dps!("/certificates/{certificate}"), Op::PutDpsCertificate, WRITE, "Microsoft.Devices/provisioningServices/certificates/write"),
    closed(DELETE, dps!("/certificates/{certificate}"), Op::DeleteDpsCertificate, WRITE, "Microsoft.Devices/provisioningServices/certificates/delete"),
    closed(POST, dps!("/certificates/{certificate}/generateverificationcode"), Op::DpsCertificateCode, WRITE, "Microsoft.Devices/provisioningServices/certificates/generateVerificationCode/action"),
    closed(POST, dps!("/certificates/{certificate}/verify"), Op::VerifyDpsCertificate, WRITE, "Microsoft.Devices/provisioningServices/certificates/verify/action"),
    closed(POST, dps!("/certificates/{certificate}/create"), Op::CreateCa, WRITE, "Microsoft.Devices/provisioningServices/certificates/create/action"),
    closed(POST, dps!("/certificates/{certificate}/issue"), Op::IssueCertificate, WRITE, "Microsoft.Devices/provisioningServices/certificates/issue/action"),
    closed(GET, dps!("/certificates/{certificate}/issued"), Op::ListIssued, READ, "Microsoft.Devices/provisioningServices/certificates/issued/read"),
    closed(GET, dps!("/issuedcertificates"), Op::ListIssuedOfDps, READ, "Microsoft.Devices/provisioningServices/certificates/issued/read"),

    closed(GET, subscription!("/providers/microsoft.authorization/roledefinitions"), Op::ListRoles, Needs::Sight, "Microsoft.Authorization/roleDefinitions/read"),
    closed(GET, subscription!("/providers/microsoft.authorization/roledefinitions/{role}"), Op::ShowRole, Needs::Sight, "Microsoft.Authorization/roleDefinitions/read"),
    closed(GET, group!("/providers/microsoft.authorization/roledefinitions"), Op::ListRoles, Needs::Sight, "Microsoft.Authorization/roleDefinitions/read"),
    closed(GET, group!("/providers/microsoft.authorization/roledefinitions/{role}"), Op::ShowRole, Needs::Sight, "Microsoft.Authorization/roleDefinitions/read"),
    closed(GET, hub!("/providers/microsoft.authorization/roledefinitions"), Op::ListRoles, Needs::Sight, "Microsoft.Authorization/roleDefinitions/read"),
    closed(GET, hub!("/providers/microsoft.authorization/roledefinitions/{role}"), Op::ShowRole, Needs::Sight, "Microsoft.Authorization/roleDefinitions/read"),
    closed(GET, dps!("/providers/microsoft.authorization/roledefinitions"), Op::ListRoles, Needs::Sight, "Microsoft.Authorization/roleDefinitions/read"),
    closed(GET, dps!("/providers/microsoft.authorization/roledefinitions/{role}"), Op::ShowRole, Needs::Sight, "Microsoft.Authorization/roleDefinitions/read"),
    closed(GET, subscription!("/providers/microsoft.authorization/permissions"), Op::ListPermissions, Needs::Token, "Microsoft.Authorization/permissions/read"),
    closed(GET, group!("/providers/microsoft.authorization/permissions"), Op::ListPermissions, Needs::Token, "Microsoft.Authorization/permissions/read"),
    closed(GET, hub!("/providers/microsoft.authorization/permissions"), Op::ListPermissions, Needs::Token, "Microsoft.Authorization/permissions/read"),
    closed(GET, dps!("/providers/microsoft.authorization/permissions"), Op::ListPermissions, Needs::Token, "Microsoft.Authorization/permissions/read"),
    closed(GET, subscription!("/providers/microsoft.authorization/roleassignments"), Op::ListAssignments, READ, "Microsoft.Authorization/roleAssignments/read"),
    closed(GET, subscription!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::ShowAssignment, READ, "Microsoft.Authorization/roleAssignments/read"),
    closed(PUT, subscription!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::PutAssignment, ACCESS, "Microsoft.Authorization/roleAssignments/write"),
    closed(DELETE, subscription!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::DeleteAssignment, ACCESS, "Microsoft.Authorization/roleAssignments/delete"),
    closed(GET, group!("/providers/microsoft.authorization/roleassignments"), Op::ListAssignments, READ, "Microsoft.Authorization/roleAssignments/read"),
    closed(GET, group!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::ShowAssignment, READ, "Microsoft.Authorization/roleAssignments/read"),
    closed(PUT, group!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::PutAssignment, ACCESS, "Microsoft.Authorization/roleAssignments/write"),
    closed(DELETE, group!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::DeleteAssignment, ACCESS, "Microsoft.Authorization/roleAssignments/delete"),
    closed(GET, hub!("/providers/microsoft.authorization/roleassignments"), Op::ListAssignments, READ, "Microsoft.Authorization/roleAssignments/read"),
    closed(GET, hub!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::ShowAssignment, READ, "Microsoft.Authorization/roleAssignments/read"),
    closed(PUT, hub!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::PutAssignment, ACCESS, "Microsoft.Authorization/roleAssignments/write"),
    closed(DELETE, hub!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::DeleteAssignment, ACCESS, "Microsoft.Authorization/roleAssignments/delete"),
    closed(GET, dps!("/providers/microsoft.authorization/roleassignments"), Op::ListAssignments, READ, "Microsoft.Authorization/roleAssignments/read"),
    closed(GET, dps!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::ShowAssignment, READ, "Microsoft.Authorization/roleAssignments/read"),
    closed(PUT, dps!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::PutAssignment, ACCESS, "Microsoft.Authorization/roleAssignments/write"),
    closed(DELETE, dps!("/providers/microsoft.authorization/roleassignments/{assignment}"), Op::DeleteAssignment, ACCESS, "Microsoft.Authorization/roleAssignments/delete"),

    closed(GET, subscription!("/providers/microsoft.insights/eventtypes/management/values"), Op::ListAudit, READ, "Microsoft.Insights/eventtypes/values/read"),
    closed(GET, hub!("/providers/microsoft.insights/metrics"), Op::ListHubMetrics, READ, "Microsoft.Insights/metrics/read"),
    closed(GET, hub!("/providers/microsoft.insights/metricdefinitions"), Op::DefineHubMetrics, READ, "Microsoft.Insights/metricDefinitions/read"),
    closed(GET, dps!("/providers/microsoft.insights/metrics"), Op::ListDpsMetrics, READ, "Microsoft.Insights/metrics/read"),
    closed(GET, dps!("/providers/microsoft.insights/metricdefinitions"), Op::DefineDpsMetrics, READ, "Microsoft.Insights/metricDefinitions/read"),

    closed(POST, "/v1.0/directoryobjects/getbyids", Op::FindPrincipals, Needs::Sight, "microsoft.directory/users/standard/read"),
    closed(GET, "/v1.0/me", Op::ShowMe, Needs::Token, "microsoft.directory/users/standard/read"),
    closed(POST, "/v1.0/me/changepassword", Op::ChangeMyPassword, Needs::Own, "microsoft.directory/users/password/update"),
    closed(POST, "/v1.0/me/revokesigninsessions", Op::SignMeOut, Needs::Own, "microsoft.directory/users/invalidateAllRefreshTokens"),
    closed(GET, "/v1.0/users", Op::ListUsers, Needs::Sight, "microsoft.directory/users/standard/read"),
    closed(POST, "/v1.0/users", Op::CreateUser, ACCESS, "microsoft.directory/users/create"),
    closed(GET, "/v1.0/users/{user}", Op::ShowUser, Needs::Sight, "microsoft.directory/users/standard/read"),
    closed(PATCH, "/v1.0/users/{user}", Op::ChangeUser, ACCESS, "microsoft.directory/users/basic/update"),
    closed(DELETE, "/v1.0/users/{user}", Op::DeleteUser, ACCESS, "microsoft.directory/users/delete"),
    closed(POST, "/v1.0/users/{user}/revokesigninsessions", Op::SignUserOut, ACCESS, "microsoft.directory/users/invalidateAllRefreshTokens"),
    // An application and its service principal are one record here, so that what changes one changes the other.
    closed(GET, "/v1.0/applications", Op::ListApplications, Needs::Sight, "microsoft.directory/applications/standard/read"),
    closed(POST, "/v1.0/applications", Op::CreateApplication, ACCESS, "microsoft.directory/applications/create"),
    closed(GET, "/v1.0/applications/{service}", Op::ShowApplication, Needs::Sight, "microsoft.directory/applications/standard/read"),
    closed(PATCH, "/v1.0/applications/{service}", Op::ChangeService, ACCESS, "microsoft.directory/applications/basic/update"),
    closed(DELETE, "/v1.0/applications/{service}", Op::DeleteService, ACCESS, "microsoft.directory/applications/delete"),
    closed(POST, "/v1.0/applications/{service}/addpassword", Op::AddSecret, ACCESS, "microsoft.directory/applications/credentials/update"),
    closed(POST, "/v1.0/applications/{service}/removepassword", Op::RemoveSecret, ACCESS, "microsoft.directory/applications/credentials/update"),
    closed(GET, "/v1.0/applications/{service}/federatedidentitycredentials", Op::ListFederated, Needs::Sight, "microsoft.directory/applications/standard/read"),
    closed(POST, "/v1.0/applications/{service}/federatedidentitycredentials", Op::AddFederated, ACCESS, "microsoft.directory/applications/credentials/update"),
    closed(DELETE, "/v1.0/applications/{service}/federatedidentitycredentials/{credential}", Op::RemoveFederated, ACCESS, "microsoft.directory/applications/credentials/update"),
    closed(GET, "/v1.0/serviceprincipals", Op::ListServices, Needs::Sight, "microsoft.directory/servicePrincipals/standard/read"),
    closed(POST, "/v1.0/serviceprincipals", Op::CreateService, ACCESS, "microsoft.directory/servicePrincipals/create"),
    closed(GET, "/v1.0/serviceprincipals/{service}", Op::ShowService, Needs::Sight, "microsoft.directory/servicePrincipals/standard/read"),
    closed(PATCH, "/v1.0/serviceprincipals/{service}", Op::ChangeService, ACCESS, "microsoft.directory/servicePrincipals/basic/update"),
    closed(DELETE, "/v1.0/serviceprincipals/{service}", Op::DeleteService, ACCESS, "microsoft.directory/servicePrincipals/delete"),
    closed(POST, "/v1.0/serviceprincipals/{service}/revokesigninsessions", Op::SignServiceOut, ACCESS, "microsoft.directory/servicePrincipals/invalidateAllRefreshTokens"),
    closed(POST, "/v1.0/serviceprincipals/{service}/addpassword", Op::AddSecret, ACCESS, "microsoft.directory/servicePrincipals/credentials/update"),
    closed(POST, "/v1.0/serviceprincipals/{service}/removepassword", Op::RemoveSecret, ACCESS, "microsoft.directory/servicePrincipals/credentials/update"),
    closed(GET, "/v1.0/serviceprincipals/{service}/federatedidentitycredentials", Op::ListFederated, Needs::Sight, "microsoft.directory/servicePrincipals/standard/read"),
    closed(POST, "/v1.0/serviceprincipals/{service}/federatedidentitycredentials", Op::AddFederated, ACCESS, "microsoft.directory/servicePrincipals/credentials/update"),
    closed(DELETE, "/v1.0/serviceprincipals/{service}/federatedidentitycredentials/{credential}", Op::RemoveFederated, ACCESS, "microsoft.directory/servicePrincipals/credentials/update"),
];

/// The route of a request. `words` are the path's segments in lower case.
pub(crate) fn find(method: &Method, words: &[&str]) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.method == *method && matches(route.path, words))
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn matches(path: &str, words: &[&str]) -> bool {
    let mut words = words.iter();
    segments(path).all(|segment| words.next().is_some_and(|word| segment.starts_with('{') || segment == *word))
        && words.next().is_none()
}

impl Route {
    /// Where `name` stands among the path's segments.
    fn position(&self, name: &str) -> Option<usize> {
        segments(self.path).position(|segment| segment == name)
    }

    /// What the path names: `segment` gives what stands at a position.
    pub(crate) fn place<'a>(&self, segment: impl Fn(usize) -> &'a str) -> Place<'a> {
        let at = |name| self.position(name).map(&segment);
        match (at("{group}"), at("{hub}"), at("{dps}")) {
            (Some(group), Some(hub), _) => Place::Hub(group, hub),
            (Some(group), _, Some(dps)) => Place::Dps(group, dps),
            (Some(group), None, None) => Place::Group(group),
            (None, _, _) => Place::Subscription,
        }
    }
}

/// What a route is, for whoever wants to try them all.
#[derive(Debug, Clone, Copy)]
pub struct RouteInfo {
    /// `GET`
    pub method: &'static Method,
    /// Words in lower case, names in braces: `/subscriptions/{subscription}/resourcegroups/{group}`.
    pub path: &'static str,
    /// What is needed there; `None` when anybody is answered.
    pub needs: Option<Needed>,
    /// What refusals and the audit log call it; empty when anybody is answered.
    pub action: &'static str,
}

/// What a caller needs for a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// A good token.
    Token,
    /// A role that lets it see anything at the place in the path.
    Sight,
    /// A role with this permission at the place in the path.
    Right(Permission),
}

/// Every request that is answered.
pub fn routes() -> impl Iterator<Item = RouteInfo> {
    ROUTES.iter().map(|route| {
        let (needs, action) = match route.does {
            Does::Open(_) => (None, ""),
            Does::Closed(_, Needs::Token | Needs::Own, action) => (Some(Needed::Token), action),
            Does::Closed(_, Needs::Sight, action) => (Some(Needed::Sight), action),
            Does::Closed(_, Needs::Right(permission), action) => (Some(Needed::Right(permission)), action),
        };
        RouteInfo { method: &route.method, path: route.path, needs, action }
    })
}
