//! `roadstead iot hub device-identity`

use super::lookup::{hub_label, hub_service};
use super::{renew_key, scope};
use crate::args::Global;
use crate::args::device::{
    DeviceCommand, DeviceConnectionStringCommand, DeviceCreate, DeviceList, DeviceProof, DeviceUpdate,
};
use crate::args::value::{AuthMethod, KeyType};
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::HubService;
use serde_json::{Value, json};

pub async fn run(command: &DeviceCommand, global: &Global) -> Result<Printed, Failure> {
    Ok(match command {
        DeviceCommand::Create(create) => {
            let body = new_identity(create)?;
            let hub = hub_service(&create.device.hub, global).await?;
            hub.put_device::<Value>(&create.device.device_id, &body, None).await?.into()
        }
        DeviceCommand::List(of) => list(of, global).await?,
        DeviceCommand::Show(show) => {
            let hub = hub_service(&show.hub, global).await?;
            find(&hub, &show.device_id).await?.into()
        }
        DeviceCommand::Update(update) => {
            let hub = hub_service(&update.device.hub, global).await?;
            let mut identity = find(&hub, &update.device.device_id).await?;
            change(&mut identity, update)?;
            update.changes.apply(&mut identity).map_err(Failure::usage)?;
            let etag = update.etag.as_deref().unwrap_or("*");
            hub.put_device::<Value>(&update.device.device_id, &identity, Some(etag)).await?.into()
        }
        DeviceCommand::Delete(delete) => {
            let hub = hub_service(&delete.device.hub, global).await?;
            if !hub.delete_device(&delete.device.device_id, delete.etag.as_deref()).await? {
                return Err(absent(&hub, &delete.device.device_id));
            }
            Printed::nothing()
        }
        DeviceCommand::ConnectionString(DeviceConnectionStringCommand::Show(show)) => {
            let hub = hub_service(&show.device.hub, global).await?;
            let identity = find(&hub, &show.device.device_id).await?;
            json!({ "connectionString": connection_string(&identity, show.key_type)? }).into()
        }
        DeviceCommand::RenewKey(renew) => renew_key::of_devices(renew, global).await?,
        DeviceCommand::Parent(command) => scope::run_parent(command, global).await?,
        DeviceCommand::Children(command) => scope::run_children(command, global).await?,
    })
}

/// The twins of devices.
pub async fn list(of: &DeviceList, global: &Global) -> Result<Printed, Failure> {
    let query = match of.edge_enabled {
        Some(true) => "select * from devices where capabilities.iotEdge = true",
        _ => "select * from devices",
    };
    let mut twins: Vec<Value> = hub_service(&of.hub, global).await?.query(query, of.top.0).await?;
    twins.iter_mut().for_each(say_how_it_authenticates);
    Ok(twins.into())
}

/// An identity, with the hub that it is in, as `az` shows it.
pub async fn find(hub: &HubService, id: &str) -> Result<Value, Failure> {
    let found: Option<Value> = hub.find_device(id).await?;
    let mut identity = found.ok_or_else(|| absent(hub, id))?;
    identity["hub"] = hub.host().into();
    Ok(identity)
}

pub fn absent(hub: &HubService, id: &str) -> Failure {
    let hub = hub_label(hub);
    Failure::not_found(format!("device `{id}` not found in hub `{hub}`"))
        .hint(format!("`roadstead iot hub device-identity list --hub-name {hub} -o table` shows those there are"))
}

/// What `list` says of a device's authentication lies elsewhere in a twin than in an identity. It is given in both
/// places: queries written for identities work too.
fn say_how_it_authenticates(twin: &mut Value) {
    let Some(kind) = twin.get("authenticationType").cloned() else { return };
    if twin.get("authentication").is_none() {
        twin["authentication"] = json!({ "type": kind });
    }
}

fn new_identity(create: &DeviceCreate) -> Result<Value, Failure> {
    let mut body = json!({
        "deviceId": create.device.device_id,
        "status": create.status.word(),
        "authentication": new_authentication(create.auth_method, &create.proof)?,
        "capabilities": {"iotEdge": create.edge_enabled.unwrap_or(false)},
    });
    if let Some(reason) = &create.status_reason {
        body["statusReason"] = reason.as_str().into();
    }
    if let Some(scope) = &create.device_scope {
        // An edge device names its parents, any other device the scope that it is in.
        if create.edge_enabled == Some(true) {
            body["parentScopes"] = json!([scope]);
        } else {
            body["deviceScope"] = scope.as_str().into();
        }
    }
    Ok(body)
}

