//! DPS: a connection that turns out to be a device's that wants to be provisioned.
//!
//! ```text
//! login ── what is for DPS ──▶ session ─ words ──▶ device ──▶ roadstead_dps::DpsSession
//!                                │  sasl: the challenge to a TPM
//!                                └─ refusal: DPS's refusals in AMQP
//! ```

mod device;
mod login;
mod refusal;
mod sasl;
pub(crate) mod session;

pub(crate) use device::Device;
pub(crate) use login::Greeting;
