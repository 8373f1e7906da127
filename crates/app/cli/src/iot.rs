//! `roadstead iot`: each file is a noun of `az iot`.

mod attestation;
pub mod c2d_message;
mod certificate;
mod connection_string;
mod consumer_group;
mod device;
mod dps;
mod enrollment;
mod enrollment_group;
mod feedback;
mod hub;
mod hub_update;
mod issuing;
mod linked_hub;
pub mod lookup;
mod messaging;
mod method;
mod module;
mod monitor;
mod policy;
mod registration;
mod renew_key;
mod sas_token;
pub mod scope;
mod send;
mod simulate;
mod twin;
mod upload;
mod uploaded;
mod virtual_device;

use crate::args::{Global, IotCommand};
use crate::failure::Failure;
use crate::output::Printed;

pub async fn run(command: &IotCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        IotCommand::Hub(command) => hub::run(command, global).await,
        IotCommand::Dps(command) => dps::run(command, global).await,
        IotCommand::Device(command) => messaging::run(command, global).await,
    }
}
