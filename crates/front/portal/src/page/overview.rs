//! The first page: what there is, and how much of it is connected.

use crate::call::{At, Call, Frame, href, text};
use crate::chart::Chart;
use crate::fault::Fault;
use crate::limits::{EXPIRY_NOTICE_DAYS, OVERVIEW_HUBS_MAX};
use crate::moment::Moment;
use crate::rates;
use crate::reply::{self, Body};
use crate::rights::{Permission, Rights};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::{Kind, Management, Resource, ServiceError};
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
}

/// A CA certificate that is over, or soon will be.
struct Expiring {
    name: String,
    /// The hub or DPS instance.
    owner: String,
    href: String,
    until: Option<Moment>,
    is_over: bool,
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
    expiring: Vec<Expiring>,
    /// Of all that may be seen.
    charts: Vec<Chart>,
}

pub(crate) async fn show(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let management = call.management().await?;
    let (hubs, dps) = (list(&management, Kind::Hub).await?, list(&management, Kind::Dps).await?);
    let measured: Vec<_> = (hubs.iter().take(OVERVIEW_HUBS_MAX).map(|hub| resource(Kind::Hub, hub)))
        .chain(dps.iter().take(OVERVIEW_HUBS_MAX).map(|dps| resource(Kind::Dps, dps)))
        .collect();
    let charts = rates::charts(&management, &measured, call.now()).await?;
    let mut expiring = Vec::new();
    let mut rows = Vec::new();
    for (at, hub) in hubs.iter().enumerate() {
        let resource = resource(Kind::Hub, hub);
        let mut figures = None;
        if at < OVERVIEW_HUBS_MAX {
            figures = self::figures(call, &management, &resource, hub).await?;
            expiring.extend(self::expiring(call, &management, &resource).await?);
        }
        rows.push(HubRow {
            href: href(&["hubs", &resource.group, &resource.name]),
            devices: href(&["hubs", &resource.group, &resource.name, "devices"]),
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
            href: href(&["dps", &resource.group, &resource.name, "enrollments"]),
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
        expiring,
        is_partial: rows.iter().any(|row| row.figures.is_none()),
        dps: dps.collect(),
        hubs: rows,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

/// What there is of a kind; nothing for whom there is nothing to be seen.
pub(crate) async fn list(management: &Management, kind: Kind) -> Result<Vec<Value>, Fault> {
    match management.list(kind, None).await {
        Ok(found) => Ok(found),
        Err(error) if error.status() == Some(403) => Ok(Vec::new()),
        // Nobody's role lets the subscription be seen.
        Err(ServiceError::Odd { cause, .. }) if cause.contains("no subscription") => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The group is in the id only: `/subscriptions/S/resourceGroups/G/providers/…`.
pub(crate) fn resource(kind: Kind, shown: &Value) -> Resource {
    let group = text(shown, "/id").split('/').nth(4).unwrap_or_default().to_owned();
    Resource { kind, group, name: text(shown, "/name").to_owned() }
}

/// Its CA certificates that are over or soon will be; none for whom they are not to be seen.
async fn expiring(call: &Call<'_>, management: &Management, owner: &Resource) -> Result<Vec<Expiring>, Fault> {
    let found: Vec<Value> = match management.list_certificates(owner).await {
        Ok(found) => found,
        Err(error) if error.status() == Some(403) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let (now, soon) = (call.now().iso(), call.now().plus_ms(EXPIRY_NOTICE_DAYS * 24 * 60 * 60 * 1000).iso());
    let kind = if owner.kind == Kind::Hub { "hubs" } else { "dps" };
    let row = |one: &Value| {
        let (name, until) = (text(one, "/name"), Moment::parse(text(one, "/properties/expiry"))?);
        (until.iso < soon).then(|| Expiring {
            href: href(&[kind, &owner.group, &owner.name, "certificates", name]),
            name: name.to_owned(),
            owner: owner.name.clone(),
            is_over: until.iso < now,
            until: Some(until),
        })
    };
    Ok(found.iter().filter_map(row).collect())
}

async fn figures(
    call: &Call<'_>,
    management: &Management,
    resource: &Resource,
    shown: &Value,
) -> Result<Option<Figures>, Fault> {
    let roles: Vec<Permission> = management.list_permissions(Some(resource)).await?;
    let rights = Rights::of(Kind::Hub, &roles);
    if !rights.data_read {
        return Ok(None);
    }
    let host = text(shown, "/properties/hostName").to_owned();
    let at = At { resource: resource.clone(), host, shown: Value::Null, rights };
    let hub = call.hub(&at).await?;
    let (devices, service): (Value, Value) = (hub.device_statistics().await?, hub.service_statistics().await?);
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
