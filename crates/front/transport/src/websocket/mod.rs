//! WebSocket under MQTT and AMQP: [`accept`] answers the upgrade request, [`ByteStream`] makes a byte stream of the frames.

mod accept;
mod byte_stream;

pub use accept::{Refusal, Subprotocol, Upgrade, accept, is_upgrade};
pub use byte_stream::ByteStream;
