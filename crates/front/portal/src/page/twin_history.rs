//! What back ends made of a twin, change by change, and the way back to any of it.

use crate::call::{At, Call, Frame};
use crate::difference::{Difference, differences};
use crate::fault::Fault;
use crate::moment::Moment;
use crate::page::twin::without_metadata;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::TwinVersion;
use serde_json::{Map, Value};

/// One change.
struct Version {
    number: i64,
    at: Option<Moment>,
    /// `the policy iothubowner`
    by: String,
    /// Whether whole sections were written in place of what was there.
    is_replacement: bool,
    changes: Vec<Difference>,
    /// Which sections nothing older is kept of: `tags`. All of them then counts as new.
    first: Vec<&'static str>,
    /// The edit page with these desired properties, if they were written and are other ones now.
    back: Option<String>,
}

/// Picks a section out of a version, if it was written.
type Section = fn(&TwinVersion) -> Option<Value>;

#[derive(Template)]
#[template(path = "twin-history.html")]
struct Page {
    frame: Frame,
    id: String,
    hub: String,
    device: String,
    versions: Vec<Version>,
    may_write: bool,
}

pub(crate) async fn show(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let absent = || Fault::Absent { what: "device", name: id.to_owned() };
    let hub = call.hub(at).await?;
    let twin: Value = hub.find_twin(id, None).await?.ok_or_else(absent)?;
    let kept = hub.twin_history(id, None, None).await?;
    let device = at.href(&["devices", id]);
    let edit = at.href(&["devices", id, "twin"]);
    let above = vec![
        (at.resource.name.clone(), at.href(&[])),
        ("Devices".to_owned(), at.href(&["devices"])),
        (id.to_owned(), device.clone()),
    ];
    let now = without_metadata(&twin["properties"]["desired"]);
    let page = Page {
        frame: call.frame("History of the twin", "hubs", above),
        id: id.to_owned(),
        hub: at.resource.name.clone(),
        device,
        versions: (0..kept.len()).map(|index| version(&kept[index..], &now, &edit)).collect(),
        may_write: at.rights.data_write,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

/// The desired properties of a version that is kept, for the edit page. Errors: `Absent`.
pub(crate) async fn desired_of(call: &Call<'_>, at: &At, id: &str, version: &str) -> Result<Value, Fault> {
    let kept = call.hub(at).await?.twin_history(id, None, None).await?;
    let found = kept.iter().find(|one| one.version.to_string() == version).and_then(desired);
    found.ok_or_else(|| Fault::Absent { what: "version of the desired properties", name: version.to_owned() })
}

/// The first of `kept`, which are newest first, against those after it.
fn version(kept: &[TwinVersion], now: &Value, edit: &str) -> Version {
    let (one, older) = (&kept[0], &kept[1..]);
    let (mut changes, mut first) = (Vec::new(), Vec::new());
    let sections: [(_, Section); 2] = [("tags", tags), ("desired", desired)];
    for (name, section) in sections {
        let Some(after) = section(one) else { continue };
        let before = older.iter().find_map(section);
        if before.is_none() {
            first.push(name);
        }
        changes.extend(differences(name, &before.unwrap_or_else(|| Map::new().into()), &after));
    }
    let by = match (one.actor.as_deref(), one.name.as_deref()) {
        (Some("policy"), Some(name)) => format!("the policy {name}"),
        (Some("principal"), Some(name)) => name.to_owned(),
        (Some("provisioning"), _) => "DPS".to_owned(),
        _ => String::new(),
    };
    Version {
        number: one.version,
        at: Moment::parse(&one.time),
        by,
        is_replacement: one.operation == "replace",
        changes,
        first,
        back: desired(one).filter(|desired| desired != now).map(|_| format!("{edit}?version={}", one.version)),
    }
}

fn tags(of: &TwinVersion) -> Option<Value> {
    of.tags.clone().map(Value::Object)
}

fn desired(of: &TwinVersion) -> Option<Value> {
    of.properties.as_ref().map(|properties| without_metadata(&Value::Object(properties.desired.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_version_is_told_against_the_one_before_that_wrote_the_section() {
        let of = |version: i64, sections: Value| -> TwinVersion {
            let mut one = json!({"version": version, "time": "2026-11-22T14:02:11Z", "operation": "patch", "actor": "policy", "name": "p"});
            one.as_object_mut().unwrap().extend(sections.as_object().unwrap().clone());
            serde_json::from_value(one).unwrap()
        };
        let desired = |hz: i64| json!({"properties": {"desired": {"hz": hz, "$version": 9}}});
        let kept = [of(9, desired(7)), of(5, json!({"tags": {"site": "a"}})), of(4, desired(5))];
        let told = |index: usize| version(&kept[index..], &json!({"hz": 7}), "/e");
        let lines = |one: &Version| -> Vec<String> {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            one.changes.iter().map(|one| format!("{} {} {}", one.place, text(&one.before), text(&one.after))).collect()
        };
        assert_eq!((lines(&told(0)), told(0).first.len(), told(0).back), (vec!["desired.hz 5 7".to_owned()], 0, None));
        assert_eq!((lines(&told(1)), told(1).first), (vec!["tags.site - \"a\"".to_owned()], vec!["tags"]));
        assert_eq!(
            (lines(&told(2)), told(2).back.as_deref()),
            (vec!["desired.hz - 5".to_owned()], Some("/e?version=4"))
        );
        assert_eq!(told(0).by, "the policy p");
    }
}
