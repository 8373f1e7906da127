//! The first page: what there is, and how much of it is connected.

use crate::call::{At, Call, Frame, href_below, text};
use crate::certificate_end::End;
use crate::chart::Chart;
use crate::fault::Fault;
use crate::lag;
use crate::limits::{BEHIND_SHOWN_MAX, DISK_FREE_PERCENT_MIN, OVERVIEW_HUBS_MAX, RATES_FRESH_MAX};
use crate::moment::Moment;
use crate::page::create;
use crate::rates;
use crate::reply::{self, Body};
use crate::resources::{list, resource};
use crate::rights::{Permission, Rights};
use crate::size;
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::{Disk, Kind, Management, Resource, ServiceError};
use serde_json::Value;

/// What is known of a hub's devices.
struct Figures {
    total: u64,
    disabled: u64,
    connected: u64,
    /// `None`: this hub does not count them.
    messages_today: Option<u64>,
}

struct HubRow {
    name: String,
    group: String,
    host: String,
    href: String,
    devices: String,
    /// `None`: who is signed in may not see them.
    figures: Option<Figures>,
}

struct DpsRow {
    name: String,
    group: String,
    id_scope: String,
    host: String,
    href: String,
    enrollments: String,
}

/// A CA certificate that is over, or soon will be.
struct Expiring {
    name: String,
    /// The hub or DPS instance.
    owner: String,
    href: String,
    until: Option<Moment>,
    end: End,
}

/// A consumer group that is far behind, or stands still.
struct Behind {
    hub: String,
    href: String,
    words: String,
    delivered: Option<Moment>,
}

/// The disk under the server.
#[derive(Debug, PartialEq, Eq)]
struct Room {
    words: String,
    is_short: bool,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    hubs: Vec<HubRow>,
    dps: Vec<DpsRow>,
    connected: u64,
    total: u64,
    /// Some hub's figures are not among these.
    is_partial: bool,
    /// `None` for whom it is not to be seen.
    disk: Option<Room>,
    behind: Vec<Behind>,
    expiring: Vec<Expiring>,
    /// Of all that may be seen.
    charts: Vec<Chart>,
    may_create: bool,
}

