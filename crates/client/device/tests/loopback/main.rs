//! The SDK against a server on loopback that says what each test wants it to say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod connection;
mod registration;
mod requests;
mod stub;
mod telemetry;

use roadstead_device::{Credentials, DeviceOptions, Provisioning, Trust};
use stub::Stub;

pub const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

pub fn key() -> Credentials {
    Credentials::symmetric_key(KEY).unwrap()
}

/// A device `thermo-7` that asks `stub`.
pub fn provisioning(stub: &Stub, credentials: Credentials) -> Provisioning {
    let trust = Trust::pem(&stub.ca_pem).unwrap();
    Provisioning::new("dps.localhost", "0ne00ABC123", "thermo-7", credentials).port(stub.address.port()).trust(trust)
}

/// The device `thermo-7` of `stub`.
pub fn device(stub: &Stub, credentials: Credentials) -> DeviceOptions {
    let trust = Trust::pem(&stub.ca_pem).unwrap();
    DeviceOptions::new("hub.localhost", "thermo-7", credentials).port(stub.address.port()).trust(trust)
}
