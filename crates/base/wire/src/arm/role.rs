//! Roles and their assignments, as Resource Manager shows them.

use roadstead_model::{Guid, Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What Azure calls a built-in role, and the GUID by which it is known everywhere.
/// Source: docs, Azure built-in roles
pub fn role_words(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Owner => ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
        Role::Contributor => ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
        Role::Reader => ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        Role::HubDataContributor => ("IoT Hub Data Contributor", "4fc6c259-987e-4a07-842e-c321cc9d413f"),
        Role::HubDataReader => ("IoT Hub Data Reader", "b447c946-2db7-41ec-983d-d8bf3b1c77e3"),
        Role::DpsDataContributor => {
            ("Device Provisioning Service Data Contributor", "dfce44e4-17b7-4bd1-a6d1-04996ec95633")
        }
        Role::DpsDataReader => ("Device Provisioning Service Data Reader", "10745317-c249-44a1-a5ce-3a4353c0bbd8"),
    }
}

/// The role of this name, in any case, or of this GUID, which may stand at the end of a role definition's id.
pub fn parse_role(text: &str) -> Option<Role> {
    let last = text.rsplit('/').next().unwrap_or_default();
    Role::ALL.into_iter().find(|role| {
        let (name, guid) = role_words(*role);
        name.eq_ignore_ascii_case(text) || guid.eq_ignore_ascii_case(last)
    })
}

/// What a role allows, in Azure's words: actions, those excepted, and actions on data.
fn actions(role: Role) -> [&'static [&'static str]; 3] {
    match role {
        Role::Owner => [&["*"], &[], &[]],
        Role::Contributor => [&["*"], &["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"], &[]],
        Role::Reader => [&["*/read"], &[], &[]],
        Role::HubDataContributor => [&[], &[], &["Microsoft.Devices/IotHubs/*"]],
        Role::HubDataReader => [
            &[],
            &[],
            &["Microsoft.Devices/IotHubs/*/read", "Microsoft.Devices/IotHubs/fileUpload/notifications/action"],
        ],
        Role::DpsDataContributor => [&[], &[], &["Microsoft.Devices/provisioningServices/*"]],
        Role::DpsDataReader => [&[], &[], &["Microsoft.Devices/provisioningServices/*/read"]],
    }
}

/// `/subscriptions/S/providers/Microsoft.Authorization/roleDefinitions/GUID`
pub fn role_definition_id(subscription: &str, role: Role) -> String {
    format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", role_words(role).1)
}

/// What a role allows: `{"actions":["*/read"],"notActions":[],"dataActions":[],"notDataActions":[]}`
pub fn role_permissions(role: Role) -> Value {
    let [actions, not_actions, data_actions] = actions(role);
    json!({ "actions": actions, "notActions": not_actions, "dataActions": data_actions, "notDataActions": [] })
}

/// A role as a resource.
pub fn role_definition(subscription: &str, role: Role) -> Value {
    let (name, guid) = role_words(role);
    json!({
        "id": role_definition_id(subscription, role),
        "name": guid,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": name,
            "type": "BuiltInRole",
            "description": "",
            "assignableScopes": ["/"],
            "permissions": [role_permissions(role)],
        },
    })
}

/// `PUT …/roleAssignments/GUID`: `{"properties":{"roleDefinitionId":"…","principalId":"…","principalType":"User"}}`. Old API
/// versions have the members of `properties` there, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentRequest {
    pub properties: AssignmentWish,
}

/// Who shall have which role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentWish {
    pub role_definition_id: String,
    pub principal_id: Guid,
}

/// An assignment as a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentResource {
    pub id: String,
    pub name: Guid,
    #[serde(rename = "type")]
    pub kind: String,
    pub properties: AssignmentProperties,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentProperties {
    pub role_definition_id: String,
    pub principal_id: Guid,
    /// `User` or `ServicePrincipal`.
    pub principal_type: String,
    /// `/subscriptions/S/resourceGroups/RG`
    pub scope: String,
    /// `2026-11-22T09:00:00.0000000Z`
    pub created_on: String,
}

impl AssignmentResource {
    /// The assignment of this name.
    pub fn new(name: Guid, properties: AssignmentProperties) -> Self {
        let id = format!("{}/providers/Microsoft.Authorization/roleAssignments/{name}", properties.scope);
        Self { id, name, kind: "Microsoft.Authorization/roleAssignments".to_owned(), properties }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_known_by_name_and_by_id() {
        for role in Role::ALL {
            let (name, guid) = role_words(role);
            for text in [name, guid, &name.to_lowercase(), &role_definition_id("S", role)] {
                assert_eq!(parse_role(text), Some(role), "{text}");
            }
            assert_eq!(role_definition("S", role)["properties"]["roleName"], name);
        }
        for text in ["", "/", "Owner/", "User Access Administrator", "/subscriptions/S/x/Owner"] {
            assert_eq!(parse_role(text), None, "{text}");
        }
    }

    #[test]
    fn an_assignment_names_its_scope() {
        let properties = AssignmentProperties {
            role_definition_id: role_definition_id("S", Role::Reader),
            principal_id: Guid::from_bytes([1; 16]),
            principal_type: "User".to_owned(),
            scope: "/subscriptions/S".to_owned(),
            created_on: String::new(),
        };
        let resource = AssignmentResource::new(Guid::from_bytes([2; 16]), properties);
        let id =
            "/subscriptions/S/providers/Microsoft.Authorization/roleAssignments/02020202-0202-0202-0202-020202020202";
        assert_eq!(resource.id, id);
    }
}
