//! `roadstead iot hub certificate` and `roadstead iot dps certificate`: CAs, and the proof that one has them.

use super::attestation::read_certificate;
use super::issuing;
use super::lookup::{find, word};
use crate::args::Global;
use crate::args::certificate::{
    DpsCertificateCommand, HubCertificateCommand, Marked, Named, OfDps, OfHub, Proof, Renewal, Upload,
};
use crate::context::Server;
use crate::failure::Failure;
use crate::note::note;
use crate::output::Printed;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use roadstead_service::{Kind, Management, Resource};
use serde_json::Value;

/// What a certificate belongs to.
pub(super) trait Owner: Args {
    fn kind(&self) -> Kind;
    fn name(&self) -> &str;
    fn group(&self) -> Option<&str>;
}

impl Owner for OfHub {
    fn kind(&self) -> Kind {
        Kind::Hub
    }
    fn name(&self) -> &str {
        &self.hub_name
    }
    fn group(&self) -> Option<&str> {
        self.within.resource_group.as_deref()
    }
}

impl Owner for OfDps {
    fn kind(&self) -> Kind {
        Kind::Dps
    }
    fn name(&self) -> &str {
        &self.dps_name
    }
    fn group(&self) -> Option<&str> {
        self.within.resource_group.as_deref()
    }
}

pub async fn run_hub(command: &HubCertificateCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        HubCertificateCommand::Create(upload) => create(upload, global).await,
        HubCertificateCommand::Update(renewal) => update(renewal, global).await,
        HubCertificateCommand::List(owner) => list(owner, global).await,
        HubCertificateCommand::Show(named) => show(named, global).await,
        HubCertificateCommand::Delete(marked) => delete(marked, global).await,
        HubCertificateCommand::GenerateVerificationCode(marked) => generate_verification_code(marked, global).await,
        HubCertificateCommand::Verify(proof) => verify(proof, global).await,
    }
}

pub async fn run_dps(command: &DpsCertificateCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        DpsCertificateCommand::Create(upload) => create(upload, global).await,
        DpsCertificateCommand::Update(renewal) => update(renewal, global).await,
        DpsCertificateCommand::List(owner) => list(owner, global).await,
        DpsCertificateCommand::Show(named) => show(named, global).await,
        DpsCertificateCommand::Delete(marked) => delete(marked, global).await,
        DpsCertificateCommand::GenerateVerificationCode(marked) => generate_verification_code(marked, global).await,
        DpsCertificateCommand::Verify(proof) => verify(proof, global).await,
        DpsCertificateCommand::CreateCa(ca) => issuing::create_ca(ca, global).await,
        DpsCertificateCommand::Issue(wanted) => issuing::issue(wanted, global).await,
        DpsCertificateCommand::Issued(wanted) => issuing::issued(wanted, global).await,
    }
}

pub(super) async fn open(owner: &impl Owner, global: &Global) -> Result<(Management, Resource), Failure> {
    let management = Server::open(global)?.management;
    let found = find(&management, owner.kind(), owner.name(), owner.group()).await?;
    Ok((management, found.resource))
}

async fn create<O: Owner>(upload: &Upload<O>, global: &Global) -> Result<Printed, Failure> {
    let name = &upload.named.certificate_name;
    let file = STANDARD.encode(read_certificate(&upload.path)?);
    let (management, resource) = open(&upload.named.of, global).await?;
    let present: Vec<Value> = management.list_certificates(&resource).await?;
    if present.iter().any(|certificate| certificate.get("name").and_then(Value::as_str) == Some(name)) {
        return Err(Failure::error(format!("certificate `{name}` exists already"))
            .hint("choose another name, or delete it first"));
    }
    let mut certificate: Value = management.put_certificate(&resource, name, &file, upload.verified, None).await?;
    if upload.verified != Some(true) && code_of(&certificate).is_none() {
        let etag = etag_of(&certificate);
        certificate = management.generate_verification_code(&resource, name, &etag).await?;
    }
    if upload.verified != Some(true) {
        say_how_to_prove(&certificate, upload, &resource, global);
    }
    Ok(certificate.into())
}

