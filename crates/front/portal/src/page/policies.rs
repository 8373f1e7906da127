//! Shared access policies of a hub or DPS instance: their rights and keys.

use crate::call::{At, Call, Frame, text};
use crate::fault::Fault;
use crate::linked_hub;
use crate::policy::{self, Deed};
use crate::reply::{self, Body};
use crate::setting::place;
use askama::Template;
use http::{Response, StatusCode};
use roadstead_model::{Right, Rights};
use roadstead_service::{Kind, Management};
use serde_json::Value;

/// A right: its word, what it allows, and whether the policy has it.
struct Allowed {
    word: &'static str,
    words: &'static str,
    is_given: bool,
}

/// A policy that was asked for.
struct Revealed {
    name: String,
    rights: String,
    allowed: Vec<Allowed>,
    primary: String,
    secondary: String,
    connection_string: String,
    /// DPS instances that make devices with one of its keys.
    linked_by: Vec<String>,
}

/// A policy that is about to lose rights.
struct Losing {
    policy: String,
    /// `RegistryWrite, ServiceConnect`
    lost: String,
    /// The words of those that it keeps or gets.
    kept: Vec<&'static str>,
}

/// What a page says beside the policies.
#[derive(Default)]
struct Said {
    fault: Option<Fault>,
    losing: Option<Losing>,
}

#[derive(Template)]
#[template(path = "policies.html")]
struct Page {
    frame: Frame,
    here: String,
    is_dps: bool,
    /// `None`: nobody asked.
    revealed: Option<Vec<Revealed>>,
    fault: Option<String>,
    /// What somebody is about to take away.
    losing: Option<Losing>,
    /// The name of a policy that could not be added.
    new_policy: String,
    /// The rights that a policy can have, ticked as for that one.
    known: Vec<Allowed>,
    may_see_keys: bool,
    may_write: bool,
}

pub(crate) fn show(call: &Call<'_>, at: &At) -> Response<Body> {
    page(call, at, None, Said::default())
}

fn page(call: &Call<'_>, at: &At, revealed: Option<Vec<Revealed>>, said: Said) -> Response<Body> {
    let (section, above) = at.section();
    let is_new = said.fault.is_some() && call.ask.field("do") == "add";
    let (name, ticked) = if is_new { (call.ask.field("policy"), ticked(call, at)) } else { ("", Rights::default()) };
    let page = Page {
        frame: call.frame("Shared access policies", section, above).with_tabs(at.tabs("policies")),
        here: at.href(&["policies"]),
        is_dps: at.resource.kind == Kind::Dps,
        revealed,
        fault: said.fault.as_ref().map(Fault::sentences),
        losing: said.losing,
        new_policy: name.to_owned(),
        known: allowed(at.resource.kind, ticked),
        may_see_keys: at.rights.keys,
        // Policies are put back together, with their keys.
        may_write: at.rights.write && at.rights.keys,
    };
    reply::page(said.fault.map_or(StatusCode::OK, |fault| fault.status()), &page)
}

pub(crate) async fn act(call: &Call<'_>, at: &At) -> Result<Response<Body>, Fault> {
    Call::require(at.rights.keys, "see the keys of policies here")?;
    let management = call.management().await?;
    let deed = call.ask.field("do");
    if deed == "keys" {
        let revealed = reveal(&management, at).await?;
        return Ok(page(call, at, Some(revealed), Said::default()));
    }
    Call::require(at.rights.write, "change policies here")?;
    let said = match change(call, at, &management).await {
        Ok(Changed::Done(text)) => return Ok(call.done(&at.href(&["policies"]), text)),
        Ok(Changed::Losing(losing)) => Said { losing: Some(losing), fault: None },
        Err(Fault::SignedOut) => return Err(Fault::SignedOut),
        Err(fault) => Said { fault: Some(fault), losing: None },
    };
    // All forms but the one that adds are beside keys; those that were seen stay.
    let were_revealed = call.ask.field("do") != "add" || call.ask.field("shown") == "on";
    let revealed = if were_revealed { Some(reveal(&management, at).await?) } else { None };
    Ok(page(call, at, revealed, said))
}

