//! The settings of a hub, and its end.

use crate::call::{At, Call, Frame, text};
use crate::contents::{deleted, held};
use crate::fault::Fault;
use crate::reply::{self, Body};
use crate::setting::{self, Change, Field, Input, SECTIONS};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::Resource;
use serde_json::Value;

struct Section {
    title: &'static str,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Page {
    frame: Frame,
    here: String,
    name: String,
    etag: String,
    sections: Vec<Section>,
    may_write: bool,
    fault: Option<String>,
    /// What was typed, and what is there, where the hub was changed in between.
    typed: Vec<Change>,
    /// What a save would delete: said before it does.
    loss: Option<String>,
    /// What a deletion would take along.
    holds: String,
}

/// What a page says beside the settings.
#[derive(Default)]
struct Said {
    fault: Option<Fault>,
    /// The form has what was typed, not what is there.
    keeps_typed: bool,
    typed: Vec<Change>,
    loss: Option<String>,
}

pub(crate) async fn show(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    page(call, at, Said::default()).await
}

async fn page(call: &Call<'_>, at: &At, said: Said) -> Result<Response<Body>, Fault> {
    let form = said.keeps_typed.then_some(call.ask);
    let section = |section: &'static setting::Section| Section {
        title: section.title,
        fields: section.settings.iter().map(|one| Field::of(one, &at.shown, form)).collect(),
    };
    let holds = if at.rights.write { held(&call.management().await?, &at.resource).await? } else { String::new() };
    let page = Page {
        frame: call
            .frame("Settings", "hubs", vec![(at.resource.name.clone(), at.href(&[]))])
            .with_tabs(at.tabs("settings")),
        here: at.href(&["settings"]),
        name: at.resource.name.clone(),
        etag: text(&at.shown, "/etag").to_owned(),
        sections: SECTIONS.iter().map(section).collect(),
        may_write: at.rights.write,
        fault: said.fault.as_ref().map(Fault::sentences),
        typed: said.typed,
        loss: said.loss,
        holds,
    };
    Ok(reply::page(said.fault.map_or(StatusCode::OK, |fault| fault.status()), &page))
}

pub(crate) async fn act(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    Call::require(at.rights.write, "change this hub")?;
    match call.ask.field("do") {
        "save" => save(call, at).await,
        "delete" => delete(call, at).await,
        _ => Err(Fault::invalid("There is no such button.")),
    }
}

async fn save(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    // Before all else: a page that shows what was typed has the etag of what is there.
    let etag = call.ask.field("etag");
    if etag != text(&at.shown, "/etag") {
        return changed_meanwhile(call, at).await;
    }
    let refused = |fault| Said { fault: Some(fault), keeps_typed: true, ..Said::default() };
    let document = match setting::applied(&at.shown, call.ask) {
        Ok(document) => document,
        Err(fault) => return page(call, at, refused(fault)).await,
    };
    if document == at.shown {
        return Ok(call.done(&at.href(&["settings"]), "Nothing was different, so nothing was changed."));
    }
    let loss = setting::loss(&at.shown, &document);
    if loss.is_some()
        && let Err(fault) = call.require_name(&at.resource.name)
    {
        let fault = (!call.ask.field("name").is_empty()).then_some(fault);
        return page(call, at, Said { fault, keeps_typed: true, loss, ..Said::default() }).await;
    }
    match call.management().await?.put::<Value>(&at.resource, &document, Some(etag)).await {
        Ok(now) => Ok(call.done(&at.href(&["settings"]), saved(&setting::changes(&at.shown, &now)))),
        Err(error) if error.status() == Some(412) => {
            let Resource { kind, group, name } = &at.resource;
            changed_meanwhile(call, &call.at(*kind, group, name).await?).await
        }
        Err(error) => match Fault::from(error) {
            Fault::SignedOut => Err(Fault::SignedOut),
            fault => page(call, at, refused(fault)).await,
        },
    }
}

/// Somebody else was quicker: the page shows what is there now, and what was typed beside it.
async fn changed_meanwhile(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    let typed = setting::wanted(&at.shown, call.ask);
    page(call, at, Said { fault: Some(Fault::Overtaken), typed, ..Said::default() }).await
}

fn saved(changes: &[Change]) -> String {
    let told = changes.iter().map(|change| format!("{}: {}, was {}", change.words, change.after, change.before));
    format!("Saved. {}.", told.collect::<Vec<_>>().join("; "))
}

async fn delete(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    call.require_name(&at.resource.name)?;
    let gone = call.management().await?.delete(&at.resource).await?;
    Ok(call.done("/portal/", deleted(&at.resource.name, gone)))
}
