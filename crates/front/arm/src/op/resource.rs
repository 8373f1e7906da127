//! Hubs and DPS instances together, as `az resource` lists them.

use roadstead_auth::{Permission, Target};
use roadstead_resources::Caller;
use roadstead_wire::arm::{List, Resource};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    arm::Arm,
    call::Call,
    op::{
        GROUP, dps,
        filter::{Item, Wanted},
        hub,
    },
    refusal::Refusal,
    reply::Reply,
};

/// Those of the whole subscription that the caller may see.
pub(crate) fn list(arm: &Arm, call: &Call, caller: &Caller) -> Result<Reply, Refusal> {
    listed(arm, call, caller, None)
}

/// Those of one resource group that the caller may see.
pub(crate) fn list_of_group(arm: &Arm, call: &Call, caller: &Caller) -> Result<Reply, Refusal> {
    listed(arm, call, caller, Some(call.segment(GROUP)))
}

fn listed(arm: &Arm, call: &Call, caller: &Caller, group: Option<&str>) -> Result<Reply, Refusal> {
    let wanted = Wanted::of(call)?;
    let hubs = arm.resources.list_hubs(group)?;
    let instances = arm.resources.list_dps(group)?;
    let may_read = |target| caller.may(Permission::Read, target);
    let hubs = hubs.iter().filter(|it| may_read(Target::Hub(it.group.as_str(), it.key)));
    let instances = instances.iter().filter(|it| may_read(Target::Dps(it.group.as_str(), &it.id_scope)));
    let hubs = hubs.map(|it| entry(&wanted, it.group.as_str(), &hub::shape(arm, it)));
    let instances = instances.map(|it| entry(&wanted, it.group.as_str(), &dps::shape(arm, it)));
    Ok(Reply::ok(&List { value: hubs.chain(instances).flatten().take(wanted.top).collect::<Vec<Value>>() }))
}

/// What a list shows of a resource: everything but its properties. Source: REST reference, `GenericResourceExpanded`
fn entry<P: Serialize>(wanted: &Wanted, group: &str, resource: &Resource<P>) -> Option<Value> {
    let Resource { id, name, kind, sku, other, .. } = resource;
    let location = resource.location.as_deref().unwrap_or_default();
    let tags = resource.tags.clone().unwrap_or_default();
    wanted.takes(&Item { group, name, kind, location, tags: &tags }).then(|| {
        let mut entry = json!({"id": id, "name": name, "type": kind, "location": location, "tags": tags, "sku": sku});
        if let (Some(entry), Some(identity)) = (entry.as_object_mut(), other.get("identity")) {
            entry.insert("identity".to_owned(), identity.clone());
        }
        entry
    })
}
