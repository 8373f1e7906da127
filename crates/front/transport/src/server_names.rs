//! Which certificate the server shows.

use std::{collections::HashMap, fmt, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// A certificate for each host name, and one for clients that name none, an unknown one or an address. Changed while
/// serving: the next handshake sees the new ones.
pub struct ServerNames(ArcSwap<Names>);

struct Names {
    default: Arc<CertifiedKey>,
    by_name: HashMap<Box<str>, Arc<CertifiedKey>>,
}

impl ServerNames {
    /// One certificate for every name.
    pub fn new(default: Arc<CertifiedKey>) -> Self {
        Self(ArcSwap::from_pointee(Names { default, by_name: HashMap::new() }))
    }

    /// Puts these in the place of all there were. Names are compared without case.
    pub fn replace(&self, default: Arc<CertifiedKey>, by_name: impl IntoIterator<Item = (String, Arc<CertifiedKey>)>) {
        let by_name = by_name.into_iter().map(|(name, key)| (name.to_ascii_lowercase().into(), key)).collect();
        self.0.store(Arc::new(Names { default, by_name }));
    }

    fn find(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        let names = self.0.load();
        let named = name.and_then(|name| names.by_name.get(&*name.to_ascii_lowercase()));
        Arc::clone(named.unwrap_or(&names.default))
    }
}

impl fmt::Debug for ServerNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.load().by_name.keys()).finish()
    }
}

impl ResolvesServerCert for ServerNames {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.find(hello.server_name()))
    }
}
