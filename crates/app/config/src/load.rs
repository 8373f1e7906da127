//! Reading `roadstead.toml`, with answers that say what to change.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::{issuer, settings::Settings};

/// Why a configuration was not taken.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The text is not TOML, a value has the wrong type, or a key is unknown. The message carries line and column.
    #[error("{}: {message}", path.display())]
    Parse { path: PathBuf, message: String },
    #[error("{}: {message}", path.display())]
    Value { path: PathBuf, message: String },
}

impl Settings {
    /// Reads and checks a configuration file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|error| match error {
            Fault::Parse(message) => ConfigError::Parse { path: path.to_owned(), message },
            Fault::Value(message) => ConfigError::Value { path: path.to_owned(), message },
        })
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let settings: Self = toml::from_str(text).map_err(|error| Fault::Parse(explain(&error)))?;
        settings.check().map_err(Fault::Value)?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
        if self.tls.certificate_file.is_some() != self.tls.key_file.is_some() {
            return Err("tls.certificate_file and tls.key_file belong together: give both or neither".to_owned());
        }
        if self.names.hub_domain.is_empty() || self.names.hub_domain.starts_with('.') {
            let domain = &self.names.hub_domain;
            return Err(format!("names.hub_domain `{domain}` must be a domain like iot.example.com"));
        }
        if self.events.hub_mib_max == 0 {
            return Err("events.hub_mib_max is 0; a hub needs room for its events".to_owned());
        }
        if self.blobs.hub_mib_max == 0 {
            return Err("blobs.hub_mib_max is 0; a hub needs room for the files of its devices".to_owned());
        }
        let digest = &self.administrator.client_secret_digest;
        let is_digest = digest.len() == 43 && digest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !digest.is_empty() && !is_digest {
            return Err(
                "administrator.client_secret_digest must be 43 characters of base64url; `roadstead init` makes one"
                    .to_owned(),
            );
        }
        issuer::check(&self.issuers)
    }
}

enum Fault {
    Parse(String),
    Value(String),
}

/// TOML's own message, and for an unknown key the known one that looks most like it.
fn explain(error: &toml::de::Error) -> String {
    let message = error.to_string();
    match nearest(error.message()) {
        Some(nearest) => format!("{}\n\nhint: did you mean `{nearest}`?", message.trim_end()),
        None => message.trim_end().to_owned(),
    }
}

/// Reads "unknown field `htps`, expected one of `https`, `mqtt`".
fn nearest(message: &str) -> Option<&str> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let scored = quoted.map(|known| (strsim::damerau_levenshtein(unknown, known), known));
    scored.min().filter(|(distance, _)| *distance <= unknown.len() / 2 + 1).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match Settings::parse(text) {
            Err(Fault::Parse(message) | Fault::Value(message)) => message,
            Ok(settings) => panic!("accepted: {settings:?}"),
        }
    }

    #[test]
    fn an_empty_file_gives_defaults_that_run() {
        let settings = Settings::parse("").ok().unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.names.dps_domain(), "localhost");
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest() {
        let message = refusal("[listen]\nhtps = \"0.0.0.0:443\"\n");
        assert!(message.contains("line 2"), "{message}");
        assert!(message.ends_with("hint: did you mean `https`?"), "{message}");
        assert!(!refusal("[listen]\nsomething_else_entirely = 1\n").contains("hint"));
    }

    #[test]
    fn values_that_cannot_work_are_refused() {
        for (text, part) in [
            ("[tls]\ncertificate_file = \"a.pem\"", "belong together"),
            ("[names]\nhub_domain = \"\"", "must be a domain"),
            ("[events]\nhub_mib_max = 0", "needs room"),
            ("[blobs]\nhub_mib_max = 0", "needs room"),
            ("[administrator]\nclient_secret_digest = \"zz\"", "43 characters"),
            ("[listen]\nmqtt = \"8883\"", "invalid socket address"),
            ("[log]\nformat = \"xml\"", "unknown variant"),
            ("data_dir = 3", "invalid type"),
            ("[[issuers]]\nurl = \"https://a\"\nname = \"A\"", "client_id"),
        ] {
            assert!(refusal(text).contains(part), "{text}: {}", refusal(text));
        }
    }
}
