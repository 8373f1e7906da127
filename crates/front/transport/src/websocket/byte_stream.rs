//! The bytes within a WebSocket's binary frames. Where one frame ends means nothing.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use crate::limits::{WEBSOCKET_FRAME_BYTES_MAX, WEBSOCKET_MESSAGE_BYTES_MAX};

/// The server's end of a WebSocket as a stream of bytes. Each write is sent at once, as one frame; pings are answered while
/// reading; a text frame or a message over its bound closes the connection with the code for it, and reading fails.
pub struct ByteStream<S> {
    socket: WebSocketStream<S>,
    unread: Bytes,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    /// Over a connection on which the handshake is done: [`super::accept`].
    pub async fn new(io: S) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_write_buffer_size(4 * WEBSOCKET_FRAME_BYTES_MAX)
            .max_message_size(Some(WEBSOCKET_MESSAGE_BYTES_MAX))
            .max_frame_size(Some(WEBSOCKET_MESSAGE_BYTES_MAX));
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        Self { socket, unread: Bytes::new() }
    }

    /// Says why, as far as that can be said at once, and fails.
    fn refuse(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &'static str) -> io::Error {
        let frame = CloseFrame { code, reason: reason.into() };
        if self.socket.start_send_unpin(Message::Close(Some(frame))).is_ok() {
            let _ = self.socket.poll_flush_unpin(cx);
        }
        io::Error::new(io::ErrorKind::InvalidData, reason)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByteStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unread.is_empty() {
            match ready!(this.socket.poll_next_unpin(cx)) {
                Some(Ok(Message::Binary(bytes))) => this.unread = bytes,
                Some(Ok(Message::Text(_))) => {
                    return Poll::Ready(Err(this.refuse(cx, CloseCode::Unsupported, "text frames are not taken")));
                }
                // The library answers pings, and a close with a close; after that, there is nothing more.
                Some(Ok(_)) => {}
                Some(Err(Error::Capacity(_))) => {
                    return Poll::Ready(Err(this.refuse(cx, CloseCode::Size, "the message is too long")));
                }
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
            }
        }
        let len = this.unread.len().min(buffer.remaining());
        buffer.put_slice(&this.unread[..len]);
        this.unread.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ByteStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let len = bytes.len().min(WEBSOCKET_FRAME_BYTES_MAX);
        if len == 0 {
            return Poll::Ready(Ok(0));
        }
        ready!(this.socket.poll_ready_unpin(cx)).map_err(io_error)?;
        let frame = Message::Binary(Bytes::copy_from_slice(&bytes[..len]));
        this.socket.start_send_unpin(frame).map_err(io_error)?;
        // The frame is taken whether or not all of it could be sent: the rest goes with the next write or flush.
        if let Poll::Ready(Err(error)) = this.socket.poll_flush_unpin(cx) {
            return Poll::Ready(Err(io_error(error)));
        }
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket.poll_flush_unpin(cx).map_err(io_error)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.get_mut().socket.poll_close_unpin(cx)) {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(io_error(error))),
        }
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::BrokenPipe.into(),
        Error::Protocol(tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            io::ErrorKind::ConnectionReset.into()
        }
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}
