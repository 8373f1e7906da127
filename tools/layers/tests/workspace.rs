//! The workspace as it stands keeps its layers.

use roadstead_layers::{Graph, breaches};
use std::process::Command;

#[test]
fn the_workspace_keeps_its_layers() {
    let cargo = std::env::var("CARGO").expect("cargo sets CARGO for tests");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let graph = Graph::parse(&metadata).expect("cargo metadata has its documented members");

    // The rules go by folder and name: were the layout renamed, they would hold of nothing.
    for layer in ["base", "store", "domain", "front", "app", "client"] {
        assert!(graph.packages().any(|package| package.layer == layer), "no crate in layer `{layer}`");
    }
    let found: Vec<String> = breaches(&graph).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
