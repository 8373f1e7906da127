//! Bytes that came and are not done with, in buffers that idle connections share.

use std::{
    cell::RefCell,
    io,
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::limits;

thread_local! {
    /// Buffers not in use. A connection borrows one while bytes of it are unread, so that ten thousand idle connections
    /// need a handful of buffers.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// What a connection read. It grows until what is not done with fits, so whoever reads must bound that.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    /// Zeroed bytes to read into; the unread ones are `start..end`. Empty while idle.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    /// The bytes that are not done with.
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Takes note that so many of the unread bytes are done with, and tells where they are, for [`ReadBuffer::at`].
    pub fn consume(&mut self, len: usize) -> Range<usize> {
        let from = self.start;
        self.start = (from + len).min(self.end);
        from..self.start
    }

    /// Bytes that are done with; good until more is read.
    pub fn at(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Bytes of memory that it holds now.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Reads more, and tells how much; 0 when the peer will send no more. While nothing comes and nothing is unread, no memory
    /// is held.
    pub fn poll_fill<S: AsyncRead + Unpin>(&mut self, io: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.make_room();
        let mut free = ReadBuf::new(&mut self.bytes[self.end..]);
        match Pin::new(io).poll_read(cx, &mut free) {
            Poll::Ready(outcome) => {
                let read = free.filled().len();
                self.end += read;
                Poll::Ready(outcome.map(|()| read))
            }
            Poll::Pending => {
                self.release();
                Poll::Pending
            }
        }
    }

    /// Moves what is unread to the front and sees to it that a useful piece of the buffer is free.
    fn make_room(&mut self) {
        if self.bytes.is_empty() {
            let spare = SPARE.with_borrow_mut(Vec::pop);
            self.bytes = spare.unwrap_or_else(|| vec![0; limits::READ_BUFFER_BYTES]);
        } else if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.bytes.len() - self.end < limits::READ_FREE_BYTES_MIN {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
    }

    /// Gives the buffer back when nothing in it is unread.
    fn release(&mut self) {
        if self.start != self.end {
            return;
        }
        (self.start, self.end) = (0, 0);
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.len() == limits::READ_BUFFER_BYTES {
            SPARE.with_borrow_mut(|spare| {
                if spare.len() < limits::SPARE_BUFFERS_MAX {
                    spare.push(bytes);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;
    use tokio::io::{AsyncWriteExt, DuplexStream};

    use super::*;

    async fn fill(buffer: &mut ReadBuffer, io: &mut DuplexStream) -> usize {
        poll_fn(|cx| buffer.poll_fill(io, cx)).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_consumed_stays_until_more_is_read() {
        let (mut client, mut server) = tokio::io::duplex(64);
        let mut buffer = ReadBuffer::default();
        client.write_all(b"abcdef").await.unwrap();
        assert_eq!(fill(&mut buffer, &mut server).await, 6);
        let (first, second) = (buffer.consume(2), buffer.consume(1));
        assert_eq!((buffer.at(first), buffer.at(second), buffer.unread()), (&b"ab"[..], &b"c"[..], &b"def"[..]));
        client.write_all(b"gh").await.unwrap();
        assert_eq!((fill(&mut buffer, &mut server).await, buffer.unread()), (2, &b"defgh"[..]));
        assert_eq!(buffer.consume(100).len(), 5, "no more than there is");
        drop(client);
        assert_eq!(fill(&mut buffer, &mut server).await, 0);
    }

    #[tokio::test]
    async fn it_grows_with_what_is_unread_and_holds_nothing_while_idle() {
        let len = 3 * limits::READ_BUFFER_BYTES;
        let (mut client, mut server) = tokio::io::duplex(len);
        let mut buffer = ReadBuffer::default();
        client.write_all(&vec![7; len]).await.unwrap();
        while buffer.unread().len() < len {
            fill(&mut buffer, &mut server).await;
        }
        assert!(fill(&mut buffer, &mut server).now_or_never().is_none());
        assert!(buffer.capacity() >= len, "what is unread is kept");
        buffer.consume(len);
        assert!(fill(&mut buffer, &mut server).now_or_never().is_none());
        assert_eq!(buffer.capacity(), 0);
        client.write_all(b"x").await.unwrap();
        fill(&mut buffer, &mut server).await;
        assert_eq!((buffer.unread(), buffer.capacity()), (&b"x"[..], limits::READ_BUFFER_BYTES));
    }
}
