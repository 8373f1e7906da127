//! The ten dependencies that must never exist.

use crate::graph::{Graph, Kind, Package};
use std::fmt;

/// Sockets, HTTP, TLS, SQL and NATS: what a domain crate reaches only through ports.
const OUTSIDE_WORLD: [&str; 26] = [
    "async-nats",
    "axum",
    "deadpool-postgres",
    "diesel",
    "http",
    "http-body-util",
    "hyper",
    "hyper-util",
    "mio",
    "nats",
    "native-tls",
    "openssl",
    "postgres",
    "quinn",
    "reqwest",
    "rusqlite",
    "rustls",
    "socket2",
    "sqlx",
    "tokio-native-tls",
    "tokio-postgres",
    "tokio-rustls",
    "tokio-tungstenite",
    "tonic",
    "tungstenite",
    "ureq",
];

/// Names that say nothing: if two crates need it, name what it is.
const EMPTY_NAMES: [&str; 6] = ["common", "core", "helper", "helpers", "util", "utils"];

/// One dependency that must not be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// 1 to 10
    pub rule: u8,
    pub package: String,
    pub on: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, package, on } = self;
        write!(f, "rule {rule}: `{package}` leans on `{on}`; {}", reason(*rule))
    }
}

/// Every breach in the workspace, in order of rule; empty when the layers hold.
pub fn breaches(graph: &Graph) -> Vec<Breach> {
    let mut found: Vec<Breach> = graph.packages().flat_map(|package| package_breaches(graph, package)).collect();
    found.sort();
    found.dedup();
    found
}

fn reason(rule: u8) -> &'static str {
    match rule {
        1 => "domain decides: no wire name, no front, no driver, no socket, HTTP, TLS, SQL or NATS library",
        2 => "hub and dps never see each other: DPS reaches a hub through its own `HubLink` port",
        3 => "no front leans on another: what two share is transport, wire or domain",
        4 => "a front that wants a record asks the domain",
        5 => "model and the engines stand alone",
        6 => "stored bytes and wire structs change alone: no driver on another driver, on domain or on wire",
        7 => "client meets the server only on the wire",
        8 => "the portal has only what the public APIs give any client",
        9 => "nothing leans on cli, only cli and tests on server, and testkit is a dev-dependency",
        _ => "`common`, `utils` and `core` are not names",
    }
}

fn package_breaches(graph: &Graph, package: &Package) -> Vec<Breach> {
    let breach = |rule: u8, on: &str| Breach { rule, package: package.name.clone(), on: on.to_owned() };
    let reached = graph.reach(package).filter_map(|on| reach_rule(package, on).map(|rule| breach(rule, &on.name)));
    let direct = graph.direct(package).filter_map(|on| direct_rule(package, on).map(|rule| breach(rule, &on.name)));
    let foreign = (package.leans.iter())
        .filter(|lean| lean.kind != Kind::Dev && package.layer == "domain")
        .filter(|lean| OUTSIDE_WORLD.contains(&lean.on.as_str()))
        .map(|lean| breach(1, &lean.on));
    reached.chain(direct).chain(foreign).collect()
}

/// Rules that look through everything a crate is built with.
fn reach_rule(package: &Package, on: &Package) -> Option<u8> {
    let (from, to) = (package.layer.as_str(), on.layer.as_str());
    let wire = is(on, "base", "wire");
    match from {
        "domain" if wire || is_proto(on) || is_driver(on) || to == "front" || to == "app" => Some(1),
        "domain" if is(package, "domain", "hub") && is(on, "domain", "dps") => Some(2),
        "domain" if is(package, "domain", "dps") && is(on, "domain", "hub") => Some(2),
        "store" if is_driver(package) && (is_driver(on) || to == "domain" || wire) => Some(6),
        "client" if matches!(to, "domain" | "store" | "front" | "app") => Some(7),
        "front" if package.dir == "portal" && matches!(to, "domain" | "store") => Some(8),
        _ => None,
    }
}

/// Rules about what a crate's own manifest names.
fn direct_rule(package: &Package, on: &Package) -> Option<u8> {
    let engine =
        ["mqtt-proto", "amqp-proto", "sas", "pki", "tpm", "query", "model"].iter().any(|dir| is(package, "base", dir));
    let app_only = is(on, "app", "server") && package.layer != "tests" && !is(package, "app", "cli");
    match package.layer.as_str() {
        "front" if on.layer == "front" && on.dir != "transport" => Some(3),
        "front" if on.layer == "store" && package.dir != "portal" => Some(4),
        "base" if engine => Some(5),
        _ if is(on, "app", "cli") || app_only || is(on, "tests", "testkit") => Some(9),
        _ if has_empty_name(on) => Some(10),
        _ => None,
    }
}

fn is(package: &Package, layer: &str, dir: &str) -> bool {
    package.layer == layer && package.dir == dir
}

fn is_proto(package: &Package) -> bool {
    package.layer == "base" && package.dir.ends_with("-proto")
}

fn is_driver(package: &Package) -> bool {
    package.layer == "store" && package.dir != "store"
}

