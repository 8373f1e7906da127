//! `roadstead iot dps enrollment`

use super::attestation::{Certificates, Kind, change, change_terms, change_tpm, new_terms, of_device};
use super::lookup::provisioning;
use super::registration;
use crate::args::Global;
use crate::args::enrollment::{
    DeviceTerms, EnrollmentCommand, EnrollmentCreate, EnrollmentUpdate, RegistrationCommand, RootNames,
};
use crate::failure::Failure;
use crate::note::note;
use crate::output::Printed;
use roadstead_service::{EnrollmentKind, Provisioning};
use serde_json::{Map, Value};

const KIND: EnrollmentKind = EnrollmentKind::Individual;

pub async fn run(command: &EnrollmentCommand, global: &Global) -> Result<Printed, Failure> {
    Ok(match command {
        EnrollmentCommand::Create(create) => {
            let body = new(create)?;
            let dps = provisioning(&create.dps, global).await?;
            dps.put::<Value>(KIND, &create.id.enrollment_id, &body, None).await?.into()
        }
        EnrollmentCommand::List(list) => {
            provisioning(&list.dps, global).await?.list::<Value>(KIND, list.top.0).await?.into()
        }
        EnrollmentCommand::Show(show) => {
            let dps = provisioning(&show.dps, global).await?;
            let enrollment = find(&dps, KIND, &show.id.enrollment_id).await?;
            with_keys(&dps, KIND, enrollment, &show.id.enrollment_id, show.show_keys, global).await?.into()
        }
        EnrollmentCommand::Update(update) => {
            let (dps, id) = (provisioning(&update.dps, global).await?, &update.id.enrollment_id);
            let shown = find_with_keys(&dps, KIND, id).await?;
            let body = changed(shown, update)?;
            dps.put::<Value>(KIND, id, &body, Some(update.etag.as_deref().unwrap_or("*"))).await?.into()
        }
        EnrollmentCommand::Delete(delete) => {
            let (dps, id) = (provisioning(&delete.dps, global).await?, &delete.id.enrollment_id);
            delete_one(&dps, KIND, id, delete.etag.as_deref()).await?
        }
        EnrollmentCommand::Registration(RegistrationCommand::Show(one)) => {
            registration::show(&one.dps, &one.id.enrollment_id, global).await?
        }
        EnrollmentCommand::Registration(RegistrationCommand::Delete(delete)) => {
            let (dps, id) = (&delete.one.dps, &delete.one.id.enrollment_id);
            registration::delete(dps, id, delete.etag.as_deref(), global).await?
        }
    })
}

fn new(create: &EnrollmentCreate) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
    body.insert("registrationId".to_owned(), create.id.enrollment_id.as_str().into());
    body.insert("attestation".to_owned(), of_device(create.attestation_type, &create.evidence, &create.tpm)?);
    body.extend(new_terms(&create.terms)?);
    body.insert("optionalDeviceInformation".to_owned(), Map::new().into());
    change_device(&mut body, &create.device);
    Ok(body)
}

fn changed(mut body: Map<String, Value>, update: &EnrollmentUpdate) -> Result<Map<String, Value>, Failure> {
    body.remove("registrationState");
    if let Some(attestation) = body.get_mut("attestation")
        && change_tpm(attestation, &update.tpm, &update.evidence, &update.removal)? == Kind::Other
    {
        change(attestation, &update.evidence, &RootNames::default(), &update.removal, Certificates::OfClient)?;
    }
    change_terms(&mut body, &update.terms)?;
    change_device(&mut body, &update.device);
    Ok(body)
}

fn change_device(body: &mut Map<String, Value>, terms: &DeviceTerms) {
    if let Some(id) = &terms.device_id {
        body.insert("deviceId".to_owned(), id.as_str().into());
    }
    if let Some(information) = &terms.device_information {
        body.insert("optionalDeviceInformation".to_owned(), information.clone().into());
    }
}

/// An enrollment of either kind, without keys.
pub async fn find(dps: &Provisioning, kind: EnrollmentKind, id: &str) -> Result<Map<String, Value>, Failure> {
    dps.find(kind, id).await?.ok_or_else(|| absent(kind, id))
}

/// An enrollment of either kind; if it has keys, with them.
pub async fn find_with_keys(dps: &Provisioning, kind: EnrollmentKind, id: &str) -> Result<Map<String, Value>, Failure> {
    let mut enrollment = find(dps, kind, id).await?;
    if is_symmetric(&enrollment) {
        let attestation: Option<Value> = dps.find_attestation(kind, id).await?;
        enrollment.insert("attestation".to_owned(), attestation.ok_or_else(|| absent(kind, id))?);
    }
    Ok(enrollment)
}

/// As `--show-keys` wishes.
pub async fn with_keys(
    dps: &Provisioning,
    kind: EnrollmentKind,
    enrollment: Map<String, Value>,
    id: &str,
    show_keys: Option<bool>,
    global: &Global,
) -> Result<Value, Failure> {
    if show_keys != Some(true) {
        return Ok(enrollment.into());
    }
    if is_symmetric(&enrollment) {
        return find_with_keys(dps, kind, id).await.map(Value::Object);
    }
    note(global, &format!("warning: `{id}` has no symmetric keys that `--show-keys` could show"));
    Ok(enrollment.into())
}

