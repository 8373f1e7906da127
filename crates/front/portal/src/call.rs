//! A request of somebody who is signed in, and the APIs as that person may use them.

use crate::ask::{Ask, ROOT};
use crate::fault::Fault;
use crate::limits::{SECRET_BYTES, TOKEN_RENEW_BEFORE_S};
use crate::portal::Portal;
use crate::reply::{Body, see_other};
use crate::rights::{Permission, Rights};
use crate::session::{Login, Note, Session};
use crate::shell::quoted;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Response;
use roadstead_model::UnixMillis;
use roadstead_service::{
    AccessToken, Api, HubService, Kind, Management, Proof, Provisioning, Resource, ServiceError, Transport, log_in,
};
use roadstead_wire::percent;
use serde_json::Value;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a page is made from.
pub(crate) struct Call<'a> {
    pub(crate) portal: &'a Portal,
    pub(crate) ask: &'a Ask,
    pub(crate) session: Arc<Session>,
    pub(crate) transport: Transport,
    /// How the browser reached the server: `https://localhost:8443`.
    pub(crate) base_url: &'a str,
}

/// A hub or DPS instance that a page is about.
pub(crate) struct At {
    pub(crate) resource: Resource,
    /// Of its service API.
    pub(crate) host: String,
    /// As Resource Manager shows it.
    pub(crate) shown: Value,
    pub(crate) rights: Rights,
}

/// What every page has around it.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) user: String,
    pub(crate) csrf: String,
    pub(crate) style: String,
    pub(crate) script: String,
    pub(crate) picture: String,
    pub(crate) note: Option<Note>,
    /// Which entry of the menu it is below.
    pub(crate) section: &'static str,
    /// The pages above it: words and addresses.
    pub(crate) above: Vec<(String, String)>,
    /// The pages beside it.
    pub(crate) tabs: Vec<Tab>,
}

/// A page beside others.
pub(crate) struct Tab {
    pub(crate) words: &'static str,
    pub(crate) href: String,
    pub(crate) is_current: bool,
}

impl Frame {
    pub(crate) fn with_tabs(self, tabs: Vec<Tab>) -> Self {
        Self { tabs, ..self }
    }
}

/// `/portal/hubs/a%2Fb/devices` from its segments.
pub(crate) fn href(segments: &[&str]) -> String {
    segments.iter().fold(ROOT.to_owned(), |url, segment| url + "/" + &percent::encode(segment))
}

/// A member of a document as text; empty when absent.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The word that the addresses of all pages of a kind begin with.
fn section_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Hub => "hubs",
        Kind::Dps => "dps",
    }
}

/// The address of a page below a hub's or DPS instance's.
pub(crate) fn href_below(resource: &Resource, below: &[&str]) -> String {
    href(&[&[section_of(resource.kind), resource.group.as_str(), resource.name.as_str()], below].concat())
}

impl At {
    /// The section of its pages, and what is above those that have tabs.
    pub(crate) fn section(&self) -> (&'static str, Vec<(String, String)>) {
        (section_of(self.resource.kind), vec![(self.resource.name.clone(), self.href(&[]))])
    }

    /// The address of a page below this.
    pub(crate) fn href(&self, below: &[&str]) -> String {
        href_below(&self.resource, below)
    }

    /// What there is of it; `current` is the last word of a page's address.
    pub(crate) fn tabs(&self, current: &str) -> Vec<Tab> {
        let all: &[(&'static str, &[&str])] = match self.resource.kind {
            Kind::Hub => &[
                ("Hub", &[]),
                ("Devices", &["devices"]),
                ("Messages", &["events"]),
                ("Refusals", &["refusals"]),
                ("CA certificates", &["certificates"]),
                ("Policies", &["policies"]),
                ("Settings", &["settings"]),
            ],
            Kind::Dps => &[
                ("DPS", &[]),
                ("Enrollments", &["enrollments"]),
                ("Enrollment groups", &["groups"]),
                ("Refusals", &["refusals"]),
                ("CA certificates", &["certificates"]),
                ("Policies", &["policies"]),
            ],
        };
        let tab = |(words, below): &(&'static str, &[&str])| Tab {
            words,
            href: self.href(below),
            is_current: below.first().copied().unwrap_or_default() == current,
        };
        all.iter().map(tab).collect()
    }

    fn role(&self, is_write: bool) -> &'static str {
        match (self.resource.kind, is_write) {
            (Kind::Hub, false) => "IoT Hub Data Reader",
            (Kind::Hub, true) => "IoT Hub Data Contributor",
            (Kind::Dps, false) => "Device Provisioning Service Data Reader",
            (Kind::Dps, true) => "Device Provisioning Service Data Contributor",
        }
    }
}

