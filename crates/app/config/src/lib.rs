//! What the server is told in `roadstead.toml`, and what the command line remembers of a server.
//!
//! Every section has defaults that run. An unknown key is refused with the nearest known one; old files must keep loading.

pub mod context;
mod issuer;
pub mod load;
pub mod private_file;
pub mod settings;
pub mod template;

pub use context::{Context, ContextError};
pub use load::ConfigError;
pub use settings::{Administrator, Events, Issuer, Links, Listen, Log, LogFormat, Names, Settings, Tls};
