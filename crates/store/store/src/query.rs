//! What a query sees of an identity, and what it yields.

use roadstead_model::{DeviceAuth, DeviceStatus, DisconnectReason, Thumbprint, UnixMillis};
use roadstead_query::{Expr, Query, Select, eval};
use serde_json::{Map, Value, json};

use crate::{
    error::StoreError,
    records::{IdentityRecord, Page},
};

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryRow {
    /// Of `SELECT *`.
    Identity(Box<IdentityRecord>),
    /// Of anything else: an object.
    Values(Value),
}

/// An identity as the query language names it: a twin in the shape the service API shows.
/// Source: `reference/hub-service.md` 1.7, 1.11 (roots)
pub fn document(record: &IdentityRecord) -> Value {
    let IdentityRecord { device, module, twin, presence, queued } = record;
    let auth = module.as_ref().map_or(&device.auth, |module| &module.auth);
    let etag = module.as_ref().map_or(&device.etag, |module| &module.etag);
    let never = || UnixMillis::NEVER.to_owned();
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
    put("deviceId", device.id.as_str().into());
    if let Some(module) = module {
        put("moduleId", module.id.as_str().into());
    }
    put("etag", twin.etag.as_str().into());
    put("deviceEtag", etag.as_str().into());
    put("status", status(device.status).into());
    put("statusReason", device.status_reason.clone().into());
    let status_updated = Some(device.status_updated).filter(|at| at.0 != 0);
    put("statusUpdateTime", status_updated.map_or_else(never, UnixMillis::iso).into());
    put("connectionState", connection_state(presence.connected).into());
    put("disconnectReason", presence.reason.map(DisconnectReason::as_str).into());
    put("lastActivityTime", presence.last_activity.map_or_else(never, UnixMillis::iso).into());
    put("cloudToDeviceMessageCount", (*queued).into());
    put("authenticationType", authentication_type(auth).into());
    put("x509Thumbprint", thumbprints(auth));
    put("modelId", presence.model_id.clone().unwrap_or_default().into());
    put("version", twin.version.into());
    put("tags", twin.tags.clone().into());
    let section = |section: &roadstead_model::TwinSection| {
        let mut shown = section.value.clone();
        shown.insert("$metadata".to_owned(), section.metadata.clone().into());
        shown.insert("$version".to_owned(), section.version.into());
        shown
    };
    put("properties", json!({"desired": section(&twin.desired), "reported": section(&twin.reported)}));
    put("capabilities", json!({"iotEdge": device.iot_edge && module.is_none()}));
    put("configurations", json!({}));
    if let Some(scope) = &device.scope {
        put("deviceScope", scope.as_str().into());
    }
    if !device.parent_scopes.is_empty() {
        put("parentScopes", device.parent_scopes.clone().into());
    }
    document.into()
}

/// `enabled`, `disabled`
pub fn status(status: DeviceStatus) -> &'static str {
    match status {
        DeviceStatus::Enabled => "enabled",
        DeviceStatus::Disabled => "disabled",
    }
}

/// `Connected`, `Disconnected`
pub fn connection_state(connected: bool) -> &'static str {
    if connected { "Connected" } else { "Disconnected" }
}

fn authentication_type(auth: &DeviceAuth) -> &'static str {
    match auth {
        DeviceAuth::Sas { .. } => "sas",
        DeviceAuth::Thumbprints { .. } => "selfSigned",
        DeviceAuth::CertificateAuthority { .. } => "certificateAuthority",
        DeviceAuth::None => "none",
    }
}

fn thumbprints(auth: &DeviceAuth) -> Value {
    let text = |thumbprint: &Option<Thumbprint>| thumbprint.as_ref().map(Thumbprint::as_str).map(str::to_owned);
    let (primary, secondary) = match auth {
        DeviceAuth::Thumbprints { primary, secondary } => (text(primary), text(secondary)),
        _ => (None, None),
    };
    json!({"primaryThumbprint": primary, "secondaryThumbprint": secondary})
}

/// Answers a query without aggregates out of candidates in the order of their keys: all that meet its condition, as far as
/// `unchecked` may still say no. At most `budget` are looked at; a page may therefore be short, or empty with a next one.
pub fn page_of<'r>(
    query: &Query,
    unchecked: Option<&Expr>,
    records: impl IntoIterator<Item = Result<IdentityRecord, StoreError>> + 'r,
    limit: usize,
    budget: usize,
) -> Result<Page<QueryRow>, StoreError> {
    let columns = query.select.named();
    let mut page = Page { items: Vec::new(), next: None };
    let mut last = None;
    for (looked_at, record) in records.into_iter().enumerate() {
        if page.items.len() >= limit || looked_at >= budget {
            page.next = last;
            break;
        }
        let record = record?;
        last = Some(record.id().to_string());
        let document = match (&query.select, unchecked) {
            (Select::All, None) => None,
            _ => Some(document(&record)),
        };
        let meets = |document| unchecked.is_none_or(|condition| eval::selects(condition, document));
        if !document.as_ref().is_none_or(meets) {
            continue;
        }
        page.items.push(match (&query.select, document) {
            (Select::Elements(_), Some(document)) => QueryRow::Values(eval::project(&columns, &document)),
            _ => QueryRow::Identity(Box::new(record)),
        });
    }
    Ok(page)
}