fn has_empty_name(package: &Package) -> bool {
    let last = package.name.rsplit('-').next();
    EMPTY_NAMES.iter().any(|name| Some(*name) == last || *name == package.dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Lean;

    /// `"front/mqtt: domain/hub, dev tests/testkit, hyper"`; our crates are written as `layer/dir`.
    fn package(line: &str) -> Package {
        let (path, leans) = line.split_once(':').unwrap();
        let (layer, dir) = path.split_once('/').unwrap();
        let lean = |text: &str| match text.trim().strip_prefix("dev ") {
            Some(on) => Lean { on: on.to_owned(), kind: Kind::Dev },
            None => Lean { on: text.trim().to_owned(), kind: Kind::Normal },
        };
        let leans = leans.split(',').filter(|text| !text.trim().is_empty()).map(lean).collect();
        Package { name: path.to_owned(), layer: layer.to_owned(), dir: dir.to_owned(), leans }
    }

    fn found(lines: &[&str]) -> Vec<(u8, String, String)> {
        let graph: Graph = lines.iter().map(|line| package(line)).collect();
        breaches(&graph).into_iter().map(|breach| (breach.rule, breach.package, breach.on)).collect()
    }

    #[test]
    fn what_the_layers_allow_is_quiet() {
        let lines = [
            "base/model:",
            "base/pki: rustls-webpki",
            "base/wire: base/model",
            "base/mqtt-proto: bytes",
            "store/store: base/model",
            "store/embedded: store/store, base/model, rusqlite",
            "domain/auth: base/model, base/pki",
            "domain/hub: domain/auth, store/store, dev store/embedded, dev tests/testkit, tokio",
            "domain/dps: domain/auth, store/store",
            "front/transport: rustls",
            "front/mqtt: front/transport, base/wire, base/mqtt-proto, domain/hub, domain/dps",
            "client/service: base/wire, hyper",
            "client/device: base/wire, dev app/server",
            "front/portal: front/transport, client/service",
            "app/server: front/mqtt, domain/hub, domain/dps, store/embedded, client/service",
            "app/cli: app/server",
            "tests/testkit: store/store",
            "tests/sim: app/server, dev tests/testkit",
        ];
        assert_eq!(found(&lines), []);
    }

    #[test]
    fn each_rule_is_held() {
        let cases: &[(u8, &[&str], &str)] = &[
            (1, &["domain/hub: base/wire", "base/wire:"], "base/wire"),
            (1, &["domain/hub: base/amqp-proto", "base/amqp-proto:"], "base/amqp-proto"),
            (1, &["domain/auth: store/embedded", "store/embedded:"], "store/embedded"),
            (1, &["domain/auth: front/http", "front/http:"], "front/http"),
            (1, &["domain/auth: app/config", "app/config:"], "app/config"),
            (1, &["domain/auth: store/store", "store/store: base/wire", "base/wire:"], "base/wire"),
            (1, &["domain/resources: hyper"], "hyper"),
            (1, &["domain/resources: rusqlite"], "rusqlite"),
            (2, &["domain/hub: domain/dps", "domain/dps:"], "domain/dps"),
            (2, &["domain/dps: domain/auth", "domain/auth: domain/hub", "domain/hub:"], "domain/hub"),
            (3, &["front/http: front/mqtt", "front/mqtt:"], "front/mqtt"),
            (4, &["front/http: store/store", "store/store:"], "store/store"),
            (4, &["front/arm: store/embedded", "store/embedded:"], "store/embedded"),
            (5, &["base/mqtt-proto: base/model", "base/model:"], "base/model"),
            (5, &["base/model: base/sas", "base/sas:"], "base/sas"),
            (5, &["base/query: base/model", "base/model:"], "base/model"),
            (6, &["store/postgres: store/embedded", "store/embedded:"], "store/embedded"),
            (6, &["store/nats: domain/hub", "domain/hub:"], "domain/hub"),
            (6, &["store/embedded: base/wire", "base/wire:"], "base/wire"),
            (7, &["client/device: domain/auth", "domain/auth:"], "domain/auth"),
            (7, &["client/simulator: client/device", "client/device: app/server", "app/server:"], "app/server"),
            (7, &["client/service: store/store", "store/store:"], "store/store"),
            (8, &["front/portal: domain/resources", "domain/resources:"], "domain/resources"),
            (8, &["front/portal: store/store", "store/store:"], "store/store"),
            (9, &["app/server: app/cli", "app/cli:"], "app/cli"),
            (9, &["tools/layers: app/server", "app/server:"], "app/server"),
            (9, &["app/config: tests/testkit", "tests/testkit:"], "tests/testkit"),
            (10, &["app/config: base/utils", "base/utils:"], "base/utils"),
        ];
        for (rule, lines, on) in cases {
            let breaches = found(lines);
            let (package, _) = lines[0].split_once(':').unwrap();
            let expected = (*rule, package.to_owned(), (*on).to_owned());
            assert!(breaches.contains(&expected), "{lines:?} gave {breaches:?}, not {expected:?}");
        }
    }

    #[test]
    fn a_breach_names_rule_crates_and_reason() {
        let breach = Breach { rule: 4, package: "roadstead-front-http".into(), on: "roadstead-store".into() };
        let text =
            "rule 4: `roadstead-front-http` leans on `roadstead-store`; a front that wants a record asks the domain";
        assert_eq!(breach.to_string(), text);
    }
}
