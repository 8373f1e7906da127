//! Certificates in files, found by their thumbprints: what Azure shows of an enrollment's certificate is no more than that.

use crate::failure::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roadstead_pki::Certificate;
use std::collections::HashMap;
use std::path::Path;

/// Files larger than this hold something else.
const FILE_BYTES_MAX: u64 = 1 << 20;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// PEM of every certificate in the files of a directory, by SHA-256 in capitals.
pub fn read_dir(dir: &Path) -> Result<HashMap<String, String>, Failure> {
    let fault = |error: std::io::Error| Failure::error(format!("cannot read {}: {error}", dir.display()));
    let mut found = HashMap::new();
    for entry in std::fs::read_dir(dir).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let is_small = entry.metadata().is_ok_and(|about| about.is_file() && about.len() <= FILE_BYTES_MAX);
        if let Some(text) = is_small.then(|| std::fs::read_to_string(entry.path()).ok()).flatten() {
            found.extend(read(&text).map(|certificate| (certificate.sha256().to_string(), certificate.to_pem())));
        }
    }
    Ok(found)
}

/// Every certificate in a PEM text that can be read.
fn read(text: &str) -> impl Iterator<Item = Certificate> {
    text.split(BEGIN).skip(1).filter_map(|rest| decode(rest.split(END).next()?))
}

/// A certificate as an enrollment holds it: PEM, or its base64.
pub fn sha256_of(text: &str) -> Option<String> {
    let certificate = read(text).next().or_else(|| decode(text))?;
    Some(certificate.sha256().to_string())
}

fn decode(base64: &str) -> Option<Certificate> {
    let compact: String = base64.chars().filter(|letter| !letter.is_whitespace()).collect();
    Certificate::from_der(&STANDARD.decode(compact).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_pki::{Authority, KeyKind, Validity};

    #[test]
    fn certificates_are_found_whatever_else_is_there() {
        let validity = Validity { now_s: 1_795_291_370, lifetime_s: 86_400 };
        let made = |name| Authority::root(name, KeyKind::P256, validity).unwrap().certificate().as_ref().clone();
        let [one, two, three] = ["one", "two", "three"].map(made);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("pair.pem", &format!("subject=x\n{}{}", one.to_pem(), two.to_pem()));
        write("three.crt", &three.to_pem().replace('\n', "\r\n"));
        write("notes.txt", "-----BEGIN CERTIFICATE-----\nnot base64");
        std::fs::create_dir(folder.path().join("more")).unwrap();
        let found = read_dir(folder.path()).unwrap();
        assert_eq!(found.len(), 3);
        for certificate in [&one, &two, &three] {
            assert_eq!(found.get(&certificate.sha256().to_string()), Some(&certificate.to_pem()));
            let base64 = STANDARD.encode(certificate.der());
            for text in [certificate.to_pem(), base64] {
                assert_eq!(sha256_of(&text), Some(certificate.sha256().to_string()));
            }
        }
        assert_eq!(sha256_of("nonsense"), None);
        assert!(read_dir(&folder.path().join("absent")).is_err());
    }
}
