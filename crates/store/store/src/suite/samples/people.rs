//! People, programs, their roles, and what they did.

use roadstead_model::{
    Assignment, AuditEntry, AuditOutcome, ClientSecret, FederatedCredential, IssuerLink, Login, Principal, PrincipalId,
    Role, RoleScope, UserLogin, UserName, UserProof,
};

use super::{HUB, NOW, etag, group_name, guid, scope, secret};

/// A user with a password.
pub fn user(number: u8) -> Principal {
    Principal {
        id: PrincipalId(guid(number)),
        display_name: "Alice \"Ünit\" O'Hara".to_owned(),
        enabled: true,
        login: Login::User {
            name: UserName::parse("Alice@plant.example").unwrap(),
            proof: UserProof::Password(secret("password")),
            logins: Vec::new(),
        },
        sessions: 3,
        etag: etag("principal-1"),
        created: NOW,
    }
}

/// A user of another issuer, who never logged in, or did.
pub fn user_of_issuer(number: u8, subject: Option<&str>) -> Principal {
    let link = IssuerLink { issuer: "https://login.example/".to_owned(), subject: subject.map(str::to_owned) };
    let mut user = user(number);
    if let Login::User { proof, .. } = &mut user.login {
        *proof = UserProof::Issuer(link);
    }
    user
}

/// The same one, logged in at two places.
pub fn logged_in_user(number: u8) -> Principal {
    let mut user = user(number);
    if let Login::User { logins, .. } = &mut user.login {
        let login = |id, round| UserLogin { id, round, exchanged: NOW };
        logins.extend([login(7, 0), login(u64::MAX, u32::MAX)]);
    }
    user
}

/// A disabled service principal with two secrets and a federated credential.
pub fn service_principal(number: u8) -> Principal {
    let client_secret = |number: u8, name: &str| ClientSecret {
        key_id: guid(number),
        display_name: name.to_owned(),
        digest: secret(&format!("digest-{number}")),
        hint: "Xq3".to_owned(),
        created: NOW,
        expires: NOW.plus_ms(1000),
    };
    let federated = FederatedCredential {
        id: guid(80),
        name: "ci".to_owned(),
        issuer: "https://login.example/".to_owned(),
        subject: "repo:plant/firmware".to_owned(),
    };
    Principal {
        display_name: "nightly-deploy".to_owned(),
        enabled: false,
        login: Login::Service {
            secrets: vec![client_secret(81, "first"), client_secret(82, "")],
            federated: vec![federated],
        },
        ..user(number)
    }
}

pub fn assignment(number: u8, principal: u8, role: Role, scope: RoleScope) -> Assignment {
    Assignment { id: guid(number), principal: PrincipalId(guid(principal)), role, scope, created: NOW }
}

/// A line of the audit log, by what became of it.
pub fn audit_entry(outcome: AuditOutcome) -> AuditEntry {
    AuditEntry {
        operation: guid(90),
        at: NOW,
        principal: PrincipalId(guid(1)),
        caller: "alice@plant.example".to_owned(),
        address: "192.0.2.7".to_owned(),
        action: "Microsoft.Devices/IotHubs/write".to_owned(),
        target: "/subscriptions/S/resourceGroups/iot-rg".to_owned(),
        outcome,
        destroyed: String::new(),
    }
}

/// Every way for a change to go, by name.
pub fn audit_outcomes() -> [(&'static str, AuditOutcome); 3] {
    [
        ("started", AuditOutcome::Started),
        ("succeeded", AuditOutcome::Succeeded { status: 201 }),
        ("failed", AuditOutcome::Failed { status: 403, code: "AuthorizationFailed".to_owned() }),
    ]
}

/// Every place for a role, by name.
pub fn role_scopes() -> [(&'static str, RoleScope); 4] {
    [
        ("subscription", RoleScope::Subscription),
        ("group", RoleScope::Group(group_name("IoT-RG"))),
        ("hub", RoleScope::Hub(HUB)),
        ("dps", RoleScope::Dps(scope())),
    ]
}
