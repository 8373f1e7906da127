//! `roadstead doctor`: finds what is wrong, and says what to do.

use crate::args::Global;
use crate::args::run::Doctor;
use crate::context::{self, Server};
use crate::failure::Failure;
use crate::run::machine;
use roadstead_config::{Listen, Settings};
use roadstead_model::Clock;
use roadstead_pki::{Certificate, parse_certificates};
use roadstead_server::certificate_files::find_uncovered;
use roadstead_server::system::SystemClock;
use roadstead_service::{Kind, ServiceError};
use serde_json::Value;
use std::fmt::Write;
use std::net::ToSocketAddrs;
use std::path::Path;

/// Certificates that end within this time are warned of.
const EXPIRY_WARNING_S: i64 = 30 * 24 * 60 * 60;
/// 2024-01-01: a clock before it is wrong, and then no token or certificate is valid.
const PLAUSIBLE_S: i64 = 1_704_067_200;
/// Free space under which a data directory is warned of.
const FREE_MIB_MIN: u64 = 512;

/// What was found, one line each.
#[derive(Default)]
struct Findings {
    text: String,
    wrong: usize,
}

impl Findings {
    fn fine(&mut self, what: impl AsRef<str>) {
        writeln!(self.text, "ok     {}", what.as_ref()).expect("writing to a string does not fail");
    }

    fn wrong(&mut self, what: impl AsRef<str>, then: &str) {
        writeln!(self.text, "WRONG  {}\n       {then}", what.as_ref()).expect("writing to a string does not fail");
        self.wrong += 1;
    }
}

/// Every check, whatever the ones before found.
pub async fn run(args: &Doctor, global: &Global) -> Result<String, Failure> {
    let mut findings = Findings::default();
    check_clock(&mut findings);
    let settings = args.config.as_deref().and_then(|path| check_config(path, &mut findings));
    let runs = check_server(global, settings.is_some(), &mut findings).await;
    if let Some(settings) = settings {
        check_ports(&settings, runs, &mut findings);
    }
    match findings.wrong {
        0 => Ok(findings.text),
        wrong => {
            // The findings are data; the verdict is the exit code's.
            Err(Failure::error(format!("{wrong} of these need a hand\n\n{}", findings.text.trim_end())))
        }
    }
}

fn check_clock(findings: &mut Findings) {
    let now = SystemClock.now();
    if now.seconds().0 < PLAUSIBLE_S {
        findings.wrong(
            format!("the clock says {}", now.iso()),
            "set it, or start NTP: tokens and certificates depend on it",
        );
    } else {
        findings.fine(format!("clock: {}", now.iso()));
    }
}

/// The settings, if they can be read.
fn check_config(path: &Path, findings: &mut Findings) -> Option<Settings> {
    let settings = match Settings::load(path) {
        Ok(settings) => settings,
        Err(error) => {
            findings.wrong(error.to_string(), "`roadstead init` writes a configuration that works");
            return None;
        }
    };
    findings.fine(format!("configuration: {}", path.display()));
    if let Err(error) = roadstead_server::installation::installation(&settings.administrator) {
        findings.wrong(format!("{error:#}"), "`roadstead init` makes an administrator; copy its section");
    }
    check_disk(&settings.data_dir, findings);
    match (&settings.tls.certificate_file, &settings.tls.key_file) {
        (Some(certificate), Some(key)) => check_certificate_files(certificate, key, &settings, findings),
        _ => check_own_ca(&settings.data_dir.join("tls/ca.pem"), findings),
    }
    Some(settings)
}

/// What the server could not start with, and what clients could not connect with.
fn check_certificate_files(certificate: &Path, key: &Path, settings: &Settings, findings: &mut Findings) {
    let names = [&settings.names.hub_domain].into_iter().chain(&settings.names.also).map(String::as_str);
    match find_uncovered(certificate, key, names) {
        Err(error) => return findings.wrong(format!("{error:#}"), "the server starts only with its own certificate first in the one file, and with that one's key in the other"),
        Ok(uncovered) => {
            for name in uncovered {
                let what = format!("{} does not hold for `{name}`", certificate.display());
                findings.wrong(what, "have it issued anew with that name among its subject alternative names");
            }
        }
    }
    let chain = check_certificates(certificate, findings);
    check_order(certificate, &chain, findings);
}

/// Each certificate must be issued by the next. A CA that was renewed with another key bears the same name.
fn check_order(file: &Path, chain: &[Certificate], findings: &mut Findings) {
    for (certificate, next) in chain.iter().zip(chain.iter().skip(1)) {
        let is_named = certificate.issuer_der() == next.subject_der();
        if !is_named || certificate.check_signed_by(next).is_err() {
            let [name, follows] = [certificate, next].map(Certificate::shown_name);
            let then = if is_named {
                "the issuer has that name and another key: put the certificate there that the issuer had"
            } else {
                "put the issuer of each certificate behind it"
            };
            findings
                .wrong(format!("{}: `{name}` is not issued by `{follows}`, which follows it", file.display()), then);
        }
    }
}

/// A port in use is fine as long as it is this server that `runs`.
fn check_ports(settings: &Settings, runs: bool, findings: &mut Findings) {
    let Listen { https, mqtt, amqp, .. } = &settings.listen;
    for (name, address) in [("HTTPS", *https), ("MQTT", *mqtt), ("AMQP", *amqp)] {
        let port = address.port();
        match (machine::can_bind(address), runs) {
            (true, _) => findings.fine(format!("{name} port {port} is free")),
            (false, true) => findings.fine(format!("{name} port {port} is in use, by the server that answers")),
            (false, false) => findings.wrong(
                format!("{name} port {port} is in use or not allowed"),
                "`ss -ltnp` shows who has it; below 1024 it takes root or CAP_NET_BIND_SERVICE",
            ),
        }
    }
}

