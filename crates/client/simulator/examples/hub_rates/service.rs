//! A back end's HTTPS connection.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use crate::hub::Hub;

pub struct Service {
    io: TlsStream<TcpStream>,
    host: String,
    token: String,
}

impl Service {
    pub async fn of(hub: &Hub) -> Self {
        Self { io: hub.dial(hub.https).await, host: hub.host.clone(), token: hub.token("") }
    }

    /// Sends `METHOD /path`, whole header lines and a body; returns the answer's status.
    pub async fn ask(&mut self, line: &str, headers: &str, body: &str) -> u16 {
        let Self { io, host, token } = self;
        let length = body.len();
        let request = format!(
            "{line}?api-version=2021-04-12 HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        io.write_all(request.as_bytes()).await.unwrap();
        io.flush().await.unwrap(); // a TLS stream may keep what it has taken
        let mut answer = Vec::new();
        loop {
            assert!(io.read_buf(&mut answer).await.unwrap() > 0, "the server closed the connection");
            let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if answer.len() >= head + 4 + length.unwrap_or(0) {
                return text.split(' ').nth(1).unwrap().parse().unwrap();
            }
        }
    }
}
