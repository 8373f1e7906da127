//! `roadstead audit`

use crate::args::Global;
use crate::args::access::Audit;
use crate::context::Server;
use crate::failure::Failure;
use crate::output::Printed;

const TABLE: &str = "[].{Time:eventTimestamp, Caller:caller, From:httpRequest.clientIpAddress, \
    Operation:operationName.value, Status:status.value, Result:subStatus.value, Resource:resourceId}";

pub async fn run(audit: &Audit, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    let parts = [
        audit.start_time.as_ref().map(|time| format!("eventTimestamp ge '{time}'")),
        audit.end_time.as_ref().map(|time| format!("eventTimestamp le '{time}'")),
        audit.resource_group.as_ref().map(|group| format!("resourceGroupName eq '{group}'")),
    ];
    let filter = parts.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    // The server does not choose by caller: all lines in the time are looked at then.
    let events_max = if audit.caller.is_some() { usize::MAX } else { audit.max_events };
    let mut lines = management.list_audit(&filter, events_max).await?;
    if let Some(caller) = &audit.caller {
        lines.retain(|line| line["caller"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(caller)));
        lines.truncate(audit.max_events);
    }
    Ok(Printed::from(lines).table(TABLE))
}
