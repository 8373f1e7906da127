//! `roadstead iot hub device-identity parent` and `… children`: which devices are behind which edge device.

use super::device::find;
use super::lookup::{hub_service, text};
use crate::args::Global;
use crate::args::device::{ChildrenCommand, ChildrenRemove, ParentCommand};
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::{HubService, ServiceError};
use serde_json::{Value, json};

/// What an edge device's scope begins with; its id and a number follow. Source: `reference/hub-service.md` 1.4
const SCOPE: &str = "ms-azure-iot-edge://";

pub async fn run_parent(command: &ParentCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        ParentCommand::Show(show) => {
            let hub = hub_service(&show.hub, global).await?;
            let child = find(&hub, &show.device_id).await?;
            let scope = parent_scope(&child).ok_or_else(|| {
                Failure::not_found(format!("device `{}` has no parent", show.device_id))
                    .hint("`roadstead iot hub device-identity parent set` gives it one")
            })?;
            Ok(find(&hub, id_of(scope)?).await?.into())
        }
        ParentCommand::Set(set) => {
            let hub = hub_service(&set.device.hub, global).await?;
            let scope = edge_scope(&find(&hub, &set.parent_device_id).await?)?;
            let child = find(&hub, &set.device.device_id).await?;
            check_free(&child, set.force)?;
            put_behind(&hub, child, Some(&scope)).await?;
            Ok(Printed::nothing())
        }
    }
}

pub async fn run_children(command: &ChildrenCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        ChildrenCommand::Add(add) => {
            let hub = hub_service(&add.device.hub, global).await?;
            let scope = edge_scope(&find(&hub, &add.device.device_id).await?)?;
            let mut children = Vec::new();
            for id in &add.child_list {
                let child = find(&hub, id.trim()).await?;
                check_free(&child, add.force)?;
                children.push(child);
            }
            for child in children {
                put_behind(&hub, child, Some(&scope)).await?;
            }
            Ok(Printed::nothing())
        }
        ChildrenCommand::List(list) => {
            let hub = hub_service(&list.hub, global).await?;
            let scope = edge_scope(&find(&hub, &list.device_id).await?)?;
            Ok(list_children(&hub, &scope).await?.into())
        }
        ChildrenCommand::Remove(remove) => remove_children(remove, global).await,
    }
}

async fn remove_children(remove: &ChildrenRemove, global: &Global) -> Result<Printed, Failure> {
    let (hub, parent) = (hub_service(&remove.device.hub, global).await?, &remove.device.device_id);
    let scope = edge_scope(&find(&hub, parent).await?)?;
    let mut children = Vec::new();
    if remove.remove_all {
        for id in list_children(&hub, &scope).await? {
            children.push(find(&hub, id.as_str().unwrap_or_default()).await?);
        }
        if children.is_empty() {
            return Err(Failure::not_found(format!("no device is behind `{parent}`")));
        }
    } else {
        for id in &remove.child_list {
            let child = find(&hub, id.trim()).await?;
            if parent_scope(&child) != Some(&scope) {
                return Err(Failure::not_found(format!("device `{id}` is not behind `{parent}`"))
                    .hint("`roadstead iot hub device-identity parent show` says behind whom it is"));
            }
            children.push(child);
        }
    }
    for child in children {
        put_behind(&hub, child, None).await?;
    }
    Ok(Printed::nothing())
}

/// Ids of all devices behind the edge device with this scope.
async fn list_children(hub: &HubService, scope: &str) -> Result<Vec<Value>, Failure> {
    let twins: Vec<Value> = hub.query("select * from devices", None).await?;
    let children = twins.iter().filter(|twin| parent_scope(twin) == Some(scope));
    Ok(children.map(|twin| text(twin, "/deviceId").into()).collect())
}

/// The scope of the edge device that a device is behind.
fn parent_scope(identity: &Value) -> Option<&str> {
    identity.pointer("/parentScopes/0").and_then(Value::as_str)
}

fn id_of(scope: &str) -> Result<&str, Failure> {
    let id = scope.strip_prefix(SCOPE).and_then(|rest| rest.rsplit_once('-'));
    id.map(|(id, _)| id).ok_or_else(|| Failure::error(format!("`{scope}` is no scope of an edge device")))
}

/// The scope that an edge device gives.
pub fn edge_scope(identity: &Value) -> Result<String, Failure> {
    let scope = text(identity, "/deviceScope");
    if identity.pointer("/capabilities/iotEdge") != Some(&json!(true)) || scope.is_empty() {
        let id = text(identity, "/deviceId");
        return Err(Failure::error(format!("device `{id}` is no edge device"))
            .hint("`roadstead iot hub device-identity create --edge-enabled` makes one"));
    }
    Ok(scope.to_owned())
}

fn check_free(child: &Value, force: bool) -> Result<(), Failure> {
    if force || parent_scope(child).is_none() {
        return Ok(());
    }
    Err(Failure::error(format!("device `{}` has a parent already", text(child, "/deviceId")))
        .hint("`--force` puts the new one in its place"))
}

/// An edge device names its parents, any other device the scope that it is in. Source: azure-cli's IoT extension, `parent set`
pub async fn put_behind(hub: &HubService, mut child: Value, scope: Option<&str>) -> Result<(), ServiceError> {
    let id = text(&child, "/deviceId").to_owned();
    let etag = text(&child, "/etag").to_owned();
    if child.pointer("/capabilities/iotEdge") == Some(&json!(true)) {
        child["parentScopes"] = scope.into_iter().collect();
    } else {
        child["deviceScope"] = scope.unwrap_or_default().into();
        child["parentScopes"] = scope.into_iter().collect();
    }
    let _: Value = hub.put_device(&id, &child, Some(&etag)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_name_edge_devices() {
        for (scope, id) in [
            ("ms-azure-iot-edge://gateway-1-638994563210000000", Some("gateway-1")),
            ("ms-azure-iot-edge://g-1", Some("g")),
            ("ms-azure-iot-edge://g", None),
            ("other://g-1", None),
        ] {
            assert_eq!(id_of(scope).ok(), id, "{scope}");
        }
    }

    #[test]
    fn who_may_be_a_parent_and_who_a_child() {
        let edge = json!({"deviceId": "g", "capabilities": {"iotEdge": true}, "deviceScope": "s"});
        assert_eq!(edge_scope(&edge).unwrap(), "s");
        for other in [
            json!({"deviceId": "g", "capabilities": {"iotEdge": false}, "deviceScope": "s"}),
            json!({"deviceId": "g", "capabilities": {"iotEdge": true}}),
            json!({}),
        ] {
            assert!(edge_scope(&other).is_err(), "{other}");
        }
        for (child, force, fine) in [
            (json!({"parentScopes": []}), false, true),
            (json!({}), false, true),
            (json!({"parentScopes": ["s"]}), false, false),
            (json!({"parentScopes": ["s"]}), true, true),
        ] {
            assert_eq!(check_free(&child, force).is_ok(), fine, "{child}");
        }
    }
}
