//! An AMQP connection with one session, of a device or a back end.

use roadstead_amqp_proto::{
    Begin, FrameType, Map, Open, Performative, Protocol, frame,
    frame::first_frame,
    sasl::{SaslInit, SaslRequest},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use crate::hub::Hub;

const FRAME_BYTES_MAX: usize = 1 << 20;

pub struct Line {
    io: TlsStream<TcpStream>,
    input: Vec<u8>,
    out: Vec<u8>,
}

impl Line {
    /// Logs in with SASL PLAIN.
    pub async fn connect(hub: &Hub, user: &str, token: &str) -> Self {
        let mut line = Self { io: hub.dial(hub.amqp).await, input: Vec::new(), out: Vec::new() };
        let password = format!("\0{user}\0{token}");
        let init =
            SaslInit { mechanism: "PLAIN", initial_response: Some(password.as_bytes()), hostname: Some(&hub.host) };
        line.out.extend(Protocol::Sasl.bytes());
        SaslRequest::Init(init).write(&mut line.out);
        line.header(Protocol::Sasl).await;
        line.frame().await; // the mechanisms
        line.frame().await; // the outcome
        line.out.extend(Protocol::Amqp.bytes());
        line.say(
            &Performative::Open(Box::new(Open { hostname: Some(hub.host.as_str().into()), ..Open::new("rates") })),
            b"",
        );
        let begin = Begin {
            remote_channel: None,
            next_outgoing_id: 0,
            incoming_window: u32::MAX / 2,
            outgoing_window: u32::MAX / 2,
            handle_max: 255,
            offered_capabilities: vec![],
            desired_capabilities: vec![],
            properties: Map::default(),
        };
        line.say(&Performative::Begin(Box::new(begin)), b"");
        line.header(Protocol::Amqp).await;
        line.hear(|said| matches!(said, Performative::Begin(_)).then_some(())).await;
        line
    }

    async fn header(&mut self, protocol: Protocol) {
        self.flush().await;
        while self.input.len() < Protocol::BYTES {
            self.fill().await;
        }
        let header: Vec<u8> = self.input.drain(..Protocol::BYTES).collect();
        assert_eq!(header, protocol.bytes());
    }

    async fn fill(&mut self) {
        assert!(self.io.read_buf(&mut self.input).await.unwrap() > 0, "the hub closed the connection");
    }

    async fn frame(&mut self) {
        loop {
            if let Some((_, len)) = first_frame(&self.input, FRAME_BYTES_MAX).unwrap() {
                self.input.drain(..len);
                return;
            }
            self.fill().await;
        }
    }

    pub fn say(&mut self, performative: &Performative<'_>, payload: &[u8]) {
        frame::write(&mut self.out, FrameType::Amqp, 0, |out| {
            performative.encode(out);
            out.extend_from_slice(payload);
        });
    }

    pub async fn flush(&mut self) {
        self.io.write_all(&self.out).await.unwrap();
        self.io.flush().await.unwrap(); // a TLS stream may keep what it has taken
        self.out.clear();
    }

    /// Sends what is to be sent, reads at least once, and hands out every frame that is whole then.
    pub async fn turn(&mut self, mut heard: impl FnMut(Performative<'_>)) {
        self.flush().await;
        self.fill().await;
        let mut at = 0;
        while let Some((frame, len)) = first_frame(&self.input[at..], FRAME_BYTES_MAX).unwrap() {
            if !frame.body.is_empty() {
                heard(Performative::decode(frame.body).unwrap().0);
            }
            at += len;
        }
        self.input.drain(..at);
    }

    /// Turns until something that was heard yields an answer.
    pub async fn hear<T>(&mut self, mut answer: impl FnMut(Performative<'_>) -> Option<T>) -> T {
        let mut found = None;
        while found.is_none() {
            self.turn(|said| {
                assert!(!matches!(said, Performative::Detach(_) | Performative::Close(_)), "refused: {said:?}");
                found = found.take().or_else(|| answer(said));
            })
            .await;
        }
        found.unwrap()
    }
}