pub fn new_authentication(method: AuthMethod, proof: &DeviceProof) -> Result<Value, Failure> {
    let DeviceProof { primary_key, secondary_key, primary_thumbprint, secondary_thumbprint } = proof;
    let mut authentication = json!({ "type": method.word() });
    match method {
        AuthMethod::SharedPrivateKey => {
            refuse_thumbprints(method, proof)?;
            if primary_key.is_some() != secondary_key.is_some() {
                return Err(Failure::usage("`--primary-key` and `--secondary-key` must be given together")
                    .hint("without either of them the hub makes both"));
            }
            authentication["symmetricKey"] = match (primary_key, secondary_key) {
                (Some(primary), Some(secondary)) => json!({"primaryKey": primary, "secondaryKey": secondary}),
                _ => json!({}),
            };
        }
        AuthMethod::X509Thumbprint => {
            refuse_keys(method, proof)?;
            let Some(primary) = primary_thumbprint else {
                return Err(Failure::usage("`--auth-method x509_thumbprint` needs `--primary-thumbprint`")
                    .hint("`roadstead ca device` prints the thumbprint of each certificate it makes"));
            };
            authentication["x509Thumbprint"] =
                json!({"primaryThumbprint": primary, "secondaryThumbprint": secondary_thumbprint});
        }
        AuthMethod::X509Ca => {
            refuse_keys(method, proof)?;
            refuse_thumbprints(method, proof)?;
        }
    }
    Ok(authentication)
}

fn refuse_keys(method: AuthMethod, proof: &DeviceProof) -> Result<(), Failure> {
    let given = proof.primary_key.is_some() || proof.secondary_key.is_some();
    if given { Err(Failure::usage(format!("a device that is `{}` has no keys", method.word()))) } else { Ok(()) }
}

fn refuse_thumbprints(method: AuthMethod, proof: &DeviceProof) -> Result<(), Failure> {
    let given = proof.primary_thumbprint.is_some() || proof.secondary_thumbprint.is_some();
    if given {
        Err(Failure::usage(format!("a device that is `{}` has no thumbprints", method.word()))
            .hint("`--auth-method x509_thumbprint` has them"))
    } else {
        Ok(())
    }
}

/// Changes what flags name and leaves the rest as it was shown.
fn change(identity: &mut Value, update: &DeviceUpdate) -> Result<(), Failure> {
    if let Some(edge) = update.edge_enabled {
        identity["capabilities"]["iotEdge"] = edge.into();
    }
    if let Some(status) = update.status {
        identity["status"] = status.word().into();
    }
    if let Some(reason) = &update.status_reason {
        identity["statusReason"] = reason.as_str().into();
    }
    let proof = &update.proof;
    let shown = identity.pointer("/authentication/type").and_then(Value::as_str).unwrap_or_default();
    let present = [AuthMethod::SharedPrivateKey, AuthMethod::X509Thumbprint, AuthMethod::X509Ca]
        .into_iter()
        .find(|method| method.word().eq_ignore_ascii_case(shown));
    if let Some(method) = update.auth_method.filter(|method| Some(*method) != present) {
        identity["authentication"] = new_authentication(method, proof)?;
        return Ok(());
    }
    match present {
        Some(AuthMethod::SharedPrivateKey) => refuse_thumbprints(AuthMethod::SharedPrivateKey, proof)?,
        Some(method @ AuthMethod::X509Thumbprint) => refuse_keys(method, proof)?,
        Some(method @ AuthMethod::X509Ca) => {
            refuse_keys(method, proof)?;
            refuse_thumbprints(method, proof)?;
        }
        None => {}
    }
    for (member, value) in [
        ("/authentication/symmetricKey/primaryKey", &proof.primary_key),
        ("/authentication/symmetricKey/secondaryKey", &proof.secondary_key),
        ("/authentication/x509Thumbprint/primaryThumbprint", &proof.primary_thumbprint),
        ("/authentication/x509Thumbprint/secondaryThumbprint", &proof.secondary_thumbprint),
    ] {
        if let (Some(value), Some(place)) = (value, identity.pointer_mut(member)) {
            *place = value.as_str().into();
        }
    }
    Ok(())
}

