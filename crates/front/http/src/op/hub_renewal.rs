//! `POST /devices/keys/regenerate`: new keys for many devices and modules, as `az iot hub device-identity renew-key` asks.

use roadstead_hub::{Hub, HubError, KeySlot, check_bulk};
use roadstead_model::IdentityId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{call::Call, op::hub_refusal, refusal::hub_code, reply::Reply, serve::Parts};

/// Shape: `{"policyKey":"primaryKey","devices":[{"id":"dev1"},{"id":"dev1","moduleId":"filter"}]}`.
/// Source: azure-iot extension 0.25.0
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    policy_key: String,
    devices: Vec<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    id: String,
    #[serde(default)]
    module_id: Option<String>,
}

/// 200 whatever became of each. Shape: `{"policyKey":"primaryKey","rotatedKeys":[{"id":"dev1"}],"errors":[]}`. `guess (?)`
pub(crate) async fn renew(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    match renew_all(hub, call).await {
        Ok(done) => Reply::ok(&done),
        Err(refused) => hub_refusal(parts, call, &refused),
    }
}

async fn renew_all(hub: &Hub, call: &Call) -> Result<Value, HubError> {
    let unread = |error: serde_json::Error| HubError::Invalid(format!("the body: {error}"));
    let wish: Wish = serde_json::from_slice(&call.body).map_err(unread)?;
    let slot = match wish.policy_key.to_ascii_lowercase().as_str() {
        "primarykey" => KeySlot::Primary,
        "secondarykey" => KeySlot::Secondary,
        _ => return Err(HubError::Invalid("policyKey must be primaryKey or secondaryKey".to_owned())),
    };
    check_bulk(wish.devices.len())?;
    let (mut rotated, mut errors) = (Vec::new(), Vec::new());
    for Named { id, module_id } in wish.devices {
        let outcome = match IdentityId::parse(&id, module_id.as_deref()) {
            Ok(identity) => hub.renew_key(&identity, slot).await,
            Err(refused) => Err(refused.into()),
        };
        match outcome {
            Ok(()) => rotated.push(json!({"id": id, "moduleId": module_id})),
            Err(refused @ (HubError::Internal(_) | HubError::Full(_))) => return Err(refused),
            Err(refused) => errors.push(json!({
                "id": id,
                "moduleId": module_id,
                "errorCode": hub_code(&refused).number(),
                "errorMessage": refused.to_string(),
            })),
        }
    }
    Ok(json!({"policyKey": wish.policy_key, "rotatedKeys": rotated, "errors": errors}))
}
