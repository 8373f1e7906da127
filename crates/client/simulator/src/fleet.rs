//! What to simulate, and its run.

use crate::clock::unix_now_s;
use crate::life::{Plan, live};
use crate::limits::{COMMON_NAME_BYTES_MAX, DEVICE_RATE_MAX, DEVICES_MAX, PROGRESS_EVERY, STARTING_DEFAULT};
use crate::pace::Rate;
use crate::payload::{Composer, Payload};
use crate::progress::Progress;
use crate::summary::Summary;
use crate::tally::Tally;
use roadstead_device::limits::MQTT_PORT;
use roadstead_device::{Trust, TrustError};
use roadstead_model::RegistrationId;
use roadstead_model::id::IdError;
use roadstead_model::limits::D2C_MESSAGE_BYTES_MAX;
use roadstead_pki::Authority;
use roadstead_sas::SasKey;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A fleet: how many devices, who they are, where they register, what they say and for how long.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// How many, 1 to 999,999. They are called `sim-000001` and so on.
    pub devices: u32,
    /// What their names begin with: `sim-`
    pub prefix: String,
    /// How they prove themselves.
    pub identities: Identities,
    /// Host of DPS: `dev.localhost`
    pub host: String,
    /// Port of DPS and of the hubs it assigns.
    pub port: u16,
    /// Where DPS and hubs are, whatever their names lead to.
    pub connect_to: Option<SocketAddr>,
    /// Which DPS: `0ne00ABC123`
    pub id_scope: String,
    /// Whose server certificates are believed. Unless told: [`Trust::system`].
    pub trust: Option<Trust>,
    /// What they say.
    pub payload: Payload,
    /// How fast.
    pub rate: Rate,
    /// Messages of each device, after which it leaves. Unless told: without end.
    pub messages_each: Option<u64>,
    /// Length of the run, its start included. Unless told: without end.
    pub duration: Option<Duration>,
    /// How many may register and connect at the same time.
    pub starting_at_once: usize,
    /// Whether progress is shown on stderr, if that is a terminal.
    pub progress: bool,
}

/// How the devices of a fleet prove themselves.
#[derive(Debug, Clone)]
pub enum Identities {
    /// Each with a P-256 certificate of this CA, made when it starts. An enrollment group must know the CA's certificate.
    Certificates(Arc<Authority>),
    /// Each with a key derived from that of an enrollment group.
    GroupKey(SasKey),
}