fn check_disk(data_dir: &Path, findings: &mut Findings) {
    if !data_dir.is_dir() {
        return findings.fine(format!("data directory: {} will be made at the first start", data_dir.display()));
    }
    match free_mib(data_dir) {
        Some(free) if free < FREE_MIB_MIN => {
            findings
                .wrong(format!("{} has {free} MiB left", data_dir.display()), "free some, or lower events.hub_mib_max");
        }
        Some(free) => findings.fine(format!("data directory: {} ({free} MiB left)", data_dir.display())),
        None => {
            findings
                .wrong(format!("{} cannot be asked for its free space", data_dir.display()), "is the disk mounted?");
        }
    }
}

/// From `df`, which every system with a hosts file has.
fn free_mib(path: &Path) -> Option<u64> {
    let output = std::process::Command::new("df").args(["-Pm", "--"]).arg(path).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

fn check_own_ca(file: &Path, findings: &mut Findings) {
    if file.exists() {
        check_certificates(file, findings);
    } else {
        findings.fine(format!("certificate: {} will be made at the first start", file.display()));
    }
}

/// The certificates of a file, their dates examined; none when it cannot be read.
fn check_certificates(file: &Path, findings: &mut Findings) -> Vec<Certificate> {
    let read = std::fs::read_to_string(file).map_err(|error| (error.to_string(), "is it this user's file?"));
    let parse =
        |text: String| parse_certificates(&text).map_err(|error| (error.to_string(), "it must hold PEM certificates"));
    let certificates = match read.and_then(parse) {
        Ok(certificates) => certificates,
        Err((error, then)) => {
            findings.wrong(format!("{}: {error}", file.display()), then);
            return Vec::new();
        }
    };
    let now = SystemClock.now().seconds().0;
    for certificate in &certificates {
        let (name, left) = (certificate.shown_name(), certificate.not_after_s() - now);
        let days = left / (24 * 60 * 60);
        if certificate.not_before_s() > now {
            findings.wrong(format!("certificate `{name}` is not valid yet"), "is the clock right?");
        } else if left < 0 {
            findings.wrong(format!("certificate `{name}` expired {} days ago", -days), "replace it");
        } else if left < EXPIRY_WARNING_S {
            findings.wrong(format!("certificate `{name}` expires in {days} days"), "replace it in time");
        } else {
            findings.fine(format!("certificate `{name}`: {days} days left"));
        }
    }
    certificates
}

/// Whether a server answers. Before the first start of a configuration none need.
async fn check_server(global: &Global, may_be_down: bool, findings: &mut Findings) -> bool {
    let context = match context::load(global) {
        Ok(context) => context,
        Err(failure) => {
            findings.wrong(failure.to_string(), "start one with `roadstead dev`");
            return false;
        }
    };
    check_own_ca(&context.ca_file, findings);
    if may_be_down && !context.ca_file.exists() {
        findings.fine(format!("server: none was started yet at {}", context.endpoint));
        return false;
    }
    let server = match Server::open(global) {
        Ok(server) => server,
        Err(failure) => {
            findings.wrong(failure.to_string(), failure.hinted().unwrap_or_default());
            return false;
        }
    };
    match server.management.list::<Value>(Kind::Hub, None).await {
        Err(ServiceError::Unreachable { origin, .. }) if may_be_down => {
            findings.fine(format!("server: none runs at {origin}"));
            false
        }
        Err(error) => {
            let then = match &error {
                ServiceError::Unreachable { .. } => "start it with `roadstead dev` or `roadstead serve`".to_owned(),
                ServiceError::Untrusted { .. } => {
                    format!(
                        "another server has this port, or `context.toml` names the wrong CA ({})",
                        context.ca_file.display()
                    )
                }
                error => error.hint().unwrap_or_default(),
            };
            findings.wrong(error.to_string(), &then);
            false
        }
        Ok(hubs) => {
            findings.fine(format!("server: {} answers, {} hubs", context.endpoint, hubs.len()));
            for hub in &hubs {
                check_name(hub, findings);
            }
            true
        }
    }
}

fn check_name(hub: &Value, findings: &mut Findings) {
    let Some(host) = hub.pointer("/properties/hostName").and_then(Value::as_str) else { return };

    match (host, 8883).to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(address)) => findings.fine(format!("name: {host} leads to {}", address.ip())),
        _ => findings.wrong(
            format!("name: {host} leads nowhere on this machine"),
            "`roadstead hosts --install` writes it into the hosts file",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_pki::{Authority, KeyKind, Validity};

    #[test]
    fn each_certificate_is_issued_by_the_next() {
        let validity = Validity { now_s: 1_795_291_370, lifetime_s: 86_400 };
        let root = |name| Authority::root(name, KeyKind::P256, validity).unwrap();
        let (first, renewed) = (root("CA"), root("CA"));
        let middle = first.intermediate("middle", KeyKind::P256, validity).unwrap();
        let server = middle.server(&["h.localhost".to_owned()], KeyKind::P256, validity).unwrap().certificate;
        let [first, renewed, middle] = [&first, &renewed, &middle].map(|ca| Certificate::clone(ca.certificate()));
        for (chain, wrong) in [
            (vec![&server], 0),
            (vec![&server, &middle], 0),
            (vec![&server, &middle, &first], 0),
            (vec![&server, &middle, &renewed], 1),
            (vec![&server, &first], 1),
            (vec![&middle, &server, &first], 2),
        ] {
            let chain: Vec<_> = chain.into_iter().cloned().collect();
            let mut findings = Findings::default();
            check_order(Path::new("chain.pem"), &chain, &mut findings);
            assert_eq!(findings.wrong, wrong, "{}", findings.text);
        }
    }
}
