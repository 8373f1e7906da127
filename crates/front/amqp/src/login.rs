//! Who calls: SASL, and the `open` that names the hub.

use std::sync::Arc;

use roadstead_amqp_proto::{AmqpError, Open, sasl::SaslInit};
use roadstead_auth::{AuthRefusal, Evidence, Permission};
use roadstead_hub::{Hub, HubError, Hubs, Login};
use roadstead_model::{JournalOwner, Origin, RefusalCause, UnixMillis, UnixSeconds};
use roadstead_wire::amqp::{Audience, PlainUser, condition};

use crate::{end::shown, grants::Grants, noted::Claim};

/// Offered in this order: clients that know several take the first they like. Source: `reference/hub-service.md` 0 (4),
/// `reference/hub-device.md` 3.1
pub(crate) const MECHANISMS: &[&str] = &["MSSBCBS", "ANONYMOUS", "PLAIN", "EXTERNAL", "TPM"];

/// What the journal calls a refusal by SASL: its code has a number alone.
pub(crate) const SASL_AUTH: &str = "SASL auth";

/// Judges the mechanism that a client chose. Only PLAIN proves anything here; a certificate is judged when a device attaches.
/// A refusal is a code, what the log says of it, and which device it was that claimed to be one.
pub(crate) async fn judge_sasl(
    hubs: &Hubs,
    init: &SaslInit<'_>,
    grants: &mut Grants,
    origin: Origin,
) -> Result<(), Denied> {
    match init.mechanism {
        "ANONYMOUS" | "MSSBCBS" | "EXTERNAL" => Ok(()),
        "PLAIN" => judge_plain(hubs, init, grants, origin).await,
        other => Err(format!("SASL mechanism `{}` was not offered", shown(other)).into()),
    }
}

/// Who was not let in by SASL, always with the code `auth`.
#[derive(Debug)]
pub(crate) struct Denied {
    pub(crate) why: String,
    /// If it was a device.
    pub(crate) claim: Option<Claim>,
}

impl From<String> for Denied {
    fn from(why: String) -> Self {
        Self { why, claim: None }
    }
}

/// `\0user\0password`, with an authorization identity before it that says nothing.
async fn judge_plain(hubs: &Hubs, init: &SaslInit<'_>, grants: &mut Grants, origin: Origin) -> Result<(), Denied> {
    let text = std::str::from_utf8(init.initial_response.unwrap_or_default()).unwrap_or_default();
    let mut parts = text.splitn(3, '\0').skip(1);
    let (Some(user), Some(token)) = (parts.next(), parts.next()) else {
        return Err("SASL PLAIN without user name and password".to_owned().into());
    };
    let Some(parsed) = PlainUser::parse(user) else {
        let why = "a device's user name is <device id>@sas.<hub>, a back end's <policy>@sas.root.<hub>";
        return Err(format!("SASL PLAIN user `{}`: {why}", shown(user)).into());
    };
    let claim = |owner, cause| match &parsed {
        PlainUser::Policy { .. } => None,
        PlainUser::Device { id, .. } => {
            Some(Claim { owner, id: id.clone(), target: init.hostname.unwrap_or(parsed.hub()).to_owned(), cause })
        }
    };
    let hub = find_hub(hubs, init.hostname, parsed.hub()).ok_or_else(|| {
        let why = format!("no hub here is called `{}`", shown(parsed.hub()));
        Denied { why, claim: claim(JournalOwner::NoHub, RefusalCause::UnknownHost) }
    })?;
    let user = shown(user);
    let refuse = |refused: HubError| {
        let claim = claim(hub.journal_owner(), refused.cause());
        if claim.is_none() {
            hub.note_service_refused(token, origin, &refused, SASL_AUTH);
        }
        Denied { why: format!("SASL PLAIN user `{user}`: {refused}"), claim }
    };
    let expires = match &parsed {
        PlainUser::Policy { key_name, .. } => {
            let grant = hub.recognize(token).map_err(refuse)?;
            if !grant.key_name.eq_ignore_ascii_case(key_name) {
                let why = format!("SASL PLAIN user `{user}`: the token is one of policy `{}`", grant.key_name);
                return Err(why.into());
            }
            grant.expires_at.millis()
        }
        PlainUser::Device { id, .. } => {
            let (device_id, module_id) = id.split_once('/').map_or((&**id, None), |(device, it)| (device, Some(it)));
            admit(&hub, (device_id, module_id), token).await.map_err(refuse)?
        }
    };
    grants.put(token, expires);
    Ok(())
}

