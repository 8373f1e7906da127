//! What the programs that a page shows are made of: `start.html` and what it includes.

use crate::call::{At, Call, text};
use serde_json::Value;

/// Whole programs for one device.
pub(crate) struct Programs {
    /// They are what the page is for.
    pub(crate) is_walk: bool,
    /// They are of any device of an enrollment group: the form that names one.
    pub(crate) naming: Option<Naming>,
    /// It proves itself by a key, not by a certificate.
    pub(crate) has_keys: bool,
    /// Where devices register.
    pub(crate) host: String,
    /// The port of HTTPS as programs write it behind a host: `:8443`, or nothing where it is 443.
    pub(crate) https: String,
    pub(crate) id_scope: String,
    pub(crate) registration: String,
    /// The key in base64, or a word for it.
    pub(crate) key: String,
    pub(crate) is_key_shown: bool,
    /// The file of its certificate: `thermo-7.pem`.
    pub(crate) cert_file: String,
    /// The file of the certificate's key, which may be the same.
    pub(crate) key_file: String,
    /// Both, as .NET reads them.
    pub(crate) pfx_file: String,
}

/// The form by which a device of a group is named. No program has the group's key.
pub(crate) struct Naming {
    /// Where it is sent to.
    pub(crate) here: String,
    /// It gives the device's key, to who may see it.
    pub(crate) gives_key: bool,
    /// The registration id, as it was typed.
    pub(crate) typed: String,
    /// Why that is none.
    pub(crate) fault: Option<String>,
}

impl Programs {
    /// For a device that registers by this id, with an attestation as the API shows it.
    pub(crate) fn of(call: &Call<'_>, at: &At, attestation: &Value, registration: &str) -> Self {
        let stem = file_stem(registration);
        Self {
            is_walk: false,
            naming: None,
            has_keys: text(attestation, "/type") == "symmetricKey",
            host: text(&at.shown, "/properties/deviceProvisioningHostName").to_owned(),
            https: https(call.base_url),
            id_scope: text(&at.shown, "/properties/idScope").to_owned(),
            registration: registration.to_owned(),
            key: "KEY".to_owned(),
            is_key_shown: false,
            cert_file: format!("{stem}.pem"),
            key_file: format!("{stem}.key"),
            pfx_file: format!("{stem}.pfx"),
        }
    }

    /// With this key in its place, if there is one.
    pub(crate) fn with_key(self, key: Option<&str>) -> Self {
        match key {
            Some(key) => Self { key: key.to_owned(), is_key_shown: true, ..self },
            None => self,
        }
    }
}

/// A registration id as the name of a file, which every system takes: `aa:bb:cc` is `aa_bb_cc`. Letters, digits, `-`, `_` and
/// `.` stay, a `.` not at the beginning, which would hide the file.
pub(crate) fn file_stem(id: &str) -> String {
    let plain = |(at, letter): (usize, char)| match letter {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '-' => letter,
        '.' if at > 0 => letter,
        _ => '_',
    };
    id.chars().enumerate().map(plain).collect()
}

fn https(base_url: &str) -> String {
    let authority = base_url.rsplit('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((_, port)) if port != "443" && port.bytes().all(|byte| byte.is_ascii_digit()) => format!(":{port}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_names_of_files() {
        for (id, stem) in [
            ("thermo-7", "thermo-7"),
            ("aa:bb:cc:01", "aa_bb_cc_01"),
            ("A.b_c-", "A.b_c-"),
            (".hidden", "_hidden"),
            ("a/../b\"\r\n\u{e4}", "a_.._b____"),
        ] {
            assert_eq!(file_stem(id), stem, "{id}");
        }
    }

    #[test]
    fn a_port_is_written_where_it_is_another() {
        for (url, port) in [
            ("https://h.localhost", ""),
            ("https://h.localhost:443", ""),
            ("https://h.localhost:8443", ":8443"),
            ("https://[::1]", ""),
            ("https://[::1]:8443", ":8443"),
        ] {
            assert_eq!(https(url), port, "{url}");
        }
    }
}
