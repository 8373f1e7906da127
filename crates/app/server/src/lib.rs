//! The composition root: opens storage, builds the domain on it, puts the faces before it, and takes it all apart again.
//!
//! Owns what must be chosen once for a process: the clock, randomness, the server's certificates, which engine stores what,
//! and who hears of changes (`world`). Decides nothing about devices.

pub mod certificate_files;
mod disk;
mod faces;
pub mod first;
pub mod installation;
mod issuers;
pub mod limits;
mod link;
mod metrics;
mod names;
mod own_ca;
mod portal;
mod reading;
pub mod start;
pub mod system;
mod webhook;
mod world;

pub use first::{First, FirstNames};
pub use start::Server;
