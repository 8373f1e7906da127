//! What became of a device that came to DPS.

use super::lookup::provisioning;
use crate::args::Global;
use crate::args::enrollment::DpsTarget;
use crate::failure::Failure;
use crate::output::Printed;
use serde_json::Value;

pub async fn show(dps: &DpsTarget, id: &str, global: &Global) -> Result<Printed, Failure> {
    let found: Option<Value> = provisioning(dps, global).await?.find_registration(id).await?;
    found.map(Printed::from).ok_or_else(|| absent(id))
}

pub async fn delete(dps: &DpsTarget, id: &str, etag: Option<&str>, global: &Global) -> Result<Printed, Failure> {
    let deleted = provisioning(dps, global).await?.delete_registration(id, etag).await?;
    if deleted { Ok(Printed::nothing()) } else { Err(absent(id)) }
}

fn absent(id: &str) -> Failure {
    Failure::not_found(format!("registration `{id}` not found"))
        .hint("a device has a registration once it has provisioned itself, not before")
}
