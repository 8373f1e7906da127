//! A twin's tags and desired properties: edited, compared with what is there, saved if nobody was faster.

use crate::call::{At, Call, Frame, text};
use crate::difference::{Difference, differences};
use crate::fault::Fault;
use crate::page::twin_history;
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

#[derive(Template)]
#[template(path = "twin.html")]
struct Page {
    frame: Frame,
    id: String,
    here: String,
    tags: String,
    desired: String,
    tags_fault: Option<String>,
    desired_fault: Option<String>,
    fault: Option<String>,
    /// Of the twin that was edited.
    etag: String,
    /// `None` until it was looked at.
    changes: Option<Vec<Difference>>,
}

/// A document over several lines; `{}` for what is not there.
pub(crate) fn pretty(value: &Value) -> String {
    match value {
        Value::Null => "{}".to_owned(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

/// A section of a twin as people write it.
pub(crate) fn without_metadata(section: &Value) -> Value {
    let mut section = section.clone();
    if let Value::Object(members) = &mut section {
        members.retain(|name, _| !name.starts_with('$'));
    }
    section
}

async fn find(call: &Call<'_>, at: &At, id: &str) -> Result<Value, Fault> {
    call.require_data(at, true)?;
    let absent = || Fault::Absent { what: "device", name: id.to_owned() };
    call.hub(at).await?.find_twin(id, None).await?.ok_or_else(absent)
}

/// The tags and desired properties of a twin.
fn sections(twin: &Value) -> (Value, Value) {
    let object = |value: Value| if value.is_object() { value } else { json!({}) };
    (object(twin["tags"].clone()), object(without_metadata(&twin["properties"]["desired"])))
}

fn page(call: &Call<'_>, at: &At, id: &str) -> Page {
    let above = vec![
        (at.resource.name.clone(), at.href(&[])),
        ("Devices".to_owned(), at.href(&["devices"])),
        (id.to_owned(), at.href(&["devices", id])),
    ];
    Page {
        frame: call.frame("Edit the twin", "hubs", above),
        id: id.to_owned(),
        here: at.href(&["devices", id, "twin"]),
        tags: String::new(),
        desired: String::new(),
        tags_fault: None,
        desired_fault: None,
        fault: None,
        etag: String::new(),
        changes: None,
    }
}

pub(crate) async fn edit(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    let twin = find(call, at, id).await?;
    let (tags, mut desired) = sections(&twin);
    let etag = text(&twin, "/etag").to_owned();
    // Of a version of before, to be put back: what is saved is compared first, as always.
    let version = call.ask.argument("version");
    if !version.is_empty() {
        desired = twin_history::desired_of(call, at, id, version).await?;
    }
    Ok(reply::page(
        StatusCode::OK,
        &Page { tags: pretty(&tags), desired: pretty(&desired), etag, ..page(call, at, id) },
    ))
}

/// Shows what would change; saves it when that was seen.
pub(crate) async fn change(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    let twin = find(call, at, id).await?;
    let ask = call.ask;
    let (tags_text, desired_text, etag) = (ask.field("tags"), ask.field("desired"), ask.field("etag"));
    let mut page = Page {
        tags: tags_text.to_owned(),
        desired: desired_text.to_owned(),
        etag: etag.to_owned(),
        ..page(call, at, id)
    };
    let (tags, desired) = match (read(tags_text), read(desired_text)) {
        (Ok(tags), Ok(desired)) => (Value::Object(tags), Value::Object(desired)),
        (tags, desired) => {
            (page.tags_fault, page.desired_fault) = (tags.err(), desired.err());
            return Ok(reply::page(StatusCode::BAD_REQUEST, &page));
        }
    };
    if ask.field("do") == "edit" {
        return Ok(reply::page(StatusCode::OK, &page));
    }
    let (old_tags, old_desired) = sections(&twin);
    let mut changes = differences("tags", &old_tags, &tags);
    changes.extend(differences("desired", &old_desired, &desired));
    let is_stale = text(&twin, "/etag") != etag;
    if ask.field("do") != "save" || is_stale {
        if is_stale {
            let text = "The twin was changed in the meantime. This is what your text would change now.";
            (page.fault, page.etag) = (Some(text.to_owned()), self::text(&twin, "/etag").to_owned());
        }
        page.changes = Some(changes);
        return Ok(reply::page(StatusCode::OK, &page));
    }
    let body = json!({ "tags": tags, "properties": { "desired": desired } });
    match call.hub(at).await?.replace_twin::<Value>(id, None, &body, Some(etag)).await.map_err(Fault::from) {
        Ok(_) => {
            let text = match changes.len() {
                1 => "The twin is saved: 1 change.".to_owned(),
                count => format!("The twin is saved: {count} changes."),
            };
            Ok(call.done(&at.href(&["devices", id]), text))
        }
        Err(Fault::SignedOut) => Err(Fault::SignedOut),
        Err(refused) => {
            page.fault = Some(refused.sentences());
            Ok(reply::page(refused.status(), &page))
        }
    }
}

/// An object, or what is wrong with the text and where.
fn read(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err("It must be an object: { … }".to_owned()),
        Err(error) => Err(format!("Line {}, character {}: {}", error.line(), error.column(), cause(&error))),
    }
}

fn cause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, fault) in [
            ("", None),
            ("{}", None),
            ("{\"a\": [1]}", None),
            ("[1]", Some("It must be an object: { … }")),
            ("{\n \"a\": 1,\n}", Some("Line 3, character 1: trailing comma")),
            ("{\"a\" 1}", Some("Line 1, character 6: expected `:`")),
        ] {
            assert_eq!(read(text).err().as_deref(), fault, "{text}");
        }
    }

    #[test]
    fn metadata_are_not_for_people() {
        let twin = json!({"tags": null, "properties": {"desired": {"hz": 5, "$version": 3, "$metadata": {}}}});
        assert_eq!(sections(&twin), (json!({}), json!({"hz": 5})));
        assert_eq!(pretty(&Value::Null), "{}");
    }
}
