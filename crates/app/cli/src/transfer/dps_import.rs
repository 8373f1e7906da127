//! `roadstead import dps`

use super::certificates::{read_dir, sha256_of};
use super::read;
use super::report::{Outcome, Report};
use crate::args::Global;
use crate::args::transfer::ImportDps;
use crate::failure::Failure;
use crate::iot::lookup::provisioning;
use crate::note::note;
use crate::output::Printed;
use crate::progress;
use roadstead_service::{EnrollmentKind, Provisioning, ServiceError};
use serde_json::{Map, Value};
use std::collections::HashMap;

const KINDS: [&str; 2] = ["enrollments", "enrollmentGroups"];
/// Members that are the old service's own.
const OWN: [&str; 4] = ["etag", "registrationState", "createdDateTimeUtc", "lastUpdatedDateTimeUtc"];
const SLOTS: [&str; 4] = [
    "/x509/clientCertificates/primary",
    "/x509/clientCertificates/secondary",
    "/x509/signingCertificates/primary",
    "/x509/signingCertificates/secondary",
];

pub async fn run(args: &ImportDps, global: &Global) -> Result<Printed, Failure> {
    let mut report = Report::new(args.dry_run, &KINDS);
    let certificates = args.certificates.as_deref().map(read_dir).transpose()?.unwrap_or_default();
    let mut entries = Vec::new();
    for path in &args.files {
        let document: Value = serde_json::from_str(&read(path)?)
            .map_err(|error| Failure::error(format!("{} is no JSON: {error}", path.display())))?;
        collect(document, &mut entries, &mut report);
    }
    let dps = provisioning(&args.dps, global).await?;
    let bar = progress::bar(entries.len() as u64, "enrollments", global);
    // Groups first: an individual enrollment comes before a group when its device registers meanwhile, in any case.
    entries.sort_by_key(|entry| entry.kind == EnrollmentKind::Individual);
    for Entry { kind, id, body } in entries {
        let (noun, counted) = match kind {
            EnrollmentKind::Individual => ("enrollment", KINDS[0]),
            EnrollmentKind::Group => ("enrollment group", KINDS[1]),
        };
        let outcome = match completed(body, &certificates) {
            Ok(body) => take(&dps, kind, &id, &body, args.dry_run).await?,
            Err(why) => Outcome::NotTaken(why),
        };
        report.add(counted, &format!("{noun} `{id}`"), outcome);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if report.left_out() > 0 {
        note(global, &format!("warning: {} things were not taken; `notTaken` says which and why", report.left_out()));
    }
    Ok(Value::from(report).into())
}

/// An enrollment of a file.
#[derive(Debug)]
struct Entry {
    kind: EnrollmentKind,
    id: String,
    body: Map<String, Value>,
}

/// One enrollment, a list of them, or lists by name.
fn collect(document: Value, entries: &mut Vec<Entry>, report: &mut Report) {
    match document {
        Value::Array(items) => items.into_iter().for_each(|item| collect(item, entries, report)),
        Value::Object(mut body) => {
            let text = |member: &str| body.get(member).and_then(Value::as_str).map(str::to_owned);
            if let Some(id) = text("registrationId") {
                entries.push(Entry { kind: EnrollmentKind::Individual, id, body });
            } else if let Some(id) = text("enrollmentGroupId") {
                entries.push(Entry { kind: EnrollmentKind::Group, id, body });
            } else {
                let lists: Vec<_> = KINDS.into_iter().filter_map(|kind| body.remove(kind)).collect();
                if lists.is_empty() {
                    report.leave_out("an object", "it has neither `registrationId` nor `enrollmentGroupId`");
                }
                for list in lists {
                    collect(list, entries, report);
                }
            }
        }
        other => report.leave_out(&format!("`{other}`"), "it is no enrollment"),
    }
}

/// What can be sent: without what the old service set, with keys and whole certificates. Why not, if they are not there.
fn completed(
    mut body: Map<String, Value>,
    certificates: &HashMap<String, String>,
) -> Result<Map<String, Value>, String> {
    for member in OWN {
        body.shift_remove(member);
    }
    let mut body = Value::from(body);
    drop_nulls(&mut body);
    let Some(attestation) = body.get_mut("attestation") else { return Err("it has no `attestation`".to_owned()) };
    let has_key = |slot: &str| attestation.pointer(slot).and_then(Value::as_str).is_some_and(|key| !key.is_empty());
    let is_by_key =
        attestation.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("symmetricKey"));
    if is_by_key && !(has_key("/symmetricKey/primaryKey") && has_key("/symmetricKey/secondaryKey")) {
        return Err(
            "its keys are not in the file: `az iot dps enrollment show --show-keys` prints them, a list does not"
                .to_owned(),
        );
    }
    for slot in SLOTS {
        let Some(Value::Object(entry)) = attestation.pointer_mut(slot) else { continue };
        let info = entry.shift_remove("info").unwrap_or_default();
        if entry.contains_key("certificate") {
            continue;
        }
        let thumbprint = info.get("sha256Thumbprint").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        let Some(pem) = certificates.get(&thumbprint) else {
            let subject = info.get("subjectName").and_then(Value::as_str).unwrap_or("?");
            return Err(format!(
                "the file has no more of certificate `{subject}` than its thumbprint ({thumbprint}): `--certificates DIR` names where PEM files are"
            ));
        };
        entry.insert("certificate".to_owned(), pem.as_str().into());
    }
    match body {
        Value::Object(body) => Ok(body),
        _ => Err("it is no enrollment".to_owned()),
    }
}

