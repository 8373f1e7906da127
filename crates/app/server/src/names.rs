//! The certificates the server shows: one per name from Roadstead's own CA, or the files an administrator gave.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use parking_lot::Mutex;
use roadstead_config::Tls;
use roadstead_front_transport::ServerNames;
use roadstead_model::Clock;
use rustls::sign::CertifiedKey;

use crate::{certificate_files, own_ca::OwnCa};

/// What TLS shows, by name.
pub struct Names {
    source: Source,
    shown: Arc<ServerNames>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

enum Source {
    OwnCa(Box<OwnCa>),
    Files { certificate: PathBuf, key: PathBuf },
}

struct Known {
    /// Names and addresses of this machine, in the certificate shown to who names none of ours.
    machine: Vec<String>,
    default: Arc<CertifiedKey>,
    by_name: BTreeMap<String, Arc<CertifiedKey>>,
}

impl Names {
    /// Takes the files if some are given, else the CA in `<data_dir>/tls`. `machine`: names and addresses of this machine.
    pub fn open(data_dir: &Path, tls: &Tls, machine: Vec<String>, clock: Arc<dyn Clock>) -> Result<Self> {
        let source = match (&tls.certificate_file, &tls.key_file) {
            (Some(certificate), Some(key)) => Source::Files { certificate: certificate.clone(), key: key.clone() },
            _ => Source::OwnCa(Box::new(OwnCa::open(data_dir.join("tls"), clock.now())?)),
        };
        let default = source.key(&machine, &*clock)?;
        let shown = Arc::new(ServerNames::new(default.clone()));
        let known = Mutex::new(Known { machine, default, by_name: BTreeMap::new() });
        Ok(Self { source, shown, clock, known })
    }

    /// For the TLS configuration.
    pub fn shown(&self) -> Arc<ServerNames> {
        self.shown.clone()
    }

    /// The certificate that clients must trust; `None` when an administrator's files are shown.
    pub fn ca_file(&self) -> Option<&PathBuf> {
        match &self.source {
            Source::OwnCa(ca) => Some(ca.pem_file()),
            Source::Files { .. } => None,
        }
    }

    /// The files to watch for change; `None` with a CA of our own.
    pub fn files(&self) -> Option<[&Path; 2]> {
        match &self.source {
            Source::OwnCa(_) => None,
            Source::Files { certificate, key } => Some([certificate, key]),
        }
    }

    /// Shows a certificate for each of these names from now on. Names that have one keep it.
    pub fn add<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let mut known = self.known.lock();
        let mut is_new = false;
        for name in names.into_iter().map(str::to_ascii_lowercase) {
            if !known.by_name.contains_key(&name) && !known.machine.contains(&name) {
                let key = match &self.source {
                    Source::OwnCa(_) => self.source.key(std::slice::from_ref(&name), &*self.clock)?,
                    Source::Files { .. } => known.default.clone(),
                };
                known.by_name.insert(name, key);
                is_new = true;
            }
        }
        if is_new {
            self.show(&known);
        }
        Ok(())
    }

    /// Reads the files again, or issues every certificate anew. What was shown stays when that fails.
    pub fn renew(&self) -> Result<()> {
        let mut known = self.known.lock();
        let default = self.source.key(&known.machine, &*self.clock)?;
        let mut by_name = BTreeMap::new();
        for name in known.by_name.keys() {
            let key = match &self.source {
                Source::OwnCa(_) => self.source.key(std::slice::from_ref(name), &*self.clock)?,
                Source::Files { .. } => default.clone(),
            };
            by_name.insert(name.clone(), key);
        }
        known.default = default;
        known.by_name = by_name;
        self.show(&known);
        Ok(())
    }

    fn show(&self, known: &Known) {
        let by_name = known.by_name.iter().map(|(name, key)| (name.clone(), key.clone()));
        self.shown.replace(known.default.clone(), by_name);
    }
}

impl Source {
    fn key(&self, names: &[String], clock: &dyn Clock) -> Result<Arc<CertifiedKey>> {
        match self {
            Self::OwnCa(ca) => ca.server_key(names, clock.now()),
            Self::Files { certificate, key } => certificate_files::read(certificate, key),
        }
    }
}
