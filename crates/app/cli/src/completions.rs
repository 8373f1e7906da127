//! `roadstead completions`

mod fish;

use crate::args::Cli;
use crate::args::shell::Shell;
use clap::CommandFactory;
use clap_complete::shells;

/// What the shell is to read, in its own language.
pub fn script(shell: Shell) -> String {
    // `help` would repeat all that is there below itself.
    let mut command = Cli::command().disable_help_subcommand(true);
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    match shell {
        Shell::Bash => clap_complete::generate(shells::Bash, &mut command, name, &mut script),
        Shell::Zsh => clap_complete::generate(shells::Zsh, &mut command, name, &mut script),
        Shell::Fish => {
            command.build();
            return fish::script(&command);
        }
    }
    String::from_utf8_lossy(&script).into_owned()
}
