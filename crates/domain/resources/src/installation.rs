//! Whose installation it is, and its first service principal.

use aws_lc_rs::digest;
use roadstead_auth::SecretDigest;
use roadstead_model::{Guid, PrincipalId};

/// Fixed for the installation's life, but for the secret. Comes from the configuration, so that whoever has that is never
/// locked out.
#[derive(Debug, Clone)]
pub struct Installation {
    /// `az login --tenant`.
    pub tenant_id: Guid,
    /// The one subscription.
    pub subscription_id: Guid,
    /// Of the first service principal, which may do everything: `az login -u`. Any text; a GUID by custom.
    pub client_id: String,
    /// Of the secret that `az login -p` takes.
    pub secret: SecretDigest,
}

impl Installation {
    /// The first service principal: its client id, if that is a GUID, else one made from it.
    pub fn principal_id(&self) -> PrincipalId {
        PrincipalId(Guid::parse(&self.client_id).unwrap_or_else(|| {
            let digest = digest::digest(&digest::SHA256, self.client_id.to_ascii_lowercase().as_bytes());
            Guid::from_bytes(digest.as_ref().first_chunk::<16>().copied().unwrap_or_default())
        }))
    }
}
