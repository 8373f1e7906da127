//! How an enrollment's devices prove themselves, from flags to JSON, and the rest that both kinds of enrollment share.

use crate::args::enrollment::{Evidence, Removal, RootNames, Terms, TpmKeys};
use crate::args::value::{AllocationPolicy, AttestationType, ReprovisionPolicy};
use crate::failure::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Bytes of a certificate file. A chain of ten RSA certificates has a fifth of it. Ours.
pub const CERTIFICATE_FILE_BYTES_MAX: usize = 1 << 18;

/// Which member of `x509` the certificates of a kind of enrollment stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificates {
    /// `clientCertificates`: the device's own.
    OfClient,
    /// `signingCertificates`: of the CA above it.
    OfSigner,
}

impl Certificates {
    fn member(self) -> &'static str {
        match self {
            Self::OfClient => "clientCertificates",
            Self::OfSigner => "signingCertificates",
        }
    }
}

/// Reads a file whole, up to the bound.
pub fn read_certificate(path: &Path) -> Result<Vec<u8>, Failure> {
    let refuse = |cause: &str| {
        Failure::error(format!("cannot read {}: {cause}", path.display()))
            .hint("it must be the file of a certificate, PEM or DER; `roadstead ca` makes them")
    };
    let bytes = std::fs::read(path).map_err(|error| refuse(&error.to_string()))?;
    match bytes.len() {
        0 => Err(refuse("it is empty")),
        1..=CERTIFICATE_FILE_BYTES_MAX => Ok(bytes),
        _ => Err(refuse(&format!("it has more than {CERTIFICATE_FILE_BYTES_MAX} bytes"))),
    }
}

/// PEM as it stands, DER in base64. Source: azure-iot extension certops.py, `open_certificate`
fn certificate(path: &Path) -> Result<Value, Failure> {
    let bytes = read_certificate(path)?;
    let text = String::from_utf8(bytes).unwrap_or_else(|error| STANDARD.encode(error.into_bytes()));
    Ok(json!({ "certificate": text.trim_end() }))
}

fn symmetric_key(evidence: &Evidence) -> Value {
    let mut keys = Map::new();
    let given = [("primaryKey", &evidence.primary_key), ("secondaryKey", &evidence.secondary_key)];
    keys.extend(given.into_iter().filter_map(|(name, key)| Some((name.to_owned(), key.clone()?.into()))));
    json!({ "type": "symmetricKey", "symmetricKey": keys })
}

fn has_keys(evidence: &Evidence) -> bool {
    evidence.primary_key.is_some() || evidence.secondary_key.is_some()
}

fn has_certificates(evidence: &Evidence) -> bool {
    evidence.certificate_path.is_some() || evidence.secondary_certificate_path.is_some()
}

fn has_roots(roots: &RootNames) -> bool {
    roots.root_ca_name.is_some() || roots.secondary_root_ca_name.is_some()
}

fn x509(evidence: &Evidence, place: Certificates) -> Result<Value, Failure> {
    let mut certificates = Map::new();
    for (name, path) in [("primary", &evidence.certificate_path), ("secondary", &evidence.secondary_certificate_path)] {
        if let Some(path) = path {
            certificates.insert(name.to_owned(), certificate(path)?);
        }
    }
    let mut x509 = Map::new();
    x509.insert(place.member().to_owned(), certificates.into());
    Ok(json!({ "type": "x509", "x509": x509 }))
}

fn has_tpm(tpm: &TpmKeys) -> bool {
    tpm.endorsement_key.is_some() || tpm.storage_root_key.is_some()
}

fn by_tpm(tpm: &TpmKeys) -> Value {
    let mut keys = Map::new();
    let given = [("endorsementKey", &tpm.endorsement_key), ("storageRootKey", &tpm.storage_root_key)];
    keys.extend(given.into_iter().filter_map(|(name, key)| Some((name.to_owned(), key.clone()?.into()))));
    json!({ "type": "tpm", "tpm": keys })
}

