//! Where a server is, and the way there.

use crate::connect_error::{ConnectError, LineFault, io_cause, tls_cause};
use crate::limits::{ANSWER_TIMEOUT, HANDSHAKE_TIMEOUT, MQTT_PORT, REACH_TIMEOUT};
use crate::line::Line;
use roadstead_mqtt_proto::{Connack, Connect, Packet, decode, encode};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A server by its name, which is also the one its certificate must be for.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Where it is, whatever its name leads to.
    pub(crate) connect_to: Option<SocketAddr>,
}

impl Endpoint {
    pub(crate) fn new(host: impl Into<String>) -> Self {
        Self { host: host.into(), port: MQTT_PORT, connect_to: None }
    }

    /// A connection whose server said yes to `connect`.
    pub(crate) async fn open(&self, tls: &Arc<ClientConfig>, connect: &Connect<'_>) -> Result<Line, ConnectError> {
        let mut line = self.dial(tls).await?;
        encode::connect(line.out(), connect)
            .map_err(|error| ConnectError::unexpected(&self.host, &error.to_string()))?;
        let answer = within(ANSWER_TIMEOUT, &self.host, "CONNACK", line.next()).await?;
        let answer = answer.map_err(|fault| ConnectError::of_line(&self.host, fault))?;
        match decode(&answer) {
            Ok(Packet::Connack(Connack::Accepted { .. })) => Ok(line),
            Ok(Packet::Connack(Connack::Refused(code))) => Err(ConnectError::Refused { host: self.host.clone(), code }),
            Ok(_) => Err(ConnectError::unexpected(&self.host, "its first packet is no CONNACK")),
            Err(fault) => Err(ConnectError::of_line(&self.host, LineFault::Packet(fault))),
        }
    }

    async fn dial(&self, tls: &Arc<ClientConfig>) -> Result<Line, ConnectError> {
        let name = ServerName::try_from(self.host.clone()).map_err(|_| self.unresolved("it is not a host name"))?;
        let stream = self.reach().await?;
        let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        let stream = within(HANDSHAKE_TIMEOUT, &self.host, "the TLS handshake", handshake).await?.map_err(|error| {
            let host = self.host.clone();
            match tls_cause(&error) {
                Some(cause) => ConnectError::Tls { host, cause },
                None => ConnectError::Lost { host, cause: io_cause(&error) },
            }
        })?;
        Ok(Line::new(stream))
    }

    /// The first of the name's addresses that answers. Errors: what the first one said.
    async fn reach(&self) -> Result<TcpStream, ConnectError> {
        let host = &self.host;
        let mut first = None;
        for address in self.addresses().await? {
            let error = match within(REACH_TIMEOUT, host, "the TCP connection", TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Without it small packets wait for the acknowledgement of those before.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "no TCP_NODELAY");
                    }
                    return Ok(stream);
                }
                Ok(Err(error)) => ConnectError::Unreachable { host: host.clone(), address, cause: io_cause(&error) },
                Err(timeout) => timeout,
            };
            first.get_or_insert(error);
        }
        Err(first.unwrap_or_else(|| self.unresolved("the name leads nowhere")))
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, ConnectError> {
        if let Some(address) = self.connect_to {
            return Ok(vec![address]);
        }
        if is_loopback(&self.host) {
            return Ok([IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]
                .map(|ip| (ip, self.port).into())
                .into());
        }
        match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
            Ok(addresses) => Ok(addresses.collect()),
            Err(error) => Err(self.unresolved(&error.to_string())),
        }
    }

    fn unresolved(&self, cause: &str) -> ConnectError {
        ConnectError::Resolve { host: self.host.clone(), cause: cause.to_owned() }
    }
}

/// Waits for `work` no longer than `after`.
pub(crate) async fn within<T>(
    after: Duration,
    host: &str,
    step: &'static str,
    work: impl Future<Output = T>,
) -> Result<T, ConnectError> {
    tokio::time::timeout(after, work).await.map_err(|_| ConnectError::Timeout { host: host.to_owned(), step, after })
}

/// Names that lead to this machine, whatever the resolver knows. Source: RFC 6761, 6.3
fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_names_and_named_addresses_need_no_resolver() {
        let mut endpoint = Endpoint { port: 1883, ..Endpoint::new("dev.localhost") };
        let loopback: Vec<SocketAddr> = vec!["127.0.0.1:1883".parse().unwrap(), "[::1]:1883".parse().unwrap()];
        assert_eq!(endpoint.addresses().await.unwrap(), loopback);
        let there = "10.0.0.7:8883".parse().unwrap();
        endpoint = Endpoint { connect_to: Some(there), ..Endpoint::new("plant.azure-devices.net") };
        assert_eq!(endpoint.addresses().await.unwrap(), [there]);
        for (host, loopback) in [
            ("localhost", true),
            ("A.LOCALHOST.", true),
            ("notlocalhost", false),
            ("localhost.example", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host), loopback, "{host}");
        }
    }
}
