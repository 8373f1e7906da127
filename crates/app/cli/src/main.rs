//! The `roadstead` binary: what is typed, and what is printed.
//!
//! `args` says what can be typed, one file below `iot` per noun of `az iot`; `completions` and `manual` tell it to shells and
//! `man`; `transfer` moves what others exported; `context` finds the server, `output` prints
//! the result, `failure` what went wrong. Everything it does to a running server goes through the public APIs.

mod access;
mod args;
mod ca;
mod clock;
mod completions;
mod context;
mod deletion;
mod failure;
mod group;
mod iot;
mod manual;
mod metrics;
mod note;
mod output;
mod progress;
mod query;
mod run;
mod shell;
mod transfer;
mod why;

use args::{Cli, Command};
use clap::Parser;
use failure::Failure;
use output::Printed;
use query::Query;
use roadstead_model::Clock;
use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let begun = Instant::now();
    let cli = Cli::parse();
    match run(&cli, begun) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.exit()
        }
    }
}

fn run(cli: &Cli, begun: Instant) -> Result<(), Failure> {
    let data_dir = cli.global.data_dir.as_deref();
    match &cli.command {
        Command::Dev(args) => run::dev::run(args, data_dir, begun),
        Command::Serve(args) => run::serve::run(args),
        Command::Init(args) => say(&run::init::run(args, data_dir)?),
        Command::Env => say(&block_on(run::env::run(&cli.global))??),
        Command::AzSetup => say(&run::az_setup::run(&cli.global)?),
        Command::Simulate(args) => say(&format!("{}\n", block_on(run::simulate::run(args, &cli.global))??)),
        Command::Hosts(args) => say(&block_on(run::hosts::run(args, &cli.global))??),
        Command::Doctor(args) => say(&block_on(run::doctor::run(args, &cli.global))??),
        Command::Ca(command) => ca::run(command, clock::MachineClock.now(), &cli.global),
        Command::Group(command) => print(cli, group::run(command, &cli.global)),
        Command::User(command) => print(cli, access::user::run(command, &cli.global)),
        Command::ServicePrincipal(command) => print(cli, access::service_principal::run(command, &cli.global)),
        Command::Role(command) => print(cli, access::role::run(command, &cli.global)),
        Command::Audit(audit) => print(cli, access::audit::run(audit, &cli.global)),
        Command::Metrics(asked) => print(cli, metrics::run(asked, &cli.global)),
        Command::Why(args) => why::run(cli, &args.id),
        Command::Iot(command) => print(cli, iot::run(command, &cli.global)),
        Command::Import(command) => print(cli, transfer::import(command, &cli.global)),
        Command::Export(command) => print(cli, transfer::export(command, &cli.global)),
        Command::Completions(args) => say(&completions::script(args.shell)),
        Command::Man(args) => say(&manual::run(args)?),
    }
}

/// Runs a command that speaks to a server and prints its result. A query that cannot be read is refused before.
fn print(cli: &Cli, command: impl Future<Output = Result<Printed, Failure>>) -> Result<(), Failure> {
    let query = cli.global.query.as_deref().map(Query::parse).transpose()?;
    if cli.global.debug {
        let filter = "roadstead=debug,roadstead_service=debug";
        let colour = failure::wants_colour(&std::io::stderr());
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_ansi(colour)
            .with_env_filter(filter)
            .without_time()
            .init();
    }
    block_on(command)??.print(cli.global.format(), query.as_ref())
}

fn block_on<T>(command: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    Ok(runtime.block_on(command))
}

/// Prints text that is no result to be formatted or queried.
fn say(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::error(format!("cannot print: {error}")))
}
