//! A device attaches a link: its first opens its session.

use roadstead_amqp_proto::{
    AmqpError, Attach, Role, SenderSettleMode, condition,
    connection::{Answer, LinkId},
};
use roadstead_auth::{AuthRefusal, Evidence};
use roadstead_hub::{HubError, Login, SessionRequest};
use roadstead_model::{DisconnectReason, ModuleId};
use roadstead_wire::amqp::{DeviceAddress, DeviceNode, link as words};

use super::{Channel, DeviceLink, Devices, Part, Wire, messages::MessageLink};
use crate::{
    attach::Place,
    end::shown,
    limits,
    link::Link,
    noted::{self, Refusal},
    refusal,
};

impl Devices {
    /// Accepts or refuses a link to `path`, which begins with `devices/`.
    pub(crate) async fn attach(
        &mut self,
        place: &Place<'_>,
        id: LinkId,
        (path, attach): (&str, &Attach),
        wire: &mut Wire<'_>,
    ) {
        match self.open(place, path, attach).await {
            Ok(link) => self.admit(id, link, attach, wire).await,
            Err(Refusal { error, cause }) => {
                tracing::info!(hub = %place.hub.resource().name, "an amqp link to `{}` was refused: {error}", shown(path));
                let words = error.description.as_deref().unwrap_or_default();
                noted::refused_by(place.hub, place.origin, &identity(path), cause, (&error.condition, words));
                wire.proto.refuse(id, attach, error, wire.out);
            }
        }
    }

    async fn open(&mut self, place: &Place<'_>, path: &str, attach: &Attach) -> Result<DeviceLink, Refusal> {
        let sends = attach.role == Role::Sender;
        let address = DeviceAddress::parse(path);
        let part = address.as_ref().and_then(|address| part(address, sends)).ok_or_else(|| {
            let way = if sends { "sends to" } else { "receives from" };
            AmqpError::new(condition::NOT_FOUND, &format!("no device {way} `{}`", shown(path)))
        })?;
        let Some(address) = address else {
            return Err(AmqpError::new(condition::NOT_FOUND, "no such address").into());
        };
        let seat = self.find_or_connect(place, &address, attach).await?;
        Ok(DeviceLink { seat, part })
    }

    /// The seat of the device that an address names, with a session of its own from now on.
    async fn find_or_connect(
        &mut self,
        place: &Place<'_>,
        address: &DeviceAddress<'_>,
        attach: &Attach,
    ) -> Result<u32, Refusal> {
        let (device_id, module_id) = (&*address.device_id, address.module_id.as_deref());
        let is_it = |session: &roadstead_hub::Session| {
            let id = session.id();
            id.device.as_str() == device_id && id.module.as_ref().map(ModuleId::as_str) == module_id
        };
        let found = self.seats.iter().position(|seat| {
            seat.as_ref().is_some_and(|device| is_it(&device.session) && device.session.reason().is_none())
        });
        if let Some(seat) = found {
            return Ok(u32::try_from(seat).unwrap_or(u32::MAX));
        }
        if self.seats.iter().flatten().count() >= limits::DEVICES_MAX {
            let why =
                format!("the connection has {} devices already, which is the limit; open another", limits::DEVICES_MAX);
            return Err(AmqpError::new(condition::RESOURCE_LIMIT_EXCEEDED, &why).into());
        }
        let request = SessionRequest {
            clean: false,
            model_id: attach.properties.find(words::MODEL_ID).and_then(|value| value.as_text()),
            origin: Some(place.origin),
        };
        let mut refused = HubError::Unauthorized(AuthRefusal::NoCredentials);
        let tokens = place.grants.list_for(device_id, module_id);
        let without: &[&str] = if tokens.is_empty() { &[""] } else { &[] };
        for token in tokens.iter().chain(without) {
            let evidence = Evidence { token: Some(token), chain: place.certificates };
            match place.hub.connect(Login { device_id, module_id, evidence }, request).await {
                Ok(session) => {
                    tracing::debug!(device = %session.id(), "device connected over amqp");
                    session.ring(place.wake.clone());
                    return Ok(self.seat(session));
                }
                Err(error @ HubError::Unauthorized(_)) => refused = error,
                Err(error) => return Err(refusal::worded(&error)),
            }
        }
        Err(refusal::worded(&refused))
    }

