//! `roadstead import` and `roadstead export`: from Azure to here, from here to there, and back.
//!
//! `identity` is a device or module apart from any format; `state` and `lines` are the two formats of a hub. `hub_import`
//! compares what a file says with what the hub has and writes what differs, so that an import that broke off is finished by
//! doing it again, and a dry run is the comparison alone.

mod certificates;
mod comparison;
mod dps_export;
mod dps_import;
mod hub_export;
mod hub_import;
mod identity;
mod lines;
mod report;
mod state;
mod target_file;

use crate::args::Global;
use crate::args::hub::{StateExport, StateFile};
use crate::args::transfer::{ExportCommand, ExportHub, HubFormat, ImportCommand, ImportHub};
use crate::failure::Failure;
use crate::output::Printed;

/// Requests under way at the same time.
const REQUESTS_MAX: usize = 16;

pub async fn import(command: &ImportCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        ImportCommand::Hub(import) => hub_import::run(import, global).await,
        ImportCommand::Dps(import) => dps_import::run(import, global).await,
    }
}

pub async fn export(command: &ExportCommand, global: &Global) -> Result<Printed, Failure> {
    match command {
        ExportCommand::Hub(export) => hub_export::run(export, global).await,
        ExportCommand::Dps(export) => dps_export::run(export, global).await,
    }
}

/// `roadstead iot hub state export`
pub async fn export_state(state: &StateExport, global: &Global) -> Result<Printed, Failure> {
    let StateFile { path, hub, .. } = &state.file;
    if !state.replace && path.exists() {
        return Err(Failure::error(format!("{} is there already", path.display()))
            .hint("name another file, or say `--replace`"));
    }
    let export = ExportHub { file: path.clone(), hub: hub.clone(), format: HubFormat::State };
    hub_export::run(&export, global).await
}

/// `roadstead iot hub state import`
pub async fn import_state(state: &StateFile, global: &Global) -> Result<Printed, Failure> {
    let import = ImportHub { file: state.path.clone(), hub: state.hub.clone(), dry_run: false };
    hub_import::run(&import, global).await
}

/// The whole text of a file; what precedes it on Windows is no part of it.
fn read(path: &std::path::Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::error(format!("cannot read {}: {error}", path.display())))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
