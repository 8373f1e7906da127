//! The tokens that a connection brought, and what they open.

use roadstead_auth::{AuthRefusal, Segment, Segment::AnyCase, limits::CLOCK_SKEW_S};
use roadstead_hub::{Hub, HubError};
use roadstead_model::{Right, Secret, UnixMillis};
use roadstead_wire::amqp::{Audience, resource};

use crate::limits;

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
#[derive(Debug, Default)]
pub(crate) struct Grants {
    held: Vec<Held>,
    /// The last one that came, once.
    fresh: Option<usize>,
}

#[derive(Debug)]
struct Held {
    token: Secret,
    /// The text between `sr=` and the next `&`, by which a renewed token is known.
    resource: Box<str>,
    /// Milliseconds since 1970; clock skew comes on top.
    expires: UnixMillis,
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
}

impl Grants {
    /// Keeps a token that was recognized. `false`: there are too many.
    pub(crate) fn put(&mut self, token: &str, expires: UnixMillis) -> bool {
        let resource = resource(token);
        self.held.retain(|held| *held.resource != *resource);
        if self.held.len() >= limits::TOKENS_MAX {
            return false;
        }
        self.fresh = Some(self.held.len());
        self.held.push(Held { token: Secret::new(token), resource: resource.into(), expires });
        true
    }

    /// The token that came since the last call of this; devices may rest on it from now on.
    pub(crate) fn take_fresh(&mut self) -> Option<&str> {
        let at = self.fresh.take()?;
        self.held.get(at).map(|held| held.token.expose())
    }

    /// The tokens that may speak for a device or module, those that name it most closely first.
    pub(crate) fn list_for(&self, device_id: &str, module_id: Option<&str>) -> Vec<&str> {
        let reach = |held: &Held| Audience::of_token(held.token.expose()).reach(device_id, module_id);
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
            match hub.authorize(held.token.expose(), &path, Right::ServiceConnect) {
                Ok(_) => return Ok(()),
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

    /// Whether there is no token.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// When the next token expires, clock skew forgiven: links must be judged again then.
    pub(crate) fn next_expiry(&self) -> Option<UnixMillis> {
        self.held.iter().map(Held::over).min()
    }

    /// Forgets the tokens of policies that are gone, or have other keys; those of devices are judged with their sessions.
    pub(crate) fn forget_revoked(&mut self, hub: &Hub) {
        let is_kept = |held: &Held| match hub.recognize(held.token.expose()) {
            Ok(_) | Err(HubError::Unauthorized(AuthRefusal::NoPolicyNamed)) => true,
            Err(_) => false,
        };
        self.held.retain(is_kept);
        self.fresh = None;
    }

    /// Forgets the tokens that are over.
    pub(crate) fn expire(&mut self, now: UnixMillis) {
        self.held.retain(|held| now < held.over());
        self.fresh = None;
    }
}

impl Held {
    /// When nothing is judged by it any more: times of tokens are whole seconds.
    fn over(&self) -> UnixMillis {
        self.expires.plus_ms((CLOCK_SKEW_S + 1) * 1000)
    }
}

/// The name of the hub's built-in endpoint.
pub(crate) fn entity_of(hub: &Hub) -> String {
    hub.resource().name.as_str().to_ascii_lowercase()
}