async fn update<O: Owner>(renewal: &Renewal<O>, global: &Global) -> Result<Printed, Failure> {
    let Upload { named, path, verified } = &renewal.upload;
    let (name, file) = (&named.certificate_name, STANDARD.encode(read_certificate(path)?));
    let (management, resource) = open(&named.of, global).await?;
    let etag = etag(&management, &resource, named, renewal.etag.as_deref()).await?;
    Ok(management.put_certificate::<Value>(&resource, name, &file, *verified, Some(&etag)).await?.into())
}

async fn list<O: Owner>(owner: &O, global: &Global) -> Result<Printed, Failure> {
    let (management, resource) = open(owner, global).await?;
    let certificates: Vec<Value> = management.list_certificates(&resource).await?;
    Ok(Printed::from(serde_json::json!({ "value": certificates })).table(
        "value[].{Name:name, Subject:properties.subject, Verified:properties.isVerified, Expiry:properties.expiry}",
    ))
}

async fn show<O: Owner>(named: &Named<O>, global: &Global) -> Result<Printed, Failure> {
    let (management, resource) = open(&named.of, global).await?;
    Ok(find_certificate(&management, &resource, &named.certificate_name).await?.into())
}

async fn delete<O: Owner>(marked: &Marked<O>, global: &Global) -> Result<Printed, Failure> {
    let (management, resource) = open(&marked.named.of, global).await?;
    let name = &marked.named.certificate_name;
    let etag = etag(&management, &resource, &marked.named, marked.etag.as_deref()).await?;
    if management.delete_certificate(&resource, name, &etag).await? {
        Ok(Printed::nothing())
    } else {
        Err(absent(&resource, name))
    }
}

async fn generate_verification_code<O: Owner>(marked: &Marked<O>, global: &Global) -> Result<Printed, Failure> {
    let (management, resource) = open(&marked.named.of, global).await?;
    let etag = etag(&management, &resource, &marked.named, marked.etag.as_deref()).await?;
    let name = &marked.named.certificate_name;
    Ok(management.generate_verification_code::<Value>(&resource, name, &etag).await?.into())
}

async fn verify<O: Owner>(proof: &Proof<O>, global: &Global) -> Result<Printed, Failure> {
    let file = STANDARD.encode(read_certificate(&proof.path)?);
    let (management, resource) = open(&proof.marked.named.of, global).await?;
    let etag = etag(&management, &resource, &proof.marked.named, proof.marked.etag.as_deref()).await?;
    let name = &proof.marked.named.certificate_name;
    Ok(management.verify_certificate::<Value>(&resource, name, &etag, &file).await?.into())
}

/// The etag given, or else the newest: `az` insists on it, people do not know it.
async fn etag<O: Owner>(
    management: &Management,
    resource: &Resource,
    named: &Named<O>,
    given: Option<&str>,
) -> Result<String, Failure> {
    match given {
        Some(etag) => Ok(etag.to_owned()),
        None => Ok(etag_of(&find_certificate(management, resource, &named.certificate_name).await?)),
    }
}

async fn find_certificate(management: &Management, resource: &Resource, name: &str) -> Result<Value, Failure> {
    management.find_certificate(resource, name).await?.ok_or_else(|| absent(resource, name))
}

fn absent(resource: &Resource, name: &str) -> Failure {
    let noun = word(resource.kind);
    let of = noun.to_ascii_lowercase();
    Failure::not_found(format!("certificate `{name}` not found in {noun} `{}`", resource.name)).hint(format!(
        "`roadstead iot {of} certificate list --{of}-name {} -o table` shows those there are",
        resource.name
    ))
}

fn etag_of(certificate: &Value) -> String {
    certificate.get("etag").and_then(Value::as_str).unwrap_or("*").to_owned()
}

fn code_of(certificate: &Value) -> Option<&str> {
    certificate.pointer("/properties/verificationCode").and_then(Value::as_str)
}

fn say_how_to_prove<O: Owner>(certificate: &Value, upload: &Upload<O>, resource: &Resource, global: &Global) {
    let Some(code) = code_of(certificate) else { return };
    let (of, owner, name) = (word(resource.kind).to_ascii_lowercase(), &resource.name, &upload.named.certificate_name);
    let option = if resource.kind == Kind::Hub { "--name" } else { "--certificate-name" };
    note(
        global,
        &format!(
            "next: prove that you have this CA's key\n  \
         roadstead ca verify --ca {} --code {code} --out verification.pem\n  \
         roadstead iot {of} certificate verify --{of}-name {owner} {option} {name} --path verification.pem",
            upload.path.display()
        ),
    );
}