/// Of a new individual enrollment.
pub fn of_device(kind: AttestationType, evidence: &Evidence, tpm: &TpmKeys) -> Result<Value, Failure> {
    match kind {
        AttestationType::Tpm if has_certificates(evidence) || has_keys(evidence) => {
            Err(Failure::usage("a key or certificate is given, but `--attestation-type` is `tpm`")
                .hint("a TPM is enrolled by `--endorsement-key` and, if you like, `--storage-root-key`"))
        }
        AttestationType::Tpm if tpm.endorsement_key.is_none() => {
            Err(Failure::usage("`--attestation-type tpm` needs `--endorsement-key`")
                .hint("it is base64 of the TPM2B_PUBLIC of the TPM's endorsement key, as the device SDKs print it"))
        }
        AttestationType::Tpm => Ok(by_tpm(tpm)),
        AttestationType::SymmetricKey | AttestationType::X509 if has_tpm(tpm) => {
            Err(Failure::usage("a TPM's key is given, but `--attestation-type` is not `tpm`")
                .hint("say `--attestation-type tpm`"))
        }
        AttestationType::SymmetricKey if has_certificates(evidence) => {
            Err(Failure::usage("a certificate is given, but `--attestation-type` is `symmetricKey`")
                .hint("say `--attestation-type x509`"))
        }
        AttestationType::SymmetricKey => Ok(symmetric_key(evidence)),
        AttestationType::X509 if has_keys(evidence) => {
            Err(Failure::usage("a key is given, but `--attestation-type` is `x509`")
                .hint("say `--attestation-type symmetricKey`"))
        }
        AttestationType::X509 if !has_certificates(evidence) => {
            Err(Failure::usage("`--attestation-type x509` needs `--certificate-path`")
                .hint("`roadstead ca device` makes a device's certificate"))
        }
        AttestationType::X509 => x509(evidence, Certificates::OfClient),
    }
}

/// Of a new enrollment group: certificates, else named CAs, else keys.
pub fn of_group(kind: Option<AttestationType>, evidence: &Evidence, roots: &RootNames) -> Result<Value, Failure> {
    let is_x509 = has_certificates(evidence) || has_roots(roots);
    if has_certificates(evidence) && has_roots(roots) {
        return Err(both_certificates());
    }
    if is_x509 && has_keys(evidence) {
        return Err(Failure::usage("a group has keys or certificates, not both"));
    }
    match kind {
        Some(AttestationType::X509) if !is_x509 => {
            Err(Failure::usage("`--attestation-type x509` needs `--ca-name` or `--certificate-path`")
                .hint("`--ca-name` names a certificate that `roadstead iot dps certificate list` shows"))
        }
        Some(AttestationType::SymmetricKey) if is_x509 => {
            Err(Failure::usage("a certificate is given, but `--attestation-type` is `symmetricKey`")
                .hint("say `--attestation-type x509`"))
        }
        Some(AttestationType::Tpm) => Err(Failure::usage("a group cannot be one by TPM")
            .hint("enroll each device: `roadstead iot dps enrollment create --attestation-type tpm`")),
        _ if has_roots(roots) => Ok(ca_references(roots)),
        _ if is_x509 => x509(evidence, Certificates::OfSigner),
        _ => Ok(symmetric_key(evidence)),
    }
}

fn both_certificates() -> Failure {
    Failure::usage("a group is vouched for by `--certificate-path` or by `--ca-name`, not both")
}

fn ca_references(roots: &RootNames) -> Value {
    let mut references = Map::new();
    let given = [("primary", &roots.root_ca_name), ("secondary", &roots.secondary_root_ca_name)];
    references.extend(given.into_iter().filter_map(|(name, ca)| Some((name.to_owned(), ca.clone()?.into()))));
    json!({ "type": "x509", "x509": { "caReferences": references } })
}

/// Whether an attestation is by TPM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Tpm,
    Other,
}

