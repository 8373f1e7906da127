//! One TLS connection that carries MQTT packets.

use crate::connect_error::LineFault;
use crate::limits::{FINISH_TIMEOUT, IDLE_BUFFER_BYTES, PACKET_BYTES_MAX};
use bytes::{Bytes, BytesMut};
use roadstead_mqtt_proto::frame;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Packets out are put into [`Line::out`]; [`Line::turn`] sends them while it waits for packets in.
pub(crate) struct Line {
    stream: TlsStream<TcpStream>,
    received: BytesMut,
    out: Vec<u8>,
    /// Bytes of `out` that are with the stream already.
    sent: usize,
    unflushed: bool,
}

/// Bytes asked of the socket at once: answers are short.
const READ_BYTES: usize = 1024;

impl Line {
    pub(crate) fn new(stream: TlsStream<TcpStream>) -> Self {
        Self { stream, received: BytesMut::new(), out: Vec::new(), sent: 0, unflushed: false }
    }

    /// Where packets to be sent are appended.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Bytes that wait to be sent.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.out.len() - self.sent
    }

    /// The next whole packet, if it is there.
    pub(crate) fn take(&mut self) -> Result<Option<Bytes>, LineFault> {
        let len = frame::first_packet_len(&self.received, PACKET_BYTES_MAX)?;
        Ok(len.map(|len| self.received.split_to(len).freeze()))
    }

    /// The next packet.
    pub(crate) async fn next(&mut self) -> Result<Bytes, LineFault> {
        loop {
            if let Some(packet) = self.take()? {
                return Ok(packet);
            }
            self.turn().await?;
        }
    }

    /// Sends what waits until something was received. May be dropped and called again at any time.
    ///
    /// Errors: `UnexpectedEof` when the server closed.
    pub(crate) async fn turn(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll_turn(context)).await
    }

    /// Sends what waits and closes; what cannot be sent in time is given up.
    pub(crate) async fn finish(mut self) {
        let all = async {
            poll_fn(|context| self.poll_send(context)).await?;
            self.stream.shutdown().await
        };
        let all = pin!(all);
        if !matches!(tokio::time::timeout(FINISH_TIMEOUT, all).await, Ok(Ok(()))) {
            tracing::debug!("connection closed before all was sent");
        }
    }

    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(Err(error)) = self.poll_send(context) {
            return Poll::Ready(Err(error));
        }
        let mut space = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.received.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            self.sent += ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            self.unflushed = true;
        }
        self.out.clear();
        self.sent = 0;
        if self.out.capacity() > IDLE_BUFFER_BYTES {
            self.out = Vec::new();
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}
