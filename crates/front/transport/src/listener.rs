//! Listening, and taking connections in.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::{debug, warn};

use crate::{
    capacity::{Capacity, Place},
    conn::Conn,
    drain::DrainWatch,
    limits::{ACCEPT_PAUSE, BACKLOG, HANDSHAKE_TIMEOUT},
    metric::{self, HandshakeFailure},
    refused::{HandshakeObserver, RefusedHandshake},
};

/// A port, with TLS or without.
pub struct Listener {
    socket: TcpListener,
    door: Arc<Door>,
}

/// What every connection of a listener needs on its way in.
struct Door {
    name: &'static str,
    /// `None`: bytes come as they are.
    tls: Option<TlsAcceptor>,
    capacity: Arc<Capacity>,
    handshake_timeout: Duration,
    observer: Option<HandshakeObserver>,
}

impl Listener {
    /// Listens on `address`; port 0 takes a free one. `name` tells listeners apart in metrics and logs. Must be called within
    /// the runtime.
    ///
    /// Errors: those of the machine; the address in use, or not allowed.
    pub fn bind(
        name: &'static str,
        address: SocketAddr,
        tls: Arc<ServerConfig>,
        capacity: Arc<Capacity>,
    ) -> io::Result<Self> {
        Self::open(name, address, Some(TlsAcceptor::from(tls)), capacity)
    }

    /// Listens without TLS, for clients on this machine that can do without.
    ///
    /// Errors: as [`Listener::bind`]; `InvalidInput` for an address that others can reach.
    pub fn bind_plain(name: &'static str, address: SocketAddr, capacity: Arc<Capacity>) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let text = format!("{address} is not a loopback address, and nothing is encrypted there");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Self::open(name, address, None, capacity)
    }

    fn open(
        name: &'static str,
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        capacity: Arc<Capacity>,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if cfg!(unix) {
            // On Windows this would let another program take the port over.
            socket.set_reuse_address(true)?;
        }
        if address.ip().is_unspecified() && address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let door = Door { name, tls, capacity, handshake_timeout: HANDSHAKE_TIMEOUT, observer: None };
        Ok(Self { socket: TcpListener::from_std(socket.into())?, door: Arc::new(door) })
    }

    /// Gives handshakes another time to finish than [`HANDSHAKE_TIMEOUT`].
    #[must_use]
    pub fn with_handshake_timeout(self, handshake_timeout: Duration) -> Self {
        let Door { name, tls, capacity, observer, .. } = &*self.door;
        let (tls, capacity, observer) = (tls.clone(), Arc::clone(capacity), observer.clone());
        let door = Door { name, tls, capacity, handshake_timeout, observer };
        Self { door: Arc::new(door), ..self }
    }

    /// Names who hears of handshakes that TLS, or a client, refused.
    #[must_use]
    pub fn observed_by(self, observer: HandshakeObserver) -> Self {
        let Door { name, tls, capacity, handshake_timeout, .. } = &*self.door;
        let (tls, capacity) = (tls.clone(), Arc::clone(capacity));
        let door = Door { name, tls, capacity, handshake_timeout: *handshake_timeout, observer: Some(observer) };
        Self { door: Arc::new(door), ..self }
    }

    /// Where it listens.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Hands every connection to `handler`, each in a task of its own, until `drain` starts; then closes the port and returns,
    /// while connections go on. Who must know when they have ended waits for [`Capacity::emptied`].
    pub async fn serve<H, F>(self, handler: H, mut drain: DrainWatch)
    where
        H: Fn(Conn) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let mut pause = ACCEPT_PAUSE.0;
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.started() => return,
                accepted = self.socket.accept() => accepted,
            };
            let error = match accepted {
                Ok((tcp, address)) => {
                    pause = ACCEPT_PAUSE.0;
                    self.door.take_in(tcp, address, &handler);
                    continue;
                }
                Err(error) => error,
            };
            if is_clients_fault(&error) {
                continue;
            }
            warn!(listener = self.door.name, %error, pause_ms = pause.as_millis(), "cannot accept connections for now");
            tokio::select! {
                () = drain.started() => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(ACCEPT_PAUSE.1),
            }
        }
    }
}

/// The client went away before it was accepted; anything else is the machine's state (out of file descriptors, out of memory)
/// and would be the same at once again.
fn is_clients_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// A client that is let in.
enum Greeted {
    Tls(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

impl Door {
    fn take_in<H, F>(self: &Arc<Self>, tcp: TcpStream, address: SocketAddr, handler: &Arc<H>)
    where
        H: Fn(Conn) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(place) = self.capacity.enter(self.name) else {
            debug!(listener = self.name, %address, "refused a connection: all places are taken");
            return;
        };
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        // Boxed: what a handshake needs is given back when it ends, and does not swell the task of an idle connection.
        let greeting = Box::pin(Arc::clone(self).greet(tcp, address, place));
        let handler = Arc::clone(handler);
        tokio::spawn(async move {
            if let Some(conn) = greeting.await {
                handler(conn).await;
            }
        });
    }

    async fn greet(self: Arc<Self>, tcp: TcpStream, address: SocketAddr, place: Place) -> Option<Conn> {
        let handshake = async {
            tcp.set_nodelay(true)?;
            // Who says nothing takes no turn from those who do.
            if tcp.peek(&mut [0]).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            let Some(tls) = &self.tls else { return Ok(Greeted::Plain(tcp)) };
            let _turn = self.capacity.handshake().await;
            Ok(Greeted::Tls(Box::new(tls.accept(tcp).await?)))
        };
        let failure = match tokio::time::timeout(self.handshake_timeout, handshake).await {
            Ok(Ok(Greeted::Tls(stream))) => return Some(Conn::over_tls(stream, address, place)),
            Ok(Ok(Greeted::Plain(tcp))) => return Some(Conn::over_tcp(tcp, address, place)),
            Ok(Err(error)) => {
                debug!(listener = self.name, %address, %error, "tls handshake failed");
                let is_tls = error.kind() == io::ErrorKind::InvalidData;
                if let Some(observer) = self.observer.as_ref().filter(|_| is_tls) {
                    observer(RefusedHandshake::new(self.name, address, &error));
                }
                if is_tls { HandshakeFailure::Tls } else { HandshakeFailure::Closed }
            }
            Err(_) => {
                debug!(listener = self.name, %address, "tls handshake took too long");
                HandshakeFailure::Timeout
            }
        };
        metric::handshake_failed(self.name, failure);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clients_faults_are_retried_at_once() {
        for (code, clients_fault) in
            [(103, true), (104, true), (4, true), (24, false), (23, false), (12, false), (105, false)]
        {
            assert_eq!(is_clients_fault(&io::Error::from_raw_os_error(code)), clients_fault, "{code}");
        }
    }
}
