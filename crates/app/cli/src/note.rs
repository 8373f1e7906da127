//! What is worth knowing beside the result, on stderr.

use crate::args::Global;
use std::io::Write;

/// Prints a note, unless only errors are wanted.
pub fn note(global: &Global, text: &str) {
    if !global.only_show_errors {
        let _ = writeln!(std::io::stderr().lock(), "{text}"); // there is nowhere left to complain
    }
}
