//! `roadstead iot`: each file is a noun of `az iot`.

mod attestation;
mod certificate;
mod device;
mod dps;
mod enrollment;
mod enrollment_group;
mod hub;
mod linked_hub;
pub mod lookup;
mod monitor;
mod registration;
mod sas_token;

use crate::args::{Global, IotCommand};
use crate::failure::Failure;
use crate::output::Printed;

pub async fn run(command: &IotCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        IotCommand::Hub(command) => hub::run(command, global).await,
        IotCommand::Dps(command) => dps::run(command, global).await,
    }
}
