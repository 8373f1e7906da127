use std::{io::ErrorKind, time::Duration};

use roadstead_front_transport::{Capacity, Drain, Listener};
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

#[tokio::test]
async fn without_tls_bytes_come_as_they_are_and_from_this_machine_only() {
    let capacity = Capacity::new(1, 1);
    let open = |address: &str| Listener::bind_plain("plain", address.parse().unwrap(), capacity.clone());
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.7:0"] {
        let refusal = open(address).err().unwrap();
        assert_eq!(refusal.kind(), ErrorKind::InvalidInput, "{address}");
        assert!(refusal.to_string().contains("is not a loopback address"), "{refusal}");
    }
    let listener = open("127.0.0.1:0").unwrap();
    let (address, drain) = (listener.local_address().unwrap(), Drain::new());
    let echo = async |mut conn: roadstead_front_transport::Conn| {
        assert_eq!((conn.peer().address.ip().is_loopback(), conn.peer().certificates.len()), (true, 0));
        let mut said = [0; 4];
        conn.read_exact(&mut said).await.unwrap();
        conn.write_all(&said).await.unwrap();
    };
    let serving = tokio::spawn(listener.serve(echo, drain.watch()));
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(b"AMQP").await.unwrap();
    let mut heard = String::new();
    tcp.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "AMQP");
    capacity.emptied().await;
    drain.start();
    serving.await.unwrap();
}
