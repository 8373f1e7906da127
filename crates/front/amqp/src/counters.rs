//! What operators see of AMQP at `/metrics`. Handles are looked up once, not for every message.

use metrics::{Counter, counter};

#[derive(Clone)]
pub(crate) struct Counters {
    pub(crate) accepted: Counter,
    pub(crate) refused: Counter,
    pub(crate) events: Counter,
    pub(crate) event_bytes: Counter,
    pub(crate) devicebound: Counter,
    pub(crate) registrations: Counter,
    pub(crate) messages: Counter,
    pub(crate) message_bytes: Counter,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            accepted: counter!("roadstead_amqp_opens_total", "outcome" => "accepted"),
            refused: counter!("roadstead_amqp_opens_total", "outcome" => "refused"),
            events: counter!("roadstead_events_read_total", "protocol" => "amqp"),
            event_bytes: counter!("roadstead_event_body_bytes_read_total", "protocol" => "amqp"),
            devicebound: counter!("roadstead_c2d_messages_total", "protocol" => "amqp"),
            registrations: counter!("roadstead_dps_requests_total", "protocol" => "amqp"),
            messages: counter!("roadstead_d2c_messages_total", "protocol" => "amqp"),
            message_bytes: counter!("roadstead_d2c_body_bytes_total", "protocol" => "amqp"),
        }
    }
}
