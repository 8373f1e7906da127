//! CA certificates, of hubs and DPS instances alike.

use hyper::StatusCode;
use roadstead_model::{CaCertificate, CertificateOwner, GroupName};
use roadstead_resources::{CertificateSpec, certificate::facts};
use roadstead_wire::arm::{CertificateProperties, CertificateRequest, Kind, List, Resource, ResourceId};
use serde::Serialize;
use serde_json::Map;

use crate::{
    arm::Arm,
    call::Call,
    op::{GROUP, INNER_NAME, NAME, subscription},
    refusal::Refusal,
    reply::Reply,
};

/// Whose certificates a path speaks of, names as the owner writes them.
pub(crate) struct Owner {
    group: String,
    name: String,
    key: CertificateOwner,
}

impl Owner {
    pub(crate) fn new(group: &GroupName, name: &impl ToString, key: CertificateOwner) -> Self {
        Self { group: group.to_string(), name: name.to_string(), key }
    }

    pub(crate) fn hub(arm: &Arm, call: &Call) -> Result<Self, Refusal> {
        let hub = arm.resources.hub(call.segment(GROUP), call.segment(NAME))?;
        Ok(Self::new(&hub.group, &hub.name, CertificateOwner::Hub(hub.key)))
    }

    pub(crate) fn dps(arm: &Arm, call: &Call) -> Result<Self, Refusal> {
        let dps = arm.resources.dps(call.segment(GROUP), call.segment(NAME))?;
        Ok(Self::new(&dps.group, &dps.name, CertificateOwner::Dps(dps.id_scope.clone())))
    }
}

/// The properties that clients know, and what to warn of: `az` and our CLI print members they do not know.
#[derive(Serialize)]
pub(crate) struct Properties {
    #[serde(flatten)]
    known: CertificateProperties,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

pub(crate) fn list(arm: &Arm, owner: &Owner) -> Result<Reply, Refusal> {
    Ok(Reply::ok(&List { value: all(arm, owner)? }))
}

/// All of an owner, as they are shown.
pub(crate) fn all(arm: &Arm, owner: &Owner) -> Result<Vec<Resource<Properties>>, Refusal> {
    let all = arm.resources.directory().certificates(&owner.key);
    all.iter().map(|certificate| shape(arm, owner, certificate)).collect()
}

pub(crate) fn show(arm: &Arm, call: &Call, owner: &Owner) -> Result<Reply, Refusal> {
    let certificate = arm.resources.certificate(&owner.key, call.segment(INNER_NAME))?;
    Ok(Reply::ok(&shape(arm, owner, &certificate)?))
}

/// DPS must answer 200 even when the certificate is new: `az` takes 201 for a failure. Source: `reference/arm-and-az.md` 0.5
pub(crate) async fn put(arm: &Arm, call: &Call, owner: &Owner) -> Result<Reply, Refusal> {
    let asked = request(call)?;
    let name = call.segment(INNER_NAME);
    let spec = CertificateSpec { text: &asked.certificate, verified: asked.is_verified, properties: asked.other };
    let uploaded = arm.resources.put_certificate(&owner.key, name, spec, call.if_match()).await?;
    let body = shape(arm, owner, &uploaded.certificate)?;
    let is_of_hub = matches!(owner.key, CertificateOwner::Hub(_));
    Ok(Reply::put(is_of_hub && uploaded.created, &body))
}

pub(crate) async fn delete(arm: &Arm, call: &Call, owner: &Owner) -> Result<Reply, Refusal> {
    arm.resources.delete_certificate(&owner.key, call.segment(INNER_NAME), call.if_match()).await?;
    Ok(Reply::empty(StatusCode::OK))
}

pub(crate) async fn generate_code(arm: &Arm, call: &Call, owner: &Owner) -> Result<Reply, Refusal> {
    let name = call.segment(INNER_NAME);
    let changed = arm.resources.generate_verification_code(&owner.key, name, call.if_match()).await?;
    Ok(Reply::ok(&shape(arm, owner, &changed)?))
}

pub(crate) async fn verify(arm: &Arm, call: &Call, owner: &Owner) -> Result<Reply, Refusal> {
    let proof = request(call)?.certificate;
    let name = call.segment(INNER_NAME);
    let changed = arm.resources.verify_certificate(&owner.key, name, &proof, call.if_match()).await?;
    Ok(Reply::ok(&shape(arm, owner, &changed)?))
}

fn request(call: &Call) -> Result<CertificateRequest, Refusal> {
    CertificateRequest::parse(&call.body).map_err(|error| Refusal::bad_body(&error))
}

pub(crate) fn shape(arm: &Arm, owner: &Owner, certificate: &CaCertificate) -> Result<Resource<Properties>, Refusal> {
    let facts = facts(certificate)?;
    let subscription = subscription::id(arm);
    let name = certificate.name.as_str();
    let kind = match owner.key {
        CertificateOwner::Hub(_) => Kind::HubCertificate { hub: &owner.name, name },
        CertificateOwner::Dps(_) => Kind::DpsCertificate { dps: &owner.name, name },
    };
    Ok(Resource {
        id: ResourceId { subscription: &subscription, group: &owner.group, kind }.to_string(),
        name: name.to_owned(),
        kind: kind.type_name().to_owned(),
        location: None,
        tags: None,
        etag: Some(certificate.etag.to_string()),
        resourcegroup: None,
        subscriptionid: None,
        sku: None,
        properties: Properties {
            known: CertificateProperties::of(certificate, facts.subject, facts.expiry, facts.thumbprint),
            warning: facts.warning,
        },
        other: Map::new(),
    })
}
