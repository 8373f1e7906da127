//! `roadstead iot device`

use super::{c2d_message, send, simulate, upload};
use crate::args::Global;
use crate::args::messaging::MessagingCommand;
use crate::failure::Failure;
use crate::output::Printed;

pub async fn run(command: &MessagingCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        MessagingCommand::C2dMessage(command) => c2d_message::run(command, global).await,
        MessagingCommand::SendD2cMessage(message) => send::run(message, global).await,
        MessagingCommand::Simulate(device) => simulate::run(device, global).await,
        MessagingCommand::UploadFile(upload) => upload::run(upload, global).await,
    }
}
