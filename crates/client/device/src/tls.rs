//! What all our TLS connections have in common.

use crate::credentials::Credentials;
use crate::trust::Trust;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::SingleCertAndKey;
use std::sync::{Arc, LazyLock};

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// The one provider of cryptography, shared by every configuration.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::clone(&PROVIDER)
}

/// TLS 1.2 and 1.3, the server judged by `trust`, the certificate of `credentials` shown when asked for.
///
/// Sessions are not resumed: the credential proves itself at every connect. The chain is not read again on its way out, so
/// that the X.509 v1 certificates of old openssl commands can be shown.
pub(crate) fn config(trust: &Trust, credentials: &Credentials) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for both versions")
        .with_webpki_verifier(trust.verifier());
    let mut config = match credentials {
        Credentials::SymmetricKey(_) => builder.with_no_client_auth(),
        Credentials::X509(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified_key())))
        }
    };
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Sixteen bits by chance; 0 should there be none.
pub(crate) fn chance() -> u16 {
    let mut bytes = [0; 2];
    match PROVIDER.secure_random.fill(&mut bytes) {
        Ok(()) => u16::from_le_bytes(bytes),
        Err(_) => 0,
    }
}
