//! How TLS is spoken.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::{Ticketer, default_provider},
    server::NoServerSessionStorage,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::{client_certificates::ClientCertificates, server_names::ServerNames};

/// Why TLS cannot be served. Never carries key material.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ServerConfigError(#[from] rustls::Error);

/// TLS 1.2 (python offers nothing newer) and 1.3; sessions resumed by tickets, so that the server stores none; no early data; no
/// ALPN, which device SDKs do not offer. Source: `reference/hub-device.md` 0, `reference/dps.md` 0
pub fn server_config(names: Arc<ServerNames>) -> Result<Arc<ServerConfig>, ServerConfigError> {
    let provider = Arc::new(default_provider());
    let clients = ClientCertificates::new(provider.signature_verification_algorithms);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_client_cert_verifier(Arc::new(clients))
        .with_cert_resolver(names);
    config.ticketer = Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // Each ticket holds the client's certificates, and a device comes back with the last one.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// A server certificate, leaf first, with its key.
///
/// Errors: a key that cannot be used, or is not the leaf's.
pub fn certified_key(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, ServerConfigError> {
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &default_provider())?))
}
