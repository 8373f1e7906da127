//! Records for tests, every member set. The stored fixtures were made from them: a changed sample needs new fixtures
//! beside the old ones.

use roadstead_model::{
    AccessPolicy, Ack, Actor, AllocationPolicy, Assignment, Attestation, AuditEntry, AuditOutcome, AuthMethod,
    CaCertificate, CertificateEntry, CertificateName, ClientSecret, CloudMessage, CloudToDevice, ConsumerGroup,
    ConsumerGroupName, Device, DeviceAuth, DeviceId, DeviceProtocol, DeviceStatus, DisconnectReason, Dps, DpsName,
    Enrollment, EnrollmentGroup, EnrollmentGroupId, Etag, EventSwitches, FederatedCredential, Feedback,
    FileNotification, FileUploads, GenerationId, GroupAttestation, GroupName, Guid, Happening, Hub, HubKey, HubName,
    HubSettings, IdScope, IdentityId, InitialTwin, IssuedCertificate, IssuerLink, JournalOwner, LinkedHub, Login,
    MessageOutcome, Module, ModuleId, Origin, Presence, Principal, PrincipalId, Properties, Provisioning,
    ProvisioningStatus, Random, RefusalCause, RefusalEntry, Registration, RegistrationId, RegistrationStatus,
    ReprovisionPolicy, ResourceGroup, Right, Rights, Role, RoleScope, Secret, Subscription, Substatus, SymmetricKeys,
    SystemProperty, ThrottleProfile, Thumbprint, Tier, TpmAttestation, Twin, TwinRevision, TwinSection, UnixMillis,
    UserLogin, UserName, UserProof, Webhook, What,
};
use serde_json::{Map, Value, json};

/// Every plain secret in the samples contains this word, so that a search for it finds any that leaked.
pub const SECRET_MARK: &str = "UGxhaW5TZWNyZXQ";

/// The hub of the samples.
pub const HUB: HubKey = HubKey(0x2a);

pub(crate) const NOW: UnixMillis = UnixMillis(1_795_291_370_516);

/// Bytes that count up from 0: fixed keys for tests.
pub struct Pattern;

impl Random for Pattern {
    fn fill(&self, bytes: &mut [u8]) {
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = i as u8;
        }
    }
}

pub fn etag(text: &str) -> Etag {
    Etag::from_client(text)
}

pub fn device_id(text: &str) -> DeviceId {
    DeviceId::parse(text).unwrap()
}

pub fn registration_id(text: &str) -> RegistrationId {
    RegistrationId::parse(text).unwrap()
}

pub fn group_id(text: &str) -> EnrollmentGroupId {
    EnrollmentGroupId::parse(text).unwrap()
}

pub fn group_name(text: &str) -> GroupName {
    GroupName::parse(text).unwrap()
}

pub fn certificate_name(text: &str) -> CertificateName {
    CertificateName::parse(text).unwrap()
}

/// The DPS instance of the samples.
pub fn scope() -> IdScope {
    IdScope::parse("0ne00ABC123").unwrap()
}

