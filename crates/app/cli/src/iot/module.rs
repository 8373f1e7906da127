//! `roadstead iot hub module-identity`

use super::lookup::{hub_label, hub_service};
use super::{device, renew_key};
use crate::args::Global;
use crate::args::module::{ModuleCommand, ModuleConnectionStringCommand, ModuleCreate, ModuleShow};
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::HubService;
use serde_json::{Value, json};

pub async fn run(command: &ModuleCommand, global: &Global) -> Result<Printed, Failure> {
    Ok(match command {
        ModuleCommand::Create(create) => {
            let body = new_identity(create)?;
            let (device, id) = ids(&create.module);
            let hub = hub_service(&create.module.device.hub, global).await?;
            hub.put_module::<Value>(device, id, &body, None).await?.into()
        }
        ModuleCommand::List(list) => {
            let hub = hub_service(&list.device.hub, global).await?;
            let mut modules: Vec<Value> = hub.list_modules(&list.device.device_id).await?;
            modules.truncate(list.top.0.unwrap_or(usize::MAX));
            modules.into()
        }
        ModuleCommand::Show(show) => {
            let hub = hub_service(&show.device.hub, global).await?;
            let (device, id) = ids(show);
            find(&hub, device, id).await?.into()
        }
        ModuleCommand::Update(update) => {
            if update.changes.is_empty() {
                return Err(
                    Failure::usage("nothing to change").hint("`--set path=value` sets a member that `show` prints")
                );
            }
            let hub = hub_service(&update.module.device.hub, global).await?;
            let (device, id) = ids(&update.module);
            let mut identity = find(&hub, device, id).await?;
            update.changes.apply(&mut identity).map_err(Failure::usage)?;
            hub.put_module::<Value>(device, id, &identity, Some(update.etag.as_deref().unwrap_or("*"))).await?.into()
        }
        ModuleCommand::Delete(delete) => {
            let hub = hub_service(&delete.module.device.hub, global).await?;
            let (device, id) = ids(&delete.module);
            if !hub.delete_module(device, id, delete.etag.as_deref()).await? {
                return Err(absent(&hub, device, id));
            }
            Printed::nothing()
        }
        ModuleCommand::RenewKey(renew) => renew_key::of_modules(renew, global).await?,
        ModuleCommand::ConnectionString(ModuleConnectionStringCommand::Show(show)) => {
            let hub = hub_service(&show.module.device.hub, global).await?;
            let (device, id) = ids(&show.module);
            let identity = find(&hub, device, id).await?;
            json!({ "connectionString": device::connection_string(&identity, show.key_type)? }).into()
        }
    })
}

fn ids(module: &ModuleShow) -> (&str, &str) {
    (&module.device.device_id, &module.module_id)
}

/// An identity, with the hub that it is in, as `az` shows it.
pub async fn find(hub: &HubService, device: &str, id: &str) -> Result<Value, Failure> {
    let found: Option<Value> = hub.find_module(device, id).await?;
    let mut identity = found.ok_or_else(|| absent(hub, device, id))?;
    identity["hub"] = hub.host().into();
    Ok(identity)
}

pub fn absent(hub: &HubService, device: &str, id: &str) -> Failure {
    let hub = hub_label(hub);
    Failure::not_found(format!("module `{id}` not found on device `{device}` of hub `{hub}`")).hint(format!(
        "`roadstead iot hub module-identity list --hub-name {hub} --device-id {device}` shows those there are"
    ))
}

fn new_identity(create: &ModuleCreate) -> Result<Value, Failure> {
    let (device, id) = ids(&create.module);
    let authentication = device::new_authentication(create.auth_method, &create.proof)?;
    Ok(json!({ "deviceId": device, "moduleId": id, "authentication": authentication }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::hub::HubCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;

    #[test]
    fn modules_are_created_as_az_creates_them() {
        let created = |flags: &str| {
            let line = format!("roadstead iot hub module-identity create -n h -d dev1 -m mod1{flags}");
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let Command::Iot(IotCommand::Hub(HubCommand::ModuleIdentity(command))) = cli.command else { panic!() };
            let ModuleCommand::Create(create) = *command else { panic!() };
            new_identity(&create).map_err(|failure| failure.to_string())
        };
        for (flags, expected) in [
            ("", Ok(json!({"type": "sas", "symmetricKey": {}}))),
            (" --pk a --sk b", Ok(json!({"type": "sas", "symmetricKey": {"primaryKey": "a", "secondaryKey": "b"}}))),
            (" --am x509_ca", Ok(json!({"type": "certificateAuthority"}))),
            (" --sk b", Err("`--primary-key` and `--secondary-key` must be given together")),
        ] {
            let expected = expected.map(
                |authentication| json!({"deviceId": "dev1", "moduleId": "mod1", "authentication": authentication}),
            );
            assert_eq!(created(flags), expected.map_err(str::to_owned), "{flags}");
        }
    }
}