enum Changed {
    /// What is said of it.
    Done(String),
    /// Nothing yet: its name has to be typed first.
    Losing(Losing),
}

async fn change(call: &Call<'_>, at: &At, management: &Management) -> Result<Changed, Fault> {
    let name = call.ask.field("policy").trim();
    let (deed, done) = match call.ask.field("do") {
        "add" if name.is_empty() => return Err(Fault::invalid("Type a name for the policy.")),
        "add" => (Deed::Add(typed(call, at)?), "is there, with two keys of its own."),
        "allow" => (Deed::Allow(typed(call, at)?), "has other rights. What rested on those it lost is ended."),
        "swap" => (Deed::Swap, "has its keys swapped. Both count as before."),
        "renew-primary" => (Deed::RenewPrimary, "has a new primary key. The old one counts no longer."),
        "renew-secondary" => (Deed::RenewSecondary, "has a new secondary key. The old one counts no longer."),
        "delete" => (Deed::Delete, "is deleted. Its keys count no longer."),
        _ => return Err(Fault::invalid("There is no such button.")),
    };
    if matches!(deed, Deed::RenewPrimary | Deed::RenewSecondary | Deed::Delete) {
        call.require_name(name)?;
    }
    // With the etag of before: policies that somebody else changed in between are not put back.
    let mut policies: Vec<Value> = management.list_keys(&at.resource).await?;
    if let Deed::Allow(rights) = deed
        && let Some(lost) = policy::lost(&policies, name, rights)
    {
        if call.ask.field("name").is_empty() {
            let kept = rights.iter().map(Right::as_str).collect();
            return Ok(Changed::Losing(Losing { policy: name.to_owned(), lost: lost.to_string(), kept }));
        }
        call.require_name(name)?;
    }
    policy::change(&mut policies, name, deed)?;
    let mut document = at.shown.clone();
    *place(&mut document, "/properties/authorizationPolicies") = policies.into();
    management.put::<Value>(&at.resource, &document, Some(text(&at.shown, "/etag"))).await?;
    Ok(Changed::Done(format!("The policy {name} {done}")))
}

/// The rights that are ticked.
fn ticked(call: &Call<'_>, at: &At) -> Rights {
    let known = policy::known(at.resource.kind).iter().map(|(right, _)| *right);
    Rights::of(&known.filter(|right| call.ask.field(&field(*right)) == "on").collect::<Vec<_>>())
}

/// Errors: `Invalid` when none is.
fn typed(call: &Call<'_>, at: &At) -> Result<Rights, Fault> {
    let given = ticked(call, at);
    if given == Rights::default() {
        return Err(Fault::invalid("Tick at least one right: a policy without any is of no use."));
    }
    Ok(given)
}

fn field(right: Right) -> String {
    format!("right-{}", right.as_str())
}

fn allowed(kind: Kind, given: Rights) -> Vec<Allowed> {
    let one = |(right, words): &(Right, &'static str)| Allowed {
        word: right.as_str(),
        words,
        is_given: given.iter().any(|known| known == *right),
    };
    policy::known(kind).iter().map(one).collect()
}

async fn reveal(management: &Management, at: &At) -> Result<Vec<Revealed>, Fault> {
    let keys: Vec<Value> = management.list_keys(&at.resource).await?;
    let linked = match at.resource.kind {
        Kind::Hub => linked_hub::at(management, &at.host).await?,
        Kind::Dps => Vec::new(),
    };
    let one = |key: &Value| {
        let (name, primary) = (text(key, "/keyName").to_owned(), text(key, "/primaryKey").to_owned());
        let by_it = linked.iter().filter(|(_, policy)| policy.eq_ignore_ascii_case(&name));
        Revealed {
            rights: text(key, "/rights").to_owned(),
            allowed: allowed(at.resource.kind, policy::rights(key)),
            secondary: text(key, "/secondaryKey").to_owned(),
            connection_string: format!("HostName={};SharedAccessKeyName={name};SharedAccessKey={primary}", at.host),
            linked_by: by_it.map(|(instance, _)| instance.clone()).collect(),
            name,
            primary,
        }
    };
    Ok(keys.iter().map(one).collect())
}
