//! What the binary says and how it ends when it cannot do what it is asked.

use std::path::Path;
use std::process::{Command, Output};

fn roadstead(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roadstead"));
    command.args(line.split_whitespace()).current_dir(folder).env_clear().env("HOME", folder);
    command
}

/// Exit code, stdout and stderr as one text; the folder is shown as `DIR`.
fn shown(folder: &Path, command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the binary was built for this test");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace(&folder.display().to_string(), "DIR");
    let code = status.code().unwrap_or(-1);
    format!("exit_code: {code}\n----- stdout -----\n{}----- stderr -----\n{}", text(stdout), text(stderr))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("the test may write")
}

/// A context whose port nobody listens on, and a CA.
fn context(folder: &Path) {
    let made = roadstead(folder, "ca root --name ca --out .").status().expect("the binary was built for this test");
    assert!(made.success());
    let text = "endpoint='https://localhost:9'\nclient_id='c'\nclient_secret='s'\ntenant_id='t'\nca_file='root.pem'\nhttps_port=9\n";
    std::fs::write(folder.join("context.toml"), text).expect("the test may write");
}

#[test]
fn without_a_context() {
    let folder = folder();
    insta::assert_snapshot!(shown(folder.path(), &mut roadstead(folder.path(), "iot hub list")), @"
    exit_code: 1
    ----- stdout -----
    ----- stderr -----
    error: no Roadstead server is known here: there is no context file at DIR/.local/share/roadstead/context.toml

    hint: start one with `roadstead dev`, or name one with `--data-dir`, `ROADSTEAD_DATA_DIR` or `ROADSTEAD_ENDPOINT`
    ");
}

#[test]
fn without_a_server() {
    let folder = folder();
    context(folder.path());
    for line in
        ["iot hub list", "iot dps enrollment show --dps-name d --eid e", "group list", "iot hub monitor-events -n h"]
    {
        let line = format!("--data-dir . {line}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(folder.path(), &mut roadstead(folder.path(), &line)), @"
            exit_code: 1
            ----- stdout -----
            ----- stderr -----
            error: no Roadstead server answers at https://localhost:9: connection refused

            hint: start a server with `roadstead dev`, or name another one with `--data-dir` or `ROADSTEAD_ENDPOINT`
            ");
        }
    }
}

#[test]
fn with_a_login_and_nobody_there() {
    let folder = folder();
    context(folder.path());
    let login = "HostName=nobody.localhost:9;SharedAccessKeyName=p;SharedAccessKey=a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
    let mut command = roadstead(folder.path(), &format!("iot hub device-identity show -d d --login {login}"));
    command.env("ROADSTEAD_CA_FILE", folder.path().join("root.pem"));
    insta::assert_snapshot!(shown(folder.path(), &mut command), @"
    exit_code: 1
    ----- stdout -----
    ----- stderr -----
    error: no Roadstead server answers at https://nobody.localhost:9: connection refused

    hint: start a server with `roadstead dev`, or name another one with `--data-dir` or `ROADSTEAD_ENDPOINT`
    ");
}

#[test]
fn typed_wrongly() {
    let folder = folder();
    context(folder.path());
    for (line, snapshot) in [
        ("group list --data-dir . --query [?", "query"),
        ("iot hub device-identity create -n h -d d --pk a --data-dir .", "keys"),
        ("iot dps enrollment-group compute-device-key --rid r", "group"),
    ] {
        let shown = shown(folder.path(), &mut roadstead(folder.path(), line));
        assert!(
            shown.starts_with("exit_code: 2\n----- stdout -----\n----- stderr -----\nerror: "),
            "{snapshot}: {shown}"
        );
        assert!(shown.contains("\n\nhint: "), "{snapshot}: {shown}");
    }
}

#[test]
fn keys_are_made_once() {
    let folder = folder();
    let line = "ca root --name ca --out .";
    assert!(shown(folder.path(), &mut roadstead(folder.path(), line)).starts_with("exit_code: 0\n"));
    insta::assert_snapshot!(shown(folder.path(), &mut roadstead(folder.path(), line)), @"
    exit_code: 1
    ----- stdout -----
    ----- stderr -----
    error: ./root.key is there already and is not overwritten

    hint: choose another folder with `--out`, or move the file away
    ");
}

#[test]
fn a_device_key_needs_no_server() {
    let folder = folder();
    let key = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
    for (format, expected) in [
        ("json", "\"3wWY86l94eFKP6eOuPmct7p/HxH8AVogU/exUD3ZtQc=\"\n"),
        ("tsv", "3wWY86l94eFKP6eOuPmct7p/HxH8AVogU/exUD3ZtQc=\n"),
        ("none", ""),
    ] {
        let line =
            format!("iot dps enrollment-group compute-device-key --key {key} --registration-id dev-01 -o {format}");
        let output = roadstead(folder.path(), &line).output().expect("the binary was built for this test");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    }
}
