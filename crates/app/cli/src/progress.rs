//! How far a long command is: one line on stderr, and none where stderr is no terminal.

use crate::args::Global;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that ends at `len`; `of_what` follows the count.
pub fn bar(len: u64, of_what: &'static str, global: &Global) -> ProgressBar {
    // Hidden by itself where stderr is no terminal.
    let target = if global.only_show_errors { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(len), target).with_message(of_what);
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
