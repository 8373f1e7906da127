//! `roadstead iot hub device-twin` and `roadstead iot hub module-twin`

use super::lookup::hub_service;
use super::{device, module};
use crate::args::Global;
use crate::args::device::DeviceShow;
use crate::args::module::ModuleShow;
use crate::args::twin::{DeviceTwinCommand, ModuleTwinCommand, TwinHistory, TwinReplace, TwinUpdate};
use crate::failure::Failure;
use crate::output::Printed;
use clap::Args;
use roadstead_service::HubService;
use serde_json::{Value, json};

pub async fn run_device(command: &DeviceTwinCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        DeviceTwinCommand::Show(show) => show_twin(show, global).await,
        DeviceTwinCommand::List(list) => device::list(list, global).await,
        DeviceTwinCommand::Update(update) => update_twin(update, global).await,
        DeviceTwinCommand::Replace(replace) => replace_twin(replace, global).await,
        DeviceTwinCommand::History(of) => history(of, global).await,
    }
}

pub async fn run_module(command: &ModuleTwinCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        ModuleTwinCommand::Show(show) => show_twin(show, global).await,
        ModuleTwinCommand::Update(update) => update_twin(update, global).await,
        ModuleTwinCommand::Replace(replace) => replace_twin(replace, global).await,
        ModuleTwinCommand::History(of) => history(of, global).await,
    }
}

/// Whose twin it is.
pub trait Owner {
    fn device(&self) -> &DeviceShow;
    fn module_id(&self) -> Option<&str>;

    /// Why it was not found.
    fn absent(&self, hub: &HubService) -> Failure {
        match self.module_id() {
            Some(id) => module::absent(hub, &self.device().device_id, id),
            None => device::absent(hub, &self.device().device_id),
        }
    }
}

impl Owner for DeviceShow {
    fn device(&self) -> &DeviceShow {
        self
    }

    fn module_id(&self) -> Option<&str> {
        None
    }
}

impl Owner for ModuleShow {
    fn device(&self) -> &DeviceShow {
        &self.device
    }

    fn module_id(&self) -> Option<&str> {
        Some(&self.module_id)
    }
}

async fn show_twin(of: &impl Owner, global: &Global) -> Result<Printed, Failure> {
    let hub = hub_service(&of.device().hub, global).await?;
    Ok(find(&hub, of).await?.into())
}

async fn history<Of: Args + Owner>(history: &TwinHistory<Of>, global: &Global) -> Result<Printed, Failure> {
    let of = &history.of;
    let hub = hub_service(&of.device().hub, global).await?;
    let top = history.top.and_then(|top| top.0);
    let versions = hub.twin_history(&of.device().device_id, of.module_id(), top).await?;
    let versions: Value = versions.into_iter().map(|version| json!(version)).collect();
    Ok(Printed::from(versions)
        .table("[].{Version:version,Time:time,By:name || actor,Operation:operation,Tags:to_string(tags),Desired:to_string(properties.desired)}"))
}

async fn find(hub: &HubService, of: &impl Owner) -> Result<Value, Failure> {
    hub.find_twin(&of.device().device_id, of.module_id()).await?.ok_or_else(|| of.absent(hub))
}

async fn update_twin<Of: Args + Owner>(update: &TwinUpdate<Of>, global: &Global) -> Result<Printed, Failure> {
    let patch = named_patch(update)?;
    let (of, etag) = (&update.of, update.etag.as_deref());
    let hub = hub_service(&of.device().hub, global).await?;
    let patch = match patch {
        Some(patch) => patch,
        None => changed(&find(&hub, of).await?, update)?,
    };
    Ok(hub.patch_twin::<Value>(&of.device().device_id, of.module_id(), &patch, etag).await?.into())
}

/// What `--desired` and `--tags` say; `None` when the generic changes say it.
fn named_patch<Of: Args>(update: &TwinUpdate<Of>) -> Result<Option<Value>, Failure> {
    let TwinUpdate { desired, tags, changes, .. } = update;
    let mut patch = json!({});
    if let Some(desired) = desired {
        patch["properties"] = json!({ "desired": desired });
    }
    if let Some(tags) = tags {
        patch["tags"] = tags.clone().into();
    }
    match (desired.is_some() || tags.is_some(), changes.is_empty()) {
        (true, true) => Ok(Some(patch)),
        (false, false) => Ok(None),
        (true, false) => Err(Failure::usage("`--set` and `--remove` do not go with `--desired` and `--tags`")),
        (false, true) => Err(Failure::usage("nothing to change")
            .hint("`--desired` and `--tags` take JSON to merge; `--set path=value` sets one member")),
    }
}

