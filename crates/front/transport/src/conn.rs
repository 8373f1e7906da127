//! One connection, and who is at its other end.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use crate::capacity::Place;

/// Who connected, as far as TCP and TLS know. Nothing of it is judged.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: SocketAddr,
    /// The host name the client asked for; absent when it gave none or an address.
    pub server_name: Option<Box<str>>,
    /// The certificates the client sent, DER, its own first; it has proved to hold that one's key. Empty when it sent none. A
    /// resumed session has those of the first.
    pub certificates: Arc<[Vec<u8>]>,
}

impl Peer {
    /// A client that showed nothing.
    pub fn bare(address: SocketAddr) -> Self {
        Self { address, server_name: None, certificates: Arc::new([]) }
    }

    fn of(address: SocketAddr, tls: &rustls::ServerConnection) -> Self {
        let certificates = tls.peer_certificates().unwrap_or_default().iter().map(|certificate| certificate.to_vec());
        Self { address, server_name: tls.server_name().map(Into::into), certificates: certificates.collect() }
    }
}

/// What a connection may be made over, beside TLS: a WebSocket, bare TCP, or a pipe in tests.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

enum Io {
    Tls(Box<TlsStream<TcpStream>>),
    Other(Box<dyn Stream>),
}

/// One connection: bytes in and out, without buffers beyond those of TLS. Small, as there may be a million.
pub struct Conn {
    io: Io,
    peer: Box<Peer>,
    /// Counted until dropped, wherever the connection is carried: a WebSocket keeps the connection it came over.
    _place: Option<Place>,
}

impl Conn {
    /// Over anything, such as [`crate::websocket::ByteStream`].
    pub fn over(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, peer: Peer) -> Self {
        Self { io: Io::Other(Box::new(io)), peer: Box::new(peer), _place: None }
    }

    pub(crate) fn over_tls(stream: Box<TlsStream<TcpStream>>, address: SocketAddr, place: Place) -> Self {
        let peer = Box::new(Peer::of(address, stream.get_ref().1));
        Self { io: Io::Tls(stream), peer, _place: Some(place) }
    }

    pub(crate) fn over_tcp(stream: TcpStream, address: SocketAddr, place: Place) -> Self {
        Self { io: Io::Other(Box::new(stream)), peer: Box::new(Peer::bare(address)), _place: Some(place) }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Frees the peer's certificates once they are judged.
    pub fn forget_certificates(&mut self) {
        self.peer.certificates = Arc::new([]);
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        match &mut self.get_mut().io {
            Io::Tls(stream) => Pin::new(&mut **stream),
            Io::Other(stream) => Pin::new(&mut **stream),
        }
    }
}

impl AsyncRead for Conn {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Conn {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Tls(stream) => stream.is_write_vectored(),
            Io::Other(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_cheaply() {
        assert!(size_of::<Conn>() <= 48, "{}", size_of::<Conn>());
    }
}
