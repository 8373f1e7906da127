//! `roadstead doctor`: finds what is wrong, and says what to do.

use crate::args::Global;
use crate::args::run::Doctor;
use crate::context::{self, Server};
use crate::failure::Failure;
use crate::run::machine;
use roadstead_config::Settings;
use roadstead_model::Clock;
use roadstead_pki::parse_certificates;
use roadstead_server::system::SystemClock;
use roadstead_service::Kind;
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
    if let Some(path) = &args.config {
        check_config(path, &mut findings);
    }
    check_server(global, &mut findings).await;
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

fn check_config(path: &Path, findings: &mut Findings) {
    let settings = match Settings::load(path) {
        Ok(settings) => settings,
        Err(error) => return findings.wrong(error.to_string(), "`roadstead init` writes a configuration that works"),
    };
    findings.fine(format!("configuration: {}", path.display()));
    if let Err(error) = roadstead_server::installation::installation(&settings.administrator) {
        findings.wrong(format!("{error:#}"), "`roadstead init` makes an administrator; copy its section");
    }
    check_disk(&settings.data_dir, findings);
    match &settings.tls.certificate_file {
        Some(file) => check_certificates(file, findings),
        None => check_certificates(&settings.data_dir.join("tls/ca.pem"), findings),
    }
    for (name, address) in [("HTTPS", settings.listen.https), ("MQTT", settings.listen.mqtt)] {
        if machine::can_bind(address) {
            findings.fine(format!("{name} port {} is free", address.port()));
        } else {
            let then = "fine if it is Roadstead itself that runs; `ss -ltnp` shows who has it";
            findings.fine(format!("{name} port {} is in use or not allowed: {then}", address.port()));
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

fn check_certificates(file: &Path, findings: &mut Findings) {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return findings.fine(format!("certificate: {} will be made at the first start", file.display()));
        }
        Err(error) => {
            return findings.wrong(format!("{} cannot be read: {error}", file.display()), "is it this user's file?");
        }
    };
    let certificates = match parse_certificates(&text) {
        Ok(certificates) => certificates,
        Err(error) => return findings.wrong(format!("{}: {error}", file.display()), "it must hold PEM certificates"),
    };
    let now = SystemClock.now().seconds().0;
    for certificate in certificates {
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
}

async fn check_server(global: &Global, findings: &mut Findings) {
    let context = match context::load(global) {
        Ok(context) => context,
        Err(failure) => return findings.wrong(failure.to_string(), "start one with `roadstead dev`"),
    };
    check_certificates(&context.ca_file, findings);
    let listed: Result<Vec<Value>, Failure> = match Server::open(global) {
        Ok(server) => server.management.list(Kind::Hub, None).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    match listed {
        Err(failure) => findings.wrong(failure.to_string(), "start it with `roadstead dev` or `roadstead serve`"),
        Ok(hubs) => {
            findings.fine(format!("server: {} answers, {} hubs", context.endpoint, hubs.len()));
            for hub in &hubs {
                check_name(hub, findings);
            }
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
