//! Operations: what a device asks after with an operation id.

use std::collections::HashMap;

use aws_lc_rs::digest;
use parking_lot::Mutex;
use roadstead_model::{IdScope, Random, RegistrationState, UnixMillis};
use tokio::task::AbortHandle;

use crate::{
    error::DpsError,
    hex::hex,
    limits::{FAILURE_KEPT_MS, FAILURES_KEPT_MAX, OPERATIONS_RUNNING_MAX, RETRY_AFTER_S},
};

/// A new operation id: `5.316aac5bdc130deb.b1e02da8-0000-4000-8000-7ea7a6b7f550`. The middle is the instance's.
pub(crate) fn fresh_id(scope: &IdScope, random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    let guid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    format!("5.{}.{guid}", instance_hex(scope))
}

/// Whether the id is one that this instance may have given out.
pub(crate) fn is_ours(scope: &IdScope, id: &str) -> bool {
    let mut parts = id.split('.');
    let (Some(digit), Some(instance), Some(guid), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let is_guid = guid.len() == 36
        && guid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    matches!(digit.as_bytes(), [b'0'..=b'9']) && instance.eq_ignore_ascii_case(&instance_hex(scope)) && is_guid
}

fn instance_hex(scope: &IdScope) -> String {
    let digest = digest::digest(&digest::SHA256, scope.as_str().as_bytes());
    hex(digest.as_ref().get(..8).unwrap_or_default())
}

/// The registers of one instance that go on without their device: custom allocations, and slow hubs on other servers.
/// What they led to is in the registration record, from which any
/// operation id of the instance is answered, also after a restart. Only a failure that may not overwrite an earlier assignment
/// is remembered here.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    by_device: Mutex<ByDevice>,
}

#[derive(Debug, Default)]
struct ByDevice {
    running: HashMap<String, Running>,
    failed: HashMap<String, Failed>,
}

#[derive(Debug)]
struct Running {
    id: String,
    task: Option<AbortHandle>,
}

#[derive(Debug)]
struct Failed {
    id: String,
    state: RegistrationState,
    at: UnixMillis,
}

/// What is remembered of an operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Remembered {
    Assigning,
    Failed(Box<RegistrationState>),
    /// Nothing: what the record says counts.
    Nothing,
}

impl Operations {
    /// The id of the device's running operation, or that of a new one with `true`: then the caller starts it.
    ///
    /// Errors: `Throttled` when too many are under way.
    pub(crate) fn begin(&self, device: &str, fresh_id: String) -> Result<(String, bool), DpsError> {
        let mut operations = self.by_device.lock();
        if let Some(running) = operations.running.get(device).filter(|running| running.is_alive()) {
            return Ok((running.id.clone(), false));
        }
        if operations.running.len() >= OPERATIONS_RUNNING_MAX {
            operations.running.retain(|_, running| running.is_alive());
        }
        if operations.running.len() >= OPERATIONS_RUNNING_MAX {
            return Err(DpsError::Throttled { retry_after_s: RETRY_AFTER_S });
        }
        operations.failed.remove(device);
        operations.running.insert(device.to_owned(), Running { id: fresh_id.clone(), task: None });
        Ok((fresh_id, true))
    }

    /// The id of the device's running operation.
    pub(crate) fn find_running(&self, device: &str) -> Option<String> {
        let operations = self.by_device.lock();
        operations.running.get(device).filter(|running| running.is_alive()).map(|running| running.id.clone())
    }

    /// Names the task that runs the operation, so that one that died is not waited for.
    pub(crate) fn runs_as(&self, device: &str, id: &str, task: AbortHandle) {
        if let Some(running) = self.by_device.lock().running.get_mut(device).filter(|running| running.id == id) {
            running.task = Some(task);
        }
    }

