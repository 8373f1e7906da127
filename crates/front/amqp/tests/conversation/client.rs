//! A client that writes its frames itself.

use roadstead_amqp_proto::{
    AmqpError, Attach, Begin, Close, DeliveryState, Detach, Disposition, Flow, FrameType, Map, Open, Performative,
    Protocol, Role, Source, Target, Transfer, Value, frame,
    frame::first_frame,
    message::{Body, Message, MessageId, MessageWriter, Properties},
};
use roadstead_wire::amqp::{SELECTOR_FILTER, SELECTOR_FILTER_CODE};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

pub struct Client {
    io: DuplexStream,
    input: Vec<u8>,
    /// Deliveries sent.
    sent: u32,
    /// Transfers heard.
    heard: u32,
}

/// A frame that came, and the payload behind it.
pub type Said = (Performative<'static>, Vec<u8>);

/// Handles of the links that [`Client::put_token`] attaches.
pub const CBS: [u32; 2] = [100, 101];

pub fn receiver(name: &str, handle: u32, source: &str) -> Attach {
    Attach {
        source: Some(Source::new(source)),
        target: Some(Target::new("mine")),
        ..Attach::new(name, handle, Role::Receiver)
    }
}

pub fn sender(name: &str, handle: u32, target: &str) -> Attach {
    Attach {
        source: Some(Source::new("mine")),
        target: Some(Target::new(target)),
        ..Attach::new(name, handle, Role::Sender)
    }
}

/// A receiver of a partition, with this filter.
pub fn reader(name: &str, handle: u32, partition: &str, filter: &str) -> Attach {
    let mut attach =
        receiver(name, handle, &format!("amqps://hub1.example/hub1/ConsumerGroups/$Default/Partitions/{partition}"));
    let described = Value::Described(Box::new((Value::Ulong(SELECTOR_FILTER_CODE), Value::string(filter))));
    attach.source.as_mut().unwrap().filter = Map(vec![(Value::symbol(SELECTOR_FILTER), described)]);
    attach
}

pub const FROM_START: &str = "amqp.annotation.x-opt-offset > '-1'";

impl Client {
    /// Bare AMQP: header, open, a session on channel 0.
    pub async fn open(io: DuplexStream, host: &str) -> Self {
        let mut client = Self::new(io);
        client.says(&Protocol::Amqp.bytes()).await;
        assert_eq!(client.hears_bytes(8).await, Protocol::Amqp.bytes());
        client.begin(host).await;
        client
    }

    pub fn new(io: DuplexStream) -> Self {
        Self { io, input: Vec::new(), sent: 0, heard: 0 }
    }

    /// The pipe, for who goes on without this.
    pub fn into_io(self) -> DuplexStream {
        self.io
    }

    pub async fn begin(&mut self, host: &str) {
        let open = Open { hostname: Some(host.into()), ..Open::new("client") };
        self.sends(Performative::Open(Box::new(open)), b"").await;
        assert!(matches!(self.hears().await.0, Performative::Open(_)));
        let begin = Begin {
            remote_channel: None,
            next_outgoing_id: 0,
            incoming_window: 1_000_000,
            outgoing_window: 2048,
            handle_max: 255,
            offered_capabilities: vec![],
            desired_capabilities: vec![],
            properties: Map::default(),
        };
        self.sends(Performative::Begin(Box::new(begin)), b"").await;
        assert!(matches!(self.hears().await.0, Performative::Begin(_)));
    }

    pub async fn says(&mut self, bytes: &[u8]) {
        self.io.write_all(bytes).await.unwrap();
    }

    pub async fn sends(&mut self, performative: Performative<'_>, payload: &[u8]) {
        let mut bytes = Vec::new();
        frame::write(&mut bytes, FrameType::Amqp, 0, |out| {
            performative.encode(out);
            out.extend(payload);
        });
        self.says(&bytes).await;
    }

    pub async fn hears_bytes(&mut self, len: usize) -> Vec<u8> {
        while self.input.len() < len {
            assert!(self.fill().await, "hung up after {:?}", self.input);
        }
        self.input.drain(..len).collect()
    }

    async fn fill(&mut self) -> bool {
        self.io.read_buf(&mut self.input).await.unwrap() > 0
    }

    /// The body of the next frame; `None` when the server hung up.
    pub async fn hears_frame(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some((frame, len)) = first_frame(&self.input, 1 << 20).unwrap() {
                let body = frame.body.to_vec();
                self.input.drain(..len);
                return Some(body);
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The next performative.
    pub async fn hears(&mut self) -> Said {
        self.hears_or_end().await.expect("hung up")
    }

    /// The same; `None` when the server hung up. Signs of life are passed over.
    pub async fn hears_or_end(&mut self) -> Option<Said> {
        loop {
            let body: &'static [u8] = self.hears_frame().await?.leak();
            if body.is_empty() {
                continue;
            }
            let (performative, payload) = Performative::decode(body).unwrap();
            if matches!(performative, Performative::Transfer(_)) {
                self.heard += 1;
            }
            return Some((performative, payload.to_vec()));
        }
    }

    /// Attaches; the answer is an attach. On a link to the server its credit is waited for.
    pub async fn attaches(&mut self, attach: Attach) {
        let sends = attach.role == Role::Sender;
        self.sends(Performative::Attach(Box::new(attach)), b"").await;
        let (answer, _) = self.hears().await;
        assert!(matches!(answer, Performative::Attach(_)), "{answer:?}");
        if sends {
            let (answer, _) = self.hears().await;
            assert!(matches!(&answer, Performative::Flow(flow) if flow.link_credit > Some(0)), "{answer:?}");
        }
    }

    /// Attaches, and is refused.
    pub async fn is_refused(&mut self, attach: Attach) -> AmqpError {
        self.sends(Performative::Attach(Box::new(attach.clone())), b"").await;
        let (answer, _) = self.hears().await;
        let Performative::Attach(answer) = answer else { panic!("{answer:?}") };
        assert!(answer.source.is_some() && answer.target.is_some());
        self.hears_detach(attach.handle).await
    }

    /// The link with this handle of ours is detached, with a reason.
    pub async fn hears_detach(&mut self, handle: u32) -> AmqpError {
        let (answer, _) = self.hears().await;
        let Performative::Detach(detach) = answer else { panic!("{answer:?}") };
        let answer = Detach { handle, closed: true, error: None };
        self.sends(Performative::Detach(answer), b"").await;
        detach.error.expect("a reason")
    }

    /// Lets the server send so many deliveries on a link of which none came yet.
    pub async fn credits(&mut self, handle: u32, delivery_count: u32, credit: u32) {
        let flow = Flow {
            next_incoming_id: Some(self.heard.wrapping_add(1)),
            incoming_window: 1_000_000,
            outgoing_window: 2048,
            handle: Some(handle),
            delivery_count: Some(delivery_count),
            link_credit: Some(credit),
            ..Flow::default()
        };
        self.sends(Performative::Flow(flow), b"").await;
    }

    /// Sends a message, and says what became of it.
    pub async fn asks(&mut self, handle: u32, message: &[u8]) -> DeliveryState {
        self.transfers(handle, message).await;
        loop {
            let (said, _) = self.hears().await;
            if let Performative::Disposition(Disposition { settled, state, .. }) = said {
                assert!(settled);
                return state.unwrap();
            }
        }
    }

    /// Sends a message; tells its number.
    pub async fn transfers(&mut self, handle: u32, message: &[u8]) -> u32 {
        self.transfers_as(handle, 0, false, message).await
    }

    /// Sends a message of some format, settled or not; tells its number.
    pub async fn transfers_as(&mut self, handle: u32, format: u32, settled: bool, message: &[u8]) -> u32 {
        let (id, tag) = (self.sent, self.sent.to_be_bytes());
        self.sent += 1;
        let pieces: Vec<&[u8]> = if message.is_empty() { vec![b""] } else { message.chunks(60_000).collect() };
        for (at, piece) in pieces.iter().enumerate() {
            let transfer = Transfer {
                handle,
                delivery_id: Some(id),
                delivery_tag: Some(&tag),
                message_format: Some(format),
                settled: Some(settled),
                more: at + 1 < pieces.len(),
                ..Transfer::default()
            };
            self.sends(Performative::Transfer(transfer), piece).await;
        }
        id
    }

    /// The next delivery: its number, tag and message. Flows and dispositions are passed over.
    pub async fn hears_message(&mut self) -> (u32, Vec<u8>, Vec<u8>) {
        let (mut first, mut message) = (None, Vec::new());
        loop {
            let (said, payload) = self.hears().await;
            match said {
                Performative::Transfer(transfer) => {
                    message.extend(payload);
                    let first = first.get_or_insert((transfer.delivery_id, transfer.delivery_tag));
                    if !transfer.more {
                        return (first.0.unwrap(), first.1.unwrap().to_vec(), message);
                    }
                }
                Performative::Flow(_) | Performative::Disposition(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The answer to a request, which is accepted.
    pub async fn hears_answer(&mut self) -> Vec<u8> {
        let (_, _, answer) = self.hears_message().await;
        let (said, _) = self.hears().await;
        let Performative::Disposition(Disposition { settled: true, state: Some(state), .. }) = said else {
            panic!("{said:?}")
        };
        assert_eq!(state, DeliveryState::Accepted);
        answer
    }

    /// The body of the next message, which is data.
    pub async fn hears_body(&mut self) -> Vec<u8> {
        let (_, _, message) = self.hears_message().await;
        body(&message)
    }

    /// Says what became of a delivery.
    pub async fn settles(&mut self, id: u32, settled: bool, state: DeliveryState) {
        let disposition =
            Disposition { role: Role::Receiver, first: id, last: None, settled, state: Some(state), batchable: false };
        self.sends(Performative::Disposition(disposition), b"").await;
    }

    /// Puts a token, on links attached for that; tells status and description.
    pub async fn put_token(&mut self, token: &str) -> (i32, String) {
        self.attaches_cbs().await;
        self.renews_token(token).await
    }

    pub async fn attaches_cbs(&mut self) {
        let [ask, hear] = CBS;
        self.attaches(sender("cbs-sender", ask, "$cbs")).await;
        self.attaches(receiver("cbs-receiver", hear, "$cbs")).await;
        self.credits(hear, 0, 10_000).await;
    }

    /// Puts another on the same links.
    pub async fn renews_token(&mut self, token: &str) -> (i32, String) {
        self.puts("servicebus.windows.net:sastoken", token).await
    }

    /// Puts a token of this type on the same links.
    pub async fn puts(&mut self, token_type: &str, token: &str) -> (i32, String) {
        let id = MessageId::Ulong(0);
        let properties = [("operation", "put-token"), ("type", token_type)];
        self.transfers(CBS[0], &request(id, &properties, Some(token))).await;
        let answer = self.hears_answer().await;
        status(&answer, id)
    }

    pub async fn closes(mut self) {
        self.sends(Performative::Close(Close { error: None }), b"").await;
        while let Some((said, _)) = self.hears_or_end().await {
            if let Performative::Close(close) = said {
                assert_eq!(close.error, None);
                assert!(self.hears_or_end().await.is_none());
                return;
            }
        }
        panic!("no close");
    }
}

pub fn request(id: MessageId<'_>, properties: &[(&str, &str)], body: Option<&str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut message = MessageWriter::new(&mut bytes);
    message.properties(&Properties { message_id: Some(id), ..Properties::default() });
    message.application_properties(|map| {
        for (name, value) in properties {
            map.string(name, value);
        }
    });
    message.value(&body.map_or(Value::Null, Value::string));
    bytes
}

/// Status and description of an answer, which names the request by an id of the same type.
pub fn status(answer: &[u8], id: MessageId<'_>) -> (i32, String) {
    let message = Message::decode(answer).unwrap();
    assert_eq!(message.properties.correlation_id, Some(id));
    let properties = message.application_properties;
    let Some(roadstead_amqp_proto::ValueRef::Int(code)) = properties.find("status-code") else {
        panic!("{properties:?}")
    };
    let description = properties.find("status-description").unwrap().as_text().unwrap().to_owned();
    (code, description)
}

pub fn body(message: &[u8]) -> Vec<u8> {
    let message = Message::decode(message).unwrap();
    let Body::Data(data) = message.body else { panic!("{:?}", message.body) };
    data.single().unwrap().to_vec()
}
