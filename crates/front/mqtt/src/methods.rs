//! Direct methods on their way to a device and its answers on their way back. Source: `reference/hub-device.md` 1.8

use roadstead_hub::MethodCall;
use roadstead_mqtt_proto::{Publish, QoS, encode};
use roadstead_wire::MethodRequest;

/// Writes a call, at QoS 0: nobody waits for it to be acknowledged.
pub(crate) fn deliver(call: &MethodCall, out: &mut Vec<u8>) {
    let rid = format!("{:x}", call.id);
    let topic = MethodRequest { name: call.name.as_str().into(), rid: &rid }.to_string();
    let payload = call.payload.as_bytes();
    let publish = Publish { dup: false, qos: QoS::AtMostOnce, retain: false, topic: &topic, packet_id: None, payload };
    if let Err(error) = encode::publish(out, &publish) {
        tracing::warn!(name = call.name, "a method call was not sent: {error}");
    }
}
