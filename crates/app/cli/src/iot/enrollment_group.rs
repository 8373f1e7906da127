//! `roadstead iot dps enrollment-group`

use super::attestation::{Certificates, change, change_terms, new_terms, of_group};
use super::enrollment::{absent, delete_one, find, find_with_keys, with_keys};
use super::lookup::provisioning;
use super::registration;
use crate::args::Global;
use crate::args::enrollment::{
    ComputeDeviceKey, DpsTarget, EnrollmentGroupCommand, GroupCreate, GroupRegistrationCommand, GroupUpdate,
};
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_sas::{SasKey, derive_device_key};
use roadstead_service::EnrollmentKind;
use serde_json::{Map, Value};

const KIND: EnrollmentKind = EnrollmentKind::Group;

pub async fn run(command: &EnrollmentGroupCommand, global: &Global) -> Result<Printed, Failure> {
    Ok(match command {
        EnrollmentGroupCommand::Create(create) => {
            let body = new(create)?;
            let dps = provisioning(&create.dps, global).await?;
            dps.put::<Value>(KIND, &create.id.enrollment_id, &body, None).await?.into()
        }
        EnrollmentGroupCommand::List(list) => {
            provisioning(&list.dps, global).await?.list::<Value>(KIND, list.top.0).await?.into()
        }
        EnrollmentGroupCommand::Show(show) => {
            let dps = provisioning(&show.dps, global).await?;
            let enrollment = find(&dps, KIND, &show.id.enrollment_id).await?;
            with_keys(&dps, KIND, enrollment, &show.id.enrollment_id, show.show_keys, global).await?.into()
        }
        EnrollmentGroupCommand::Update(update) => {
            let (dps, id) = (provisioning(&update.dps, global).await?, &update.id.enrollment_id);
            let shown = find_with_keys(&dps, KIND, id).await?;
            let body = changed(shown, update)?;
            dps.put::<Value>(KIND, id, &body, Some(update.etag.as_deref().unwrap_or("*"))).await?.into()
        }
        EnrollmentGroupCommand::Delete(delete) => {
            let (dps, id) = (provisioning(&delete.dps, global).await?, &delete.id.enrollment_id);
            delete_one(&dps, KIND, id, delete.etag.as_deref()).await?
        }
        EnrollmentGroupCommand::ComputeDeviceKey(compute) => {
            let key = group_key(compute, global).await?;
            Value::from(device_key(&key, &compute.registration_id)?).into()
        }
        EnrollmentGroupCommand::Registration(command) => match command {
            GroupRegistrationCommand::List(list) => {
                let dps = provisioning(&list.list.dps, global).await?;
                dps.list_registrations::<Value>(&list.id.enrollment_id, list.list.top.0).await?.into()
            }
            GroupRegistrationCommand::Show(one) => {
                registration::show(&one.dps, &one.id.registration_id, global).await?
            }
            GroupRegistrationCommand::Delete(delete) => {
                let (dps, id) = (&delete.one.dps, &delete.one.id.registration_id);
                registration::delete(dps, id, delete.etag.as_deref(), global).await?
            }
        },
    })
}

fn new(create: &GroupCreate) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
    body.insert("enrollmentGroupId".to_owned(), create.id.enrollment_id.as_str().into());
    body.insert("attestation".to_owned(), of_group(create.attestation_type, &create.evidence, &create.roots)?);
    body.extend(new_terms(&create.terms)?);
    Ok(body)
}

fn changed(mut body: Map<String, Value>, update: &GroupUpdate) -> Result<Map<String, Value>, Failure> {
    if let Some(attestation) = body.get_mut("attestation") {
        change(attestation, &update.evidence, &update.roots, &update.removal, Certificates::OfSigner)?;
    }
    change_terms(&mut body, &update.terms)?;
    Ok(body)
}

/// The group's primary key, as given or as the DPS has it.
async fn group_key(compute: &ComputeDeviceKey, global: &Global) -> Result<String, Failure> {
    if let Some(key) = &compute.symmetric_key {
        return Ok(key.clone());
    }
    let Some(id) = compute.enrollment_id.as_deref().filter(|_| compute.dps_name.is_some() || compute.login.is_some())
    else {
        return Err(Failure::usage("the group is not named")
            .hint("say `--dps-name` and `--enrollment-id`, or give the group's key with `--key`"));
    };
    let target =
        DpsTarget { dps_name: compute.dps_name.clone(), login: compute.login.clone(), within: compute.within.clone() };
    let dps = provisioning(&target, global).await?;
    let attestation: Value = dps.find_attestation(KIND, id).await?.ok_or_else(|| absent(KIND, id))?;
    let key = attestation.pointer("/symmetricKey/primaryKey").and_then(Value::as_str);
    key.map(str::to_owned).ok_or_else(|| Failure::error(format!("enrollment group `{id}` has certificates, no keys")))
}

fn device_key(group_key: &str, registration_id: &str) -> Result<String, Failure> {
    let key = SasKey::from_base64(group_key).map_err(|error| Failure::usage(format!("the group's key: {error}")))?;
    Ok(derive_device_key(&key, registration_id).to_base64().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::dps::DpsCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;
    use serde_json::json;

    fn created(flags: &str) -> Result<Value, String> {
        let line = format!("roadstead iot dps enrollment-group create --dps-name d --enrollment-id g {flags}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Iot(IotCommand::Dps(DpsCommand::EnrollmentGroup(command))) = cli.command else { panic!("{line}") };
        let EnrollmentGroupCommand::Create(create) = *command else { panic!("{line}") };
        new(&create).map(Value::Object).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_seeds_group_and_azs_are_the_same() {
        let host = "--provisioning-status enabled --iot-hub-host-name textile-iothub.azure-devices.net";
        let seed = created(&format!("--certificate-name textile-rootCA {host} --attestation-type x509")).unwrap();
        let expected = json!({
            "enrollmentGroupId": "g", "attestation": {"type": "x509", "x509": {"caReferences": {"primary": "textile-rootCA"}}},
            "capabilities": {"iotEdge": false}, "initialTwin": {"tags": {}, "properties": {"desired": {}}},
            "reprovisionPolicy": {"updateHubAssignment": true, "migrateDeviceData": true},
            "provisioningStatus": "enabled", "allocationPolicy": "static", "iotHubs": ["textile-iothub.azure-devices.net"]});
        assert_eq!(seed, expected);
        assert_eq!(created(&format!("--ca-name textile-rootCA {host}")).unwrap(), expected);
    }

    #[test]
    fn a_group_without_evidence_has_keys() {
        assert_eq!(created("").unwrap()["attestation"], json!({"type": "symmetricKey", "symmetricKey": {}}));
        assert_eq!(
            created("--pk a --sk b").unwrap()["attestation"]["symmetricKey"],
            json!({"primaryKey": "a", "secondaryKey": "b"})
        );
    }

    #[test]
    fn the_key_of_a_device() {
        // Source: `reference/dps.md` 2.2, by python: hmac-sha256 of the id with the decoded key
        let key = device_key("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", "dev-01").unwrap();
        assert_eq!(key, "3wWY86l94eFKP6eOuPmct7p/HxH8AVogU/exUD3ZtQc=");
        assert!(device_key("%", "dev-01").is_err());
    }
}
