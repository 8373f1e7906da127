//! `roadstead completions` and `roadstead man`: what a shell and `man` need to know of the command line.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Print a script that lets the Tab key complete commands, options and their values
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: roadstead completions bash > ~/.local/share/bash-completion/completions/roadstead
          roadstead completions zsh > /usr/local/share/zsh/site-functions/_roadstead
          roadstead completions fish > ~/.config/fish/completions/roadstead.fish

It counts in every shell opened from then on. bash reads it with the package bash-completion, zsh from any folder of $fpath.")]
pub struct Completions {
    /// Which shell's
    #[arg(value_enum)]
    pub shell: Shell,
}

/// A shell
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Write the manual: one page for each command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: roadstead man ~/.local/share/man/man1     # then: man roadstead-iot-hub-create
          roadstead man | man -l -

`man` looks into that folder if ~/.local/bin is on the PATH, and always into /usr/local/share/man/man1.")]
pub struct Man {
    /// Folder for the pages, made if it is absent; without it, roadstead(1) is printed
    pub dir: Option<PathBuf>,
}