/// The twin's two sections with the generic changes made. A patch cannot say what is gone but by `null`.
fn changed<Of: Args>(twin: &Value, update: &TwinUpdate<Of>) -> Result<Value, Failure> {
    let desired = |twin: &Value| twin.pointer("/properties/desired").cloned().unwrap_or_else(|| json!({}));
    let mut sections = json!({ "tags": twin.get("tags").cloned().unwrap_or_else(|| json!({})), "properties": { "desired": desired(twin) } });
    let mut removed = update.changes.clone();
    for member in std::mem::take(&mut removed.remove) {
        let shown = format!("/{}", member.0.join("/"));
        if sections.pointer(&shown).is_none() {
            return Err(Failure::usage(format!("there is no `{}` to remove", member.0.join("."))));
        }
        removed.set.push(crate::args::value::Assignment { path: member.0, value: Value::Null });
    }
    removed.apply(&mut sections).map_err(Failure::usage)?;
    if let Some(desired) = sections.pointer_mut("/properties/desired").and_then(Value::as_object_mut) {
        desired.retain(|name, _| !name.starts_with('$'));
    }
    Ok(sections)
}

async fn replace_twin<Of: Args + Owner>(replace: &TwinReplace<Of>, global: &Global) -> Result<Printed, Failure> {
    let TwinReplace { of, json, etag } = replace;
    if !json.is_object() {
        return Err(Failure::usage("a twin is a JSON object").hint("what `show` prints is one"));
    }
    let hub = hub_service(&of.device().hub, global).await?;
    Ok(hub.replace_twin::<Value>(&of.device().device_id, of.module_id(), json, etag.as_deref()).await?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::hub::HubCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;

    fn parsed(flags: &str) -> TwinUpdate<DeviceShow> {
        let line = format!("roadstead iot hub device-twin update -n h -d d {flags}");
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Iot(IotCommand::Hub(HubCommand::DeviceTwin(command))) = cli.command else { panic!("{line}") };
        let DeviceTwinCommand::Update(update) = *command else { panic!("{line}") };
        update
    }

    #[test]
    fn what_is_named_is_a_patch() {
        for (flags, expected) in [
            (r#"--desired {"a":1}"#, Ok(Some(json!({"properties": {"desired": {"a": 1}}})))),
            (
                r#"--tags {"site":null} --desired {}"#,
                Ok(Some(json!({"properties": {"desired": {}}, "tags": {"site": null}}))),
            ),
            ("--set tags.a=b", Ok(None)),
            ("", Err("nothing to change")),
            ("--tags {} --set a=b", Err("`--set` and `--remove` do not go with `--desired` and `--tags`")),
        ] {
            let patch = named_patch(&parsed(flags)).map_err(|failure| failure.to_string());
            assert_eq!(patch, expected.map_err(str::to_owned), "{flags}");
        }
    }

    #[test]
    fn generic_changes_become_a_patch_of_both_sections() {
        let twin = json!({"deviceId": "d", "tags": {"a": 1}, "properties": {
            "desired": {"hz": 5, "$version": 3, "$metadata": {}}, "reported": {"x": 1}}});
        for (flags, expected) in [
            ("--set tags.b=x", Ok(json!({"tags": {"a": 1, "b": "x"}, "properties": {"desired": {"hz": 5}}}))),
            ("--remove tags.a", Ok(json!({"tags": {"a": null}, "properties": {"desired": {"hz": 5}}}))),
            (
                "--set properties.desired.hz=7 --remove tags.a",
                Ok(json!({"tags": {"a": null}, "properties": {"desired": {"hz": 7}}})),
            ),
            ("--remove tags.z", Err("there is no `tags.z` to remove")),
            ("--set tags.a.b=1", Err("`tags.a.b` leads through something that is no object")),
        ] {
            let patch = changed(&twin, &parsed(flags)).map_err(|failure| failure.to_string());
            assert_eq!(patch, expected.map_err(str::to_owned), "{flags}");
        }
    }
}