/// Deletes an enrollment of either kind.
pub async fn delete_one(
    dps: &Provisioning,
    kind: EnrollmentKind,
    id: &str,
    etag: Option<&str>,
) -> Result<Printed, Failure> {
    if dps.delete(kind, id, etag).await? { Ok(Printed::nothing()) } else { Err(absent(kind, id)) }
}

fn is_symmetric(enrollment: &Map<String, Value>) -> bool {
    enrollment.get("attestation").and_then(|attestation| attestation.get("type")) == Some(&Value::from("symmetricKey"))
}

/// There is no such enrollment.
pub fn absent(kind: EnrollmentKind, id: &str) -> Failure {
    let (noun, command) = match kind {
        EnrollmentKind::Individual => ("enrollment", "enrollment"),
        EnrollmentKind::Group => ("enrollment group", "enrollment-group"),
    };
    Failure::not_found(format!("{noun} `{id}` not found"))
        .hint(format!("`roadstead iot dps {command} list` with the same DPS shows those there are"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::dps::DpsCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;
    use serde_json::json;

    fn parsed(line: &str) -> EnrollmentCommand {
        let line = format!("roadstead iot dps enrollment {line} --dps-name d");
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Iot(IotCommand::Dps(DpsCommand::Enrollment(command))) = cli.command else { panic!("{line}") };
        *command
    }

    #[test]
    fn an_enrollment_is_created_as_az_creates_it() {
        let line = "create -g iot-rg --enrollment-id esp32-device-001 --attestation-type symmetricKey --device-id esp32-device-001";
        let EnrollmentCommand::Create(create) = parsed(line) else { panic!() };
        let expected = json!({
            "registrationId": "esp32-device-001", "deviceId": "esp32-device-001", "optionalDeviceInformation": {},
            "attestation": {"type": "symmetricKey", "symmetricKey": {}}, "capabilities": {"iotEdge": false},
            "initialTwin": {"tags": {}, "properties": {"desired": {}}},
            "reprovisionPolicy": {"updateHubAssignment": true, "migrateDeviceData": true}});
        assert_eq!(Value::Object(new(&create).unwrap()), expected);
    }

    #[test]
    fn an_enrollment_by_tpm() {
        let EnrollmentCommand::Create(create) = parsed("create --eid r --at tpm --ek AToA --srk ARoA") else {
            panic!()
        };
        let tpm = json!({"endorsementKey": "AToA", "storageRootKey": "ARoA"});
        assert_eq!(new(&create).unwrap()["attestation"], json!({"type": "tpm", "tpm": tpm}));
        for (line, text) in [
            ("create --eid r --at tpm", "`--attestation-type tpm` needs `--endorsement-key`"),
            (
                "create --eid r --at tpm --ek a --pk b",
                "a key or certificate is given, but `--attestation-type` is `tpm`",
            ),
            ("create --eid r --at symmetricKey --ek a", "a TPM's key is given, but `--attestation-type` is not `tpm`"),
            ("create --eid r --at x509 --srk a", "a TPM's key is given, but `--attestation-type` is not `tpm`"),
        ] {
            let EnrollmentCommand::Create(create) = parsed(line) else { panic!() };
            assert_eq!(new(&create).unwrap_err().to_string(), text, "{line}");
        }
        let by_tpm = json!({"registrationId": "r", "attestation": {"type": "tpm", "tpm": tpm}});
        let by_key = json!({"registrationId": "r", "attestation": {"type": "symmetricKey", "symmetricKey": {}}});
        for (shown, line, expected) in [
            (&by_tpm, "update --eid r --srk b", Ok(json!({"endorsementKey": "AToA", "storageRootKey": "b"}))),
            (&by_tpm, "update --eid r --ps disabled", Ok(tpm.clone())),
            (
                &by_tpm,
                "update --eid r --pk b",
                Err("the enrollment is one by TPM: it has no keys or certificates to change"),
            ),
            (
                &by_tpm,
                "update --eid r --rc",
                Err("the enrollment is one by TPM: it has no keys or certificates to change"),
            ),
            (&by_key, "update --eid r --ek b", Err("the enrollment is not one by TPM: it has no TPM's keys to change")),
        ] {
            let EnrollmentCommand::Update(update) = parsed(line) else { panic!() };
            let body = changed(shown.as_object().unwrap().clone(), &update);
            let found = body.map(|body| body["attestation"]["tpm"].clone()).map_err(|failure| failure.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{line}");
        }
    }

    #[test]
    fn an_update_sends_back_what_was_shown_with_what_it_names() {
        let shown = json!({"registrationId": "r", "etag": "e", "x": 1, "registrationState": {"status": "assigned"},
            "attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": "1", "secondaryKey": "2"}},
            "initialTwin": {"tags": {"a": 1}, "properties": {"desired": {"b": 2}}}});
        let Value::Object(shown) = shown else { panic!() };
        let EnrollmentCommand::Update(update) =
            parsed("update --eid r --ps disabled --pk 9 --props {\"c\":3} --info {\"i\":4} -d new")
        else {
            panic!()
        };
        let expected = json!({"registrationId": "r", "etag": "e", "x": 1, "provisioningStatus": "disabled", "deviceId": "new",
            "optionalDeviceInformation": {"i": 4},
            "attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": "9", "secondaryKey": "2"}},
            "initialTwin": {"tags": {"a": 1}, "properties": {"desired": {"c": 3}}}});
        assert_eq!(Value::Object(changed(shown, &update).unwrap()), expected);
    }
}