/// Of a device or a module that was found by [`find`] or its like.
pub fn connection_string(identity: &Value, key: KeyType) -> Result<String, Failure> {
    let text = |pointer: &str| identity.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (host, id, kind) = (text("/hub"), text("/deviceId"), text("/authentication/type"));
    let secret = match kind.to_ascii_lowercase().as_str() {
        "sas" => format!("SharedAccessKey={}", text(&format!("/authentication/symmetricKey/{}", key.word()))),
        "selfsigned" | "certificateauthority" => "x509=true".to_owned(),
        _ => return Err(Failure::error(format!("device `{id}` has no way to connect: it is `{kind}`"))),
    };
    let module = identity.get("moduleId").and_then(Value::as_str);
    let module = module.map(|module| format!("ModuleId={module};")).unwrap_or_default();
    Ok(format!("HostName={host};DeviceId={id};{module}{secret}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::hub::HubCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;

    fn parsed(flags: &str) -> DeviceCommand {
        let line = format!("roadstead iot hub device-identity {flags} -n h -d dev1");
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Iot(IotCommand::Hub(HubCommand::DeviceIdentity(command))) = cli.command else { panic!("{line}") };
        *command
    }

    fn created(flags: &str) -> Result<Value, String> {
        let DeviceCommand::Create(create) = parsed(&format!("create{flags}")) else { panic!("{flags}") };
        new_identity(&create).map_err(|failure| failure.to_string())
    }

    fn updated(mut identity: Value, flags: &str) -> Result<Value, String> {
        let DeviceCommand::Update(update) = parsed(&format!("update{flags}")) else { panic!("{flags}") };
        change(&mut identity, &update).map(|()| identity).map_err(|failure| failure.to_string())
    }

    #[test]
    fn devices_are_created_as_az_creates_them() {
        let identity = |authentication: Value| {
            Ok(
                json!({"deviceId": "dev1", "status": "enabled", "authentication": authentication, "capabilities": {"iotEdge": false}}),
            )
        };
        for (flags, expected) in [
            ("", identity(json!({"type": "sas", "symmetricKey": {}}))),
            (
                " --pk a --sk b",
                identity(json!({"type": "sas", "symmetricKey": {"primaryKey": "a", "secondaryKey": "b"}})),
            ),
            (" --am X509_CA", identity(json!({"type": "certificateAuthority"}))),
            (
                " --am x509_thumbprint --ptp AB",
                identity(
                    json!({"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "AB", "secondaryThumbprint": null}}),
                ),
            ),
            (" --pk a", Err("`--primary-key` and `--secondary-key` must be given together".to_owned())),
            (" --am x509_thumbprint", Err("`--auth-method x509_thumbprint` needs `--primary-thumbprint`".to_owned())),
            (" --am x509_ca --pk a --sk b", Err("a device that is `certificateAuthority` has no keys".to_owned())),
            (" --ptp AB", Err("a device that is `sas` has no thumbprints".to_owned())),
        ] {
            assert_eq!(created(flags), expected, "{flags}");
        }
        let edge = created(" --ee --status disabled --status-reason repair").unwrap();
        assert_eq!(edge["capabilities"]["iotEdge"], true);
        assert_eq!(created(" --ee --device-scope s").unwrap()["parentScopes"], json!(["s"]));
        assert_eq!(created(" --device-scope s").unwrap()["deviceScope"], "s");
        assert_eq!((edge["status"].as_str(), edge["statusReason"].as_str()), (Some("disabled"), Some("repair")));
    }

    #[test]
    fn an_update_changes_what_it_names() {
        let sas = || json!({"deviceId": "dev1", "status": "enabled", "x": 1, "capabilities": {"iotEdge": false}, "authentication": {"type": "sas", "symmetricKey": {"primaryKey": "1", "secondaryKey": "2"}, "x509Thumbprint": {"primaryThumbprint": null, "secondaryThumbprint": null}}});
        let mut expected = sas();
        expected["status"] = "disabled".into();
        assert_eq!(updated(sas(), " --status disabled").unwrap(), expected);
        let mut expected = sas();
        expected["authentication"]["symmetricKey"]["primaryKey"] = "9".into();
        assert_eq!(updated(sas(), " --primary-key 9").unwrap(), expected);
        assert_eq!(updated(sas(), " --primary-key 9 --am shared_private_key").unwrap(), expected);
        let changed = updated(sas(), " --am x509_thumbprint --ptp AB").unwrap();
        assert_eq!(
            changed["authentication"],
            json!({"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "AB", "secondaryThumbprint": null}})
        );
        assert_eq!(updated(sas(), " --ptp AB").unwrap_err(), "a device that is `sas` has no thumbprints");
        assert_eq!(
            updated(json!({"authentication": {"type": "certificateAuthority"}}), " --pk 1").unwrap_err(),
            "a device that is `certificateAuthority` has no keys"
        );
    }

    #[test]
    fn connection_strings_of_every_kind() {
        let identity = |kind: &str| json!({"hub": "h.localhost", "deviceId": "d", "authentication": {"type": kind, "symmetricKey": {"primaryKey": "1", "secondaryKey": "2"}}});
        for (kind, key, expected) in [
            ("sas", KeyType::Primary, Ok("HostName=h.localhost;DeviceId=d;SharedAccessKey=1")),
            ("sas", KeyType::Secondary, Ok("HostName=h.localhost;DeviceId=d;SharedAccessKey=2")),
            ("certificateAuthority", KeyType::Primary, Ok("HostName=h.localhost;DeviceId=d;x509=true")),
            ("selfSigned", KeyType::Primary, Ok("HostName=h.localhost;DeviceId=d;x509=true")),
            ("none", KeyType::Primary, Err("device `d` has no way to connect: it is `none`")),
        ] {
            let found = connection_string(&identity(kind), key).map_err(|failure| failure.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expected);
        }
        let mut module = identity("sas");
        module["moduleId"] = "m".into();
        let found = connection_string(&module, KeyType::Primary).unwrap();
        assert_eq!(found, "HostName=h.localhost;DeviceId=d;ModuleId=m;SharedAccessKey=1");
    }

    #[test]
    fn a_listed_twin_says_how_it_authenticates_where_an_identity_does() {
        for (twin, expected) in [
            (json!({"authenticationType": "sas"}), json!({"type": "sas"})),
            (json!({"authenticationType": "sas", "authentication": {"type": "x"}}), json!({"type": "x"})),
            (json!({}), Value::Null),
        ] {
            let mut twin = twin;
            say_how_it_authenticates(&mut twin);
            assert_eq!(twin["authentication"], expected);
        }
    }
}
