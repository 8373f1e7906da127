//! The workspace as its manifests declare it.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// When a dependency is needed. Source: cargo book, `cargo metadata`, member `kind`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Normal,
    Build,
    Dev,
}

/// One declared dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lean {
    /// Package name, never the name it is renamed to: `roadstead-model`
    pub on: String,
    pub kind: Kind,
}

/// One workspace member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// `roadstead-front-mqtt`
    pub name: String,
    /// Folder of the layer: `base`, `store`, `domain`, `front`, `app`, `client`; outside `crates/` the top folder: `tests`, `tools`
    pub layer: String,
    /// Folder of the crate inside its layer: `mqtt`
    pub dir: String,
    pub leans: Vec<Lean>,
}

/// Metadata that is not what cargo prints.
#[derive(Debug, PartialEq, Eq)]
pub struct GraphError {
    /// The missing or odd member: `packages`
    pub member: &'static str,
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo metadata without a usable member `{}`", self.member)
    }
}

impl std::error::Error for GraphError {}

/// All members by package name.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    packages: BTreeMap<String, Package>,
}

impl Graph {
    /// Reads the output of `cargo metadata --format-version 1 --no-deps`.
    /// Errors: a member that cargo always prints is missing, or a manifest outside the workspace.
    pub fn parse(metadata: &Value) -> Result<Self, GraphError> {
        let root = text(metadata, "workspace_root")?;
        let packages = list(metadata, "packages")?.iter().map(|package| parse_package(package, root));
        packages.collect::<Result<Vec<_>, _>>().map(Self::from_iter)
    }

    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.values()
    }

    /// `None` for crates that are not ours.
    pub fn find(&self, name: &str) -> Option<&Package> {
        self.packages.get(name)
    }

    /// Our crates that `package` declares, dev-dependencies left out.
    pub fn direct<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = &'a Package> {
        package.leans.iter().filter(|lean| lean.kind != Kind::Dev).filter_map(|lean| self.find(&lean.on))
    }

    /// Our crates that `package` is built with, however far down, dev-dependencies left out; in order of name.
    pub fn reach<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = &'a Package> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Package> = self.direct(package).collect();
        while let Some(next) = open.pop() {
            if seen.insert(next.name.as_str()) {
                open.extend(self.direct(next));
            }
        }
        seen.into_iter().filter_map(|name| self.find(name))
    }
}

impl FromIterator<Package> for Graph {
    fn from_iter<I: IntoIterator<Item = Package>>(packages: I) -> Self {
        Self { packages: packages.into_iter().map(|package| (package.name.clone(), package)).collect() }
    }
}

fn parse_package(package: &Value, root: &str) -> Result<Package, GraphError> {
    let odd_path = GraphError { member: "manifest_path" };
    let path = text(package, "manifest_path")?.strip_prefix(root).ok_or(odd_path)?;
    let mut folders: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    folders.pop();
    if folders.first() == Some(&"crates") {
        folders.remove(0);
    }
    let leans = list(package, "dependencies")?.iter().map(parse_lean).collect::<Result<_, _>>()?;
    Ok(Package {
        name: text(package, "name")?.to_owned(),
        layer: folders.first().copied().unwrap_or_default().to_owned(),
        dir: folders.last().copied().unwrap_or_default().to_owned(),
        leans,
    })
}

fn parse_lean(dependency: &Value) -> Result<Lean, GraphError> {
    let kind = match dependency.get("kind").and_then(Value::as_str) {
        None => Kind::Normal,
        Some("build") => Kind::Build,
        Some("dev") => Kind::Dev,
        Some(_) => return Err(GraphError { member: "kind" }),
    };
    Ok(Lean { on: text(dependency, "name")?.to_owned(), kind })
}

fn text<'a>(value: &'a Value, member: &'static str) -> Result<&'a str, GraphError> {
    value.get(member).and_then(Value::as_str).ok_or(GraphError { member })
}

fn list<'a>(value: &'a Value, member: &'static str) -> Result<&'a Vec<Value>, GraphError> {
    value.get(member).and_then(Value::as_array).ok_or(GraphError { member })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn folders_and_kinds_are_read_from_cargo_metadata() {
        let metadata = json!({"workspace_root": "/home/me/roadstead", "packages": [
            {"name": "roadstead-front-mqtt", "manifest_path": "/home/me/roadstead/crates/front/mqtt/Cargo.toml", "dependencies": [
                {"name": "roadstead-model", "kind": null}, {"name": "cc", "kind": "build"}, {"name": "proptest", "kind": "dev"}]},
            {"name": "roadstead-layers", "manifest_path": "/home/me/roadstead/tools/layers/Cargo.toml", "dependencies": []}]});
        let graph = Graph::parse(&metadata).unwrap();
        let mqtt = graph.find("roadstead-front-mqtt").unwrap();
        assert_eq!((mqtt.layer.as_str(), mqtt.dir.as_str()), ("front", "mqtt"));
        let kinds: Vec<_> = mqtt.leans.iter().map(|lean| (lean.on.as_str(), lean.kind)).collect();
        assert_eq!(kinds, [("roadstead-model", Kind::Normal), ("cc", Kind::Build), ("proptest", Kind::Dev)]);
        assert_eq!(graph.find("roadstead-layers").unwrap().layer, "tools");
    }

    #[test]
    fn odd_metadata_is_refused_by_member() {
        let package = |manifest: &str, kind: &str| {
            json!({"workspace_root": "/ours", "packages": [
                {"name": "a", "manifest_path": manifest, "dependencies": [{"name": "b", "kind": kind}]}]})
        };
        let cases = [
            (json!({"packages": []}), "workspace_root"),
            (json!({"workspace_root": "/ours"}), "packages"),
            (package("/elsewhere/Cargo.toml", "dev"), "manifest_path"),
            (package("/ours/Cargo.toml", "odd"), "kind"),
        ];
        for (metadata, member) in cases {
            assert_eq!(Graph::parse(&metadata).unwrap_err(), GraphError { member }, "{metadata}");
        }
    }
}
