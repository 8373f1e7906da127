//! The audit log, as `az monitor activity-log list` shows it.
//!
//! Source: docs, Azure Monitor REST, Activity Logs - List (2015-04-01); activity log event schema (Administrative)

use roadstead_model::{AuditEntry, AuditOutcome};
use serde_json::{Value, json};

/// One line. `number` tells it from all others.
pub fn activity(number: u64, entry: &AuditEntry, subscription: &str, tenant: &str) -> Value {
    let AuditEntry { operation, at, principal, caller, address, action, target, outcome, destroyed } = entry;
    let word = |text: &str| json!({ "value": text, "localizedValue": text });
    let (event, status, sub_status, level) = match outcome {
        AuditOutcome::Started => ("BeginRequest", "Started", String::new(), "Informational"),
        AuditOutcome::Succeeded { status } => ("EndRequest", "Succeeded", status.to_string(), "Informational"),
        AuditOutcome::Failed { status, code } => ("EndRequest", "Failed", format!("{status} {code}"), "Error"),
    };
    let mut shown = json!({
        "eventDataId": format!("{operation}-{number}"),
        "correlationId": operation,
        "operationId": operation,
        "eventTimestamp": at.iso(),
        "submissionTimestamp": at.iso(),
        "caller": caller,
        "claims": { "http://schemas.microsoft.com/identity/claims/objectidentifier": principal.to_string() },
        "httpRequest": { "clientIpAddress": address },
        "authorization": { "action": action, "scope": target },
        "operationName": word(action),
        "resourceId": target,
        "resourceGroupName": group(target).unwrap_or_default(),
        "resourceProviderName": word(action.split('/').next().unwrap_or_default()),
        "category": word("Administrative"),
        "eventName": word(event),
        "status": word(status),
        "subStatus": word(&sub_status),
        "level": level,
        "channels": "Operation",
        "subscriptionId": subscription,
        "tenantId": tenant,
    });
    // Where Azure has what is particular to an operation, as texts.
    if !destroyed.is_empty() {
        shown["properties"] = json!({ "destroyed": destroyed });
    }
    shown
}

/// The resource group in a path.
pub fn group(target: &str) -> Option<&str> {
    let mut segments = target.split('/').skip_while(|segment| !segment.eq_ignore_ascii_case("resourcegroups"));
    segments.nth(1).filter(|group| !group.is_empty())
}

#[cfg(test)]
mod tests {
    use roadstead_model::{Guid, PrincipalId, UnixMillis};

    use super::*;

    #[test]
    fn as_az_prints_it() {
        let entry = AuditEntry {
            operation: Guid::from_bytes([1; 16]),
            at: UnixMillis(0),
            principal: PrincipalId(Guid::from_bytes([2; 16])),
            caller: "alice".to_owned(),
            address: "192.0.2.7".to_owned(),
            action: "Microsoft.Devices/IotHubs/write".to_owned(),
            target: "/subscriptions/S/resourceGroups/iot-rg/providers/Microsoft.Devices/IotHubs/plant".to_owned(),
            outcome: AuditOutcome::Failed { status: 409, code: "Conflict".to_owned() },
            destroyed: String::new(),
        };
        let shown = activity(7, &entry, "S", "T");
        assert_eq!(
            (&shown["status"]["value"], &shown["subStatus"]["value"]),
            (&json!("Failed"), &json!("409 Conflict"))
        );
        assert_eq!((&shown["resourceGroupName"], &shown["caller"]), (&json!("iot-rg"), &json!("alice")));
        assert!(shown.get("properties").is_none());
        let entry =
            AuditEntry { outcome: AuditOutcome::Succeeded { status: 200 }, destroyed: "{}".to_owned(), ..entry };
        assert_eq!(activity(7, &entry, "S", "T")["properties"], json!({"destroyed": "{}"}));
        assert_eq!((group("/v1.0/users"), group("/subscriptions/S/resourceGroups/")), (None, None));
    }
}