/// Whether the token speaks for the device or module, and until when.
async fn admit(hub: &Hub, identity: (&str, Option<&str>), token: &str) -> Result<UnixMillis, HubError> {
    let (device_id, module_id) = identity;
    let evidence = Evidence { token: Some(token), chain: &[] };
    let expires = hub.admit(Login { device_id, module_id, evidence }).await?;
    // Every token expires; without one there would be nothing to be admitted by.
    expires.map(UnixSeconds::millis).ok_or(HubError::Unauthorized(AuthRefusal::NoCredentials))
}

/// The hub of this host name, else the one that is called `name` or whose host name begins with that label.
fn find_hub(hubs: &Hubs, host: Option<&str>, name: &str) -> Option<Arc<Hub>> {
    let is_called = |hub: &Arc<Hub>| {
        let resource = hub.resource();
        let label = resource.host_name.split('.').next().unwrap_or_default();
        label.eq_ignore_ascii_case(name) || resource.name.as_str().eq_ignore_ascii_case(name)
    };
    host.and_then(|host| hubs.by_host(host)).or_else(|| hubs.all().into_iter().find(is_called))
}

/// The hub that `open` names.
pub(crate) fn find_opened(hubs: &Hubs, open: &Open) -> Result<Arc<Hub>, AmqpError> {
    let host = open.hostname.as_deref().unwrap_or_default();
    hubs.by_host(host).ok_or_else(|| {
        let description = if host.is_empty() {
            "open names no host: its hostname must be the hub's".to_owned()
        } else {
            let host = shown(host);
            format!("no hub here answers to the name `{host}`; `roadstead iot hub list` shows those that do")
        };
        AmqpError::new(condition::IOT_HUB_NOT_FOUND, &description)
    })
}

/// Keeps a token if it is one of this hub's policies, or of the device or module that it names. Errors: [`TokenRefusal`].
pub(crate) async fn put_token(hub: &Hub, grants: &mut Grants, token: &str) -> Result<(), TokenRefusal> {
    let expires = match hub.recognize(token) {
        Ok(grant) => grant.expires_at.millis(),
        Err(HubError::Unauthorized(AuthRefusal::NoPolicyNamed)) => {
            let audience = Audience::of_token(token);
            let identity = audience.identity().ok_or(TokenRefusal::Nobody)?;
            admit(hub, identity, token).await.map_err(TokenRefusal::Hub)?
        }
        Err(refused) => return Err(TokenRefusal::Hub(refused)),
    };
    if grants.put(token, expires) { Ok(()) } else { Err(TokenRefusal::TooMany) }
}

/// Keeps a bearer token if whoever it speaks for may do anything at this hub: all roles for its data may read. Errors:
/// [`TokenRefusal`].
pub(crate) fn put_bearer(hub: &Hub, grants: &mut Grants, token: &str) -> Result<(), TokenRefusal> {
    let grant = grants.judge_bearer(hub, token, Permission::ReadHubData).map_err(TokenRefusal::Hub)?;
    if grants.put_bearer(token, grant) { Ok(()) } else { Err(TokenRefusal::TooMany) }
}

/// Why a token is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenRefusal {
    #[error("{0}")]
    Hub(HubError),
    #[error(
        "the token names neither an access policy (`skn`) nor a device: its resource is <hub>/devices/<device id> then"
    )]
    Nobody,
    #[error("the connection has {} tokens already, which is the limit; open another", crate::limits::TOKENS_MAX)]
    TooMany,
}

impl TokenRefusal {
    /// Why, in one word.
    pub(crate) fn cause(&self) -> RefusalCause {
        match self {
            Self::Hub(refused) => refused.cause(),
            Self::Nobody => RefusalCause::WrongAudience,
            Self::TooMany => RefusalCause::BadRequest,
        }
    }

    /// The status of the answer. Source: `reference/hub-service.md` 2.2
    pub(crate) fn status(&self) -> i32 {
        match self {
            Self::TooMany => 403,
            _ => 401,
        }
    }
}
