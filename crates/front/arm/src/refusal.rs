//! One table from refusal to status and Azure's code.

use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};
use roadstead_auth::BearerRefusal;
use roadstead_hub::HubError;
use roadstead_model::Guid;
use roadstead_resources::{Caller, Kind, ResourceError};
use roadstead_wire::arm::ArmError;
use tracing::error;

use crate::{call::Call, reply::Reply};

/// A refusal in Resource Manager's terms: `{"error":{"code":"ResourceNotFound","message":"…"}}`.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Source: docs, Resource Manager common errors (`AuthenticationFailed`)
    pub(crate) fn no_token() -> Self {
        let message = "the request has no bearer token: log in first (az login, roadstead context)";
        Self::new(StatusCode::UNAUTHORIZED, "AuthenticationFailed", message)
    }

    pub(crate) fn no_route(call: &Call) -> Self {
        let path: String = call.path().chars().take(300).collect();
        let message = format!("there is nothing at {} {path}", call.method);
        Self::new(StatusCode::NOT_FOUND, "InvalidResourceType", message)
    }

    /// Who, which action, which scope, as Azure says it. Source: docs, Azure RBAC troubleshooting (`AuthorizationFailed`)
    pub(crate) fn forbidden(caller: &Caller, action: &str, scope: &str) -> Self {
        let message = format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope \
             '{scope}'. An owner there can assign a role that allows it.",
            caller.name, caller.id
        );
        Self::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message)
    }

    /// Source: docs, Azure RBAC troubleshooting
    pub(crate) fn no_assignment(id: Guid) -> Self {
        let message = format!("there is no role assignment '{id}' at this scope");
        Self::new(StatusCode::NOT_FOUND, "RoleAssignmentNotFound", message)
    }

    pub(crate) fn no_role(text: &str) -> Self {
        let text: String = text.chars().take(64).collect();
        Self::new(StatusCode::NOT_FOUND, "RoleDefinitionDoesNotExist", format!("there is no role '{text}'"))
    }

    /// Source: docs, Graph error codes
    pub(crate) fn no_principal(text: &str, is_user: bool) -> Self {
        let kind = if is_user { "user" } else { "service principal" };
        let text: String = text.chars().take(128).collect();
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", format!("there is no {kind} '{text}'"))
    }

    /// Source: docs, Graph `user` create (`Request_BadRequest`)
    pub(crate) fn no_proof() -> Self {
        let text = "a user needs one of passwordProfile, and identities with one of signInType federated";
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", text.to_owned())
    }

    /// A user of an issuer that lets nobody in could never log in. Source: docs, Graph `user` create (`Request_BadRequest`)
    pub(crate) fn no_people(issuer: &str) -> Self {
        let issuer: String = issuer.chars().take(300).collect();
        let text = format!(
            "the configuration lets nobody in by the issuer '{issuer}': its [[issuers]] needs exactly this url, with a client_id"
        );
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", text)
    }

    /// Source: docs, Graph `servicePrincipal` create (`Request_BadRequest`)
    pub(crate) fn no_application(id: Guid) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", format!("there is no application '{id}' here"))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// Source: docs, Resource Manager common errors (`InvalidRequestContent`)
    pub(crate) fn bad_body(error: &serde_json::Error) -> Self {
        let message = format!("the request's body is not what is expected here: {error}");
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", message)
    }

    /// Source: docs, Resource Manager common errors (`LocationRequired`)
    pub(crate) fn no_location() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "LocationRequired", "the body needs the member `location`")
    }

    /// Source: docs, Resource Manager common errors (`InvalidFilterInQueryString`)
    pub(crate) fn bad_filter(filter: &str) -> Self {
        let filter: String = filter.chars().take(300).collect();
        let message = format!(
            "the filter `{filter}` is not understood: lists take `$top=N` and, joined by `and`, resourceGroup, name, \
             resourceType, location, tagName and tagValue, each with `eq` and a text in quotes"
        );
        Self::new(StatusCode::BAD_REQUEST, "InvalidFilterInQueryString", message)
    }

    /// Source: docs, Azure Monitor REST API (`BadRequest`)
    pub(crate) fn bad_metric_query(fault: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", fault)
    }

    /// Source: as above
    pub(crate) fn no_metric(name: &str, known: Vec<&str>) -> Self {
        let name: String = name.chars().take(64).collect();
        let message = format!("there is no metric `{name}` here: there are {}", known.join(", "));
        Self::bad_metric_query(message)
    }

    /// Source: docs, Resource Manager common errors (`InvalidTemplate`)
    pub(crate) fn bad_template(fault: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidTemplate", format!("the template cannot be deployed: {fault}"))
    }

    /// The refusal of one resource of a template.
    pub(crate) fn of_resource(mut self, name: &str) -> Self {
        self.message = format!("resource '{name}': {}", self.message);
        self
    }

    /// Source: docs, Resource Manager common errors (`InvalidResourceNamespace`)
    pub(crate) fn no_provider(namespace: &str) -> Self {
        let namespace: String = namespace.chars().take(64).collect();
        let message = format!("there is no resource provider '{namespace}' here: only Microsoft.Devices");
        Self::new(StatusCode::NOT_FOUND, "InvalidResourceNamespace", message)
    }

    /// The hub could not say what it holds: its storage cannot be read.
    pub(crate) fn unread(cause: &HubError) -> Self {
        error!(cause = cause as &dyn std::error::Error, "a hub could not be asked what it holds");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "the hub's storage cannot be read now")
    }

    /// Source: docs, Resource Manager common errors (`SubscriptionNotFound`)
    pub(crate) fn no_subscription(id: &str) -> Self {
        let id: String = id.chars().take(64).collect();
        Self::new(StatusCode::NOT_FOUND, "SubscriptionNotFound", format!("the subscription '{id}' could not be found"))
    }

    pub(crate) fn into_response(self, base_url: &str) -> Response<Bytes> {
        let reply = Reply::json(self.status, &ArmError::new(self.code, self.message.as_str()));
        let mut response = reply.into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let text = format!("Bearer authorization_uri=\"{base_url}/adfs\", error=\"invalid_token\"");
            let challenge = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"));
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<BearerRefusal> for Refusal {
    fn from(refusal: BearerRefusal) -> Self {
        ResourceError::Token(refusal).into()
    }
}

impl From<ResourceError> for Refusal {
    fn from(error: ResourceError) -> Self {
        let (status, code) = status(&error);
        Self::new(status, code, error.to_string())
    }
}

/// Status and code for every refusal of the domain. Source: docs, Resource Manager common errors; `reference/arm-and-az.md` 6.
/// Codes without a counterpart there: `guess (?)`
fn status(error: &ResourceError) -> (StatusCode, &'static str) {
    use ResourceError as E;
    use StatusCode as S;
    match error {
        E::Name(_) | E::NameLength { .. } | E::HostName { .. } => (S::BAD_REQUEST, "InvalidResourceName"),
        E::Value { .. } | E::Route { .. } | E::PartitionsFixed { .. } | E::Unsupported { .. } => {
            (S::BAD_REQUEST, "InvalidParameter")
        }
        E::PolicyKey { .. } | E::PolicyRights { .. } | E::PolicyTwice { .. } => {
            (S::BAD_REQUEST, "InvalidAuthorizationPolicy")
        }
        E::LinkUnreadable { .. }
        | E::LinkOfDevice { .. }
        | E::LinkMasked { .. }
        | E::LinkPolicy { .. }
        | E::LinkKey { .. }
        | E::LinkRight { .. }
        | E::LinkTwice { .. } => (S::BAD_REQUEST, "InvalidLinkedHub"),
        E::CertificateUnreadable(_) | E::CertificateUnfit(_) | E::NotACa { .. } => {
            (S::BAD_REQUEST, "InvalidCertificate")
        }
        E::KeyElsewhere { .. } => (S::BAD_REQUEST, "CertificateKeyNotHeld"),
        E::Request(_) => (S::BAD_REQUEST, "InvalidCertificateRequest"),
        E::NoVerificationCode { .. } | E::Proof(_) => (S::BAD_REQUEST, "CertificateVerificationFailed"),
        E::TooMany { .. } => (S::BAD_REQUEST, "QuotaExceeded"),
        E::TooManyTries { .. } => (S::TOO_MANY_REQUESTS, "TooManyRequests"),
        E::Token(BearerRefusal::Foreign | BearerRefusal::Revoked | BearerRefusal::Issuer) => {
            (S::UNAUTHORIZED, "InvalidAuthenticationToken")
        }
        E::Token(BearerRefusal::Usage) => (S::UNAUTHORIZED, "InvalidAuthenticationTokenAudience"),
        E::Token(BearerRefusal::Expired { .. }) => (S::UNAUTHORIZED, "ExpiredAuthenticationToken"),
        E::PrincipalNotFound { .. } => (S::NOT_FOUND, "PrincipalNotFound"),
        E::UserNameTaken { .. } => (S::CONFLICT, "ObjectConflict"),
        E::AssignmentExists { .. } => (S::CONFLICT, "RoleAssignmentExists"),
        E::GroupNotFound { .. } => (S::NOT_FOUND, "ResourceGroupNotFound"),
        E::NotFound { kind: Kind::Certificate, .. } => (S::NOT_FOUND, "CertificateNotFound"),
        E::NotFound { kind: Kind::Policy, .. } => (S::NOT_FOUND, "KeyNotFound"),
        E::NotFound { kind: Kind::Assignment, .. } => (S::NOT_FOUND, "RoleAssignmentNotFound"),
        E::NotFound { kind: Kind::Secret | Kind::Federated, .. } => (S::NOT_FOUND, "Request_ResourceNotFound"),
        E::NotFound { kind: Kind::Group | Kind::Hub | Kind::Dps | Kind::ConsumerGroup, .. } => {
            (S::NOT_FOUND, "ResourceNotFound")
        }
        E::NameTaken { .. } => (S::CONFLICT, "NameNotAvailable"),
        E::GroupLocation { .. } => (S::CONFLICT, "InvalidResourceGroupLocation"),
        E::CertificateExists { .. } | E::CaExists { .. } => (S::CONFLICT, "CertificateAlreadyExists"),
        E::Conflict => (S::CONFLICT, "Conflict"),
        E::EtagMismatch { .. } => (S::PRECONDITION_FAILED, "PreconditionFailed"),
        E::Full(_) => (S::INSUFFICIENT_STORAGE, "InsufficientStorage"),
        E::Unavailable => (S::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        E::Internal(_) | E::Issue(_) => (S::INTERNAL_SERVER_ERROR, "InternalServerError"),
    }
}
