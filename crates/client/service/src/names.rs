//! Where host names lead.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Leads names to addresses: first those that were named, then loopback names (RFC 6761, 6.3), then the system's.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub connect_to: BTreeMap<String, IpAddr>,
}

impl Names {
    /// `None` when only the system can know.
    fn find(&self, host: &str) -> Option<Vec<IpAddr>> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if let Some(address) = self.connect_to.get(&host) {
            return Some(vec![*address]);
        }
        let is_loopback = host == "localhost" || host.ends_with(".localhost");
        is_loopback.then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
    }

    /// The addresses to try for `host`, a name or an address itself.
    pub async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match self.find(host) {
            Some(addresses) => Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()),
            None => match tokio::net::lookup_host((host, port)).await {
                Ok(addresses) => Ok(addresses.collect()),
                Err(_) => Err(io::Error::other(format!("no address is known for {host}"))),
            },
        }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let addresses = names.look_up(name.as_str(), 0).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_under_localhost_lead_to_loopback_and_named_ones_where_they_are_told() {
        let there = IpAddr::from([10, 0, 0, 7]);
        let names = Names { connect_to: BTreeMap::from([("plant.azure-devices.net".to_owned(), there)]) };
        let loopback = Some(vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)]);
        for (host, addresses) in [
            ("localhost", loopback.clone()),
            ("dev.localhost", loopback.clone()),
            ("A.B.LOCALHOST.", loopback),
            ("Plant.Azure-Devices.net", Some(vec![there])),
            ("notlocalhost", None),
            ("localhost.example", None),
            ("example", None),
        ] {
            assert_eq!(names.find(host), addresses, "{host}");
        }
    }
}
