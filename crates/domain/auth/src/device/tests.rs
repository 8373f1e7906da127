use std::sync::LazyLock;

use roadstead_model::{
    AuthMethod, CaCertificate, CertificateName, DeviceId, Etag, GenerationId, ModuleId, Right, Rights, Secret,
    UnixMillis,
};
use roadstead_pki::{Authority, KeyKind, Validity};
use roadstead_sas::{SasKey, sign};
use serde_json::Map;

use super::*;
use crate::certificate;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const YEAR_S: i64 = 365 * 86_400;

fn validity(now_s: i64, lifetime_s: i64) -> Validity {
    Validity { now_s, lifetime_s }
}

/// root (verified at the hub) < intermediate; other root (verified at a linked DPS) < group CA.
struct Cas {
    root: Authority,
    intermediate: Authority,
    dps_root: Authority,
    group: Authority,
    stranger: Authority,
}

static CAS: LazyLock<Cas> = LazyLock::new(|| {
    let long = validity(NOW.0 - YEAR_S, 10 * YEAR_S);
    let root = Authority::root("root", KeyKind::P256, long).unwrap();
    let dps_root = Authority::root("dps root", KeyKind::P256, long).unwrap();
    Cas {
        intermediate: root.intermediate("intermediate", KeyKind::P256, long).unwrap(),
        group: dps_root.intermediate("group", KeyKind::P256, long).unwrap(),
        stranger: Authority::root("stranger", KeyKind::P256, long).unwrap(),
        root,
        dps_root,
    }
});

fn leaf(under: &Authority, name: &str) -> Vec<u8> {
    let issued = under.device(name, KeyKind::P256, validity(NOW.0, YEAR_S)).unwrap();
    issued.certificate.der().to_vec()
}

fn sha256(der: &[u8]) -> Thumbprint {
    certificate::thumbprint(certificate::read_leaf(&[der.to_vec()]).unwrap().sha256())
}

fn uploaded(ca: &Authority, verified: bool) -> CaCertificate {
    CaCertificate {
        name: CertificateName::parse("ca").unwrap(),
        der: ca.certificate().der().to_vec(),
        verified,
        verification_code: None,
        key: None,
        etag: Etag::from_client("e"),
        created: UnixMillis(0),
        updated: UnixMillis(0),
        properties: Map::new(),
    }
}

fn trust() -> Trust {
    let dps = Trust::new(&[uploaded(&CAS.dps_root, true)], [CAS.group.certificate().der()]);
    Trust::new(&[uploaded(&CAS.root, true), uploaded(&CAS.stranger, false)], []).with_linked([&dps])
}

fn key(byte: u8) -> SasKey {
    SasKey::from_bytes(vec![byte; 32])
}

fn secret(byte: u8) -> Secret {
    Secret::new(key(byte).to_base64().as_str())
}

fn device(auth: DeviceAuth) -> Device {
    Device {
        id: DeviceId::parse("dev1").unwrap(),
        generation: GenerationId(1),
        etag: Etag::from_client("e"),
        status: DeviceStatus::Enabled,
        status_reason: None,
        status_updated: UnixMillis(0),
        auth,
        iot_edge: false,
        scope: None,
        parent_scopes: Vec::new(),
        created: UnixMillis(0),
    }
}

fn with_keys() -> DeviceAuth {
    DeviceAuth::Sas { primary: secret(1), secondary: secret(2) }
}

fn module(auth: DeviceAuth) -> Module {
    Module {
        device: DeviceId::parse("dev1").unwrap(),
        id: ModuleId::parse("mod1").unwrap(),
        generation: GenerationId(2),
        etag: Etag::from_client("e"),
        auth,
        managed_by: None,
        created: UnixMillis(0),
    }
}

fn judged(device: &Device, token: Option<&str>, chain: &[Vec<u8>]) -> Result<DeviceGrant, AuthRefusal> {
    judged_of(device, None, token, chain)
}

