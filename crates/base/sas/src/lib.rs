//! Shared access signatures: what a client without a certificate proves itself with.
//!
//! Owns the token (`SharedAccessSignature sr=…&sig=…&se=…[&skn=…]`), the keys that sign it, the keys derived from
//! a group key, the connection string that carries a key to a client, and the signature that opens one file for upload.
//! Refuses to know who owns a key, which rights a policy has, and what time it is: `now` is an argument.
//!
//! Sources: `reference/hub-device.md` 4.1, `reference/dps.md` 2.1 and 2.2, `reference/hub-service.md` 1.2.

#![warn(missing_docs)]

pub mod blob_sas;
pub mod connection_string;
pub mod key;
pub mod limits;
mod percent;
pub mod scope;
pub mod token;

pub use blob_sas::{BlobRights, BlobSasError, UploadKey};
pub use connection_string::{ConnectionString, ConnectionStringError};
pub use key::{KeyError, SasKey, derive_device_key};
pub use scope::{Segment, covers};
pub use token::{Expired, SasError, SasToken, sign};