fn secret(name: &str) -> Secret {
    Secret::new(format!("{SECRET_MARK}/{name}="))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn thumbprint(pair: &str) -> Option<Thumbprint> {
    Thumbprint::parse(&pair.repeat(32))
}

fn certificate_entry(byte: u8) -> CertificateEntry {
    CertificateEntry { der: vec![0x30, 0x82, byte] }
}

fn keys() -> SymmetricKeys {
    SymmetricKeys { primary: secret("primary"), secondary: secret("secondary") }
}

fn policies() -> Vec<AccessPolicy> {
    [("owner", Rights::of(&Right::ALL)), ("service", Rights::of(&[Right::ServiceConnect]))]
        .map(|(name, rights)| AccessPolicy {
            key_name: name.to_owned(),
            primary: secret(&format!("{name}-1")),
            secondary: secret(&format!("{name}-2")),
            rights,
        })
        .to_vec()
}

/// A GUID that ends in `number`.
pub fn guid(number: u8) -> Guid {
    let mut bytes = [0x40; 16];
    bytes[15] = number;
    Guid::from_bytes(bytes)
}

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

/// A refusal of `id`, one of its kind, at `at`.
pub fn refusal(owner: JournalOwner, id: &str, at: UnixMillis, cause: RefusalCause) -> Happening {
    let refused = RefusalEntry {
        origin: Origin { protocol: DeviceProtocol::Mqtt, address: "192.0.2.7".parse().ok() },
        target: "plant.localhost".to_owned(),
        cause,
        code: "CONNACK 5".to_owned(),
        message: "device `thermo-7`: the token expired".to_owned(),
        count: 1,
        since: at,
    };
    Happening { owner, id: id.to_owned(), at, what: What::Refused(refused) }
}

/// Everything that may happen, by name.
pub fn happenings() -> Vec<(&'static str, Happening)> {
    let owner = JournalOwner::Hub(HUB);
    let origin = Some(Origin { protocol: DeviceProtocol::Amqp, address: "2001:db8::7".parse().ok() });
    let others = [
        ("connected", What::Connected { origin, method: AuthMethod::X509 }),
        ("disconnected", What::Disconnected(DisconnectReason::KeepAliveTimeout)),
        (
            "registered",
            What::Registered {
                origin: None,
                hub: "plant.localhost".to_owned(),
                enrollment: "Fleet-A".to_owned(),
                is_group: true,
            },
        ),
        ("created", What::Created),
        ("deleted", What::Deleted),
        ("enabled", What::Enabled),
        ("disabled", What::Disabled),
        ("credentials", What::CredentialsChanged),
        ("twin", What::TwinUpdated { version: 7 }),
    ];
    let refused = refusal(owner.clone(), "thermo-7", NOW, RefusalCause::TokenExpired);
    let others =
        others.map(|(name, what)| (name, Happening { owner: owner.clone(), id: "thermo-7".to_owned(), at: NOW, what }));
    std::iter::once(("refused", refused)).chain(others).collect()
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

pub fn resource_group(name: &str) -> ResourceGroup {
    ResourceGroup {
        name: group_name(name),
        location: "westeurope".to_owned(),
        tags: object(json!({"zone": "b", "area": 7, "ümlaut \"quoted\"": null})),
    }
}

pub fn hub(key: HubKey, name: &str) -> Hub {
    Hub {
        key,
        name: HubName::parse(name).unwrap(),
        host_name: format!("{name}.localhost"),
        aliases: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        group: group_name("iot-rg"),
        location: "westeurope".to_owned(),
        etag: etag("hub-1"),
        created: NOW,
        partition_count: 4,
        retention_days: 7,
        policies: policies(),
        settings: HubSettings::default(),
        consumer_groups: Vec::new(),
        tags: object(json!({"line": "north"})),
        properties: object(json!({"sku": {"name": "S1", "capacity": 1}, "routing": {"routes": []}})),
    }
}

pub fn dps(scope: &IdScope, name: &str) -> Dps {
    Dps {
        id_scope: scope.clone(),
        name: DpsName::parse(name).unwrap(),
        host_name: format!("{name}.localhost"),
        group: group_name("iot-rg"),
        location: "westeurope".to_owned(),
        etag: etag("dps-1"),
        created: NOW,
        allocation_policy: AllocationPolicy::GeoLatency,
        linked_hubs: [("plant.localhost", Some(10)), ("ship.localhost", None)]
            .map(|(host_name, allocation_weight)| LinkedHub {
                host_name: host_name.to_owned(),
                connection_string: Secret::new(format!(
                    "HostName={host_name};SharedAccessKeyName=owner;SharedAccessKey={SECRET_MARK}="
                )),
                location: "westeurope".to_owned(),
                apply_allocation_policy: true,
                allocation_weight,
                properties: Map::new(),
            })
            .to_vec(),
        policies: policies(),
        tags: object(json!({})),
        properties: object(json!({"sku": {"name": "S1"}})),
    }
}

pub fn certificate(name: &str) -> CaCertificate {
    CaCertificate {
        name: certificate_name(name),
        der: vec![0x30, 0x03, 0x02, 0x01, 0xff],
        verified: false,
        verification_code: Some("8A3C".to_owned()),
        key: None,
        etag: etag("certificate-1"),
        created: NOW,
        updated: NOW.plus_ms(1),
        properties: Map::new(),
    }
}

/// A certificate of a CA that was made here.
pub fn held_certificate(name: &str) -> CaCertificate {
    let key = Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{SECRET_MARK}\n"));
    CaCertificate { verified: true, verification_code: None, key: Some(key), ..certificate(name) }
}

/// What the CA `rootCA` issued to a device, good for so many days.
pub fn issued(common_name: &str, days: i64) -> IssuedCertificate {
    IssuedCertificate {
        ca: certificate_name("rootCA"),
        ca_sha256: thumbprint("ef").expect("64 digits"),
        serial: "5A01".to_owned(),
        common_name: registration_id(common_name),
        sha1: Thumbprint::parse(&"ab".repeat(20)).expect("40 digits"),
        sha256: thumbprint("cd").expect("64 digits"),
        not_before: NOW.plus_ms(-300_000),
        not_after: NOW.plus_ms(days * 86_400_000),
        issued: NOW,
        by: PrincipalId(guid(1)),
        by_name: "alice@plant.example".to_owned(),
        from_request: true,
    }
}

/// A DPS instance whose links have members that are kept without being understood.
pub fn dps_that_keeps(scope: &IdScope, name: &str) -> Dps {
    let mut dps = dps(scope, name);
    dps.linked_hubs[0].properties = object(json!({"authenticationType": "KeyBased"}));
    dps
}

/// A certificate of the same kind.
pub fn certificate_that_keeps(name: &str) -> CaCertificate {
    CaCertificate { properties: object(json!({"policyResourceId": "/policies/p"})), ..certificate(name) }
}

/// Every way for a device to prove itself, by name.
pub fn device_auths() -> [(&'static str, DeviceAuth); 4] {
    let SymmetricKeys { primary, secondary } = keys();
    [
        ("sas", DeviceAuth::Sas { primary, secondary }),
        ("thumbprints", DeviceAuth::Thumbprints { primary: thumbprint("ab"), secondary: None }),
        ("ca", DeviceAuth::CertificateAuthority { through: thumbprint("cd") }),
        ("none", DeviceAuth::None),
    ]
}

/// An enabled device that proves itself with keys.
pub fn device(id: &str) -> Device {
    let SymmetricKeys { primary, secondary } = keys();
    Device {
        id: device_id(id),
        generation: GenerationId(638_678_451_234_567_890),
        etag: etag("device-1"),
        status: DeviceStatus::Enabled,
        status_reason: None,
        status_updated: NOW,
        auth: DeviceAuth::Sas { primary, secondary },
        iot_edge: true,
        scope: None,
        parent_scopes: Vec::new(),
        created: NOW,
    }
}

pub fn disabled_device(id: &str) -> Device {
    Device { status: DeviceStatus::Disabled, status_reason: Some("stolen".to_owned()), ..device(id) }
}

/// An edge device below another.
pub fn nested_device(id: &str) -> Device {
    let scope = |id| format!("ms-azure-iot-edge://{id}-638678451234567890");
    Device { scope: Some(scope(id)), parent_scopes: vec![scope("parent")], ..device(id) }
}

/// A module of `device` that proves itself with keys.
pub fn module(device: &str, id: &str) -> Module {
    let SymmetricKeys { primary, secondary } = keys();
    Module {
        device: device_id(device),
        id: ModuleId::parse(id).unwrap(),
        generation: GenerationId(638_678_451_234_567_891),
        etag: etag("module-1"),
        auth: DeviceAuth::Sas { primary, secondary },
        managed_by: Some("IotEdge".to_owned()),
        created: NOW,
    }
}

/// A module's identity.
pub fn module_id(device: &str, id: &str) -> IdentityId {
    IdentityId::parse(device, Some(id)).unwrap()
}

/// A device's identity.
pub fn identity(device: &str) -> IdentityId {
    device_id(device).into()
}

/// A hub with every setting changed, but for how it deals with uploads.
pub fn tuned_hub(key: HubKey, name: &str) -> Hub {
    let settings = HubSettings {
        cloud_to_device: CloudToDevice {
            depth_max: 7,
            delivery_count_max: 3,
            default_ttl_s: 61,
            feedback_ttl_s: 62,
            feedback_lock_s: 5,
            feedback_delivery_count_max: 4,
        },
        events: EventSwitches { twin_changes: true, device_lifecycle: false, connection_state: true },
        throttle: Some(ThrottleProfile { tier: Tier::S2, units: 2 }),
        fault_injection: true,
        files: FileUploads { notifications: true, ..FileUploads::default() },
    };
    Hub { settings, ..hub(key, name) }
}

/// A hub that deals with uploads in its own way.
pub fn hub_of_uploads(key: HubKey, name: &str) -> Hub {
    let files = FileUploads {
        lifetime_s: 60,
        notifications: true,
        notification_ttl_s: 63,
        notification_lock_s: 6,
        notification_delivery_count_max: 8,
    };
    Hub { settings: HubSettings { files, ..HubSettings::default() }, ..hub(key, name) }
}

/// A hub whose events are read by consumer groups of its maker's.
pub fn hub_of_groups(key: HubKey, name: &str) -> Hub {
    let group = |name: &str| ConsumerGroup { name: ConsumerGroupName::parse(name).unwrap(), created: NOW };
    Hub { consumer_groups: vec![group("Billing"), group("audit-2")], ..hub(key, name) }
}

/// A message with every member set.
pub fn message(sequence: u64) -> CloudMessage {
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::MessageId, "m-1");
    properties.push_application("bare", None);
    properties.push_application("k", Some("v \" ü"));
    CloudMessage {
        sequence,
        enqueued: NOW,
        expires: NOW.plus_ms(60_000),
        delivery_count: 2,
        ack: Ack::Full,
        properties,
        body: vec![0, 0xff, b'"'],
    }
}

/// Feedback on a message of `device`.
pub fn feedback(device: &str) -> Feedback {
    Feedback {
        message_id: "m-1".to_owned(),
        device: device_id(device),
        generation: GenerationId(638_678_451_234_567_890),
        outcome: MessageOutcome::DeliveryCountExceeded,
        at: NOW,
    }
}

/// What is told of a file of `device`.
pub fn file_notification(device: &str) -> FileNotification {
    FileNotification {
        device: device_id(device),
        blob_uri: format!("https://plant.example/uploads/{device}/logs/1.txt"),
        blob_name: format!("{device}/logs/1.txt"),
        last_updated: NOW,
        blob_bytes: 123,
        enqueued: NOW.plus_ms(1),
    }
}

/// Presence with every member that a connected identity has.
pub fn presence() -> Presence {
    Presence {
        connected: true,
        updated: Some(NOW),
        last_activity: Some(NOW.plus_ms(5)),
        reason: None,
        model_id: Some("dtmi:com:example:Thermostat;1".to_owned()),
    }
}

pub fn subscriptions() -> Vec<Subscription> {
    [("devices/thermo-7/messages/devicebound/#", 1), ("$iothub/methods/POST/#", 0)]
        .map(|(filter, qos)| Subscription { filter: filter.to_owned(), qos })
        .to_vec()
}

fn initial_twin() -> InitialTwin {
    InitialTwin {
        tags: object(json!({"site": "north", "it's": "a \"quote\"; DROP TABLE twins"})),
        desired: object(
            json!({"zulu": 1, "alpha": {"rate": 5.0, "big": 9_007_199_254_740_993_i64}, "list": [1, null]}),
        ),
    }
}

pub fn twin() -> Twin {
    let InitialTwin { tags, desired } = initial_twin();
    let (at, never) = ("2026-11-21T20:02:50.5160000Z", "0001-01-01T00:00:00Z");
    let desired = TwinSection {
        value: desired,
        metadata: object(json!({"$lastUpdated": at, "zulu": {"$lastUpdated": at, "$lastUpdatedVersion": 3}})),
        version: 3,
    };
    let reported = TwinSection { value: Map::new(), metadata: object(json!({"$lastUpdated": never})), version: 1 };
    Twin { etag: etag("twin-1"), version: 5, tags, desired, reported }
}

fn provisioning() -> Provisioning {
    Provisioning {
        status: ProvisioningStatus::Disabled,
        allocation: Some(AllocationPolicy::Custom),
        hubs: vec!["plant.localhost".to_owned()],
        webhook: Some(Webhook {
            url: Secret::new(format!("https://allocate.example/api?code={SECRET_MARK}")),
            api_version: "2021-10-01".to_owned(),
        }),
        reprovision: Some(ReprovisionPolicy { update_hub_assignment: true, migrate_device_data: false }),
        initial_twin: Some(initial_twin()),
        iot_edge: false,
    }
}

/// An enrollment by keys, every member set.
pub fn enrollment(id: &str) -> Enrollment {
    Enrollment {
        registration_id: registration_id(id),
        device_id: Some(device_id("other-name")),
        attestation: Attestation::SymmetricKey(keys()),
        provisioning: provisioning(),
        optional_device_information: Some(object(json!({"serial": "A-1"}))),
        etag: etag("enrollment-1"),
        created: NOW,
        updated: NOW.plus_ms(1),
    }
}

/// An enrollment by certificate, as little as may be set.
pub fn enrollment_by_certificate(id: &str) -> Enrollment {
    let provisioning = Provisioning {
        status: ProvisioningStatus::Enabled,
        allocation: None,
        hubs: Vec::new(),
        webhook: None,
        reprovision: None,
        initial_twin: None,
        iot_edge: true,
    };
    Enrollment {
        device_id: None,
        attestation: Attestation::ClientCertificate { primary: Some(certificate_entry(1)), secondary: None },
        provisioning,
        optional_device_information: None,
        ..enrollment(id)
    }
}

/// An enrollment by TPM.
pub fn enrollment_by_tpm(id: &str) -> Enrollment {
    let tpm =
        TpmAttestation { endorsement_key: vec![1; 316], storage_root_key: Some(vec![2; 284]), secret: secret("tpm") };
    Enrollment { attestation: Attestation::Tpm(tpm), ..enrollment(id) }
}

/// Every way for a group's devices to prove themselves, by name.
pub fn group_attestations() -> [(&'static str, GroupAttestation); 3] {
    let (primary, secondary) = (Some(certificate_name("textile-rootCA")), None);
    [
        ("keys", GroupAttestation::SymmetricKey(keys())),
        ("ca", GroupAttestation::CaReference { primary, secondary }),
        (
            "signing",
            GroupAttestation::SigningCertificate {
                primary: Some(certificate_entry(1)),
                secondary: Some(certificate_entry(2)),
            },
        ),
    ]
}

pub fn enrollment_group(id: &str) -> EnrollmentGroup {
    EnrollmentGroup {
        id: group_id(id),
        attestation: GroupAttestation::SymmetricKey(keys()),
        provisioning: provisioning(),
        etag: etag("group-1"),
        created: NOW,
        updated: NOW.plus_ms(1),
    }
}

/// A registration that was assigned; `group` absent for one that came by an individual enrollment.
pub fn registration(id: &str, group: Option<&str>) -> Registration {
    Registration {
        registration_id: registration_id(id),
        group: group.map(group_id),
        status: RegistrationStatus::Assigned {
            hub: "plant.localhost".to_owned(),
            device_id: device_id("other-name"),
            substatus: Substatus::ReprovisionedToInitialAssignment,
        },
        payload: Some(object(json!({"from": "webhook"}))),
        credential_digest: "sha256:00ff".to_owned(),
        storage_root_key: None,
        etag: etag("registration-1"),
        created: NOW,
        updated: NOW.plus_ms(1),
    }
}

/// A registration of a device with a TPM.
pub fn registration_by_tpm(id: &str) -> Registration {
    Registration { storage_root_key: Some(vec![2; 284]), ..registration(id, None) }
}

pub fn failed_registration(id: &str) -> Registration {
    Registration {
        status: RegistrationStatus::Failed { code: 400_004, message: "no hub may take it".to_owned() },
        payload: None,
        ..registration(id, None)
    }
}

/// What a policy made of a twin, both sections.
pub fn twin_revision(version: i64) -> TwinRevision {
    let map = |value: serde_json::Value| value.as_object().cloned().unwrap_or_default();
    TwinRevision {
        version,
        at: NOW,
        by: Some(Actor::Policy("iothubowner".to_owned())),
        is_replacement: false,
        tags: Some(map(serde_json::json!({"site": "north"}))),
        desired: Some((map(serde_json::json!({"rate": version, "deep": {"list": [1, null, "\u{e4}"]}})), version + 1)),
    }
}

/// What DPS made of a twin's tags, in place of what was there.
pub fn provisioned_revision() -> TwinRevision {
    TwinRevision { by: Some(Actor::Provisioning), is_replacement: true, desired: None, ..twin_revision(1) }
}
