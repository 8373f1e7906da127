//! `roadstead hosts`: lines for the hosts file, so that names lead here that no DNS server knows.

use crate::args::Global;
use crate::args::run::Hosts;
use crate::context::{self, Server};
use crate::failure::Failure;
use crate::shell::quoted;
use roadstead_service::Kind;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

const HOSTS_FILE: &str = "/etc/hosts";
const BEGIN: &str = "# roadstead: begin";
const END: &str = "# roadstead: end";
const AZURE_PROVISIONING: &str = "global.azure-devices-provisioning.net";

/// The lines, and whether they were written.
pub async fn run(args: &Hosts, global: &Global) -> Result<String, Failure> {
    let server = Server::open(global)?;
    let hubs: Vec<Value> = server.management.list(Kind::Hub, None).await?;
    let dps: Vec<Value> = server.management.list(Kind::Dps, None).await?;
    let lines = lines(args, &hubs, &dps);
    if !args.install {
        return Ok(lines);
    }
    let failed = |verb: &str, error: std::io::Error| {
        Failure::error(format!("cannot {verb} {HOSTS_FILE}: {error}"))
            .hint(format!("run it as root: `{}`", as_root(args, context::data_dir(global).as_deref())))
    };
    let before = std::fs::read_to_string(HOSTS_FILE).map_err(|error| failed("read", error))?;
    std::fs::write(HOSTS_FILE, spliced(&before, &lines)).map_err(|error| failed("write", error))?;
    Ok(format!("{lines}written to {HOSTS_FILE}\n"))
}

/// The same command for root, who has another home and no variables of ours.
fn as_root(args: &Hosts, data_dir: Option<&Path>) -> String {
    let mut line = match data_dir {
        Some(dir) => format!("sudo roadstead hosts --install --data-dir {}", quoted(&dir.display().to_string())),
        None => "sudo --preserve-env roadstead hosts --install".to_owned(),
    };
    if !args.address.is_loopback() {
        write!(line, " --address {}", args.address).expect("writing to a string does not fail");
    }
    line
}

/// Every name that clients may use and that is no address: ours, and Azure's for the same hub.
fn lines(args: &Hosts, hubs: &[Value], dps: &[Value]) -> String {
    let mut names = BTreeSet::from([AZURE_PROVISIONING.to_owned()]);
    for hub in hubs {
        names.extend(text(hub, "/properties/hostName").map(str::to_owned));
        names.extend(text(hub, "/name").map(|name| format!("{}.azure-devices.net", name.to_ascii_lowercase())));
    }
    for dps in dps {
        names.extend(text(dps, "/properties/serviceOperationsHostName").map(str::to_owned));
        let azure = |name: &str| format!("{}.azure-devices-provisioning.net", name.to_ascii_lowercase());
        names.extend(text(dps, "/name").map(azure));
    }
    names.retain(|name| name.parse::<std::net::IpAddr>().is_err());
    let mut lines = String::new();
    for name in names {
        writeln!(lines, "{} {name}", args.address).expect("writing to a string does not fail");
    }
    lines
}

fn text<'a>(resource: &'a Value, member: &str) -> Option<&'a str> {
    resource.pointer(member)?.as_str()
}

/// The file with our block in it, in place of an earlier one. A beginning without its end is left alone with all behind it:
/// those lines may be anybody's.
fn spliced(before: &str, lines: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    let mut rest = before.lines();
    while let Some(line) = rest.next() {
        let next_mark = || rest.clone().find(|later| [BEGIN, END].contains(later));
        inside |= line == BEGIN && next_mark() == Some(END);
        if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
        inside &= line != END;
    }
    format!("{kept}{BEGIN}\n{lines}{END}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_need_no_line() {
        let args = Hosts { install: false, address: "127.0.0.1".parse().unwrap() };
        let hubs = [json!({"name": "dev", "properties": {"hostName": "127.0.0.1"}})];
        let dps = [json!({"name": "plant-dps", "properties": {"serviceOperationsHostName": "plant-dps.localhost"}})];
        let expected = "127.0.0.1 dev.azure-devices.net\n127.0.0.1 global.azure-devices-provisioning.net\n\
                        127.0.0.1 plant-dps.azure-devices-provisioning.net\n127.0.0.1 plant-dps.localhost\n";
        assert_eq!(lines(&args, &hubs, &dps), expected);
    }

    #[test]
    fn root_is_told_where_the_server_is() {
        for (address, data_dir, line) in [
            ("127.0.0.1", Some("/a b"), "sudo roadstead hosts --install --data-dir '/a b'"),
            ("10.0.0.1", Some("/a"), "sudo roadstead hosts --install --data-dir /a --address 10.0.0.1"),
            ("127.0.0.1", None, "sudo --preserve-env roadstead hosts --install"),
        ] {
            let args = Hosts { install: true, address: address.parse().unwrap() };
            assert_eq!(as_root(&args, data_dir.map(Path::new)), line);
        }
    }

    #[test]
    fn an_earlier_block_is_replaced_and_the_rest_stays() {
        let first = spliced("127.0.0.1 localhost\n", "127.0.0.1 a\n");
        assert_eq!(first, format!("127.0.0.1 localhost\n{BEGIN}\n127.0.0.1 a\n{END}\n"));
        let broken = format!("{BEGIN}\n10.0.0.1 nas\n");
        let mended = format!("{broken}{BEGIN}\n127.0.0.1 a\n{END}\n");
        assert_eq!(spliced(&broken, "127.0.0.1 a\n"), mended);
        assert_eq!(spliced(&mended, "127.0.0.1 a\n"), mended);
        assert_eq!(spliced(&first, "127.0.0.1 b\n"), format!("127.0.0.1 localhost\n{BEGIN}\n127.0.0.1 b\n{END}\n"));
    }
}
