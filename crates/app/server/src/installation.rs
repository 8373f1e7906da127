//! Who may manage this installation: identifiers and secrets, made at the first start of a data directory.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use roadstead_config::{Administrator, private_file};
use roadstead_model::{Random, Secret};
use roadstead_resources::{Guid, Installation, SecretDigest};

const SECRET_BYTES: usize = 32;
const TOKEN_KEY_FILE: &str = "tokens.key";

/// A new administrator: what the configuration keeps, and the secret that only the administrator has.
pub fn new_administrator(random: &dyn Random) -> (Administrator, Secret) {
    let secret = Secret::fresh::<SECRET_BYTES>(random);
    let administrator = Administrator {
        client_id: Guid::fresh(random).to_string(),
        client_secret_digest: SecretDigest::of(secret.expose()).to_string(),
        tenant_id: Guid::fresh(random).to_string(),
        subscription_id: Guid::fresh(random).to_string(),
    };
    (administrator, secret)
}

/// What a configuration keeps in place of a client secret.
pub fn digest(secret: &str) -> String {
    SecretDigest::of(secret).to_string()
}

/// The administrator of a configuration, checked.
pub fn installation(administrator: &Administrator) -> Result<Installation> {
    let guid = |name: &str, text: &str| {
        Guid::parse(text)
            .with_context(|| format!("administrator.{name} `{text}` is not a GUID; `roadstead init` makes one"))
    };
    if administrator.client_id.is_empty() {
        bail!("administrator.client_id is missing; `roadstead init` makes one");
    }
    Ok(Installation {
        tenant_id: guid("tenant_id", &administrator.tenant_id)?,
        subscription_id: guid("subscription_id", &administrator.subscription_id)?,
        client_id: administrator.client_id.clone(),
        secret: SecretDigest::parse(&administrator.client_secret_digest)
            .context("administrator.client_secret_digest is missing or malformed; `roadstead init` makes one")?,
    })
}

/// The key that signs bearer tokens: the same after a restart, since `az` keeps its token for an hour.
pub fn token_key(data_dir: &Path, random: &dyn Random) -> Result<[u8; 32]> {
    let path = data_dir.join(TOKEN_KEY_FILE);
    match std::fs::read(&path) {
        Ok(bytes) => <[u8; 32]>::try_from(bytes)
            .ok()
            .with_context(|| format!("{} is damaged; delete it, and log in again", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            random.fill(&mut key);
            private_file::replace(&path, &key).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
