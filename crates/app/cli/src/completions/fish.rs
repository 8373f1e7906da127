//! The script for fish. That of `clap_complete` ends at the second command: after `iot hub create` it would go on as after `iot hub`.

use clap::{Arg, Command, ValueHint};
use std::fmt::Write;

/// Finds out which command has been typed so far; what is none, as options and their values, is passed over.
const BEGIN: &str = r#"
function __roadstead_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l typed
    for word in $words
        if contains -- "$typed$word" $__roadstead_commands
            set typed "$typed$word "
        end
    end
    test "$typed" = "$argv[1]"
end

complete -c roadstead -f
"#;

/// The script for a command that has been built.
pub fn script(command: &Command) -> String {
    let mut commands = Vec::new();
    let mut offers = String::new();
    add(command, "", &mut commands, &mut offers);
    format!("set -g __roadstead_commands {}\n{BEGIN}{offers}", commands.join(" "))
}

/// Writes what may follow `typed`, which is empty or ends with a blank, and all commands below.
fn add(command: &Command, typed: &str, commands: &mut Vec<String>, offers: &mut String) {
    let here =
        if typed.is_empty() { "__roadstead_at ''".to_owned() } else { format!("__roadstead_at {}", quoted(typed)) };
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let is_everywhere = arg.is_global_set() || ["help", "version"].contains(&arg.get_id().as_str());
        if is_everywhere && typed.is_empty() {
            offer(arg, None, offers);
        } else if !is_everywhere {
            offer(arg, Some(&here), offers);
        }
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let about = below.get_about().map(ToString::to_string).unwrap_or_default();
        for name in below.get_name_and_visible_aliases() {
            let (name, about) = (quoted(name), quoted(&about));
            line(offers, Some(&here), &format!("-a {name} -d {about}"));
        }
        for name in below.get_name_and_visible_aliases() {
            commands.push(quoted(&format!("{typed}{name}")));
            add(below, &format!("{typed}{name} "), commands, offers);
        }
    }
}

/// An option, or a value that stands alone.
fn offer(arg: &Arg, here: Option<&str>, offers: &mut String) {
    let mut words = String::new();
    for long in arg.get_long_and_visible_aliases().unwrap_or_default() {
        let _ = write!(words, "-l {long} ");
    }
    for short in arg.get_short_and_visible_aliases().unwrap_or_default() {
        let _ = write!(words, "-s {short} ");
    }
    let is_option = !words.is_empty();
    if is_option {
        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = write!(words, "-d {} ", quoted(&about));
    }
    let takes = arg.get_num_args().is_some_and(|count| count.takes_values());
    if is_option && takes {
        words.push_str("-r ");
    }
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if takes && !values.is_empty() {
        let _ = write!(words, "-a {}", quoted(&values.join(" ")));
    } else if takes && matches!(arg.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath) {
        words.push_str("-F");
    } else if !is_option {
        return;
    }
    line(offers, here, words.trim_end());
}

fn line(offers: &mut String, here: Option<&str>, words: &str) {
    let condition = here.map(|here| format!(" -n {}", quoted(here))).unwrap_or_default();
    let _ = writeln!(offers, "complete -c roadstead{condition} {words}");
}

/// Source: docs, fish language, quotes: within single quotes only `\` and `'` are escaped
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::value_parser;
    use std::path::PathBuf;

    #[test]
    fn what_may_follow_is_said_of_each_command() {
        let to = Arg::new("to").short('t').long("to").help("Where it's put").value_parser(value_parser!(PathBuf));
        let copy = Command::new("copy").about("Copy").arg(to).arg(Arg::new("how").value_parser(["fast", "slow"]));
        let debug = Arg::new("debug").long("debug").global(true).action(clap::ArgAction::SetTrue);
        let mut command = Command::new("roadstead").arg(debug).subcommand(Command::new("file").subcommand(copy));
        command = command.disable_help_subcommand(true).disable_help_flag(true);
        command.build();
        let script = script(&command).replace(BEGIN, "");
        insta::assert_snapshot!(script, @r"
        set -g __roadstead_commands 'file' 'file copy'
        complete -c roadstead -l debug -d ''
        complete -c roadstead -n '__roadstead_at \'\'' -a 'file' -d ''
        complete -c roadstead -n '__roadstead_at \'file \'' -a 'copy' -d 'Copy'
        complete -c roadstead -n '__roadstead_at \'file copy \'' -l to -s t -d 'Where it\'s put' -r -F
        complete -c roadstead -n '__roadstead_at \'file copy \'' -a 'fast slow'
        ");
    }
}
