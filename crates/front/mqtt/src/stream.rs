//! Packets out of bytes and back, over any byte stream, with buffers only while there is something in them.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use roadstead_mqtt_proto::{FrameError, frame};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits;

thread_local! {
    /// Read buffers not in use. A connection borrows one while bytes of it are unread, so that ten thousand idle
    /// connections need a handful of buffers.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A connection as packets.
#[derive(Debug)]
pub(crate) struct PacketStream<S> {
    io: S,
    /// Zeroed bytes to read into; the unread ones are `start..end`. Empty while idle.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// What is to be sent with the next flush.
    pub(crate) out: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> PacketStream<S> {
    pub(crate) fn new(io: S) -> Self {
        Self { io, input: Vec::new(), start: 0, end: 0, out: Vec::new() }
    }

    /// The next whole packet among the bytes read, by its place in [`PacketStream::bytes`].
    /// Errors: the header announces more than `packet_bytes_max`, or is no header.
    pub(crate) fn next_packet(
        &mut self,
        packet_bytes_max: usize,
    ) -> Result<Option<std::ops::Range<usize>>, FrameError> {
        let unread = &self.input[self.start..self.end];
        let Some(len) = frame::first_packet_len(unread, packet_bytes_max)? else { return Ok(None) };
        let range = self.start..self.start + len;
        self.start += len;
        Ok(Some(range))
    }

    /// The first byte of a packet that is not whole yet.
    pub(crate) fn first_unread(&self) -> Option<u8> {
        self.input[self.start..self.end].first().copied()
    }

    /// The bytes a packet was found at; valid until the next [`PacketStream::fill`].
    pub(crate) fn bytes(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.input[range]
    }

    /// Both halves at once: a packet's bytes and the buffer its answer goes into.
    pub(crate) fn bytes_and_out(&mut self, range: std::ops::Range<usize>) -> (&[u8], &mut Vec<u8>) {
        (&self.input[range], &mut self.out)
    }

    /// Waits for more bytes. `false`: the peer closed. Safe to drop while pending.
    pub(crate) async fn fill(&mut self) -> io::Result<bool> {
        poll_fn(|cx| self.poll_fill(cx)).await
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        self.make_room();
        let mut free = ReadBuf::new(&mut self.input[self.end..]);
        match Pin::new(&mut self.io).poll_read(cx, &mut free) {
            Poll::Ready(outcome) => {
                let read = free.filled().len();
                self.end += read;
                Poll::Ready(outcome.map(|()| read > 0))
            }
            Poll::Pending => {
                self.release();
                Poll::Pending
            }
        }
    }

    /// Moves what is unread to the front and sees to it that a useful piece of the buffer is free.
    fn make_room(&mut self) {
        if self.input.is_empty() {
            let spare = SPARE.with_borrow_mut(Vec::pop);
            self.input = spare.unwrap_or_else(|| vec![0; limits::READ_BUFFER_BYTES]);
        } else if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.input.len() - self.end < limits::READ_FREE_BYTES_MIN {
            self.input.resize(self.input.len() * 2, 0);
        }
    }

    /// Gives the buffer back when nothing in it is unread.
    fn release(&mut self) {
        if self.start != self.end {
            return;
        }
        (self.start, self.end) = (0, 0);
        let input = std::mem::take(&mut self.input);
        if input.len() == limits::READ_BUFFER_BYTES {
            SPARE.with_borrow_mut(|spare| {
                if spare.len() < limits::SPARE_BUFFERS_MAX {
                    spare.push(input);
                }
            });
        }
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
    async fn an_idle_stream_holds_no_buffer() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut stream = PacketStream::new(server);
        client.write_all(b"\xc0\x00").await.unwrap();
        assert!(stream.fill().await.unwrap());
        assert!(stream.next_packet(16).unwrap().is_some());
        assert!(futures_util::FutureExt::now_or_never(stream.fill()).is_none());
        assert_eq!(stream.input.capacity(), 0);
    }

    #[test]
    fn an_announced_packet_over_the_bound_is_refused_before_it_arrives() {
        let mut stream = PacketStream::new(tokio::io::empty());
        stream.input = vec![0x30, 0xff, 0xff, 0x7f, 0];
        stream.end = 4;
        assert!(matches!(stream.next_packet(1024), Err(FrameError::TooLong { .. })));
    }
}
