//! A connection in memory, and answers read from it.

use roadstead_front_http::{Caller, HttpFront};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::oneshot,
    task::JoinHandle,
};

/// How long a test waits for what it expects before it fails.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// The client's end.
pub struct Pipe {
    pub io: DuplexStream,
    pub read: Vec<u8>,
    /// Makes the server drain when used or dropped.
    pub drain: Option<oneshot::Sender<()>>,
    pub served: JoinHandle<()>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names as sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Pipe {
    pub fn open(front: &HttpFront, caller: Caller) -> Self {
        let (io, server) = tokio::io::duplex(16 * 1024);
        let (drain, draining) = oneshot::channel();
        let front = front.clone();
        let served = tokio::spawn(async move {
            let draining = async move { draining.await.unwrap_or(()) };
            front.serve(server, caller, draining).await;
        });
        Self { io, read: Vec::new(), drain: Some(drain), served }
    }

    /// Writes as much as the server takes while its answer comes.
    pub async fn ask(&mut self, request: &[u8]) -> Answer {
        let (mut reader, mut writer) = tokio::io::split(&mut self.io);
        let write = async {
            let _ = writer.write_all(request).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = answer(&mut reader, &mut self.read) => answer,
            () = write => unreachable!("the writer waits"),
        }
    }

    /// Reads until `text` came, and returns everything up to its end.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            let seen = String::from_utf8_lossy(&self.read).into_owned();
            if let Some(at) = seen.find(text) {
                self.read.drain(..at + text.len());
                return seen[..at + text.len()].to_owned();
            }
            let reading = tokio::time::timeout(PATIENCE, self.io.read_buf(&mut self.read));
            let more = reading.await.unwrap_or_else(|_| panic!("waited in vain for {text:?}: {seen}")).unwrap();
            assert!(more > 0, "the connection ended without {text:?}: {seen}");
        }
    }

    /// Reads to the end of the connection.
    pub async fn rest(mut self) -> String {
        self.io.read_to_end(&mut self.read).await.unwrap();
        self.served.await.unwrap();
        String::from_utf8(self.read).unwrap()
    }
}

async fn answer(reader: &mut (impl AsyncReadExt + Unpin), read: &mut Vec<u8>) -> Answer {
    let head_end = loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        assert!(reader.read_buf(read).await.unwrap() > 0, "no answer: {:?}", String::from_utf8_lossy(read));
    };
    let head = String::from_utf8(read.drain(..head_end).collect()).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().unwrap().strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
    let split = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
    let mut answer = Answer { status, headers: lines.map(split).collect(), body: Vec::new() };
    let len = answer.header("content-length").map_or(0, |len| len.parse().unwrap());
    while read.len() < len {
        assert!(reader.read_buf(read).await.unwrap() > 0, "half an answer: {answer:?}");
    }
    answer.body = read.drain(..len).collect();
    answer
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"), "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Status and JSON of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// Status, name and text of a hub's refusal, whose body and header must agree.
    pub fn hub_refusal(&self) -> (u16, String, String) {
        let body = self.json();
        let (code, text) = body["Message"].as_str().unwrap().split_once(';').unwrap();
        let name = code.strip_prefix("ErrorCode:").unwrap();
        assert_eq!(self.header("iothub-errorcode"), Some(name));
        assert!(body["ExceptionMessage"].as_str().unwrap().starts_with("Tracking ID:"), "{body}");
        (self.status, name.to_owned(), text.to_owned())
    }

    /// Code and text of DPS's refusal, whose body, status and headers must agree.
    pub fn dps_refusal(&self) -> (u32, String) {
        let body = self.json();
        let code = u32::try_from(body["errorCode"].as_u64().unwrap()).unwrap();
        assert_eq!(u32::from(self.status), code / 1000, "{body}");
        assert_eq!(self.header("x-ms-error-code"), Some(code.to_string().as_str()));
        assert_eq!(self.header("x-ms-request-id"), body["trackingId"].as_str());
        (code, body["message"].as_str().unwrap().to_owned())
    }
}