pub(crate) async fn show(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    let (hubs, dps) = (list(&management, Kind::Hub).await?, list(&management, Kind::Dps).await?);
    let measured: Vec<_> = (hubs.iter().take(OVERVIEW_HUBS_MAX).map(|hub| resource(Kind::Hub, hub)))
        .chain(dps.iter().take(OVERVIEW_HUBS_MAX).map(|dps| resource(Kind::Dps, dps)))
        .collect();
    let charts = charts(call, &management, &measured).await?;
    // Asked once, not for each.
    let roles = call.roles_everywhere(&management).await?;
    let everywhere = Rights::of(Kind::Hub, &roles);
    let (mut expiring, mut behind) = (Vec::new(), Vec::new());
    let mut rows = Vec::new();
    for (at, hub) in hubs.iter().enumerate() {
        let resource = resource(Kind::Hub, hub);
        let mut figures = None;
        if at < OVERVIEW_HUBS_MAX {
            let rights = if everywhere.data_read {
                everywhere
            } else {
                let roles: Vec<Permission> = management.list_permissions(Some(&resource)).await?;
                Rights::of(Kind::Hub, &roles)
            };
            figures = self::figures(call, &management, &resource, hub, rights, &mut behind).await?;
            expiring.extend(self::expiring(call, &management, &resource).await?);
        }
        rows.push(HubRow {
            href: href_below(&resource, &[]),
            devices: href_below(&resource, &["devices"]),
            host: text(hub, "/properties/hostName").to_owned(),
            name: resource.name,
            group: resource.group,
            figures,
        });
    }
    for dps in dps.iter().take(OVERVIEW_HUBS_MAX) {
        expiring.extend(self::expiring(call, &management, &resource(Kind::Dps, dps)).await?);
    }
    expiring.sort_by_key(|one: &Expiring| one.until.as_ref().map(|until| until.iso.clone()));
    let dps = dps.iter().map(|dps| {
        let resource = resource(Kind::Dps, dps);
        DpsRow {
            href: href_below(&resource, &[]),
            enrollments: href_below(&resource, &["enrollments"]),
            id_scope: text(dps, "/properties/idScope").to_owned(),
            host: text(dps, "/properties/deviceProvisioningHostName").to_owned(),
            name: resource.name,
            group: resource.group,
        }
    });
    let known = || rows.iter().filter_map(|row| row.figures.as_ref());
    let page = Page {
        frame: call.frame("Overview", "overview", Vec::new()),
        connected: known().map(|figures| figures.connected).sum(),
        total: known().map(|figures| figures.total).sum(),
        charts,
        may_create: create::is_possible(call, &management, &roles).await?,
        disk: disk(&management).await?,
        behind,
        expiring,
        is_partial: rows.iter().any(|row| row.figures.is_none()),
        dps: dps.collect(),
        hubs: rows,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

/// Its CA certificates that are over or soon will be; none for whom they are not to be seen.
async fn expiring(call: &Call<'_>, management: &Management, owner: &Resource) -> Result<Vec<Expiring>, Fault> {
    let found: Vec<Value> = match management.list_certificates(owner).await {
        Ok(found) => found,
        Err(error) if error.status() == Some(403) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let row = |one: &Value| {
        let (name, until) = (text(one, "/name"), Moment::parse(text(one, "/properties/expiry"))?);
        let end = End::of(Some(&until), call.now());
        (end != End::Far).then(|| Expiring {
            href: href_below(owner, &["certificates", name]),
            name: name.to_owned(),
            owner: owner.name.clone(),
            end,
            until: Some(until),
        })
    };
    Ok(found.iter().filter_map(row).collect())
}

/// The lines of the last hour. Those of many resources cost more than all else on the page, and change but slowly.
async fn charts(call: &Call<'_>, management: &Management, of: &[Resource]) -> Result<Vec<Chart>, Fault> {
    let kept = if of.len() > RATES_FRESH_MAX { call.session.lines.get(call.now()) } else { None };
    if let Some(charts) = kept {
        return Ok(charts);
    }
    let charts = rates::charts(management, of, call.now()).await?;
    call.session.lines.set(charts.clone(), call.now());
    Ok(charts)
}

async fn figures(
    call: &Call<'_>,
    management: &Management,
    resource: &Resource,
    shown: &Value,
    rights: Rights,
    behind: &mut Vec<Behind>,
) -> Result<Option<Figures>, Fault> {
    if !rights.data_read {
        return Ok(None);
    }
    let host = text(shown, "/properties/hostName").to_owned();
    let at = At { resource: resource.clone(), host, shown: Value::Null, rights };
    let hub = call.hub(&at).await?;
    let (devices, service): (Value, Value) = (hub.device_statistics().await?, hub.service_statistics().await?);
    let consumers = hub.consumers().await?;
    let trouble = consumers.consumer_groups.iter().filter_map(|group| {
        let words = lag::trouble(group, call.now())?;
        Some(Behind {
            hub: resource.name.clone(),
            href: at.href(&[]),
            words,
            delivered: lag::Reading::of(group).delivered,
        })
    });
    behind.extend(trouble.take(BEHIND_SHOWN_MAX - behind.len().min(BEHIND_SHOWN_MAX)));
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
    // A Reader of data alone may not ask for the quota.
    let quota: Vec<Value> = management.list_quota(resource).await.unwrap_or_default();
    let today = quota.iter().find(|metric| text(metric, "/name") == "TotalMessages");
    Ok(Some(Figures {
        total: number(&devices, "totalDeviceCount"),
        disabled: number(&devices, "disabledDeviceCount"),
        connected: number(&service, "connectedDeviceCount"),
        messages_today: today.map(|metric| number(metric, "currentValue")),
    }))
}

async fn disk(management: &Management) -> Result<Option<Room>, Fault> {
    match management.disk().await {
        Ok(disk) => Ok(disk.map(|disk| room(&disk))),
        Err(error) if error.status() == Some(403) => Ok(None),
        Err(ServiceError::Unseen { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `Disk: 1.2 GB used by Roadstead, 36 GB free.`
fn room(disk: &Disk) -> Room {
    let used = format!("Disk: {} used by Roadstead", size::words(disk.used_bytes()));
    let (Some(free), Some(total)) = (disk.free_bytes, disk.total_bytes) else {
        return Room { words: format!("{used}."), is_short: false };
    };
    let (left, whole) = (size::words(free), size::words(total));
    if free >= total / 100 * DISK_FREE_PERCENT_MIN {
        return Room { words: format!("{used}, {left} free."), is_short: false };
    }
    let words = format!(
        "{used}, {left} free. That is less than {DISK_FREE_PERCENT_MIN} percent of {whole}: when the disk is full, messages of devices \
         are refused. Make room, or keep messages for fewer days."
    );
    Room { words, is_short: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_with_little_room_is_warned_of() {
        let disk = |free, total| Disk {
            database_bytes: 200_000_000,
            event_bytes: 900_000_000,
            file_bytes: Some(100_000_000),
            free_bytes: free,
            total_bytes: total,
        };
        for (free, total, words, is_short) in [
            (Some(36_000_000_000), Some(80_000_000_000), "Disk: 1.2 GB used by Roadstead, 36 GB free.", false),
            (Some(8_000_000_000), Some(80_000_000_000), "Disk: 1.2 GB used by Roadstead, 8.0 GB free.", false),
            (Some(7_900_000_000), Some(80_000_000_000), "less than 10 percent of 80 GB", true),
            (Some(0), Some(80_000_000_000), "0 B free. That is less", true),
            (None, None, "Disk: 1.2 GB used by Roadstead.", false),
        ] {
            let room = room(&disk(free, total));
            assert!(room.words.contains(words), "{}", room.words);
            assert_eq!(room.is_short, is_short, "{}", room.words);
        }
    }
}
