//! The one place that writes: decide on a snapshot, commit under conditions, show the new snapshot, tell the observer.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use roadstead_model::{Clock, Etag, PrincipalId, Random};
use roadstead_store::{Records, StoreError, Write};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};
use tracing::{error, warn};

use crate::{
    change::Observer,
    directory::Directory,
    error::{Kind, ResourceError},
    limits,
    naming::Naming,
};

/// What `az` manages. One writer at a time in this process; what other processes write meanwhile is noticed as a
/// `Conflict`, after which the snapshot is read anew.
pub struct Resources {
    core: Arc<Core>,
    turns: Arc<Mutex<()>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) naming: Naming,
    pub(crate) hashers: Arc<Semaphore>,
    first_principal: OnceLock<PrincipalId>,
}

struct Core {
    records: Arc<dyn Records>,
    observer: Arc<dyn Observer>,
    directory: ArcSwap<Directory>,
}

/// A resource as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Put<T> {
    /// As it is now.
    pub record: Arc<T>,
    /// It was not there before.
    pub created: bool,
}

/// The right to write, and the snapshot on which the writer decides.
pub(crate) struct Turn {
    guard: OwnedMutexGuard<()>,
    pub(crate) directory: Arc<Directory>,
}

impl Resources {
    /// Loads everything and tells `observer` of each hub, DPS instance and certificate list.
    ///
    /// Errors: `Internal` or `Unavailable` when storage cannot be read.
    pub async fn open(
        records: Arc<dyn Records>,
        observer: Arc<dyn Observer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        naming: Naming,
    ) -> Result<Self, ResourceError> {
        let directory = Directory::load(&*records).await?;
        let core = Core { records, observer, directory: ArcSwap::default() };
        core.publish(directory).await;
        let (hashers, first_principal) = (Arc::new(Semaphore::new(limits::HASHERS)), OnceLock::new());
        Ok(Self { core: Arc::new(core), turns: Arc::default(), clock, random, naming, hashers, first_principal })
    }

    /// Everything there is, as of now. Cheap: call it for every lookup rather than keeping the answer.
    pub fn directory(&self) -> Arc<Directory> {
        self.core.directory.load_full()
    }

    /// The installation's first service principal, which is not among those kept, but may be given roles.
    pub(crate) fn first_principal(&self) -> Option<PrincipalId> {
        self.first_principal.get().copied()
    }

    pub(crate) fn set_first_principal(&self, id: PrincipalId) {
        self.first_principal.get_or_init(|| id);
    }

    pub(crate) fn records(&self) -> &dyn Records {
        &*self.core.records
    }

    pub(crate) async fn turn(&self) -> Turn {
        let guard = Arc::clone(&self.turns).lock_owned().await;
        Turn { guard, directory: self.directory() }
    }

    /// Commits `batch`, after which `next` is what there is.
    ///
    /// Runs to its end even if the caller goes away: a write that is durable is also shown and told.
    pub(crate) async fn commit(&self, turn: Turn, batch: Vec<Write>, next: Directory) -> Result<(), ResourceError> {
        let core = Arc::clone(&self.core);
        let task = tokio::spawn(async move {
            let outcome = core.records.commit(batch).await;
            match &outcome {
                Ok(()) => core.publish(next).await,
                Err(StoreError::Conflict { .. } | StoreError::Unavailable(_)) => core.reload().await,
                Err(_) => {}
            }
            drop(turn.guard);
            outcome
        });
        let outcome = task.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the write was cut short".into())));
        outcome.map_err(|cause| {
            if !matches!(cause, StoreError::Conflict { .. }) {
                error!(%cause, "resources could not be written");
            }
            cause.into()
        })
    }
}

impl Core {
    async fn publish(&self, next: Directory) {
        let next = Arc::new(next);
        let old = self.directory.swap(Arc::clone(&next));
        for change in next.changes_since(&old) {
            self.observer.changed(&change).await;
        }
    }

    /// Catches up with what others wrote, or with a write of which the outcome is not known.
    async fn reload(&self) {
        match Directory::load(&*self.records).await {
            Ok(next) => self.publish(next).await,
            Err(cause) => warn!(%cause, "resources could not be read again; the last known ones stay"),
        }
    }
}

