//! Faults that a test asks a hub for, on hubs whose settings allow it.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use roadstead_model::{IdentityId, UnixMillis};

use crate::{
    error::HubError,
    hub::{Hub, Login},
    limits,
    session::Session,
};

/// What is to go wrong for the device that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Its connections are refused.
    Unreachable,
    /// Its messages are refused as too many.
    Throttled,
    /// Its messages are refused as more than the day's quota.
    QuotaExceeded,
    /// Its messages are refused as not authorised.
    Unauthorized,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "connections are refused",
            Self::Throttled => "messages are refused as too many",
            Self::QuotaExceeded => "messages are refused as over the quota",
            Self::Unauthorized => "messages are refused as not authorised",
        })
    }
}

/// A fault that a device asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// From the message to the fault.
    pub delay: Duration,
    /// From the fault to its end.
    pub duration: Duration,
}

/// A fault under way, or about to be.
#[derive(Debug, Clone, Copy)]
struct Active {
    kind: FaultKind,
    from: UnixMillis,
    until: UnixMillis,
}

/// The faults of a hub, one per device or module: the latest one it asked for.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    by_identity: Mutex<HashMap<Arc<str>, Active>>,
}

impl Faults {
    /// Errors: `TooManyFaults`.
    fn put(&self, identity: &str, fault: Fault, now: UnixMillis) -> Result<(), HubError> {
        let plus = |at: UnixMillis, wait: Duration| at.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        let from = plus(now, fault.delay);
        let active = Active { kind: fault.kind, from, until: plus(from, fault.duration) };
        let mut faults = self.by_identity.lock();
        if faults.len() >= limits::FAULTS_MAX {
            faults.retain(|_, active| now < active.until);
        }
        if faults.len() >= limits::FAULTS_MAX && !faults.contains_key(identity) {
            return Err(HubError::TooManyFaults { max: limits::FAULTS_MAX });
        }
        faults.insert(identity.into(), active);
        Ok(())
    }

    fn find(&self, identity: &str, now: UnixMillis) -> Option<FaultKind> {
        let mut faults = self.by_identity.lock();
        let active = *faults.get(identity)?;
        if now >= active.until {
            faults.remove(identity);
            return None;
        }
        (now >= active.from).then_some(active.kind)
    }
}

impl Hub {
    /// Whether devices may ask for faults.
    pub fn takes_faults(&self) -> bool {
        self.settings().fault_injection
    }

    /// Takes a fault from a device that keeps no session (HTTPS).
    ///
    /// Errors: as [`Hub::connect`], and `FaultInjected` while another one of the device lasts, `TooManyFaults`.
    pub async fn inject_once(&self, login: Login<'_>, fault: Fault) -> Result<(), HubError> {
        let (id, _) = self.identify(login).await?;
        self.check_message_fault(&id)?;
        self.faults().put(&id.to_string(), fault, self.now())
    }

    /// Errors: `FaultInjected` while the device is to find the hub unreachable.
    pub(crate) fn check_connection_fault(&self, id: &IdentityId) -> Result<(), HubError> {
        match self.fault_of(id) {
            Some(kind @ FaultKind::Unreachable) => Err(HubError::FaultInjected(kind)),
            _ => Ok(()),
        }
    }

    /// Errors: `FaultInjected` while the device's messages are to be refused.
    pub(crate) fn check_message_fault(&self, id: &IdentityId) -> Result<(), HubError> {
        match self.fault_of(id) {
            None | Some(FaultKind::Unreachable) => Ok(()),
            Some(kind) => Err(HubError::FaultInjected(kind)),
        }
    }

    fn fault_of(&self, id: &IdentityId) -> Option<FaultKind> {
        if !self.takes_faults() {
            return None;
        }
        self.faults().find(&id.to_string(), self.now())
    }
}

impl Session {
    /// Whether the device may ask for faults.
    pub fn takes_faults(&self) -> bool {
        self.hub().takes_faults()
    }

    /// Takes a fault from the device. Ending the connection after the delay is the front's to do. Errors: `TooManyFaults`.
    pub fn inject(&self, fault: Fault) -> Result<(), HubError> {
        self.heard();
        self.hub().faults().put(&self.id().to_string(), fault, self.hub().now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_fault_begins_after_its_delay_and_ends_after_its_duration() {
        let faults = Faults::default();
        let fault = Fault { kind: FaultKind::Throttled, delay: s(2), duration: s(5) };
        faults.put("a", fault, UnixMillis(0)).unwrap();
        for (at_ms, expected) in [
            (0, None),
            (1999, None),
            (2000, Some(FaultKind::Throttled)),
            (6999, Some(FaultKind::Throttled)),
            (7000, None),
            (3000, None),
        ] {
            assert_eq!(faults.find("a", UnixMillis(at_ms)), expected, "{at_ms}; what is over is forgotten");
        }
        assert_eq!(faults.find("b", UnixMillis(2000)), None);
    }

    #[test]
    fn the_latest_counts() {
        let faults = Faults::default();
        let fault = |kind, duration| Fault { kind, delay: s(0), duration };
        faults.put("a", fault(FaultKind::Unreachable, s(100)), UnixMillis(0)).unwrap();
        faults.put("a", fault(FaultKind::QuotaExceeded, s(1)), UnixMillis(0)).unwrap();
        assert_eq!(faults.find("a", UnixMillis(0)), Some(FaultKind::QuotaExceeded));
        faults.put("a", fault(FaultKind::Unreachable, s(0)), UnixMillis(0)).unwrap();
        assert_eq!(
            faults.find("a", UnixMillis(0)),
            None,
            "without a duration nothing follows the end of the connection"
        );
    }

    #[test]
    fn faults_are_bounded_and_those_over_make_room() {
        let faults = Faults::default();
        let fault = Fault { kind: FaultKind::Unreachable, delay: s(0), duration: s(10) };
        for device in 0..limits::FAULTS_MAX {
            faults.put(&device.to_string(), fault, UnixMillis(0)).unwrap();
        }
        assert!(matches!(faults.put("x", fault, UnixMillis(0)), Err(HubError::TooManyFaults { .. })));
        assert!(faults.put("1", fault, UnixMillis(0)).is_ok());
        assert!(faults.put("x", fault, UnixMillis(10_000)).is_ok());
    }
}
