//! A process that is killed while it writes, and what it was told to be durable until then.
//!
//! The process runs one ignored test of the binary that is running, which does nothing unless [`place`] says where:
//!
//! ```ignore
//! #[test]
//! #[ignore = "only does something in a process started by another test"]
//! fn child() {
//!     let Some(place) = killed::place() else { return };
//!     // for ever: write to `place`, wait until it is durable, then
//!     killed::acknowledge("7 of writer 3");
//! }
//! ```

use std::{
    env,
    fmt::Display,
    io::{BufRead, BufReader, Write, stdout},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const PLACE: &str = "ROADSTEAD_TEST_KILLED";
const ACKNOWLEDGED: &str = "acknowledged ";

/// Where the process writes; `None` in any other.
pub fn place() -> Option<PathBuf> {
    env::var_os(PLACE).map(PathBuf::from)
}

/// Says that something is durable, in a line.
///
/// # Panics
/// Once nobody listens.
pub fn acknowledge(what: impl Display) {
    writeln!(stdout().lock(), "{ACKNOWLEDGED}{what}").expect("a process that is killed is listened to until then");
}

/// Runs the test `child` (`kill::child`) at `place` until it has acknowledged `enough`, kills it, and gives all that it acknowledged.
///
/// # Panics
/// The process cannot be started, or ends by itself.
pub fn run(child: &str, place: &Path, enough: usize) -> Vec<String> {
    let binary = env::current_exe().expect("a test knows its binary");
    let mut process = Command::new(binary)
        .args(["--exact", child, "--ignored", "--nocapture", "--quiet"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a test can run itself");
    let lines = BufReader::new(process.stdout.take().expect("its output is a pipe")).lines();
    // The first is told in the middle of a line.
    let told = |line: String| line.split_once(ACKNOWLEDGED).map(|(_, what)| what.to_owned());
    let mut told = lines.map_while(Result::ok).filter_map(told);
    let mut acknowledged: Vec<String> = told.by_ref().take(enough).collect();
    process.kill().expect("it is ours");
    // What is left in the pipe was acknowledged as well: the newest of it is what a too early answer would lose.
    acknowledged.extend(told);
    process.wait().expect("it is ours");
    assert!(acknowledged.len() >= enough, "the process ended by itself, after {}", acknowledged.len());
    acknowledged
}