impl Call<'_> {
    pub(crate) fn now(&self) -> UnixMillis {
        self.portal.clock.now()
    }

    /// What is around a page.
    pub(crate) fn frame(&self, title: &str, section: &'static str, above: Vec<(String, String)>) -> Frame {
        Frame {
            user: self.session.visitor.name.clone(),
            csrf: self.session.csrf.clone(),
            // It is for a page that somebody looks at.
            note: if self.ask.is_by_itself() { None } else { self.session.take_note() },
            ..self.portal.bare_frame(title, section, above)
        }
    }

    /// Leads to a page that says what was done.
    pub(crate) fn done(&self, url: &str, text: impl Into<String>) -> Response<Body> {
        self.session.leave_note(Note { text: text.into(), is_fault: false });
        see_other(url)
    }

    /// A token of who is signed in, for one API.
    pub(crate) async fn token(&self, api: Api) -> Result<AccessToken, ServiceError> {
        let mut purse = self.session.purse.lock().await;
        let now_s = self.now().seconds().0;
        if let Some((token, _)) = purse.tokens.get(&api).filter(|(_, renew_at_s)| now_s < *renew_at_s) {
            return Ok(token.clone());
        }
        let proof = match &purse.login {
            Login::Refresh(token) => Proof::Refresh(token),
            Login::Secret(credentials) => Proof::Secret(credentials),
        };
        let given = log_in(&self.transport, self.base_url, proof, api).await.inspect_err(|error| {
            if let ServiceError::SignIn { refusal, .. } = error {
                self.session.refusal.get_or_init(|| refusal.message.clone());
            }
        })?;
        if let (Login::Refresh(token), Some(next)) = (&mut purse.login, given.refresh) {
            *token = next;
        }
        let renew_at_s = now_s.saturating_add(given.lifetime_s).saturating_sub(TOKEN_RENEW_BEFORE_S);
        purse.tokens.insert(api, (given.access.clone(), renew_at_s));
        Ok(given.access)
    }

    pub(crate) async fn management(&self) -> Result<Management, Fault> {
        let token = self.token(Api::Management).await?;
        Ok(Management::with_token(self.transport.clone(), self.base_url, token))
    }

    /// A hub's service API.
    pub(crate) async fn hub(&self, at: &At) -> Result<HubService, Fault> {
        Ok(HubService::new(self.transport.clone(), &at.host, self.token(Api::Hub).await?))
    }

    /// A DPS instance's service API.
    pub(crate) async fn dps(&self, at: &At) -> Result<Provisioning, Fault> {
        Ok(Provisioning::new(self.transport.clone(), &at.host, self.token(Api::Dps).await?))
    }

    /// A hub or DPS instance, and what may be done there.
    pub(crate) async fn at(&self, kind: Kind, group: &str, name: &str) -> Result<At, Fault> {
        let resource = Resource { kind, group: group.to_owned(), name: name.to_owned() };
        let management = self.management().await?;
        let (what, host) = match kind {
            Kind::Hub => ("hub", "/properties/hostName"),
            Kind::Dps => ("DPS instance", "/properties/serviceOperationsHostName"),
        };
        let absent = || Fault::Absent { what, name: name.to_owned() };
        let shown: Value = management.find(&resource).await?.ok_or_else(absent)?;
        let roles: Vec<Permission> = management.list_permissions(Some(&resource)).await?;
        let host = text(&shown, host).to_owned();
        Ok(At { host, shown, rights: Rights::of(kind, &roles), resource })
    }

    /// What may be done everywhere; nothing for whom there is nothing to be seen.
    pub(crate) async fn roles_everywhere(&self, management: &Management) -> Result<Vec<Permission>, Fault> {
        match management.list_permissions(None).await {
            Ok(roles) => Ok(roles),
            Err(error) if error.status() == Some(403) => Ok(Vec::new()),
            Err(ServiceError::Unseen { .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Errors: `Forbidden` unless devices or enrollments may be seen, or changed.
    pub(crate) fn require_data(&self, at: &At, is_write: bool) -> Result<(), Fault> {
        let allowed = if is_write { at.rights.data_write } else { at.rights.data_read };
        if allowed {
            return Ok(());
        }
        let (what, role) = match at.resource.kind {
            Kind::Hub => ("devices", at.role(is_write)),
            Kind::Dps => ("enrollments", at.role(is_write)),
        };
        let verb = if is_write { "change" } else { "see" };
        let (name, group) = (&at.resource.name, quoted(&at.resource.group));
        Err(Fault::Forbidden {
            text: format!("Your roles do not let you {verb} the {what} of {name}."),
            hint: format!(
                "An owner can give you the role: roadstead role assignment create --role \"{role}\" --assignee {} -g {group}",
                quoted(&self.session.visitor.name)
            ),
        })
    }

    /// A new key of a device or enrollment.
    pub(crate) fn fresh_key(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        self.portal.random.fill(&mut *bytes);
        Zeroizing::new(STANDARD.encode(*bytes))
    }

    /// Errors: `Invalid` unless the one who asks typed the name of what will be gone.
    pub(crate) fn require_name(&self, name: &str) -> Result<(), Fault> {
        if self.ask.field("name").trim() == name {
            Ok(())
        } else {
            Err(Fault::invalid(format!("The name that was typed is not {name}, so nothing was done.")))
        }
    }

    /// Errors: `Forbidden`.
    pub(crate) fn require(allowed: bool, what: &str) -> Result<(), Fault> {
        let hint = "An owner can give you a role that does.".to_owned();
        if allowed {
            Ok(())
        } else {
            Err(Fault::Forbidden { text: format!("Your roles do not let you {what}."), hint })
        }
    }
}
