//! `roadstead man`: the help of each command as a page of the manual.

use crate::args::Cli;
use crate::args::shell::Man;
use crate::failure::Failure;
use clap::{Command, CommandFactory};
use clap_mangen::roff::{Roff, bold, italic, roman};
use std::path::Path;

const SECTION: &str = "1";
/// What roff takes for an empty word: without any, the words that follow would move up.
const NO_DATE: &str = "\"\"";

/// How any command ends. Source: `failure::Exit`
const EXITS: [(&str, &str); 4] = [
    ("0", "It did what it was asked."),
    ("1", "It did not work."),
    ("2", "It was typed wrongly."),
    ("3", "What it is about is not there."),
];

/// What any command that speaks to a server heeds. Source: `context`
const VARIABLES: [(&str, &str); 3] = [
    ("ROADSTEAD_DATA_DIR", "Directory that holds the context.toml of the server, as --data-dir."),
    (
        "ROADSTEAD_ENDPOINT",
        "Address of the server, such as https://localhost:8443, in place of a context.toml. ROADSTEAD_CLIENT_ID, \
         ROADSTEAD_CLIENT_SECRET, ROADSTEAD_TENANT_ID and ROADSTEAD_CA_FILE say the rest.",
    ),
    ("ROADSTEAD_CA_FILE", "File of the CAs to trust; all that is needed beside a connection string."),
];

/// Writes all pages, or prints the first.
pub fn run(man: &Man) -> Result<String, Failure> {
    let pages = pages();
    let Some(dir) = &man.dir else { return Ok(pages.into_iter().next().map(|page| page.text).unwrap_or_default()) };
    let refused =
        |path: &Path, error: std::io::Error| Failure::error(format!("cannot write {}: {error}", path.display()));
    std::fs::create_dir_all(dir).map_err(|error| refused(dir, error))?;
    for page in &pages {
        let path = dir.join(&page.file);
        std::fs::write(&path, &page.text).map_err(|error| refused(&path, error))?;
    }
    Ok(format!("{} pages in {}\n", pages.len(), dir.display()))
}

/// A page of the manual.
struct Page {
    /// `roadstead-iot-hub.1`
    file: String,
    text: String,
}

/// The page of `roadstead`, then those of all commands below.
fn pages() -> Vec<Page> {
    fn add(command: &Command, above: Option<&str>, pages: &mut Vec<Page>) {
        pages.push(Page { file: format!("{}.{SECTION}", name(command)), text: page(command, above) });
        for below in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            add(below, Some(name(command)), pages);
        }
    }
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&command, None, &mut pages);
    pages
}

/// `roadstead-iot-hub`
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command, above: Option<&str>) -> String {
    let source = format!("Roadstead {}", env!("CARGO_PKG_VERSION"));
    let man = clap_mangen::Man::new(command.clone())
        .title(name(command).to_uppercase())
        .section(SECTION)
        .date(NO_DATE)
        .source(source)
        .manual("Roadstead Manual");
    let mut text = Vec::new();
    let written = man
        .render_title(&mut text)
        .and_then(|()| man.render_name_section(&mut text))
        .and_then(|()| synopsis(command).to_writer(&mut text))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| if command.has_subcommands() { man.render_subcommands_section(&mut text) } else { Ok(()) })
        .and_then(|()| man.render_options_section(&mut text))
        .and_then(|()| rest(command, above).to_writer(&mut text));
    written.expect("memory takes what is written");
    String::from_utf8_lossy(&text).into_owned()
}

/// As `--help` words it, which is shorter than a list of all options. From here on no word is broken, as options would be, too.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let typed = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let line = usage.trim_start_matches("Usage:").trim();
    let words = line.strip_prefix(typed).unwrap_or(line);
    let mut roff = Roff::new();
    roff.control("nh", []);
    roff.control("ad", ["l"]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold(typed), roman(words)]);
    roff
}

fn rest(command: &Command, above: Option<&str>) -> Roff {
    let mut roff = Roff::new();
    if let Some(help) = command.get_after_help() {
        examples(&mut roff, &help.to_string());
    }
    if let Some(above) = above {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold(above), roman(format!("({SECTION})"))]);
    } else {
        table(&mut roff, "EXIT STATUS", &EXITS);
        table(&mut roff, "ENVIRONMENT", &VARIABLES);
    }
    roff
}

/// `Example: …`, or `Examples: …` with one on each line. What follows an empty line is no example.
fn examples(roff: &mut Roff, help: &str) {
    let (examples, remark) = help.split_once("\n\n").unwrap_or((help, ""));
    let (heading, lines) = examples.split_once(": ").unwrap_or(("Examples", examples));
    roff.control("SH", [if heading == "Example" { "EXAMPLE" } else { "EXAMPLES" }]);
    roff.control("nf", []);
    for line in lines.lines() {
        roff.text([roman(line.trim())]);
    }
    roff.control("fi", []);
    if !remark.is_empty() {
        roff.control("PP", []);
        roff.text([roman(remark)]);
    }
}

fn table(roff: &mut Roff, heading: &str, rows: &[(&str, &str)]) {
    roff.control("SH", [heading]);
    for (word, meaning) in rows {
        roff.control("TP", []);
        roff.text([italic(*word)]);
        roff.text([roman(*meaning)]);
    }
}
