use std::{io::ErrorKind, time::Duration};

use roadstead_front_transport::Capacity;
use rustls::version::TLS13;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::rig::{client, connect, serve, serve_freely};

/// Whether the server hung up: by an orderly end or a reset, and with nothing but a TLS alert before.
async fn is_hung_up_on(mut tcp: TcpStream) -> bool {
    let mut said = Vec::new();
    match tcp.read_to_end(&mut said).await {
        Ok(_) => said.len() < 16,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[tokio::test]
async fn who_does_not_finish_the_handshake_is_hung_up_on() {
    let mut server = serve(Capacity::new(10, 10), Duration::from_millis(50));
    let silent = TcpStream::connect(server.address).await.unwrap();
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"\x16\x03\x01\x02").await.unwrap();
    let mut wrong = TcpStream::connect(server.address).await.unwrap();
    wrong.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    for tcp in [silent, slow, wrong] {
        assert!(is_hung_up_on(tcp).await);
    }
    server.capacity.emptied().await;
    assert!(server.peers.try_recv().is_err(), "nobody got in");
}

#[tokio::test]
async fn who_is_silent_takes_no_turn_from_others() {
    let server = serve(Capacity::new(10, 1), Duration::from_mins(1));
    let silent = TcpStream::connect(server.address).await.unwrap();
    connect(&client(&TLS13, None), &server, "localhost").await.unwrap();
    drop(silent);
}

#[tokio::test]
async fn beyond_capacity_connections_are_closed() {
    let server = serve(Capacity::new(1, 1), Duration::from_mins(1));
    let client = client(&TLS13, None);
    let first = connect(&client, &server, "localhost").await.unwrap();
    assert_eq!(server.capacity.connections(), 1);
    assert!(connect(&client, &server, "localhost").await.is_err());
    drop(first);
    server.capacity.emptied().await;
    connect(&client, &server, "localhost").await.unwrap();
}

#[tokio::test]
async fn draining_closes_the_port_and_leaves_connections_alone() {
    let server = serve_freely();
    let client = client(&TLS13, None);
    let mut stream = connect(&client, &server, "localhost").await.unwrap();
    server.drain.start();
    server.serving.await.unwrap();
    assert_eq!(TcpStream::connect(server.address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(server.capacity.connections(), 1);
    stream.shutdown().await.unwrap();
    server.capacity.emptied().await;
}