fn judged_of(
    device: &Device,
    module: Option<&Module>,
    token: Option<&str>,
    chain: &[Vec<u8>],
) -> Result<DeviceGrant, AuthRefusal> {
    let policy = |name: &str, byte, right| AccessPolicy {
        key_name: name.to_owned(),
        primary: secret(byte),
        secondary: secret(byte + 1),
        rights: Rights::of(&[right]),
    };
    let policies = [policy("device", 10, Right::DeviceConnect), policy("service", 20, Right::ServiceConnect)];
    let evidence = Evidence { token, chain };
    judge(device, module, ["hub1.example", "alias.example"], &policies, &evidence, &trust(), NOW)
}

#[test]
fn tokens_of_the_device_and_of_policies() {
    let own = device(with_keys());
    let certified = device(DeviceAuth::CertificateAuthority { through: None });
    let policy_only = device(DeviceAuth::None);
    let (scope, soon) = ("hub1.example/devices/dev1", NOW.0 + 60);
    for (device, token, expected) in [
        (&own, sign(scope, &key(1), soon, None), Ok(AuthMethod::DeviceSas)),
        (&own, sign("alias.example/devices/dev1", &key(2), soon, None), Ok(AuthMethod::DeviceSas)),
        (&own, sign("hub1.example", &key(10), soon, Some("device")), Ok(AuthMethod::HubSas)),
        (&certified, sign(scope, &key(11), soon, Some("device")), Ok(AuthMethod::HubSas)),
        (&policy_only, sign(scope, &key(10), soon, Some("device")), Ok(AuthMethod::HubSas)),
        (&own, sign(scope, &key(3), soon, None), Err("the token is not signed with a key of device `dev1`")),
        (
            &own,
            sign("hub1.example/devices/DEV1", &key(1), soon, None),
            Err("the token is for `hub1.example/devices/DEV1`, not for `hub1.example/devices/dev1`"),
        ),
        (
            &own,
            sign(scope, &key(1), NOW.0 - 301, None),
            Err("the token expired 301 s ago (se=1799999699, 300 s of clock skew are forgiven); \
                 renew it, or correct the clock of its maker"),
        ),
        (
            &own,
            sign(scope, &key(20), soon, Some("service")),
            Err("policy `service` lacks DeviceConnect: it has ServiceConnect"),
        ),
        (
            &certified,
            sign(scope, &key(1), soon, None),
            Err("device `dev1` proves itself with a certificate issued under a verified CA, \
                 but a token signed with its symmetric key came"),
        ),
        (
            &policy_only,
            sign(scope, &key(1), soon, None),
            Err(
                "device `dev1` proves itself with nothing of its own (only a policy with DeviceConnect speaks for it), \
                 but a token signed with its symmetric key came",
            ),
        ),
    ] {
        match (judged(device, Some(&token), &[]), expected) {
            (Ok(grant), Ok(method)) => {
                let ground = grant.ground;
                let expected = DeviceGrant { method, ground, expires_at: Some(UnixSeconds(soon)), path: Vec::new() };
                assert_eq!(grant, expected, "{token}");
                assert_eq!(ground == Ground::Policy, method == AuthMethod::HubSas);
                assert!(ground.stands(&device.auth));
            }
            (Err(refusal), Err(text)) => assert_eq!(refusal.to_string(), text),
            (found, expected) => panic!("{token}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn registered_thumbprints() {
    let presented = leaf(&CAS.stranger, "any name");
    let chain = [presented.clone()];
    let read = certificate::read_leaf(&chain).unwrap();
    let (sha1, sha256) = (certificate::thumbprint(read.sha1()), certificate::thumbprint(read.sha256()));
    let other = sha256_of_other();
    for (primary, secondary) in
        [(Some(&sha1), None), (Some(&sha256), None), (Some(&other), Some(&sha256)), (None, Some(&sha1))]
    {
        let auth = DeviceAuth::Thumbprints { primary: primary.cloned(), secondary: secondary.cloned() };
        let grant = judged(&device(auth.clone()), None, &chain).unwrap();
        assert!(grant.ground.stands(&auth));
        assert_eq!((grant.method, grant.path), (AuthMethod::X509, vec![sha256.clone()]));
    }
    for (primary, shown) in [(Some(other.clone()), other.as_str()), (None, "none")] {
        let auth = DeviceAuth::Thumbprints { primary, secondary: None };
        let refusal = judged(&device(auth), None, &chain).unwrap_err().to_string();
        let expected = format!(
            "the certificate presented (SHA-1 {sha1}, SHA-256 {sha256}) is not the one registered for device `dev1` \
             (primary {shown}, secondary none)"
        );
        assert_eq!(refusal, expected);
    }
}

fn sha256_of_other() -> Thumbprint {
    sha256(CAS.root.certificate().der())
}

#[test]
fn a_registered_certificate_out_of_date_is_refused() {
    let old = CAS.stranger.device("dev1", KeyKind::P256, validity(NOW.0 - 7200, 3600)).unwrap();
    let der = old.certificate.der().to_vec();
    let auth = DeviceAuth::Thumbprints { primary: Some(sha256(&der)), secondary: None };
    let refusal = judged(&device(auth), None, &[der]).unwrap_err();
    assert_eq!(refusal.to_string(), "certificate `dev1` expired 1 h 0 min ago: renew it");
}

#[test]
fn paths_to_a_verified_ca() {
    let plain = DeviceAuth::CertificateAuthority { through: None };
    let group = CAS.group.certificate().der().to_vec();
    let enrolled = DeviceAuth::CertificateAuthority { through: Some(sha256(&group)) };
    let intermediate = CAS.intermediate.certificate().der().to_vec();
    let through_intermediate = DeviceAuth::CertificateAuthority { through: Some(sha256_of_other()) };
    for (auth, chain, expected) in [
        (&plain, vec![leaf(&CAS.root, "dev1")], Ok(2)),
        (&plain, vec![leaf(&CAS.intermediate, "dev1"), intermediate.clone()], Ok(3)),
        (&enrolled, vec![leaf(&CAS.group, "dev1")], Ok(3)),
        (&through_intermediate, vec![leaf(&CAS.root, "dev1")], Ok(2)),
        // What a linked DPS trusts counts only for the devices that it enrolled.
        (
            &plain,
            vec![leaf(&CAS.group, "dev1"), group.clone()],
            Err("issuer `CN=dps root` of `group` is neither sent by the device nor registered"),
        ),
        (&enrolled, vec![leaf(&CAS.root, "dev1")], Err("the certificate's path (dev1 < root) does not pass")),
        (&plain, vec![leaf(&CAS.root, "Dev1")], Err("the certificate is for `Dev1` (its CN), not for `dev1`")),
        (&plain, vec![leaf(&CAS.stranger, "dev1")], Err("CA `CN=stranger` is uploaded but not verified")),
        (&plain, vec![b"nonsense".to_vec()], Err("certificate 0 of those presented cannot be read")),
        (&plain, Vec::new(), Err("neither a token nor a client certificate came")),
        (&with_keys(), vec![leaf(&CAS.root, "dev1")], Err("device `dev1` proves itself with a token signed")),
        (&DeviceAuth::None, vec![leaf(&CAS.root, "dev1")], Err("device `dev1` proves itself with nothing")),
    ] {
        match (judged(&device(auth.clone()), None, &chain), expected) {
            (Ok(grant), Ok(certificates)) => {
                assert_eq!((grant.method, grant.path.len()), (AuthMethod::X509, certificates));
                assert_eq!(grant.path.first(), Some(&sha256(&chain[0])));
            }
            (Err(refusal), Err(text)) => assert!(refusal.to_string().starts_with(text), "{refusal}, not {text}"),
            (found, expected) => panic!("{auth:?}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn tokens_of_modules() {
    let device = device(with_keys());
    let own = module(DeviceAuth::Sas { primary: secret(5), secondary: secret(6) });
    let (whole, soon) = ("hub1.example/devices/dev1/modules/mod1", NOW.0 + 60);
    for (token, expected) in [
        (sign(whole, &key(5), soon, None), Ok(AuthMethod::DeviceSas)),
        (sign(whole, &key(6), soon, None), Ok(AuthMethod::DeviceSas)),
        (sign("HUB1.example/Devices/dev1/Modules/mod1", &key(5), soon, None), Ok(AuthMethod::DeviceSas)),
        (sign("hub1.example/devices/dev1", &key(5), soon, None), Ok(AuthMethod::DeviceSas)),
        (sign("hub1.example", &key(10), soon, Some("device")), Ok(AuthMethod::HubSas)),
        (sign(whole, &key(11), soon, Some("device")), Ok(AuthMethod::HubSas)),
        (
            sign(whole, &key(1), soon, None),
            Err("the token is signed with a key of device `dev1`, which does not speak for module `dev1/mod1`: \
                 sign with the module's own key"),
        ),
        (sign(whole, &key(9), soon, None), Err("the token is not signed with a key of module `dev1/mod1`")),
        (
            sign("hub1.example/devices/dev1/modules/mod", &key(5), soon, None),
            Err("the token is for `hub1.example/devices/dev1/modules/mod`, \
                 not for `hub1.example/devices/dev1/modules/mod1`"),
        ),
        (
            sign(whole, &key(20), soon, Some("service")),
            Err("policy `service` lacks DeviceConnect: it has ServiceConnect"),
        ),
    ] {
        match (judged_of(&device, Some(&own), Some(&token), &[]), expected) {
            (Ok(grant), Ok(method)) => {
                assert_eq!(grant.method, method, "{token}");
                assert!(grant.ground.stands(&own.auth), "{token}");
            }
            (Err(refusal), Err(text)) => assert_eq!(refusal.to_string(), text),
            (found, expected) => panic!("{token}: {found:?}, not {expected:?}"),
        }
    }
    // Nor does a module's token speak for its device, which it does not reach.
    assert!(matches!(judged(&device, Some(&sign(whole, &key(1), soon, None)), &[]), Err(AuthRefusal::Scope { .. })));
    assert!(matches!(judged(&device, Some(&sign(whole, &key(5), soon, None)), &[]), Err(AuthRefusal::Scope { .. })));
}

#[test]
fn certificates_of_modules() {
    let device = device(with_keys());
    let under_ca = module(DeviceAuth::CertificateAuthority { through: None });
    let pinned = leaf(&CAS.stranger, "any name");
    let by_digest = module(DeviceAuth::Thumbprints { primary: Some(sha256(&pinned)), secondary: None });
    for (module, chain, expected) in [
        (&under_ca, leaf(&CAS.root, "dev1/mod1"), Ok(2)),
        (&by_digest, pinned, Ok(1)),
        (&under_ca, leaf(&CAS.root, "dev1"), Err("the certificate is for `dev1` (its CN), not for `dev1/mod1`")),
        (&under_ca, leaf(&CAS.root, "mod1"), Err("the certificate is for `mod1` (its CN), not for `dev1/mod1`")),
        (&module(DeviceAuth::None), leaf(&CAS.root, "dev1/mod1"), Err("module `dev1/mod1` proves itself with nothing")),
    ] {
        match (judged_of(&device, Some(module), None, &[chain]), expected) {
            (Ok(grant), Ok(certificates)) => {
                assert_eq!((grant.method, grant.path.len()), (AuthMethod::X509, certificates));
            }
            (Err(refusal), Err(text)) => assert!(refusal.to_string().starts_with(text), "{refusal}, not {text}"),
            (found, expected) => panic!("{module:?}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn a_module_is_as_enabled_as_its_device() {
    let mut disabled = device(with_keys());
    disabled.status = DeviceStatus::Disabled;
    let own = module(with_keys());
    let token = |byte| sign("hub1.example/devices/dev1/modules/mod1", &key(byte), NOW.0, None);
    let refused = judged_of(&disabled, Some(&own), Some(&token(1)), &[]);
    assert!(matches!(refused, Err(AuthRefusal::DeviceDisabled { .. })), "{refused:?}");
    assert!(matches!(judged_of(&disabled, Some(&own), Some(&token(9)), &[]), Err(AuthRefusal::Signature { .. })));
}

#[test]
fn only_who_could_connect_learns_that_the_device_is_disabled() {
    let mut disabled = device(with_keys());
    disabled.status = DeviceStatus::Disabled;
    disabled.status_reason = Some("stolen".to_owned());
    let token = |byte| sign("hub1.example/devices/dev1", &key(byte), NOW.0, None);
    let refusal = judged(&disabled, Some(&token(1)), &[]).unwrap_err();
    assert_eq!(refusal.to_string(), "device is disabled: stolen");
    assert!(matches!(judged(&disabled, Some(&token(9)), &[]), Err(AuthRefusal::Signature { .. })));
}
