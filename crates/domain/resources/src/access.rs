//! Who is at the door, and what may they do.

use std::{net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use roadstead_auth::{
    Bearer, BearerKey, BearerRefusal, BearerUse, LoginLimiter, Permission, Target,
    permission::{allows, covers},
};
use roadstead_model::{Login, PrincipalId, Random, Role, RoleScope, UnixSeconds, UserProof};

use crate::{
    assignment::Place, device_code::DeviceCodes, directory::Directory, error::ResourceError, federation::Issuers,
    installation::Installation, person::UsedTokens, resources::Resources,
};

/// Lets principals in and judges their tokens. The principals themselves are among the [`Resources`].
pub struct Access {
    pub(crate) installation: Installation,
    pub(crate) first: PrincipalId,
    pub(crate) key: BearerKey,
    pub(crate) resources: Arc<Resources>,
    pub(crate) limiter: Mutex<LoginLimiter>,
    own_changes: Mutex<LoginLimiter>,
    pub(crate) device_codes: DeviceCodes,
    pub(crate) issuers: Arc<dyn Issuers>,
    pub(crate) used_tokens: Mutex<UsedTokens>,
}

/// A principal that showed a good token, with the roles that it has at that moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// Who.
    pub id: PrincipalId,
    /// A user's name, a service principal's client id.
    pub name: String,
    /// Not a service principal.
    pub is_user: bool,
    /// From when on its token counts no longer.
    pub expires: UnixSeconds,
    roles: Vec<(Role, RoleScope)>,
}

impl Access {
    /// `key` signs the tokens; see [`BearerKey::new`]. `issuers`: whose word counts, too.
    pub fn new(
        installation: Installation,
        key: &[u8; 32],
        resources: Arc<Resources>,
        issuers: Arc<dyn Issuers>,
    ) -> Self {
        let first = installation.principal_id();
        resources.set_first_principal(first);
        Self {
            installation,
            first,
            key: BearerKey::new(key),
            resources,
            limiter: Mutex::default(),
            own_changes: Mutex::default(),
            device_codes: DeviceCodes::default(),
            issuers,
            used_tokens: Mutex::default(),
        }
    }

    /// Whose installation it is.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Judges a bearer token, the part after `Bearer `.
    ///
    /// Errors: `Foreign`, `Expired`, `Usage`, `Revoked`, `Issuer`.
    pub fn admit(&self, token: &str, usage: BearerUse) -> Result<Caller, BearerRefusal> {
        let bearer = self.key.read(token, self.resources.clock.now().seconds())?;
        if bearer.usage != usage {
            return Err(BearerRefusal::Usage);
        }
        let caller = self.find_caller(&bearer).ok_or(BearerRefusal::Revoked)?;
        self.check_issuer(caller.id)?;
        Ok(caller)
    }

    /// Whether people of the issuer of exactly this name may be logged in, as the configuration says.
    pub fn lets_people_in(&self, issuer: &str) -> bool {
        self.issuers.lets_people_in(issuer)
    }

    /// What an owner or the issuer's people set up stays; what the configuration says of the issuer counts at each look.
    ///
    /// Errors: `Issuer`.
    pub(crate) fn check_issuer(&self, id: PrincipalId) -> Result<(), BearerRefusal> {
        let directory = self.resources.directory();
        match directory.find_principal(id).map(|principal| &principal.login) {
            Some(Login::User { proof: UserProof::Issuer(link), .. }) if !self.issuers.lets_people_in(&link.issuer) => {
                Err(BearerRefusal::Issuer)
            }
            _ => Ok(()),
        }
    }

    fn find_caller(&self, bearer: &Bearer) -> Option<Caller> {
        let directory = self.resources.directory();
        if self.current_sessions(&directory, bearer.principal)? != bearer.sessions {
            return None;
        }
        let own = directory.assignments().filter(|assignment| assignment.principal == bearer.principal);
        let expires = bearer.expires;
        let mut roles: Vec<_> = own.map(|assignment| (assignment.role, assignment.scope.clone())).collect();
        if bearer.principal == self.first {
            let all = [Role::Owner, Role::HubDataContributor, Role::DpsDataContributor];
            roles.extend(all.map(|role| (role, RoleScope::Subscription)));
            let name = self.installation.client_id.clone();
            return Some(Caller { id: self.first, name, is_user: false, expires, roles });
        }
        let principal = directory.find_principal(bearer.principal)?;
        let is_user = match &principal.login {
            Login::User { logins, .. } if logins.iter().all(|login| login.id != bearer.login) => return None,
            Login::User { .. } => true,
            Login::Service { .. } => false,
        };
        Some(Caller { id: principal.id, name: principal.shown_name(), is_user, expires, roles })
    }

    /// What tokens of a principal must say to count; `None` when none counts. Those of the installation's first one hang on
    /// its secret.
    pub(crate) fn current_sessions(&self, directory: &Directory, id: PrincipalId) -> Option<u64> {
        if id == self.first {
            return Some(self.installation.secret.short());
        }
        directory.find_principal(id).filter(|principal| principal.enabled).map(|principal| principal.sessions)
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.resources.random
    }

    /// Counts a change of what is the caller's own, which needs no role, but a line in the audit log: who may do nothing else must
    /// not push out the others' lines.
    ///
    /// Errors: `TooManyTries`.
    pub fn count_own_change(&self, caller: &Caller, address: IpAddr) -> Result<(), ResourceError> {
        let counted = self.own_changes.lock().admit(&caller.name, address, self.resources.clock.now());
        counted.map_err(|retry_after_s| ResourceError::TooManyTries { retry_after_s })
    }

    /// Counts an attempt to log in with a name; see [`LoginLimiter`].
    pub(crate) fn count_login(&self, name: &str, address: IpAddr) -> Result<(), i64> {
        self.limiter.lock().admit(name, address, self.resources.clock.now())
    }
}

impl Caller {
    /// Whether one of its roles allows this there.
    pub fn may(&self, permission: Permission, target: Target<'_>) -> bool {
        self.roles.iter().any(|(role, scope)| allows(*role, permission) && covers(scope, target))
    }

    /// The roles that count at a place.
    pub fn roles_at(&self, target: Target<'_>) -> impl Iterator<Item = Role> {
        self.roles.iter().filter(move |(_, scope)| covers(scope, target)).map(|(role, _)| *role)
    }

    /// Whether it may read there, or anything that is in there: who may read a hub sees that its group is there.
    pub fn sees(&self, directory: &Directory, place: Place<'_>) -> bool {
        let may_read = |target| self.may(Permission::Read, target);
        if may_read(crate::assignment::target(directory, place)) {
            return true;
        }
        let within = |group: &str| match place {
            Place::Subscription => true,
            Place::Group(name) => group.eq_ignore_ascii_case(name),
            Place::Hub(..) | Place::Dps(..) => false,
        };
        directory.groups().any(|group| within(group.name.as_str()) && may_read(Target::Group(group.name.as_str())))
            || directory
                .hubs()
                .any(|hub| within(hub.group.as_str()) && may_read(Target::Hub(hub.group.as_str(), hub.key)))
            || directory
                .dps()
                .any(|dps| within(dps.group.as_str()) && may_read(Target::Dps(dps.group.as_str(), &dps.id_scope)))
    }
}
