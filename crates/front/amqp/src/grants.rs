//! The tokens that a connection brought, and what they open.

use std::sync::Arc;

use roadstead_auth::{AuthRefusal, Permission, Segment, Segment::AnyCase, limits::CLOCK_SKEW_S};
use roadstead_hub::{Hub, HubError};
use roadstead_model::{PrincipalId, Right, Secret, UnixMillis};
use roadstead_wire::amqp::{Audience, resource};
use tokio::time::Instant;

use crate::{BearerGrant, Bearers, limits};

/// What a link is for, as a token must cover it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    Devicebound,
    Feedback,
    FileNotifications,
    HubEvents,
    /// Questions about the built-in endpoint.
    Management,
    Partition {
        group: Box<str>,
        partition: Box<str>,
    },
}

/// Tokens, each once by what it is for: a renewed one takes the place of the one before.
pub(crate) struct Grants {
    bearers: Arc<dyn Bearers>,
    held: Vec<Held>,
    /// The last signature that came, once.
    fresh: Option<usize>,
    /// When to judge the bearer tokens again.
    look: Option<Instant>,
    /// A token was refused, and the journal knows.
    pub(crate) was_refused: bool,
}

struct Held {
    token: Secret,
    kind: Kind,
    /// When nothing is judged by it any more.
    over: UnixMillis,
}

/// By which a renewed token is known.
#[derive(PartialEq, Eq)]
enum Kind {
    /// Of a policy or a device: the text between `sr=` and the next `&`.
    Signature(Box<str>),
    /// Of somebody who logged in.
    Bearer(PrincipalId),
}

impl Access {
    /// The path below the hub's name. `entity` is the built-in endpoint's.
    fn path<'a>(&'a self, entity: &'a str) -> Vec<Segment<'a>> {
        let words: &[&str] = match self {
            Self::Devicebound => &["messages", "devicebound"],
            Self::Feedback => &["messages", "servicebound", "feedback"],
            Self::FileNotifications => &["messages", "servicebound", "filenotifications"],
            Self::HubEvents => &["messages", "events"],
            Self::Management => &[entity, "$management"],
            Self::Partition { group, partition } => &[entity, "consumergroups", group, "partitions", partition],
        };
        words.iter().map(|word| AnyCase(word)).collect()
    }

    /// What a role must allow. Who may only read takes notifications of files, and no feedback: so Azure's Data Reader.
    /// Source: docs, "Control access to IoT Hub by using Microsoft Entra ID", and Azure built-in roles. Azure's built-in endpoint
    /// takes no such tokens; here it is data to be read.
    fn permission(&self) -> Permission {
        match self {
            Self::Devicebound | Self::Feedback => Permission::WriteHubData,
            Self::FileNotifications | Self::HubEvents | Self::Management | Self::Partition { .. } => {
                Permission::ReadHubData
            }
        }
    }
}

impl Grants {
    pub(crate) fn new(bearers: Arc<dyn Bearers>) -> Self {
        Self { bearers, held: Vec::new(), fresh: None, look: None, was_refused: false }
    }

    /// Keeps a token that was recognized. `false`: there are too many.
    pub(crate) fn put(&mut self, token: &str, expires: UnixMillis) -> bool {
        // Times of tokens are whole seconds.
        let over = expires.plus_ms((CLOCK_SKEW_S + 1) * 1000);
        let is_kept =
            self.keep(Held { token: Secret::new(token), kind: Kind::Signature(resource(token).into()), over });
        self.fresh = is_kept.then(|| self.held.len() - 1);
        is_kept
    }

    /// Keeps a bearer token that was judged. `false`: there are too many.
    pub(crate) fn put_bearer(&mut self, token: &str, grant: BearerGrant) -> bool {
        let (kind, over) = (Kind::Bearer(grant.principal), grant.expires.millis());
        self.fresh = None;
        self.look.get_or_insert_with(|| Instant::now() + limits::BEARER_LOOK);
        self.keep(Held { token: Secret::new(token), kind, over })
    }

    fn keep(&mut self, new: Held) -> bool {
        self.held.retain(|held| held.kind != new.kind);
        let has_room = self.held.len() < limits::TOKENS_MAX;
        if has_room {
            self.held.push(new);
        }
        has_room
    }