    /// Lets a link in, which displaces another one in the same place.
    async fn admit(&mut self, id: LinkId, link: DeviceLink, attach: &Attach, wire: &mut Wire<'_>) {
        let Some(device) = self.at(link.seat) else { return };
        let name = attach.properties.find(words::CHANNEL).and_then(|value| value.as_text()).unwrap_or_default();
        let name = name.get(..limits::CHANNEL_NAME_BYTES_MAX).unwrap_or(name);
        let mut stolen = Vec::new();
        let mut held = Vec::new();
        match link.part {
            Part::Messages => {
                if let Some(other) = device.messages.replace(Box::new(MessageLink::new(id, attach))) {
                    stolen.push(other.id);
                    held = other.into_held();
                }
            }
            Part::TwinRequests => Channel::put(&mut device.twin, name, id, true, &mut stolen),
            Part::TwinAnswers => Channel::put(&mut device.twin, name, id, false, &mut stolen),
            Part::MethodAnswers => Channel::put(&mut device.methods, name, id, true, &mut stolen),
            Part::MethodCalls => Channel::put(&mut device.methods, name, id, false, &mut stolen),
            Part::Telemetry | Part::Inputs => {}
        }
        device.links += 1;
        device.session.heard();
        if !held.is_empty() {
            device.session.release_messages(&held).await;
        }
        // C sends nothing on a link whose answer names no size.
        let mut attach = attach.clone();
        if matches!(link.part, Part::TwinAnswers | Part::MethodCalls) {
            // Nobody waits to hear that an answer or a call came.
            attach.snd_settle_mode = SenderSettleMode::Settled;
        }
        let answer = Answer { max_message_size: limits::DEVICE_BYTES_MAX, ..Answer::default() };
        wire.links.put(id, Link::Device(link));
        if !wire.proto.accept(id, &attach, answer, wire.out) {
            let gone = wire.links.remove(id);
            return self.forget(id, gone, DisconnectReason::ProtocolError).await;
        }
        if link.credit() > 0 {
            wire.proto.grant(id, link.credit(), wire.out);
        }
        for old in stolen {
            let error = AmqpError::new(condition::STOLEN, "the device attached another link of the same kind");
            let gone = wire.detach(old, error);
            self.forget(old, gone, DisconnectReason::TakenOver).await;
        }
        if let Some(device) = self.at(link.seat) {
            device.attend();
        }
        self.mark(link.seat);
    }
}

impl DeviceLink {
    /// How many messages a device may have under way; none on a link to it.
    pub(crate) fn credit(self) -> u32 {
        match self.part {
            Part::Telemetry => limits::TELEMETRY_MAX,
            Part::TwinRequests | Part::MethodAnswers => limits::REQUESTS_MAX,
            Part::Inputs | Part::Messages | Part::TwinAnswers | Part::MethodCalls => 0,
        }
    }
}

/// Whom a path names, as far as it can be read: `thermo-7`, `thermo-7/filter`.
fn identity(path: &str) -> String {
    let Some(address) = DeviceAddress::parse(path) else { return String::new() };
    let module = address.module_id.as_deref().map(|module| format!("/{module}"));
    format!("{}{}", address.device_id, module.unwrap_or_default())
}

fn part(address: &DeviceAddress<'_>, sends: bool) -> Option<Part> {
    Some(match (address.node, sends) {
        (DeviceNode::Events, true) => Part::Telemetry,
        (DeviceNode::Events, false) if address.module_id.is_some() => Part::Inputs,
        (DeviceNode::Devicebound, false) => Part::Messages,
        (DeviceNode::Twin, true) => Part::TwinRequests,
        (DeviceNode::Twin, false) => Part::TwinAnswers,
        (DeviceNode::Methods, true) => Part::MethodAnswers,
        (DeviceNode::Methods, false) => Part::MethodCalls,
        (DeviceNode::Events, false) | (DeviceNode::Devicebound, true) => return None,
    })
}
