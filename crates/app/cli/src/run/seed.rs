//! `dev --seed FILE`: what a project wants to find in its hub, in one TOML file.
//!
//! Everything goes through the public APIs, as if typed. What is there already stays as it is, so that a file can be planted
//! at every start.

use crate::args::Global;
use crate::context::Server;
use crate::failure::Failure;
use crate::iot::lookup;
use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_service::{EnrollmentKind, HubService, Kind, Management, Provisioning, Resource};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The file. Unknown keys are refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Seed {
    group: Vec<Group>,
    hub: Vec<Hub>,
    dps: Vec<Dps>,
    device: Vec<Device>,
    certificate: Vec<Certificate>,
    enrollment: Vec<Enrollment>,
    enrollment_group: Vec<EnrollmentGroup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    #[serde(default = "local")]
    location: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hub {
    name: String,
    #[serde(default = "dev_group")]
    group: String,
    partitions: Option<u16>,
    retention_days: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dps {
    name: String,
    #[serde(default = "dev_group")]
    group: String,
    /// Names of hubs to link.
    #[serde(default)]
    hubs: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    id: String,
    #[serde(default = "dev_hub")]
    hub: String,
    /// Base64. Absent: generated.
    key: Option<String>,
    thumbprint: Option<String>,
    #[serde(default)]
    x509_ca: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    name: String,
    /// PEM, relative to the seed file.
    file: PathBuf,
    #[serde(default = "dev_dps")]
    dps: String,
    #[serde(default)]
    verified: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrollment {
    id: String,
    #[serde(default = "dev_dps")]
    dps: String,
    device_id: Option<String>,
    /// Base64. Absent, with no certificate either: generated.
    key: Option<String>,
    certificate: Option<PathBuf>,
    #[serde(default)]
    tags: Map<String, Value>,
    #[serde(default)]
    desired: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnrollmentGroup {
    id: String,
    #[serde(default = "dev_dps")]
    dps: String,
    key: Option<String>,
    /// A signing certificate, PEM.
    certificate: Option<PathBuf>,
    /// The name of an uploaded CA.
    ca: Option<String>,
    #[serde(default)]
    tags: Map<String, Value>,
    #[serde(default)]
    desired: Map<String, Value>,
}

fn local() -> String {
    "local".to_owned()
}

fn dev_group() -> String {
    roadstead_server::first::GROUP.to_owned()
}

fn dev_hub() -> String {
    roadstead_server::first::HUB.to_owned()
}

fn dev_dps() -> String {
    roadstead_server::first::DPS.to_owned()
}

/// Plants a file on the running server of `data_dir`.
pub async fn plant(file: &Path, data_dir: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::error(format!("cannot read the seed {}: {error}", file.display())))?;
    let seed: Seed = toml::from_str(&text)
        .map_err(|error| Failure::error(format!("{}: {}", file.display(), error.to_string().trim_end())))?;
    let global = Global::of_data_dir(data_dir);
    let server = Server::open(&global)?;
    let planter =
        Planter { global: &global, management: &server.management, folder: file.parent().unwrap_or(Path::new(".")) };
    planter.resources(&seed).await?;
    planter.devices(&seed.device).await?;
    planter.certificates(&seed.certificate).await?;
    planter.enrollments(&seed).await
}

struct Planter<'a> {
    global: &'a Global,
    management: &'a Management,
    folder: &'a Path,
}

impl Planter<'_> {
    async fn resources(&self, seed: &Seed) -> Result<(), Failure> {
        for group in &seed.group {
            if self.management.find_group::<Value>(&group.name).await?.is_none() {
                let _: Value = self.management.put_group(&group.name, &json!({ "location": group.location })).await?;
            }
        }
        for hub in &seed.hub {
            let resource = Resource { kind: Kind::Hub, group: hub.group.clone(), name: hub.name.clone() };
            let events = json!({ "partitionCount": hub.partitions, "retentionTimeInDays": hub.retention_days });
            let body = json!({ "location": "local", "sku": { "name": "S1", "capacity": 1 },
                "properties": { "eventHubEndpoints": { "events": without_nulls(events) } } });
            self.put_if_absent(&resource, &body).await?;
        }
        for dps in &seed.dps {
            let resource = Resource { kind: Kind::Dps, group: dps.group.clone(), name: dps.name.clone() };
            let mut links = Vec::new();
            for hub in &dps.hubs {
                let string = lookup::owner_string(self.management, Kind::Hub, hub).await?;
                links.push(json!({ "connectionString": string, "location": "local" }));
            }
            let body = json!({ "location": "local", "sku": { "name": "S1", "capacity": 1 },
                "properties": { "iotHubs": links } });
            self.put_if_absent(&resource, &body).await?;
        }
        Ok(())
    }

    async fn put_if_absent(&self, resource: &Resource, body: &Value) -> Result<(), Failure> {
        if self.management.find::<Value>(resource).await?.is_none() {
            let _: Value = self.management.put(resource, body, None).await?;
        }
        Ok(())
    }

    async fn devices(&self, devices: &[Device]) -> Result<(), Failure> {
        for device in devices {
            let registry: HubService = lookup::registry_of(&device.hub, self.global).await?;
            if registry.find_device::<Value>(&device.id).await?.is_some() {
                continue;
            }
            let authentication = match (&device.thumbprint, device.x509_ca) {
                (_, true) => json!({ "type": "certificateAuthority" }),
                (Some(thumbprint), _) => {
                    json!({ "type": "selfSigned", "x509Thumbprint": { "primaryThumbprint": thumbprint } })
                }
                (None, false) => {
                    let key = json!({ "primaryKey": device.key, "secondaryKey": device.key });
                    json!({ "type": "sas", "symmetricKey": without_nulls(key) })
                }
            };
            let body = json!({ "deviceId": device.id, "status": "enabled", "authentication": authentication });
            let _: Value = registry.put_device(&device.id, &body, None).await?;
        }
        Ok(())
    }

    async fn certificates(&self, certificates: &[Certificate]) -> Result<(), Failure> {
        for certificate in certificates {
            let found = lookup::find(self.management, Kind::Dps, &certificate.dps, None).await?;
            let known: Option<Value> = self.management.find_certificate(&found.resource, &certificate.name).await?;
            if known.is_none() {
                let pem = STANDARD.encode(self.read(&certificate.file)?);
                let (name, verified) = (&certificate.name, certificate.verified);
                let _: Value =
                    self.management.put_certificate(&found.resource, name, &pem, Some(verified), None).await?;
            }
        }
        Ok(())
    }

    async fn enrollments(&self, seed: &Seed) -> Result<(), Failure> {
        for enrollment in &seed.enrollment {
            let attestation = self.attestation(
                enrollment.key.as_deref(),
                enrollment.certificate.as_deref(),
                "clientCertificates",
                None,
            )?;
            let body = json!({ "registrationId": enrollment.id, "deviceId": enrollment.device_id, "attestation": attestation,
                "initialTwin": twin(&enrollment.tags, &enrollment.desired) });
            self.enroll(EnrollmentKind::Individual, &enrollment.dps, &enrollment.id, &body).await?;
        }
        for group in &seed.enrollment_group {
            let (key, certificate) = (group.key.as_deref(), group.certificate.as_deref());
            let attestation = self.attestation(key, certificate, "signingCertificates", group.ca.as_deref())?;
            let body = json!({ "enrollmentGroupId": group.id, "attestation": attestation,
                "initialTwin": twin(&group.tags, &group.desired) });
            self.enroll(EnrollmentKind::Group, &group.dps, &group.id, &body).await?;
        }
        Ok(())
    }

    async fn enroll(&self, kind: EnrollmentKind, dps: &str, id: &str, body: &Value) -> Result<(), Failure> {
        let provisioning: Provisioning = lookup::provisioning_of(dps, self.global).await?;
        if provisioning.find::<Value>(kind, id).await?.is_none() {
            let _: Value = provisioning.put(kind, id, &without_nulls(body.clone()), None).await?;
        }
        Ok(())
    }

    fn attestation(
        &self,
        key: Option<&str>,
        certificate: Option<&Path>,
        member: &str,
        ca: Option<&str>,
    ) -> Result<Value, Failure> {
        if let Some(ca) = ca {
            return Ok(json!({ "type": "x509", "x509": { "caReferences": { "primary": ca } } }));
        }
        if let Some(file) = certificate {
            let pem = String::from_utf8_lossy(&self.read(file)?).into_owned();
            return Ok(json!({ "type": "x509", "x509": { member: { "primary": { "certificate": pem } } } }));
        }
        let keys = without_nulls(json!({ "primaryKey": key, "secondaryKey": key }));
        Ok(json!({ "type": "symmetricKey", "symmetricKey": keys }))
    }

    fn read(&self, file: &Path) -> Result<Vec<u8>, Failure> {
        let path = self.folder.join(file);
        std::fs::read(&path).map_err(|error| Failure::error(format!("cannot read {}: {error}", path.display())))
    }
}

fn twin(tags: &Map<String, Value>, desired: &Map<String, Value>) -> Value {
    json!({ "tags": tags, "properties": { "desired": desired } })
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_what_dev_makes_and_typing_errors_are_refused() {
        let seed: Seed =
            toml::from_str("[[device]]\nid = \"thermo-7\"\n[[enrollment]]\nid = \"a\"\ndesired = { rate = 5 }\n")
                .unwrap();
        assert_eq!((seed.device[0].hub.as_str(), seed.enrollment[0].dps.as_str()), ("dev", "dev-dps"));
        assert_eq!(seed.enrollment[0].desired["rate"], 5);
        for bad in ["[[device]]\nname = \"x\"\n", "[[devices]]\nid = \"x\"\n", "[[device]]\n"] {
            assert!(toml::from_str::<Seed>(bad).is_err(), "{bad}");
        }
    }
}
