//! What clients say to a hub or DPS over AMQP: addresses of links, filters, tokens, management, annotations, conditions.
//!
//! Words only, as plain text and numbers: which AMQP type carries a word is said beside it, and encoding it so is the front's.
//! Source: `reference/hub-service.md` 0, 2, 3; `reference/hub-device.md` 3

mod address;
pub mod annotation;
mod audience;
pub mod cbs;
pub mod condition;
mod device_address;
pub mod dps;
pub mod link;
pub mod management;
pub mod method;
mod plain_user;
pub mod redirect;
pub mod sasl_tpm;
mod selector;
pub mod twin;

pub use address::LinkAddress;
pub use audience::{Audience, resource};
pub use device_address::{DeviceAddress, DeviceNode};
pub use plain_user::PlainUser;
pub use selector::{Place, SELECTOR_FILTER, SELECTOR_FILTER_CODE, Selector, SelectorError};