/// Changes an attestation by TPM as it was shown, and says whether it is one.
pub fn change_tpm(
    attestation: &mut Value,
    tpm: &TpmKeys,
    evidence: &Evidence,
    removal: &Removal,
) -> Result<Kind, Failure> {
    if attestation.get("type").and_then(Value::as_str) != Some("tpm") {
        if has_tpm(tpm) {
            return Err(Failure::usage("the enrollment is not one by TPM: it has no TPM's keys to change"));
        }
        return Ok(Kind::Other);
    }
    let removes = removal.remove_certificate == Some(true) || removal.remove_secondary_certificate == Some(true);
    if has_keys(evidence) || has_certificates(evidence) || removes {
        return Err(Failure::usage("the enrollment is one by TPM: it has no keys or certificates to change"));
    }
    for (name, key) in [("endorsementKey", &tpm.endorsement_key), ("storageRootKey", &tpm.storage_root_key)] {
        if let Some(key) = key {
            attestation["tpm"][name] = key.as_str().into();
        }
    }
    Ok(Kind::Tpm)
}

/// Changes an attestation as it was shown, keys included.
pub fn change(
    attestation: &mut Value,
    evidence: &Evidence,
    roots: &RootNames,
    removal: &Removal,
    place: Certificates,
) -> Result<(), Failure> {
    let kind = attestation.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let removes = removal.remove_certificate == Some(true) || removal.remove_secondary_certificate == Some(true);
    if kind == "symmetricKey" {
        if has_certificates(evidence) || has_roots(roots) || removes {
            return Err(Failure::usage("the enrollment is one with keys: it has no certificates to change"));
        }
        for (name, key) in [("primaryKey", &evidence.primary_key), ("secondaryKey", &evidence.secondary_key)] {
            if let Some(key) = key {
                attestation["symmetricKey"][name] = key.as_str().into();
            }
        }
        return Ok(());
    }
    if has_keys(evidence) {
        return Err(Failure::usage("the enrollment is one with certificates: it has no keys to change"));
    }
    if has_certificates(evidence) && has_roots(roots) {
        return Err(both_certificates());
    }
    let references = "caReferences";
    let has_references = attestation.pointer("/x509/caReferences").is_some_and(Value::is_object);
    let (wanted, new) = if has_roots(roots) {
        (references, ca_references(roots))
    } else if has_certificates(evidence) {
        (place.member(), x509(evidence, place)?)
    } else {
        (if has_references { references } else { place.member() }, json!({}))
    };
    let mut left =
        attestation.pointer(&format!("/x509/{wanted}")).and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, is_removed) in
        [("primary", removal.remove_certificate), ("secondary", removal.remove_secondary_certificate)]
    {
        if is_removed == Some(true) {
            left.remove(name);
        }
    }
    left.extend(new.pointer(&format!("/x509/{wanted}")).and_then(Value::as_object).cloned().unwrap_or_default());
    if !left.values().any(Value::is_object) && !left.values().any(Value::is_string) {
        return Err(Failure::usage("nothing would be left to prove a device with")
            .hint("give another certificate in the same command"));
    }
    let mut x509 = Map::new();
    x509.insert(wanted.to_owned(), left.into());
    attestation["x509"] = x509.into();
    Ok(())
}

/// What a new enrollment of either kind has beside its id and attestation.
pub fn new_terms(terms: &Terms) -> Result<Map<String, Value>, Failure> {
    let policy = terms.reprovision_policy.unwrap_or(ReprovisionPolicy::Migrate);
    let twin = |given: &Option<Map<String, Value>>| Value::Object(given.clone().unwrap_or_default());
    let mut body = Map::from_iter([
        ("capabilities".to_owned(), json!({ "iotEdge": terms.edge_enabled.unwrap_or(false) })),
        (
            "initialTwin".to_owned(),
            json!({
                "tags": twin(&terms.initial_twin_tags),
                "properties": { "desired": twin(&terms.initial_twin_properties) },
            }),
        ),
        ("reprovisionPolicy".to_owned(), reprovision(policy)),
    ]);
    if terms.allocation_policy.is_none() && !terms.iot_hubs.is_empty() {
        return Err(Failure::usage("`--iot-hubs` needs `--allocation-policy`"));
    }
    change_terms(&mut body, terms)?;
    Ok(body)
}

