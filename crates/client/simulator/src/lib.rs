//! A fleet of devices: each registers with DPS, connects to the hub it is given, and sends telemetry at a steady rate.
//!
//! Owns the fleet's plan ([`Fleet`]), what its devices say ([`Payload`], [`Rate`]) and what the run came to ([`Summary`]). Stands on the
//! device SDK and nothing else: what it measures is what any client would see. Refuses to create enrollments: whoever runs it tells the
//! service first, with the certificate of the CA that [`open_authority`] keeps.
//!
//! ```no_run
//! use roadstead_simulator::{Fleet, Identities, Rate, open_authority};
//! use std::{path::Path, sync::Arc, time::Duration};
//!
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let authority = open_authority(Path::new("simulator"))?;
//! println!("enroll a group with\n{}", authority.certificate().to_pem());
//! let fleet = Fleet {
//!     devices: 10_000,
//!     rate: Rate::Total(500.0),
//!     duration: Some(Duration::from_secs(60)),
//!     ..Fleet::new("dev.localhost", "0ne00ABC123", Identities::Certificates(Arc::new(authority)))
//! };
//! let summary = fleet.run(async { tokio::signal::ctrl_c().await.unwrap_or(()) }).await?;
//! println!("{summary}");
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

pub mod limits;

mod authority;
mod clock;
mod fleet;
mod life;
mod pace;
mod payload;
mod progress;
mod summary;
mod tally;

pub use authority::{AuthorityError, CERTIFICATE_FILE, KEY_FILE, open_authority};
pub use fleet::{Fleet, FleetError, Identities};
pub use pace::Rate;
pub use payload::Payload;
pub use summary::{Devices, ErrorCount, Latency, Messages, Summary};
