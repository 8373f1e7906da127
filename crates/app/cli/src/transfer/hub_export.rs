//! `roadstead export hub`

use super::identity::{Identity, authentication, parent, section};
use super::report::{Outcome, Report};
use super::target_file::TargetFile;
use super::{REQUESTS_MAX, lines, state};
use crate::args::Global;
use crate::args::transfer::{ExportHub, HubFormat};
use crate::failure::Failure;
use crate::iot::lookup::{hub_service, text};
use crate::note::note;
use crate::output::Printed;
use crate::progress;
use roadstead_service::{HubService, ServiceError};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const ALL: &str = "select * from devices";
/// Devices of one page: with their modules, what is held at one time.
const PAGE: usize = 200;

pub async fn run(args: &ExportHub, global: &Global) -> Result<Printed, Failure> {
    let hub = hub_service(&args.hub, global).await?;
    let counted: Value = hub.device_statistics().await?;
    let bar = progress::bar(counted["totalDeviceCount"].as_u64().unwrap_or_default(), "devices", global);
    let mut file = Written { file: TargetFile::begin(&args.file)?, format: args.format, devices: 0, modules: 0 };
    let mut report = Report::new(false, &[]);
    file.begin()?;
    let mut continuation: Option<String> = None;
    loop {
        let (twins, next) = hub.query_page::<Value>(ALL, PAGE, continuation.as_deref()).await?;
        let count = twins.len();
        for (device, modules) in find_all(&hub, twins, &mut report).await? {
            file.add(&device, &modules)?;
        }
        bar.inc(count as u64);
        if next.is_none() {
            break;
        }
        continuation = next;
    }
    bar.finish_and_clear();
    let (devices, modules) = (file.devices, file.modules);
    file.end()?;
    if report.left_out() > 0 {
        note(
            global,
            &format!("warning: {} things could not be read; `notTaken` says which and why", report.left_out()),
        );
    }
    let left: Value = report.into();
    let path = args.file.display().to_string();
    Ok(json!({"file": path, "devices": devices, "modules": modules, "notTaken": left["notTaken"]}).into())
}

/// A file and how far it is.
struct Written {
    file: TargetFile,
    format: HubFormat,
    devices: u64,
    modules: u64,
}

impl Written {
    fn begin(&mut self) -> Result<(), Failure> {
        match self.format {
            HubFormat::State => self.file.write(
                "{\n    \"configurations\": {\"admConfigurations\": {}, \"edgeDeployments\": {}},\n    \"devices\": {",
            ),
            HubFormat::Devices => Ok(()),
        }
    }

    fn add(&mut self, device: &Identity, modules: &[Identity]) -> Result<(), Failure> {
        match self.format {
            HubFormat::State => {
                let comma = if self.devices == 0 { "" } else { "," };
                let name = Value::from(device.device.as_str());
                self.file.write(&format!("{comma}\n        {name}: {}", state::write(device, modules)))?;
            }
            HubFormat::Devices => {
                for identity in std::iter::once(device).chain(modules) {
                    self.file.write(&(lines::write(identity) + "\n"))?;
                }
            }
        }
        self.devices += 1;
        self.modules += modules.len() as u64;
        Ok(())
    }

    fn end(mut self) -> Result<(), Failure> {
        if self.format == HubFormat::State {
            self.file.write("\n    }\n}\n")?;
        }
        self.file.finish()
    }
}

/// Each device of a page with its modules, in the order of the page.
async fn find_all(
    hub: &HubService,
    twins: Vec<Value>,
    report: &mut Report,
) -> Result<Vec<(Identity, Vec<Identity>)>, Failure> {
    let places = Arc::new(Semaphore::new(REQUESTS_MAX));
    let mut running = JoinSet::new();
    for (at, twin) in twins.into_iter().enumerate() {
        let (hub, places) = (hub.clone(), places.clone());
        running.spawn(async move {
            let _place = places.acquire().await;
            (at, find_one(&hub, &twin).await)
        });
    }
    let mut found = Vec::new();
    while let Some(finished) = running.join_next().await {
        let (at, read) = finished.map_err(|error| Failure::error(format!("a request was cut short: {error}")))?;
        let Read { device, modules, left } = read?;
        for (what, why) in left {
            report.add("devices", &what, Outcome::NotTaken(why));
        }
        found.extend(device.map(|device| (at, (device, modules))));
    }
    found.sort_by_key(|(at, _)| *at);
    Ok(found.into_iter().map(|(_, read)| read).collect())
}

/// What was read of one device.
#[derive(Default)]
struct Read {
    device: Option<Identity>,
    modules: Vec<Identity>,
    left: Vec<(String, String)>,
}

async fn find_one(hub: &HubService, twin: &Value) -> Result<Read, ServiceError> {
    let id = text(twin, "/deviceId");
    // Deleted since the page was made.
    let Some(document) = hub.find_device::<Value>(id).await? else { return Ok(Read::default()) };
    let mut read = Read::default();
    let blank = Identity { device: id.to_owned(), ..Identity::default() };
    match authentication(&document["authentication"]) {
        Ok(authentication) => {
            let word = |member: &str| document.get(member).and_then(Value::as_str).map(str::to_owned);
            let identity = Identity {
                status: word("status"),
                status_reason: word("statusReason"),
                authentication,
                iot_edge: Some(document.pointer("/capabilities/iotEdge") == Some(&Value::Bool(true))),
                parent: parent(id, &document),
                ..blank.clone()
            };
            read.device = Some(with_twin(identity, twin));
        }
        Err(why) => {
            read.left.push((blank.shown(), why));
            return Ok(read);
        }
    }
    for listed in hub.list_modules::<Value>(id).await? {
        let module = text(&listed, "/moduleId");
        let Some(twin) = hub.find_twin::<Value>(id, Some(module)).await? else { continue };
        // Azure lists modules without their keys.
        let document = match authentication(&listed["authentication"]) {
            Ok(_) => Some(listed.clone()),
            Err(_) => hub.find_module(id, module).await?,
        };
        let Some(document) = document else { continue };
        let manager = text(&document, "/managedBy");
        let identity = Identity {
            module: Some(module.to_owned()),
            managed_by: Some(manager.to_owned()).filter(|manager| !manager.is_empty()),
            ..blank.clone()
        };
        match authentication(&document["authentication"]) {
            Ok(authentication) => read.modules.push(with_twin(Identity { authentication, ..identity }, &twin)),
            Err(why) => read.left.push((identity.shown(), why)),
        }
    }
    Ok(read)
}

fn with_twin(identity: Identity, twin: &Value) -> Identity {
    Identity {
        tags: Some(section(twin.get("tags")).unwrap_or_default()),
        desired: section(twin.pointer("/properties/desired")),
        reported: section(twin.pointer("/properties/reported")),
        ..identity
    }
}
