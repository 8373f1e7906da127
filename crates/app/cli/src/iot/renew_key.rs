//! `renew-key` of devices and modules.

use super::lookup::{hub_service, text};
use super::{device, module};
use crate::args::Global;
use crate::args::device::DeviceRenewKey;
use crate::args::module::ModuleRenewKey;
use crate::args::value::RenewedKey;
use crate::failure::Failure;
use crate::output::Printed;
use crate::progress;
use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_model::Random;
use roadstead_server::system::SystemRandom;
use roadstead_service::{HubService, ServiceError};
use serde_json::{Value, json};

/// Bytes of a new key: as many as the hub's own. Source: `reference/hub-service.md` 1.2
const KEY_BYTES: usize = 32;

const ALL: &str = "*";
const PRIMARY: &str = "/authentication/symmetricKey/primaryKey";
const SECONDARY: &str = "/authentication/symmetricKey/secondaryKey";

pub async fn of_devices(renew: &DeviceRenewKey, global: &Global) -> Result<Printed, Failure> {
    let with_modules = renew.include_modules == Some(true);
    check(&renew.device_id, renew.key, with_modules)?;
    let hub = hub_service(&renew.hub, global).await?;
    if let ([id], false) = (renew.device_id.as_slice(), with_modules)
        && id != ALL
    {
        let identity = device::find(&hub, id).await?;
        return Ok(one(&hub, identity, renew.key, renew.etag.as_deref()).await?.into());
    }
    let mut identities = Vec::new();
    if renew.device_id.iter().any(|id| id == ALL) {
        let twins: Vec<Value> = hub.query("select * from devices", None).await?;
        for twin in &twins {
            identities.push(device::find(&hub, text(twin, "/deviceId")).await?);
        }
    } else {
        for id in &renew.device_id {
            identities.push(device::find(&hub, id).await?);
        }
    }
    if with_modules {
        for at in 0..identities.len() {
            let modules: Vec<Value> = hub.list_modules(text(&identities[at], "/deviceId")).await?;
            identities.extend(modules);
        }
    }
    Ok(many(&hub, identities, renew.key, global).await.into())
}

pub async fn of_modules(renew: &ModuleRenewKey, global: &Global) -> Result<Printed, Failure> {
    check(&renew.module_id, renew.key, false)?;
    let hub = hub_service(&renew.device.hub, global).await?;
    let device = &renew.device.device_id;
    if let [id] = renew.module_id.as_slice()
        && id != ALL
    {
        let identity = module::find(&hub, device, id).await?;
        return Ok(one(&hub, identity, renew.key, renew.etag.as_deref()).await?.into());
    }
    let identities = if renew.module_id.iter().any(|id| id == ALL) {
        hub.list_modules(device).await?
    } else {
        let mut identities = Vec::new();
        for id in &renew.module_id {
            identities.push(module::find(&hub, device, id).await?);
        }
        identities
    };
    Ok(many(&hub, identities, renew.key, global).await.into())
}

fn check(ids: &[String], key: RenewedKey, with_modules: bool) -> Result<(), Failure> {
    let is_one = matches!(ids, [id] if id != ALL) && !with_modules;
    if key == RenewedKey::Swap && !is_one {
        return Err(Failure::usage("`--key-type swap` works on one identity at a time"));
    }
    Ok(())
}

async fn one(hub: &HubService, mut identity: Value, key: RenewedKey, etag: Option<&str>) -> Result<Value, Failure> {
    if !change(&mut identity, key, &SystemRandom) {
        return Err(Failure::error(format!("`{}` has no keys: it proves itself in another way", shown_id(&identity))));
    }
    let mut stored = put(hub, &identity, etag.unwrap_or("*")).await?;
    stored["hub"] = hub.host().into();
    Ok(stored)
}

