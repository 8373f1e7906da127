//! Deletions that take data along: what there is, whether it is meant, what is gone.

use crate::args::Global;
use crate::failure::Failure;
use crate::note::note;
use roadstead_service::Contents;
use std::io::{BufRead, IsTerminal, Write};

/// Says what is about to be deleted (`what`: "hub `plant`"), and asks. Errors: it is not meant, or nobody can be asked.
pub fn confirm(what: &str, contents: Option<&Contents>) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    let in_it = contents.map_or_else(|| "all that is in it".to_owned(), describe);
    if !stdin.is_terminal() {
        let text = format!("this deletes {what} with {in_it}, and nobody is here to be asked");
        return Err(Failure::error(text).hint("say `--yes` if it is meant"));
    }
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "delete {what} with {in_it}? [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    let is_yes = read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if is_yes { Ok(()) } else { Err(Failure::error("nothing was deleted")) }
}

/// Says what is gone.
pub fn tell(global: &Global, what: &str, contents: Option<&Contents>) {
    if let Some(contents) = contents {
        note(global, &format!("deleted {what} with {}", describe(contents)));
    }
}

fn describe(contents: &Contents) -> String {
    roadstead_service::contents::describe(contents, "event", bytes)
}

/// `512 B`, `1.2 KiB`, `3.4 MiB`, `5.6 GiB`.
fn bytes(count: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", count / unit, count % unit * 10 / unit);
    match count {
        0..0x400 => format!("{count} B"),
        0x400..0x10_0000 => format!("{} KiB", tenths(0x400)),
        0x10_0000..0x4000_0000 => format!("{} MiB", tenths(0x10_0000)),
        _ => format!("{} GiB", tenths(0x4000_0000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_the_largest_unit() {
        for (count, text) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 20, "1.0 MiB"), (u64::MAX, "17179869183.9 GiB")]
        {
            assert_eq!(bytes(count), text);
        }
    }
}
