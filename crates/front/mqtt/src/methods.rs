//! Direct methods on their way to a device, and its answers on their way back. Source: `reference/hub-device.md` 1.8

use roadstead_hub::{MethodCall, Session};
use roadstead_mqtt_proto::{Publish, QoS, encode, topic::filter_matches};
use roadstead_wire::{MethodRequest, MethodResponse};

/// Writes a call, at QoS 0: nobody waits for it to be acknowledged. A device that subscribed to other methods only does not
/// hear of it, which the caller is told.
pub(crate) fn deliver(session: &Session, call: &MethodCall, out: &mut Vec<u8>) {
    let rid = format!("{:x}", call.id);
    let topic = MethodRequest { name: call.name.as_str().into(), rid: &rid }.to_string();
    let payload = call.payload.as_bytes();
    let publish = Publish { dup: false, qos: QoS::AtMostOnce, retain: false, topic: &topic, packet_id: None, payload };
    let is_heard = session.subscriptions().iter().any(|subscription| filter_matches(&subscription.filter, &topic));
    if !is_heard || encode::publish(out, &publish).is_err() {
        session.decline_method(call.id);
    }
}

/// Takes a device's answer. `None` when the topic is none of an answer's.
pub(crate) fn accept(session: &Session, publish: &Publish<'_>) -> Option<()> {
    let MethodResponse { status, rid } = MethodResponse::parse(publish.topic)?;
    // An id that is not ours is that of a call nobody knows.
    if let Ok(id) = u32::from_str_radix(rid, 16) {
        session.answer_method(id, status, publish.payload);
    }
    Some(())
}
