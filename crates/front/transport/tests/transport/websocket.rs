use std::io::ErrorKind;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use roadstead_front_transport::{Conn, Peer, limits, websocket::ByteStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

type Client = WebSocketStream<DuplexStream>;

/// A client and the server's end, with so many bytes between them.
async fn pair(bytes: usize) -> (Client, Conn) {
    let (near, far) = duplex(bytes);
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let client = WebSocketStream::from_raw_socket(near, Role::Client, Some(config)).await;
    (client, Conn::over(ByteStream::new(far).await, Peer::bare("127.0.0.1:1".parse().unwrap())))
}

fn binary(bytes: &[u8]) -> Message {
    Message::Binary(Bytes::copy_from_slice(bytes))
}

#[tokio::test]
async fn frames_are_a_stream_of_bytes() {
    let (mut client, mut conn) = pair(1024).await;
    for frame in [&b"ab"[..], b"", b"cdef", b"g"] {
        client.send(binary(frame)).await.unwrap();
    }
    let mut read = [0; 3];
    conn.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"abc");
    let mut read = [0; 4];
    conn.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"defg");
    conn.write_all(b"answer").await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), binary(b"answer"));
}

#[tokio::test]
async fn long_writes_wait_for_the_reader() {
    let (mut client, mut conn) = pair(64).await;
    let sent: Vec<u8> = (0..=255).cycle().take(3 * limits::WEBSOCKET_FRAME_BYTES_MAX + 1).collect();
    let expected = sent.clone();
    let writing = tokio::spawn(async move {
        conn.write_all(&sent).await.unwrap();
        conn.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    while let Some(Ok(Message::Binary(bytes))) = client.next().await {
        assert!(bytes.len() <= limits::WEBSOCKET_FRAME_BYTES_MAX);
        received.extend_from_slice(&bytes);
    }
    assert_eq!(received, expected);
    writing.await.unwrap();
}

#[tokio::test]
async fn pings_are_answered_and_a_close_is_the_end() {
    let (mut client, mut conn) = pair(1024).await;
    let reading = tokio::spawn(async move { conn.read_to_end(&mut Vec::new()).await });
    client.send(Message::Ping(Bytes::from_static(b"1"))).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"1")));
    client.close(None).await.unwrap();
    assert!(matches!(client.next().await, Some(Ok(Message::Close(_)))));
    assert_eq!(reading.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_client_that_vanishes_is_an_error() {
    let (client, mut conn) = pair(1024).await;
    drop(client);
    let error = conn.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn text_and_long_messages_are_refused_with_their_code() {
    let long = vec![0; limits::WEBSOCKET_MESSAGE_BYTES_MAX + 1];
    for (message, code) in [(Message::text("hi"), CloseCode::Unsupported), (binary(&long), CloseCode::Size)] {
        let (mut client, mut conn) = pair(4 * 1024 * 1024).await;
        client.send(message).await.unwrap();
        let error = conn.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let Some(Ok(Message::Close(Some(close)))) = client.next().await else { panic!("no close") };
        assert_eq!(close.code, code);
    }
    let (mut client, mut conn) = pair(4 * 1024 * 1024).await;
    client.send(binary(&long[1..])).await.unwrap();
    let mut read = vec![1; long.len() - 1];
    conn.read_exact(&mut read).await.unwrap();
    assert_eq!(read, long[1..]);
}
