//! Packets out of bytes and back, over any byte stream, with buffers only while there is something in them.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Poll, ready},
};

use roadstead_front_transport::ReadBuffer;
use roadstead_mqtt_proto::{FrameError, frame};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::limits;

/// A connection as packets.
#[derive(Debug)]
pub(crate) struct PacketStream<S> {
    io: S,
    input: ReadBuffer,
    /// What is to be sent with the next flush.
    pub(crate) out: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> PacketStream<S> {
    pub(crate) fn new(io: S) -> Self {
        Self { io, input: ReadBuffer::default(), out: Vec::new() }
    }

    /// The next whole packet among the bytes read, by its place in [`PacketStream::bytes`].
    /// Errors: the header announces more than `packet_bytes_max`, or is no header.
    pub(crate) fn next_packet(
        &mut self,
        packet_bytes_max: usize,
    ) -> Result<Option<std::ops::Range<usize>>, FrameError> {
        let found = frame::first_packet_len(self.input.unread(), packet_bytes_max)?;
        Ok(found.map(|len| self.input.consume(len)))
    }

    /// The first byte of a packet that is not whole yet.
    pub(crate) fn first_unread(&self) -> Option<u8> {
        self.input.unread().first().copied()
    }

    /// The bytes a packet was found at; valid until the next [`PacketStream::fill`].
    pub(crate) fn bytes(&self, range: std::ops::Range<usize>) -> &[u8] {
        self.input.at(range)
    }

    /// Both halves at once: a packet's bytes and the buffer its answer goes into.
    pub(crate) fn bytes_and_out(&mut self, range: std::ops::Range<usize>) -> (&[u8], &mut Vec<u8>) {
        (self.input.at(range), &mut self.out)
    }

    /// Waits for more bytes. `false`: the peer closed. Safe to drop while pending.
    pub(crate) async fn fill(&mut self) -> io::Result<bool> {
        poll_fn(|cx| self.input.poll_fill(&mut self.io, cx).map_ok(|read| read > 0)).await
    }

    /// Sends what is in `out`. Safe to drop while pending, after which the stream is good for nothing but closing.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let mut sent = 0;
        poll_fn(|cx| {
            while sent < self.out.len() {
                let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.out[sent..]))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                sent += written;
            }
            Pin::new(&mut self.io).poll_flush(cx)
        })
        .await?;
        self.out.clear();
        if self.out.capacity() > limits::WRITE_BUFFER_BYTES_KEPT {
            self.out = Vec::new();
        }
        Ok(())
    }

    /// Ends the stream in an orderly way (TLS close-notify, then FIN).
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn packets_are_cut_however_the_bytes_arrive() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut stream = PacketStream::new(server);
        let sent = b"\xc0\x00\x32\x07\x00\x01t\x00\x09hi\xc0\x00";
        let mut packets = Vec::new();
        for byte in sent {
            client.write_all(&[*byte]).await.unwrap();
            assert!(stream.fill().await.unwrap());
            while let Some(range) = stream.next_packet(1024).unwrap() {
                packets.push(stream.bytes(range).to_vec());
            }
        }
        assert_eq!(packets, [&sent[..2], &sent[2..11], &sent[11..]]);
        drop(client);
        assert!(!stream.fill().await.unwrap(), "closed");
    }

    #[tokio::test]
    async fn an_announced_packet_over_the_bound_is_refused_before_it_arrives() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut stream = PacketStream::new(server);
        client.write_all(&[0x30, 0xff, 0xff, 0x7f]).await.unwrap();
        assert!(stream.fill().await.unwrap());
        assert!(matches!(stream.next_packet(1024), Err(FrameError::TooLong { .. })));
    }
}