    /// The token that came since the last call of this; devices may rest on it from now on.
    pub(crate) fn take_fresh(&mut self) -> Option<&str> {
        let at = self.fresh.take()?;
        self.held.get(at).map(|held| held.token.expose())
    }

    /// The tokens that may speak for a device or module, those that name it most closely first.
    pub(crate) fn list_for(&self, device_id: &str, module_id: Option<&str>) -> Vec<&str> {
        let reach = |held: &Held| match held.kind {
            Kind::Signature(_) => Audience::of_token(held.token.expose()).reach(device_id, module_id),
            Kind::Bearer(_) => None,
        };
        let mut found: Vec<_> = self.held.iter().filter_map(|held| Some((reach(held)?, held.token.expose()))).collect();
        found.sort_by_key(|(reach, _)| std::cmp::Reverse(*reach));
        found.into_iter().map(|(_, token)| token).collect()
    }

    /// Whether any of the tokens opens what a link is for. Errors: `Unauthorized`, with the refusal that says most.
    pub(crate) fn judge(&self, hub: &Hub, access: &Access) -> Result<(), HubError> {
        let entity = entity_of(hub);
        let path = access.path(&entity);
        let mut refused = HubError::Unauthorized(AuthRefusal::NoCredentials);
        for held in &self.held {
            let token = held.token.expose();
            let judged = match held.kind {
                Kind::Signature(_) => hub.authorize(token, &path, Right::ServiceConnect).map(|_| ()),
                Kind::Bearer(_) => self.judge_bearer(hub, token, access.permission()).map(|_| ()),
            };
            match judged {
                Ok(()) => return Ok(()),
                // A token for something else is no news among several.
                Err(error) => match (&error, &refused) {
                    (
                        HubError::Unauthorized(AuthRefusal::Scope { .. }),
                        HubError::Unauthorized(AuthRefusal::NoCredentials),
                    ) => {
                        refused = error;
                    }
                    (HubError::Unauthorized(AuthRefusal::Scope { .. }), _) => {}
                    _ => refused = error,
                },
            }
        }
        Err(refused)
    }

    /// Whether a bearer token, kept or not, allows this at the hub. Errors: `Unauthorized`.
    pub(crate) fn judge_bearer(&self, hub: &Hub, token: &str, what: Permission) -> Result<BearerGrant, HubError> {
        self.bearers.judge(token, hub.resource().key, what).map_err(HubError::Unauthorized)
    }

    /// The token that came last, empty where there is none: whoever is refused though it brought some showed this one.
    pub(crate) fn last_token(&self) -> &str {
        self.held.last().map(|held| held.token.expose()).unwrap_or_default()
    }

    /// Whether there is no token.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// When the next token expires, clock skew forgiven: links must be judged again then.
    pub(crate) fn next_expiry(&self) -> Option<UnixMillis> {
        self.held.iter().map(|held| held.over).min()
    }

    /// When those who logged in must be judged again, with their links.
    pub(crate) fn bearer_look(&self) -> Option<Instant> {
        self.look
    }

    /// Forgets the tokens of policies that are gone, or have other keys, and of those who logged in and may do nothing here any
    /// more; those of devices are judged with their sessions.
    pub(crate) fn forget_revoked(&mut self, hub: &Hub) {
        let mut held = std::mem::take(&mut self.held);
        held.retain(|held| match held.kind {
            Kind::Signature(_) => match hub.recognize(held.token.expose()) {
                Ok(_) | Err(HubError::Unauthorized(AuthRefusal::NoPolicyNamed)) => true,
                Err(_) => false,
            },
            Kind::Bearer(_) => self.judge_bearer(hub, held.token.expose(), Permission::ReadHubData).is_ok(),
        });
        let has_bearers = held.iter().any(|held| matches!(held.kind, Kind::Bearer(_)));
        self.look = has_bearers.then(|| Instant::now() + limits::BEARER_LOOK);
        self.held = held;
        self.fresh = None;
    }

    /// Forgets the tokens that are over.
    pub(crate) fn expire(&mut self, now: UnixMillis) {
        self.held.retain(|held| now < held.over);
        self.fresh = None;
    }
}

/// The name of the hub's built-in endpoint.
pub(crate) fn entity_of(hub: &Hub) -> String {
    hub.resource().name.as_str().to_ascii_lowercase()
}
