//! `roadstead iot device send-d2c-message`

use super::c2d_message::read;
use super::lookup::hub_service;
use super::virtual_device::{connect, with_properties};
use crate::args::Global;
use crate::args::messaging::SendD2cMessage;
use crate::failure::Failure;
use crate::output::Printed;
use crate::progress;
use roadstead_device::Message;

/// Sends as the device, and ends when the hub has everything.
pub async fn run(send: &SendD2cMessage, global: &Global) -> Result<Printed, Failure> {
    let mut message = Message::new(read(&send.content)?);
    if let Some(properties) = &send.properties {
        message = with_properties(message, properties);
    }
    let hub = hub_service(&send.device.hub, global).await?;
    let device = connect(&hub, &send.device.device_id, &send.login, global).await?;
    let bar = progress::bar(send.msg_count, "messages", global);
    for _ in 0..send.msg_count {
        device.send(message.clone()).await.map_err(|error| Failure::error(error.to_string()))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    device.disconnect().await;
    Ok(Printed::nothing())
}
