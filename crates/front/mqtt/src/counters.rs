//! What operators see of MQTT at `/metrics`. Handles are looked up once, not for every message.

use metrics::{Counter, counter};

#[derive(Clone)]
pub(crate) struct Counters {
    pub(crate) accepted: Counter,
    pub(crate) refused: Counter,
    pub(crate) messages: Counter,
    pub(crate) message_bytes: Counter,
    pub(crate) registrations: Counter,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            accepted: counter!("roadstead_mqtt_connects_total", "outcome" => "accepted"),
            refused: counter!("roadstead_mqtt_connects_total", "outcome" => "refused"),
            messages: counter!("roadstead_d2c_messages_total", "protocol" => "mqtt"),
            message_bytes: counter!("roadstead_d2c_body_bytes_total", "protocol" => "mqtt"),
            registrations: counter!("roadstead_dps_requests_total", "protocol" => "mqtt"),
        }
    }
}