/// As `az` prints it: `{"policyKey":"primaryKey","rotatedKeys":[{"id":…,"moduleId":…,"primaryKey":…}],"errors":[]}`.
/// Who has no keys is passed over.
async fn many(hub: &HubService, identities: Vec<Value>, key: RenewedKey, global: &Global) -> Value {
    let (mut rotated, mut errors) = (Vec::new(), Vec::new());
    let bar = progress::bar(identities.len() as u64, "identities", global);
    for mut identity in identities {
        bar.inc(1);
        if !change(&mut identity, key, &SystemRandom) {
            continue;
        }
        let (id, module) = (text(&identity, "/deviceId"), identity.get("moduleId").cloned());
        // The etag that was shown: a change in the meantime is an error, not lost.
        match put(hub, &identity, text(&identity, "/etag")).await {
            Ok(stored) => rotated.push(json!({
                "id": id, "moduleId": module,
                "primaryKey": stored.pointer(PRIMARY), "secondaryKey": stored.pointer(SECONDARY),
            })),
            Err(error) => errors.push(json!({ "id": id, "moduleId": module, "errorStatus": error.to_string() })),
        }
    }
    bar.finish_and_clear();
    json!({ "policyKey": key.word(), "rotatedKeys": rotated, "errors": errors })
}

async fn put(hub: &HubService, identity: &Value, etag: &str) -> Result<Value, ServiceError> {
    let device = text(identity, "/deviceId");
    match identity.get("moduleId").and_then(Value::as_str) {
        Some(module) => hub.put_module(device, module, identity, Some(etag)).await,
        None => hub.put_device(device, identity, Some(etag)).await,
    }
}

fn shown_id(identity: &Value) -> String {
    let module = identity.get("moduleId").and_then(Value::as_str);
    let device = text(identity, "/deviceId");
    module.map_or_else(|| device.to_owned(), |module| format!("{device}/{module}"))
}

/// `false` for who has no keys.
fn change(identity: &mut Value, key: RenewedKey, random: &dyn Random) -> bool {
    if !text(identity, "/authentication/type").eq_ignore_ascii_case("sas") {
        return false;
    }
    let fresh = || {
        let mut bytes = [0; KEY_BYTES];
        random.fill(&mut bytes);
        STANDARD.encode(bytes)
    };
    let (primary, secondary) = (text(identity, PRIMARY).to_owned(), text(identity, SECONDARY).to_owned());
    let (primary, secondary) = match key {
        RenewedKey::Primary => (fresh(), secondary),
        RenewedKey::Secondary => (primary, fresh()),
        RenewedKey::Both => (fresh(), fresh()),
        RenewedKey::Swap => (secondary, primary),
    };
    identity["authentication"]["symmetricKey"] = json!({ "primaryKey": primary, "secondaryKey": secondary });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;

    impl Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn the_keys_that_are_asked_for_become_new() {
        let new = STANDARD.encode([7; KEY_BYTES]);
        for (key, primary, secondary) in [
            (RenewedKey::Primary, new.as_str(), "2"),
            (RenewedKey::Secondary, "1", &new),
            (RenewedKey::Both, &new, &new),
            (RenewedKey::Swap, "2", "1"),
        ] {
            let mut identity = json!({"deviceId": "d", "authentication": {"type": "sas", "symmetricKey": {"primaryKey": "1", "secondaryKey": "2"}}});
            assert!(change(&mut identity, key, &Sevens));
            assert_eq!((text(&identity, PRIMARY), text(&identity, SECONDARY)), (primary, secondary), "{key:?}");
        }
        let mut certificate = json!({"authentication": {"type": "selfSigned"}});
        assert!(!change(&mut certificate, RenewedKey::Both, &Sevens));
    }

    #[test]
    fn only_one_is_swapped_at_a_time() {
        for (ids, key, with_modules, fine) in [
            (&["a"][..], RenewedKey::Swap, false, true),
            (&["a"], RenewedKey::Swap, true, false),
            (&["*"], RenewedKey::Swap, false, false),
            (&["a", "b"], RenewedKey::Swap, false, false),
            (&["*"], RenewedKey::Both, true, true),
        ] {
            let ids: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
            assert_eq!(check(&ids, key, with_modules).is_ok(), fine, "{ids:?}");
        }
    }

    #[test]
    fn modules_are_named_with_their_device() {
        assert_eq!(shown_id(&json!({"deviceId": "d", "moduleId": "m"})), "d/m");
        assert_eq!(shown_id(&json!({"deviceId": "d"})), "d");
    }
}
