//! Bytes in and out at the same time, over any byte stream, with buffers only while there is something in them.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use roadstead_front_transport::ReadBuffer;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::limits;

/// A connection as bytes.
#[derive(Debug)]
pub(crate) struct ByteStream<S> {
    io: S,
    input: ReadBuffer,
    /// What is to be sent, behind what was.
    out: Vec<u8>,
    sent: usize,
    /// Bytes were written and not flushed.
    unflushed: bool,
}

/// What a turn brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moved {
    pub(crate) read: bool,
    pub(crate) wrote: bool,
    /// The peer will send no more.
    pub(crate) closed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    pub(crate) fn new(io: S) -> Self {
        Self { io, input: ReadBuffer::default(), out: Vec::new(), sent: 0, unflushed: false }
    }

    /// The unread bytes, and the buffer that answers go into.
    pub(crate) fn parts(&mut self) -> (&[u8], &mut Vec<u8>) {
        (self.input.unread(), &mut self.out)
    }

    /// Takes note that so many of the unread bytes are done with.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.input.consume(bytes);
    }

    /// What is to be sent.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        if self.sent > 0 && self.sent >= self.out.len() / 2 {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
        &mut self.out
    }

    /// Bytes that wait to be sent.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Sends what waits and, if asked to, reads; returns when either came about. Safe to drop while pending.
    pub(crate) async fn turn(&mut self, reads: bool) -> io::Result<Moved> {
        poll_fn(|cx| {
            let mut moved = Moved { wrote: self.poll_send(cx)?, ..Moved::default() };
            if reads && let Poll::Ready(read) = self.input.poll_fill(&mut self.io, cx)? {
                moved.read = read > 0;
                moved.closed = read == 0;
            }
            if moved == Moved::default() { Poll::Pending } else { Poll::Ready(Ok(moved)) }
        })
        .await
    }

    /// Sends all that waits.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        while self.waiting() > 0 || self.unflushed {
            self.turn(false).await?;
        }
        Ok(())
    }

    /// Ends the stream in an orderly way (TLS close-notify, then FIN), and reads on until the peer ends it, too: what it sent
    /// before it knew would else be answered with a reset, which takes the last words from it.
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await?;
        loop {
            let unread = self.input.unread().len();
            self.input.consume(unread);
            if poll_fn(|cx| self.input.poll_fill(&mut self.io, cx)).await? == 0 {
                return Ok(());
            }
        }
    }

    /// Sends what can be sent now; whether any was, or a flush came to its end.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut moved = false;
        while self.sent < self.out.len() {
            match Pin::new(&mut self.io).poll_write(cx, &self.out[self.sent..])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    self.sent += written;
                    (moved, self.unflushed) = (true, true);
                }
                Poll::Pending => return Ok(moved),
            }
        }
        self.out.clear();
        self.sent = 0;
        if self.out.capacity() > limits::WRITE_BUFFER_BYTES_KEPT && !moved {
            self.out = Vec::new();
        }
        if self.unflushed && Pin::new(&mut self.io).poll_flush(cx)?.is_ready() {
            (moved, self.unflushed) = (true, false);
        }
        Ok(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn both_ways_at_once() {
        let (mut client, server) = tokio::io::duplex(8);
        let mut stream = ByteStream::new(server);
        stream.out().extend(b"0123456789abcdef");
        let moved = stream.turn(true).await.unwrap();
        assert_eq!((moved, stream.waiting()), (Moved { wrote: true, ..Moved::default() }, 8));
        assert!(stream.turn(true).now_or_never().is_none(), "the peer reads nothing and says nothing");
        client.write_all(b"hi").await.unwrap();
        let moved = stream.turn(true).await.unwrap();
        assert_eq!((moved, stream.parts().0), (Moved { read: true, ..Moved::default() }, &b"hi"[..]));
        stream.consume(1);
        stream.out().extend(b"gh");
        let mut got = [0; 18];
        let (read, flushed) = tokio::join!(client.read_exact(&mut got), stream.flush());
        assert_eq!((read.unwrap(), flushed.unwrap(), &got), (18, (), b"0123456789abcdefgh"));
        assert_eq!(stream.parts().0, b"i");
        drop(client);
        assert!(stream.turn(true).await.unwrap().closed);
    }

    #[tokio::test]
    async fn an_idle_stream_holds_no_buffer() {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let mut stream = ByteStream::new(server);
        client.write_all(b"hello").await.unwrap();
        stream.out().resize(32 * 1024, 7);
        while stream.turn(true).now_or_never().is_some() {
            let unread = stream.parts().0.len();
            stream.consume(unread);
        }
        assert_eq!((stream.input.capacity(), stream.out.capacity()), (0, 0));
    }
}