/// Why a fleet cannot run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FleetError {
    /// None, or too many.
    #[error("a fleet has 1 to {DEVICES_MAX} devices, not {devices}")]
    Devices {
        /// Asked for.
        devices: u32,
    },
    /// The names are none that DPS knows.
    #[error("the prefix `{prefix}` makes no device names: {source}")]
    Prefix {
        /// Asked for.
        prefix: String,
        /// Why not.
        source: IdError,
    },
    /// The names do not fit into certificates.
    #[error(
        "the name `{name}` is longer than the {COMMON_NAME_BYTES_MAX} characters that a certificate takes: choose a shorter prefix"
    )]
    LongName {
        /// The first device's.
        name: String,
    },
    /// No rate, or one that no device can keep.
    #[error(
        "the rate must give each device more than none and at most {DEVICE_RATE_MAX} messages per second: it is {rate:?}"
    )]
    Rate {
        /// Asked for.
        rate: Rate,
    },
    /// Messages that no hub takes.
    #[error("a message has at most {D2C_MESSAGE_BYTES_MAX} bytes, not {bytes}")]
    Bytes {
        /// Asked for.
        bytes: usize,
    },
    /// The CAs to trust cannot be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl Fleet {
    /// Three thermometers that send once a second until they are stopped.
    pub fn new(host: impl Into<String>, id_scope: impl Into<String>, identities: Identities) -> Self {
        Self {
            devices: 3,
            prefix: "sim-".to_owned(),
            identities,
            host: host.into(),
            port: MQTT_PORT,
            connect_to: None,
            id_scope: id_scope.into(),
            trust: None,
            payload: Payload::default(),
            rate: Rate::PerDevice(1.0),
            messages_each: None,
            duration: None,
            starting_at_once: STARTING_DEFAULT,
            progress: true,
        }
    }

    /// Name of the `index`th device, from 0: `sim-000001`
    pub fn device_id(&self, index: u32) -> String {
        format!("{}{:06}", self.prefix, index.saturating_add(1))
    }

    /// Runs the fleet until each device has sent its messages, the time is over, or `stop` is ready. What is on its way then has five
    /// seconds to arrive.
    ///
    /// Errors: [`FleetError`]; what goes wrong with devices is in the summary.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Summary, FleetError> {
        let plan = Arc::new(self.plan()?);
        let Fleet { devices, duration, progress, .. } = plan.fleet;
        let mut progress = Progress::new(devices, progress, Instant::now());
        let tasks = TaskTracker::new();
        for index in 0..devices {
            tasks.spawn(live(Arc::clone(&plan), index));
        }
        tasks.close();
        let mut all = pin!(tasks.wait());
        let mut over = pin!(async {
            match duration {
                Some(duration) => tokio::select! { () = stop => {}, () = sleep(duration) => {} },
                None => stop.await,
            }
        });
        let mut ticks = interval(PROGRESS_EVERY);
        loop {
            tokio::select! {
                () = &mut all => break,
                () = &mut over, if !plan.stop.is_cancelled() => plan.stop.cancel(),
                _ = ticks.tick() => progress.draw(&plan.tally, Instant::now()),
            }
        }
        progress.finish();
        Ok(plan.tally.summary(Instant::now()))
    }

    fn plan(self) -> Result<Plan, FleetError> {
        let period = self.check()?;
        let trust = self.trust.clone().map_or_else(Trust::system, Ok)?;
        Ok(Plan {
            trust,
            period,
            composer: Composer::new(&self.payload),
            starting: Semaphore::new(self.starting_at_once.clamp(1, Semaphore::MAX_PERMITS)),
            tally: Tally::new(self.devices, Instant::now()),
            stop: CancellationToken::new(),
            now_s: unix_now_s(),
            fleet: self,
        })
    }

    /// The time between two messages of a device.
    fn check(&self) -> Result<Duration, FleetError> {
        let devices = self.devices;
        if !(1..=DEVICES_MAX).contains(&devices) {
            return Err(FleetError::Devices { devices });
        }
        let name = self.device_id(0);
        if let Err(source) = RegistrationId::parse(&name) {
            return Err(FleetError::Prefix { prefix: self.prefix.clone(), source });
        }
        if matches!(self.identities, Identities::Certificates(_)) && name.len() > COMMON_NAME_BYTES_MAX {
            return Err(FleetError::LongName { name });
        }
        match self.payload {
            Payload::Bytes(bytes) if bytes > D2C_MESSAGE_BYTES_MAX => Err(FleetError::Bytes { bytes }),
            _ => self.rate.period(devices).ok_or(FleetError::Rate { rate: self.rate }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_pki::{KeyKind, Validity};

    fn fleet() -> Fleet {
        Fleet::new("dev.localhost", "0ne00ABC123", Identities::GroupKey(SasKey::from_bytes(vec![7; 32])))
    }

    #[test]
    fn names_have_six_digits() {
        assert_eq!(fleet().device_id(0), "sim-000001");
        assert_eq!(Fleet { prefix: "t".to_owned(), ..fleet() }.device_id(DEVICES_MAX - 1), "t999999");
    }

    #[test]
    fn what_cannot_run_is_said_first() {
        assert_eq!(fleet().check(), Ok(Duration::from_secs(1)));
        let validity = Validity { now_s: 1_800_000_000, lifetime_s: 60 };
        let ca = Identities::Certificates(Arc::new(Authority::root("ca", KeyKind::P256, validity).unwrap()));
        let long = "p".repeat(59);
        let rate = Rate::Total(f64::NAN);
        for (fleet, error) in [
            (Fleet { devices: 0, ..fleet() }, FleetError::Devices { devices: 0 }),
            (Fleet { devices: 1_000_000, ..fleet() }, FleetError::Devices { devices: 1_000_000 }),
            (
                Fleet { prefix: long.clone(), identities: ca, ..fleet() },
                FleetError::LongName { name: format!("{long}000001") },
            ),
            (Fleet { payload: Payload::Bytes(262_145), ..fleet() }, FleetError::Bytes { bytes: 262_145 }),
        ] {
            assert_eq!(fleet.check(), Err(error));
        }
        assert!(matches!(Fleet { rate, ..fleet() }.check(), Err(FleetError::Rate { .. })));
        assert!(matches!(Fleet { prefix: "a b".to_owned(), ..fleet() }.check(), Err(FleetError::Prefix { .. })));
        assert_eq!(Fleet { prefix: long, ..fleet() }.check(), Ok(Duration::from_secs(1)));
    }
}