/// `az` prints a null for everything that is not there.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

async fn take(
    dps: &Provisioning,
    kind: EnrollmentKind,
    id: &str,
    body: &Map<String, Value>,
    is_dry: bool,
) -> Result<Outcome, Failure> {
    let known: Option<Value> = dps.find(kind, id).await?;
    let outcome = match known {
        None => Outcome::Created,
        Some(known) => {
            let attestation = dps.find_attestation::<Value>(kind, id).await?.unwrap_or_default();
            match differences(body, &known, &attestation) {
                parts if parts.is_empty() => return Ok(Outcome::Same),
                parts => Outcome::Updated(parts),
            }
        }
    };
    if is_dry {
        return Ok(outcome);
    }
    let etag = matches!(outcome, Outcome::Updated(_)).then_some("*");
    match dps.put::<Value>(kind, id, body, etag).await {
        Ok(_) => Ok(outcome),
        Err(ServiceError::Refused(refusal)) => Ok(Outcome::NotTaken(refusal.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// The members that differ; of those, that a file may have.
fn differences(wanted: &Map<String, Value>, known: &Value, attestation: &Value) -> Vec<&'static str> {
    const MEMBERS: [&str; 10] = [
        "deviceId",
        "provisioningStatus",
        "capabilities",
        "reprovisionPolicy",
        "allocationPolicy",
        "iotHubs",
        "iotHubHostName",
        "customAllocationDefinition",
        "initialTwin",
        "optionalDeviceInformation",
    ];
    let differs = |member: &&str| {
        let (wanted, known) = (wanted.get(*member), known.get(*member));
        wanted.is_some_and(|wanted| !is_same(wanted, known.unwrap_or(&Value::Null)))
    };
    let mut parts: Vec<_> = MEMBERS.into_iter().filter(differs).collect();
    if wanted.get("attestation").map(essence) != Some(essence(attestation)) {
        parts.push("attestation");
    }
    parts
}

/// Whether two members say the same: an empty object says nothing, and words are the same in any case.
fn is_same(wanted: &Value, known: &Value) -> bool {
    match (wanted, known) {
        (Value::Object(wanted), Value::Object(known)) => {
            let names = wanted.keys().chain(known.keys());
            names.into_iter().all(|name| {
                let of = |members: &Map<String, Value>| members.get(name).cloned().unwrap_or_default();
                is_same(&of(wanted), &of(known))
            })
        }
        (Value::Object(only), Value::Null) | (Value::Null, Value::Object(only)) => {
            only.values().all(|member| is_same(member, &Value::Null))
        }
        (Value::String(wanted), Value::String(known)) => wanted == known || wanted.eq_ignore_ascii_case(known),
        (wanted, known) => wanted == known,
    }
}

/// What an attestation comes to: keys, names and thumbprints.
fn essence(attestation: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for pointer in [
        "/symmetricKey/primaryKey",
        "/symmetricKey/secondaryKey",
        "/tpm/endorsementKey",
        "/tpm/storageRootKey",
        "/x509/caReferences/primary",
        "/x509/caReferences/secondary",
    ] {
        let text = attestation.pointer(pointer).and_then(Value::as_str);
        found.extend(text.map(|text| (pointer.to_owned(), text.to_owned())));
    }
    for slot in SLOTS {
        let Some(entry) = attestation.pointer(slot) else { continue };
        let own = entry.get("certificate").and_then(Value::as_str).and_then(sha256_of);
        let told = || entry.pointer("/info/sha256Thumbprint").and_then(Value::as_str).map(str::to_ascii_uppercase);
        found.extend(own.or_else(told).map(|print| (slot.to_owned(), print)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(attestation: Value) -> Map<String, Value> {
        let body = json!({"registrationId": "dev-01", "attestation": attestation, "etag": "\"x\"", "createdDateTimeUtc": "2026",
            "registrationState": {"status": "assigned"}, "iotHubs": null, "deviceId": null,
            "initialTwin": {"tags": {}, "properties": {"desired": {"hz": 5}, "additionalProperties": null}}});
        body.as_object().cloned().unwrap()
    }

    #[test]
    fn files_of_every_shape() {
        let (one, group) = (json!({"registrationId": "a"}), json!({"enrollmentGroupId": "g"}));
        for (document, expected) in [
            (one.clone(), vec!["a"]),
            (json!([one, group]), vec!["a", "g"]),
            (json!({"enrollments": [one], "enrollmentGroups": [group]}), vec!["a", "g"]),
            (json!({"other": 1}), vec![]),
            (json!([1]), vec![]),
        ] {
            let (mut entries, mut report) = (Vec::new(), Report::new(false, &KINDS));
            collect(document.clone(), &mut entries, &mut report);
            assert_eq!(entries.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), expected, "{document}");
            assert_eq!(report.left_out(), usize::from(expected.is_empty()), "{document}");
        }
    }

    #[test]
    fn what_az_prints_becomes_what_can_be_sent() {
        let keys = json!({"primaryKey": "cA==", "secondaryKey": "cw=="});
        let printed = json!({"type": "symmetricKey", "symmetricKey": keys, "tpm": null, "x509": null});
        let expected = json!({"registrationId": "dev-01", "attestation": {"type": "symmetricKey", "symmetricKey": keys},
            "initialTwin": {"tags": {}, "properties": {"desired": {"hz": 5}}}});
        assert_eq!(completed(body(printed), &HashMap::new()).map(Value::Object), Ok(expected));
        for keyless in
            [json!({"type": "symmetricKey"}), json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": null}})]
        {
            assert!(completed(body(keyless), &HashMap::new()).unwrap_err().contains("--show-keys"));
        }
        let print = "AB".repeat(32);
        let info = json!({"subjectName": "CN=dev-01", "sha256Thumbprint": print.to_ascii_lowercase()});
        let x509 = json!({"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": null, "info": info}, "secondary": null}}});
        assert!(completed(body(x509.clone()), &HashMap::new()).unwrap_err().contains("--certificates"));
        let found = completed(body(x509), &HashMap::from([(print, "PEM".to_owned())])).unwrap();
        assert_eq!(found["attestation"]["x509"], json!({"clientCertificates": {"primary": {"certificate": "PEM"}}}));
    }

    #[test]
    fn what_differs() {
        let keys =
            |primary| json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": primary, "secondaryKey": "cw=="}});
        let known = json!({"registrationId": "dev-01", "provisioningStatus": "enabled", "capabilities": {"iotEdge": false},
            "initialTwin": {"properties": {"desired": {"hz": 5}}}});
        let wanted = |changes: Value| {
            let mut wanted = completed(body(keys("cA==")), &HashMap::new()).unwrap();
            wanted.extend(changes.as_object().cloned().unwrap());
            wanted
        };
        for (changes, expected) in [
            (json!({}), vec![]),
            (json!({"provisioningStatus": "Enabled", "optionalDeviceInformation": {}}), vec![]),
            (json!({"provisioningStatus": "disabled"}), vec!["provisioningStatus"]),
            (json!({"initialTwin": {"tags": {"a": 1}, "properties": {"desired": {"hz": 5}}}}), vec!["initialTwin"]),
            (json!({"attestation": keys("other")}), vec!["attestation"]),
            (json!({"capabilities": {"iotEdge": true}, "deviceId": "d"}), vec!["deviceId", "capabilities"]),
        ] {
            assert_eq!(differences(&wanted(changes.clone()), &known, &keys("cA==")), expected, "{changes}");
        }
    }
}
