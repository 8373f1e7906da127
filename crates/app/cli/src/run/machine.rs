//! What this machine is called, and what its names lead to.

use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs};

/// The machine's own name; `None` when it cannot be read or is no DNS name.
pub fn name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = text.trim().to_ascii_lowercase();
    let is_dns = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name.split('.').all(is_dns).then_some(name)
}

/// Whether the resolver of this machine, which clients use too, leads `host` to loopback.
pub fn is_loopback(host: &str) -> bool {
    let found: Vec<SocketAddr> = (host, 0).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    !found.is_empty() && found.iter().all(|address| address.ip().is_loopback())
}

/// The first port from `first` on that is free on `address`.
pub fn free_port(address: IpAddr, first: u16) -> Option<u16> {
    (first..=u16::MAX).find(|port| can_bind(SocketAddr::new(address, *port)))
}

/// Whether this process may listen on `port`, and nobody else does.
pub fn can_bind(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}
