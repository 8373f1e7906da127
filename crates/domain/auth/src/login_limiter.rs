//! How often somebody may try passwords.
//!
//! A name may be tried a few times a minute by strangers, and an address may try a few names. Where a name logged in before,
//! it is no stranger: that address has a count of its own for it, which no stranger can use up. So guessing is slow from
//! everywhere together, and whoever attacks a name locks its owner out nowhere but where the owner never was. (Secrets of
//! service principals cannot be guessed and are not counted: a right one is always let in.)
//!
//! Source: docs, Entra smart lockout (ten failures, then a minute; familiar locations are counted apart)

use std::{collections::HashMap, hash::Hash, net::IpAddr};

use roadstead_model::UnixMillis;

use crate::limits::{
    FAMILIAR_MAX, LOGIN_ADDRESSES_MAX, LOGIN_NAMES_MAX, LOGIN_WINDOW_MS, LOGINS_PER_ADDRESS_MAX, LOGINS_PER_NAME_MAX,
};

/// Counts attempts. Forgets all on restart.
#[derive(Debug, Default)]
pub struct LoginLimiter {
    addresses: Counts<IpAddr>,
    strangers: Counts<String>,
    familiar: Counts<(String, IpAddr)>,
}

impl LoginLimiter {
    /// Counts an attempt for `name` (as it is compared) from `address`. `Err`: not now, but after so many seconds.
    pub fn admit(&mut self, name: &str, address: IpAddr, now: UnixMillis) -> Result<(), i64> {
        let (pair, address) = ((name.to_owned(), network(address)), network(address));
        if self.familiar.0.contains_key(&pair) {
            return self.familiar.count(pair, LOGINS_PER_NAME_MAX, FAMILIAR_MAX, now);
        }
        self.addresses.count(address, LOGINS_PER_ADDRESS_MAX, LOGIN_ADDRESSES_MAX, now)?;
        self.strangers.count(pair.0, LOGINS_PER_NAME_MAX, LOGIN_NAMES_MAX, now)
    }

    /// The attempt that was admitted last succeeded: it does not count, and the address is familiar from now on.
    pub fn succeeded(&mut self, name: &str, address: IpAddr, now: UnixMillis) {
        let (pair, address) = ((name.to_owned(), network(address)), network(address));
        if self.familiar.0.remove(&pair).is_none() {
            self.addresses.take_back(&address);
            self.strangers.take_back(&pair.0);
        }
        self.familiar.put(pair, Count { attempts: 0, since: now }, FAMILIAR_MAX);
    }
}

/// What stands for an address where attempts are counted: who has one IPv6 address has its whole network of 64 bits.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Count {
    attempts: u32,
    since: UnixMillis,
}

#[derive(Debug)]
struct Counts<K>(HashMap<K, Count>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq + Clone> Counts<K> {
    fn count(&mut self, key: K, attempts_max: u32, keys_max: usize, now: UnixMillis) -> Result<(), i64> {
        let fresh = Count { attempts: 0, since: now };
        let mut count = self.0.get(&key).copied().unwrap_or(fresh);
        let ends = count.since.plus_ms(LOGIN_WINDOW_MS);
        if ends <= now {
            count = fresh;
        } else if count.attempts >= attempts_max {
            return Err((ends.0 - now.0 + 999).div_euclid(1000));
        }
        count.attempts += 1;
        self.put(key, count, keys_max);
        Ok(())
    }

    fn take_back(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            count.attempts = count.attempts.saturating_sub(1);
        }
    }

    /// When there is no room, the one that is oldest goes.
    fn put(&mut self, key: K, count: Count, keys_max: usize) {
        if self.0.len() >= keys_max && !self.0.contains_key(&key) {
            let oldest = self.0.iter().min_by_key(|(_, count)| count.since).map(|(key, _)| key.clone());
            oldest.map(|oldest| self.0.remove(&oldest));
        }
        self.0.insert(key, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn stranger(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from(0xc633_6400 + n).into()
    }

    #[test]
    fn strangers_share_a_name_and_lock_its_owner_out_nowhere_known() {
        let (mut limiter, now) = (LoginLimiter::default(), UnixMillis(0));
        limiter.admit("alice", HOME, now).unwrap();
        limiter.succeeded("alice", HOME, now);
        for n in 0..LOGINS_PER_NAME_MAX {
            limiter.admit("alice", stranger(n), now).unwrap();
        }
        assert_eq!(limiter.admit("alice", stranger(77), now.plus_ms(500)), Err(60));
        limiter.admit("bob", stranger(77), now).unwrap();
        for _ in 0..LOGINS_PER_NAME_MAX {
            limiter.admit("alice", HOME, now).unwrap();
        }
        assert_eq!(limiter.admit("alice", HOME, now.plus_ms(59_999)), Err(1));
        for address in [HOME, stranger(77)] {
            limiter.admit("alice", address, now.plus_ms(60_000)).unwrap();
        }
    }

    #[test]
    fn an_address_tries_few_names() {
        let (mut limiter, now) = (LoginLimiter::default(), UnixMillis(0));
        for n in 0..LOGINS_PER_ADDRESS_MAX {
            limiter.admit(&format!("user{n}"), HOME, now).unwrap();
        }
        assert_eq!(limiter.admit("another", HOME, now), Err(60));
        let network = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, host, 0, 0, 1]);
        for n in 0..LOGINS_PER_ADDRESS_MAX {
            limiter.admit(&format!("six{n}"), network(n as u16), now).unwrap();
        }
        assert_eq!(limiter.admit("another", network(999), now), Err(60));
        assert_eq!(limiter.admit("another", "::ffff:192.0.2.7".parse().unwrap(), now), Err(60));
    }

    #[test]
    fn successes_do_not_count() {
        let (mut limiter, now) = (LoginLimiter::default(), UnixMillis(0));
        for n in 0..LOGINS_PER_ADDRESS_MAX * 3 {
            let name = format!("user{n}");
            limiter.admit(&name, HOME, now).unwrap();
            limiter.succeeded(&name, HOME, now);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut limiter = LoginLimiter::default();
        for n in 0..LOGIN_NAMES_MAX as u32 + 10 {
            limiter.admit(&format!("user{n}"), stranger(n), UnixMillis(i64::from(n))).unwrap();
        }
        assert_eq!((limiter.strangers.0.len(), limiter.addresses.0.len()), (LOGIN_NAMES_MAX, LOGIN_ADDRESSES_MAX));
        assert!(!limiter.strangers.0.contains_key("user0"));
    }
}
