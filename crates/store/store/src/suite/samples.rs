//! Records for tests, every member set. The stored fixtures were made from them: a changed sample needs new fixtures
//! beside the old ones.

mod devices;
mod journal;
mod people;
mod provisioning;
mod resources;

pub use devices::*;
pub use journal::*;
pub use people::*;
pub use provisioning::*;
pub use resources::*;

use roadstead_model::{
    CertificateName, DeviceId, EnrollmentGroupId, Etag, GroupName, Guid, HubKey, IdScope, InitialTwin, Random,
    RegistrationId, Secret, SymmetricKeys, Thumbprint, UnixMillis,
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

fn keys() -> SymmetricKeys {
    SymmetricKeys { primary: secret("primary"), secondary: secret("secondary") }
}

/// A GUID that ends in `number`.
pub fn guid(number: u8) -> Guid {
    let mut bytes = [0x40; 16];
    bytes[15] = number;
    Guid::from_bytes(bytes)
}

fn initial_twin() -> InitialTwin {
    InitialTwin {
        tags: object(json!({"site": "north", "it's": "a \"quote\"; DROP TABLE twins"})),
        desired: object(
            json!({"zulu": 1, "alpha": {"rate": 5.0, "big": 9_007_199_254_740_993_i64}, "list": [1, null]}),
        ),
    }
}
