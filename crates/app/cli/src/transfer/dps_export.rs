//! `roadstead export dps`: a list of enrollments and enrollment groups as the service prints them, with keys and certificates.

use super::target_file::TargetFile;
use crate::args::Global;
use crate::args::transfer::ExportDps;
use crate::failure::Failure;
use crate::iot::lookup::{provisioning, text};
use crate::output::Printed;
use crate::progress;
use roadstead_service::EnrollmentKind;
use serde_json::{Value, json};

pub async fn run(args: &ExportDps, global: &Global) -> Result<Printed, Failure> {
    let dps = provisioning(&args.dps, global).await?;
    let individuals: Vec<Value> = dps.list(EnrollmentKind::Individual, None).await?;
    let groups: Vec<Value> = dps.list(EnrollmentKind::Group, None).await?;
    let counts = (individuals.len(), groups.len());
    let bar = progress::bar((counts.0 + counts.1) as u64, "enrollments", global);
    let kinds = [
        (EnrollmentKind::Individual, "/registrationId", individuals),
        (EnrollmentKind::Group, "/enrollmentGroupId", groups),
    ];
    let mut file = TargetFile::begin(&args.file)?;
    let mut mark = "[\n";
    for (kind, id, enrollments) in kinds {
        for mut enrollment in enrollments {
            let shown: Option<Value> = dps.find_attestation(kind, text(&enrollment, id)).await?;
            bar.inc(1);
            // Deleted since it was listed.
            let Some(attestation) = shown else { continue };
            enrollment["attestation"] = attestation;
            file.write(&format!("{mark}{enrollment}"))?;
            mark = ",\n";
        }
    }
    file.write(if mark == "[\n" { "[]\n" } else { "\n]\n" })?;
    file.finish()?;
    bar.finish_and_clear();
    let path = args.file.display().to_string();
    Ok(json!({"file": path, "enrollments": counts.0, "enrollmentGroups": counts.1}).into())
}
