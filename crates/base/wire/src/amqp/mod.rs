//! What clients say to a hub or DPS over AMQP: addresses of links, filters, tokens, management, annotations, conditions.
//!
//! Words only, as plain text and numbers: which AMQP type carries a word is said beside it, and encoding it so is the front's.
//! Source: `reference/hub-service.md` 0, 2, 3; `reference/hub-device.md` 3

mod address;
pub mod annotation;
pub mod cbs;
pub mod condition;
pub mod dps;
pub mod link;
pub mod management;
mod plain_user;
pub mod redirect;
pub mod sasl_tpm;
mod selector;

pub use address::LinkAddress;
pub use plain_user::PlainUser;
pub use selector::{Place, SELECTOR_FILTER, SELECTOR_FILTER_CODE, Selector, SelectorError};
