//! `roadstead simulate`: a fleet of devices, with an enrollment group of its own.

use crate::args::Global;
use crate::args::run::Simulate;
use crate::context::{self, Server};
use crate::failure::Failure;
use crate::iot::lookup::{self, Found};
use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_config::Context;
use roadstead_config::context::default_data_dir;
use roadstead_device::Trust;
use roadstead_sas::SasKey;
use roadstead_service::{EnrollmentKind, Kind};
use roadstead_simulator::{Fleet, Identities, Payload, Rate, Summary, open_authority};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The certificate and the enrollment groups that the fleet uses; made when they are missing.
const CA_NAME: &str = "roadstead-simulator";
const X509_GROUP: &str = "roadstead-simulator-x509";
const KEY_GROUP: &str = "roadstead-simulator-key";

/// Runs the fleet to its end, or to Ctrl-C.
pub async fn run(args: &Simulate, global: &Global) -> Result<Summary, Failure> {
    let context = context::load(global)?;
    let server = Server::open(global)?;
    let dps = lookup::find(&server.management, Kind::Dps, &args.dps_name, None).await?;
    let identities = if args.sas {
        Identities::GroupKey(key_group(args, global).await?)
    } else {
        certificate_group(args, global, (&server, &dps)).await?
    };
    let summary = fleet(args, &context, &dps, identities)?
        .run(async {
            // Without a signal handler there is only the fleet's own end.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    if summary.is_complete() {
        Ok(summary)
    } else {
        Err(Failure::error(format!("not everything went well\n\n{summary}")))
    }
}

fn fleet(args: &Simulate, context: &Context, dps: &Found, identities: Identities) -> Result<Fleet, Failure> {
    let member = |name: &str| dps.document.pointer(&format!("/properties/{name}")).and_then(Value::as_str);
    let (Some(host), Some(scope)) = (member("deviceProvisioningHostName"), member("idScope")) else {
        return Err(Failure::error(format!("{} has no host name or no ID scope", dps.label())));
    };
    let trust = Trust::file(&context.ca_file).map_err(|error| Failure::error(error.to_string()))?;
    let payload = match (args.bytes, &args.template) {
        (Some(bytes), _) => Payload::Bytes(bytes),
        (None, Some(template)) => Payload::Template(template.clone()),
        (None, None) => Payload::default(),
    };
    let defaults = Fleet::new(host, scope, identities);
    Ok(Fleet {
        devices: args.devices,
        prefix: args.prefix.clone(),
        port: context.mqtt_port,
        trust: Some(trust),
        payload,
        rate: args.total_rate.map_or(Rate::PerDevice(args.rate), Rate::Total),
        messages_each: args.count,
        duration: args.duration.map(Duration::from_secs),
        starting_at_once: args.concurrency.unwrap_or(defaults.starting_at_once),
        ..defaults
    })
}

/// The simulator's CA is kept beside the server's data, so that the same devices come back the next time.
async fn certificate_group(
    args: &Simulate,
    global: &Global,
    (server, dps): (&Server, &Found),
) -> Result<Identities, Failure> {
    let kept = data_dir(global).join("simulator");
    let authority = open_authority(&kept).map_err(|error| Failure::error(error.to_string()))?;
    let known: Option<Value> = server.management.find_certificate(&dps.resource, CA_NAME).await?;
    if known.is_none() {
        let pem = STANDARD.encode(authority.certificate().to_pem());
        let _: Value = server.management.put_certificate(&dps.resource, CA_NAME, &pem, Some(true), None).await?;
    }
    let attestation = json!({ "type": "x509", "x509": { "caReferences": { "primary": CA_NAME } } });
    enroll(args, global, X509_GROUP, attestation).await?;
    Ok(Identities::Certificates(Arc::new(authority)))
}

async fn key_group(args: &Simulate, global: &Global) -> Result<SasKey, Failure> {
    enroll(args, global, KEY_GROUP, json!({ "type": "symmetricKey", "symmetricKey": {} })).await?;
    let provisioning = lookup::provisioning_of(&args.dps_name, global).await?;
    let attestation: Option<Value> = provisioning.find_attestation(EnrollmentKind::Group, KEY_GROUP).await?;
    let key = attestation.as_ref().and_then(|found| found.pointer("/symmetricKey/primaryKey")?.as_str());
    key.and_then(|key| SasKey::from_base64(key).ok())
        .ok_or_else(|| Failure::error(format!("enrollment group `{KEY_GROUP}` has no symmetric key")))
}

async fn enroll(args: &Simulate, global: &Global, id: &str, attestation: Value) -> Result<(), Failure> {
    let provisioning = lookup::provisioning_of(&args.dps_name, global).await?;
    if provisioning.find::<Value>(EnrollmentKind::Group, id).await?.is_none() {
        let body = json!({ "enrollmentGroupId": id, "attestation": attestation, "provisioningStatus": "enabled" });
        let _: Value = provisioning.put(EnrollmentKind::Group, id, &body, None).await?;
    }
    Ok(())
}

fn data_dir(global: &Global) -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = global.data_dir.clone().or_else(|| variable("ROADSTEAD_DATA_DIR"));
    named.or_else(|| default_data_dir(variable)).unwrap_or_default()
}
