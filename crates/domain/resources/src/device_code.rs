//! Logins of devices without a browser: a code is shown there, and typed with name and password elsewhere.
//!
//! Kept in memory: a login that a restart interrupts is begun again. Source: RFC 8628

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use roadstead_auth::{SecretDigest, login_limiter::network};
use roadstead_model::{Random, Secret, UnixMillis};

use crate::{
    limits::{
        DEVICE_CODE_INTERVAL_S, DEVICE_CODE_LIFETIME_S, DEVICE_CODES_MAX, DEVICE_CODES_PER_ADDRESS_MAX, USER_CODE_CHARS,
    },
    login::Proven,
};

/// Letters that look like no others and make no words. Source: RFC 8628, 6.1
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// What a device is told.
#[derive(Debug, Clone)]
pub struct DeviceCode {
    /// With which it asks.
    pub device_code: Secret,
    /// What a person types: `BCDFGHJK`.
    pub user_code: String,
    /// Seconds for which both count.
    pub lifetime_s: i64,
    /// Seconds between two questions.
    pub interval_s: i64,
}

/// What became of a device's login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceLogin {
    /// Nobody typed the code yet.
    Waiting,
    /// It asks too often.
    TooSoon,
    /// This user typed it. Told once.
    Approved(Proven),
    /// Too late, never known, or told already.
    Over,
}

#[derive(Default)]
pub(crate) struct DeviceCodes(Mutex<Vec<Pending>>);

struct Pending {
    device_code: SecretDigest,
    user_code: String,
    address: IpAddr,
    expires: UnixMillis,
    asked: Option<UnixMillis>,
    approved: Option<Proven>,
}

impl DeviceCodes {
    /// A new pair of codes; `None` when too many wait already.
    pub(crate) fn begin(&self, address: IpAddr, random: &dyn Random, now: UnixMillis) -> Option<DeviceCode> {
        let (mut all, address) = (self.0.lock(), network(address));
        all.retain(|pending| pending.expires > now);
        let of_address = all.iter().filter(|pending| pending.address == address).count();
        if all.len() >= DEVICE_CODES_MAX || of_address >= DEVICE_CODES_PER_ADDRESS_MAX {
            return None;
        }
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        let device_code = URL_SAFE_NO_PAD.encode(bytes);
        let user_code = std::iter::repeat_with(|| user_code(random))
            .find(|code| all.iter().all(|pending| pending.user_code != *code))
            .expect("there are more codes than may wait");
        all.push(Pending {
            device_code: SecretDigest::of(&device_code),
            user_code: user_code.clone(),
            address,
            expires: now.plus_ms(DEVICE_CODE_LIFETIME_S * 1000),
            asked: None,
            approved: None,
        });
        let (lifetime_s, interval_s) = (DEVICE_CODE_LIFETIME_S, DEVICE_CODE_INTERVAL_S);
        Some(DeviceCode { device_code: Secret::new(device_code), user_code, lifetime_s, interval_s })
    }

    /// Whether the code waited; then the device may log in as `user`. Blanks, hyphens and case do not matter.
    pub(crate) fn approve(&self, user_code: &str, user: Proven, now: UnixMillis) -> bool {
        let typed: String = user_code.chars().filter(char::is_ascii_alphanumeric).take(USER_CODE_CHARS + 1).collect();
        let mut all = self.0.lock();
        let found = all.iter_mut().find(|pending| {
            pending.expires > now && pending.approved.is_none() && pending.user_code.eq_ignore_ascii_case(&typed)
        });
        found.map(|pending| pending.approved = Some(user)).is_some()
    }

    /// What became of the login with this device code.
    pub(crate) fn ask(&self, device_code: &str, now: UnixMillis) -> DeviceLogin {
        let mut all = self.0.lock();
        all.retain(|pending| pending.expires > now);
        let Some(at) = all.iter().position(|pending| pending.device_code.is_of(device_code)) else {
            return DeviceLogin::Over;
        };
        if let Some(user) = all[at].approved {
            all.swap_remove(at);
            return DeviceLogin::Approved(user);
        }
        // Half of what was asked for: clients' clocks and ours need not agree.
        let too_soon = |asked: UnixMillis| now.0 - asked.0 < DEVICE_CODE_INTERVAL_S * 500;
        if all[at].asked.replace(now).is_some_and(too_soon) { DeviceLogin::TooSoon } else { DeviceLogin::Waiting }
    }
}

/// Eight letters: 34 bits, for which there is a password to be had, too.
fn user_code(random: &dyn Random) -> String {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    let mut number = u64::from_be_bytes(bytes);
    let letters = std::iter::repeat_with(|| {
        let letter = LETTERS[(number % LETTERS.len() as u64) as usize];
        number /= LETTERS.len() as u64;
        char::from(letter)
    });
    letters.take(USER_CODE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use roadstead_model::{Guid, PrincipalId};
    use roadstead_testkit::CountingRandom;

    use super::*;

    const ALICE: Proven = Proven { principal: PrincipalId(Guid::from_bytes([1; 16])), sessions: 0 };

    fn begin(codes: &DeviceCodes, host: u8) -> Option<DeviceCode> {
        thread_local!(static RANDOM: CountingRandom = CountingRandom::default());
        RANDOM.with(|random| codes.begin([192, 0, 2, host].into(), random, UnixMillis(0)))
    }

    #[test]
    fn a_typed_code_lets_the_device_in_once() {
        let codes = DeviceCodes::default();
        let (one, other) = (begin(&codes, 1).unwrap(), begin(&codes, 1).unwrap());
        assert_ne!(one.user_code, other.user_code);
        let at = |s: i64| UnixMillis(s * 1000);
        assert_eq!(codes.ask(one.device_code.expose(), at(0)), DeviceLogin::Waiting);
        assert_eq!(codes.ask(one.device_code.expose(), at(1)), DeviceLogin::TooSoon);
        let (first, last) = one.user_code.split_at(4);
        for (typed, found) in [("", false), ("BBBBBBBB", false), (&format!(" {}-{last} ", first.to_lowercase()), true)]
        {
            assert_eq!(codes.approve(typed, ALICE, at(2)), found, "{typed}");
        }
        assert!(!codes.approve(&one.user_code, Proven { sessions: 1, ..ALICE }, at(2)));
        assert_eq!(codes.ask(one.device_code.expose(), at(2)), DeviceLogin::Approved(ALICE));
        assert_eq!(codes.ask(one.device_code.expose(), at(2)), DeviceLogin::Over);
        assert_eq!(codes.ask("", at(2)), DeviceLogin::Over);
        assert_eq!(codes.ask(other.device_code.expose(), at(DEVICE_CODE_LIFETIME_S)), DeviceLogin::Over);
        assert!(!codes.approve(&other.user_code, ALICE, at(DEVICE_CODE_LIFETIME_S)));
    }

    #[test]
    fn few_codes_wait() {
        let codes = DeviceCodes::default();
        for _ in 0..DEVICE_CODES_PER_ADDRESS_MAX {
            begin(&codes, 1).unwrap();
        }
        assert!(begin(&codes, 1).is_none());
        begin(&codes, 2).unwrap();
    }
}