/// Errors: `EtagMismatch` unless the caller named no version, any version (`*`), or this one.
pub(crate) fn check_etag(kind: Kind, name: &str, asked: Option<&str>, has: &Etag) -> Result<(), ResourceError> {
    match asked.map(Etag::from_client) {
        Some(asked) if asked.as_str() != "*" && asked != *has => {
            Err(ResourceError::EtagMismatch { kind, name: name.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Errors: `Value`, `TooMany`. Source: docs, Resource Manager limits
pub(crate) fn check_tags(tags: &Map<String, Value>) -> Result<(), ResourceError> {
    if tags.len() > limits::TAGS_MAX {
        return Err(ResourceError::TooMany { what: "tags of a resource", max: limits::TAGS_MAX });
    }
    let fits = |(name, value): (&String, &Value)| {
        name.len() <= limits::TAG_NAME_BYTES_MAX
            && value.as_str().is_some_and(|value| value.len() <= limits::TAG_VALUE_BYTES_MAX)
    };
    match tags.iter().find(|tag| !fits(*tag)) {
        Some((name, _)) => Err(ResourceError::Value {
            member: "tags",
            given: format!("bad at `{}`", name.chars().take(64).collect::<String>()),
            allowed: format!(
                "names of up to {} and texts of up to {} bytes",
                limits::TAG_NAME_BYTES_MAX,
                limits::TAG_VALUE_BYTES_MAX
            ),
        }),
        None => Ok(()),
    }
}

/// Errors: `Value`.
pub(crate) fn check_location(location: &str) -> Result<(), ResourceError> {
    if (1..=limits::LOCATION_BYTES_MAX).contains(&location.len()) && !location.contains(char::is_control) {
        return Ok(());
    }
    Err(ResourceError::Value {
        member: "location",
        given: format!("{} bytes long", location.len()),
        allowed: format!("1 to {} bytes of plain text", limits::LOCATION_BYTES_MAX),
    })
}

/// Errors: `Value` when the members kept without being understood are too big; `Unsupported` when one of them holds the
/// key of another service (file upload, routing): kept in the clear and never used, it would only leak.
pub(crate) fn check_kept(properties: &Map<String, Value>) -> Result<(), ResourceError> {
    check_kept_up_to("properties", properties, limits::KEPT_BYTES_MAX)
}

/// The same of what is inside a resource: a linked hub, a certificate.
pub(crate) fn check_kept_inside(what: &'static str, properties: &Map<String, Value>) -> Result<(), ResourceError> {
    check_kept_up_to(what, properties, limits::KEPT_INSIDE_BYTES_MAX)
}

fn check_kept_up_to(what: &'static str, properties: &Map<String, Value>, max: usize) -> Result<(), ResourceError> {
    if let Some(member) = find_key(what, properties) {
        return Err(ResourceError::Unsupported { member });
    }
    let bytes = serde_json::to_vec(properties).map_or(usize::MAX, |json| json.len());
    if bytes <= max {
        return Ok(());
    }
    Err(ResourceError::Value { member: what, given: format!("{bytes} bytes"), allowed: format!("at most {max} bytes") })
}

/// How the names of members end that hold keys: `connectionString` of an endpoint, `primaryKey` and `secondaryKey` of one in
/// Cosmos DB, and what other services call theirs; `key` alone is the name of a message's enrichment. Source: docs, template
/// reference of `Microsoft.Devices/IotHubs`
const NAMES_OF_KEYS: [&str; 6] = ["connectionstring", "key", "secret", "password", "token", "signature"];
/// What texts have in them that hold keys, whatever their member is called: connection strings, and links to storage.
const MARKS_OF_KEYS: [&str; 3] = ["accountkey=", "sharedaccesskey=", "sharedaccesssignature="];

/// Where a key hides: `properties.storageEndpoints.$default.connectionString`.
fn find_key(path: &str, members: &Map<String, Value>) -> Option<String> {
    members.iter().find_map(|(name, value)| find_key_in(&format!("{path}.{name}"), name, value))
}

fn find_key_in(path: &str, name: &str, value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let (name, lower) = (name.to_ascii_lowercase(), text.to_ascii_lowercase());
            let is_named = !text.is_empty() && name != "key" && NAMES_OF_KEYS.iter().any(|end| name.ends_with(end));
            let is_marked = MARKS_OF_KEYS.iter().any(|mark| lower.contains(mark)) || has_signature(&lower);
            (is_named || is_marked).then(|| path.to_owned())
        }
        Value::Object(inner) => find_key(path, inner),
        Value::Array(items) => items.iter().find_map(|item| find_key_in(path, name, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether it is a link with a shared access signature: `https://a.blob.core.windows.net/c?sv=…&sig=…`.
fn has_signature(text: &str) -> bool {
    text.split_once('?').is_some_and(|(_, query)| query.split('&').any(|field| field.starts_with("sig=")))
}