    /// Ends an operation. `failure` is what no record tells of.
    pub(crate) fn finish(&self, device: &str, id: &str, failure: Option<RegistrationState>, now: UnixMillis) {
        let mut operations = self.by_device.lock();
        if operations.running.get(device).is_none_or(|running| running.id != id) {
            return;
        }
        operations.running.remove(device);
        if let Some(state) = failure {
            make_room(&mut operations.failed, now);
            operations.failed.insert(device.to_owned(), Failed { id: id.to_owned(), state, at: now });
        }
    }

    /// What is remembered of the device's operation of this id.
    pub(crate) fn find(&self, device: &str, id: &str) -> Remembered {
        let operations = self.by_device.lock();
        let running = operations.running.get(device).filter(|running| running.id == id && running.is_alive());
        let failed = operations.failed.get(device).filter(|failed| failed.id == id);
        match (running, failed) {
            (Some(_), _) => Remembered::Assigning,
            (None, Some(failed)) => Remembered::Failed(Box::new(failed.state.clone())),
            (None, None) => Remembered::Nothing,
        }
    }
}

impl Running {
    fn is_alive(&self) -> bool {
        self.task.as_ref().is_none_or(|task| !task.is_finished())
    }
}

fn make_room(failed: &mut HashMap<String, Failed>, now: UnixMillis) {
    if failed.len() < FAILURES_KEPT_MAX {
        return;
    }
    failed.retain(|_, failure| now < failure.at.plus_ms(FAILURE_KEPT_MS));
    if failed.len() >= FAILURES_KEPT_MAX {
        let oldest = failed.iter().min_by_key(|(_, failure)| failure.at).map(|(device, _)| device.clone());
        oldest.and_then(|device| failed.remove(&device));
    }
}

#[cfg(test)]
mod tests {
    use roadstead_testkit::CountingRandom;

    use super::*;

    #[test]
    fn ids_are_of_their_instance() {
        let scope = IdScope::parse("0ne00ABC123").unwrap();
        let other = IdScope::parse("0ne00ABC124").unwrap();
        let id = fresh_id(&scope, &CountingRandom::default());
        assert!(is_ours(&scope, &id), "{id}");
        assert!(is_ours(&scope, &id.to_ascii_uppercase()), "{id}");
        assert!(!is_ours(&other, &id), "{id}");
        let middle = instance_hex(&scope);
        for bad in [
            String::new(),
            "5".to_owned(),
            format!("5.{middle}."),
            format!("55.{middle}.b1e02da8-0000-4000-8000-7ea7a6b7f550"),
            format!("5.{middle}.b1e02da8-0000-4000-8000-7ea7a6b7f55"),
            format!("5.{middle}.b1e02da8-0000-4000-8000-7ea7a6b7f55g"),
            format!("5.{middle}.b1e02da800000-4000-8000-7ea7a6b7f550"),
            format!("5.{middle}.b1e02da8-0000-4000-8000-7ea7a6b7f550.x"),
            "5.316aac5bdc130deb.b1e02da8-0000-4000-8000-7ea7a6b7f550".to_owned(),
        ] {
            assert!(!is_ours(&scope, &bad), "{bad}");
        }
    }

    #[test]
    fn a_device_has_one_running_operation_and_an_instance_so_many() {
        let operations = Operations::default();
        assert_eq!(operations.begin("a", "1".into()).unwrap(), ("1".to_owned(), true));
        assert_eq!(operations.begin("a", "2".into()).unwrap(), ("1".to_owned(), false));
        assert_eq!(operations.find("a", "1"), Remembered::Assigning);
        assert_eq!(operations.find("a", "2"), Remembered::Nothing);
        for number in 1..OPERATIONS_RUNNING_MAX {
            operations.begin(&number.to_string(), "x".into()).unwrap();
        }
        assert!(matches!(operations.begin("b", "1".into()), Err(DpsError::Throttled { .. })));
        operations.finish("a", "1", None, UnixMillis(0));
        assert_eq!(operations.find("a", "1"), Remembered::Nothing);
        assert!(operations.begin("b", "1".into()).is_ok());
    }
}