/// Changes what flags name and leaves the rest as it was shown.
pub fn change_terms(body: &mut Map<String, Value>, terms: &Terms) -> Result<(), Failure> {
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    if let Some(status) = terms.provisioning_status {
        set("provisioningStatus", status.word().into());
    }
    if let Some(policy) = terms.reprovision_policy {
        set("reprovisionPolicy", reprovision(policy));
    }
    if let Some(edge) = terms.edge_enabled {
        set("capabilities", json!({ "iotEdge": edge }));
    }
    if let Some(host) = &terms.iot_hub_host_name {
        set("allocationPolicy", AllocationPolicy::Static.word().into());
        set("iotHubs", json!(host.split_whitespace().collect::<Vec<_>>()));
    }
    if let Some(policy) = terms.allocation_policy {
        set("allocationPolicy", policy.word().into());
    }
    if !terms.iot_hubs.is_empty() {
        let hubs: Vec<_> = terms.iot_hubs.iter().flat_map(|hubs| hubs.split_whitespace()).collect();
        set("iotHubs", json!(hubs));
    }
    let mut twin = |pointer: &str, given: &Option<Map<String, Value>>| {
        let Some(given) = given else { return };
        let holder = body.entry("initialTwin").or_insert_with(|| json!({}));
        match pointer {
            "tags" => holder["tags"] = given.clone().into(),
            _ => holder["properties"] = json!({ "desired": given }),
        }
    };
    twin("tags", &terms.initial_twin_tags);
    twin("desired", &terms.initial_twin_properties);
    change_webhook(body, terms)?;
    check_allocation(body)
}

fn change_webhook(body: &mut Map<String, Value>, terms: &Terms) -> Result<(), Failure> {
    if terms.webhook_url.is_none() && terms.api_version.is_none() {
        return Ok(());
    }
    if body.get("allocationPolicy").and_then(Value::as_str) != Some(AllocationPolicy::Custom.word()) {
        return Err(Failure::usage("`--webhook-url` and `--api-version` are for `--allocation-policy custom`"));
    }
    let definition = body.entry("customAllocationDefinition").or_insert_with(|| json!({}));
    for (name, given) in [("webhookUrl", &terms.webhook_url), ("apiVersion", &terms.api_version)] {
        if let Some(given) = given {
            definition[name] = given.as_str().into();
        }
    }
    Ok(())
}

fn check_allocation(body: &Map<String, Value>) -> Result<(), Failure> {
    let hubs = body.get("iotHubs").and_then(Value::as_array).map_or(0, Vec::len);
    let policy = body.get("allocationPolicy").and_then(Value::as_str).unwrap_or_default();
    if policy == AllocationPolicy::Static.word() && hubs != 1 {
        return Err(Failure::usage("`--allocation-policy static` needs exactly one hub in `--iot-hubs`"));
    }
    let has = |member: &str| {
        body.get("customAllocationDefinition").and_then(|it| it.get(member)).is_some_and(Value::is_string)
    };
    if policy == AllocationPolicy::Custom.word() && !(has("webhookUrl") && has("apiVersion")) {
        return Err(Failure::usage("`--allocation-policy custom` needs `--webhook-url` and `--api-version`"));
    }
    Ok(())
}

fn reprovision(policy: ReprovisionPolicy) -> Value {
    let (update, migrate) = match policy {
        ReprovisionPolicy::Migrate => (true, true),
        ReprovisionPolicy::Reset => (true, false),
        ReprovisionPolicy::Never => (false, false),
    };
    json!({ "updateHubAssignment": update, "migrateDeviceData": migrate })
}

#[cfg(test)]
mod tests;
